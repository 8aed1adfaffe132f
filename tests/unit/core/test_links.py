"""The two wires: which model connection speaks for the call."""

from __future__ import annotations

from vivavoce.core.links import Link, LinkMove, ModelLinks, link


def test_a_wire_begins_opening() -> None:
    assert link().state is Link.OPENING


def test_before_the_first_connection_there_is_none() -> None:
    models = ModelLinks()
    assert (models.current, models.model, models.state, models.live) == (0, -1, Link.GONE, False)
    assert not any(models.can(move) for move in LinkMove)


def test_connections_count_from_one_whatever_model_they_are_to() -> None:
    models = ModelLinks()
    assert [(models.open(model), models.model) for model in (0, 0, 1)] == [(1, 0), (2, 0), (3, 1)]


def test_a_connection_is_live_once_open() -> None:
    models = ModelLinks()
    models.open(0)
    assert (models.state, models.live) == (Link.OPENING, False)
    models.move(LinkMove.OPEN)
    assert (models.state, models.live) == (Link.LIVE, True)
    assert (models.can(LinkMove.OPEN), models.can(LinkMove.LOSE)) == (False, True)
    models.move(LinkMove.LOSE)
    assert (models.state, models.live) == (Link.GONE, False)


def test_moves_concern_the_current_connection_only() -> None:
    models = ModelLinks()
    models.open(0)
    models.move(LinkMove.LOSE)
    models.open(0)
    assert (models.current, models.state) == (2, Link.OPENING)
    models.move(LinkMove.OPEN)
    assert models.live


def test_a_spare_does_not_speak_for_the_call_until_it_is_promoted() -> None:
    models = ModelLinks()
    models.open(0)
    models.move(LinkMove.OPEN)
    assert (models.open_spare(0), models.spare, models.spare_state) == (2, 2, Link.OPENING)
    models.move_spare(LinkMove.OPEN)
    assert (models.current, models.spare_state) == (1, Link.LIVE)
    assert models.promote() == 1
    assert (models.current, models.live, models.spare, models.spare_state) == (2, True, 0, Link.GONE)


def test_a_spare_that_is_gone_is_none_and_its_number_is_not_used_again() -> None:
    models = ModelLinks()
    models.open(0)
    models.open_spare(0)
    models.move_spare(LinkMove.LOSE)
    assert (models.spare, models.spare_state, models.spare_can(LinkMove.OPEN)) == (0, Link.GONE, False)
    assert models.open_spare(0) == 3


def test_a_spare_may_be_promoted_while_it_opens() -> None:
    models = ModelLinks()
    models.open(0)
    models.open_spare(0)
    models.promote()
    assert (models.current, models.state) == (2, Link.OPENING)
    models.move(LinkMove.OPEN)
    assert models.live
