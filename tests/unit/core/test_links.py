"""The two wires: which model connection speaks for the call."""

from __future__ import annotations

from vivavoce.core.links import Link, LinkMove, ModelLinks, link


def test_a_wire_begins_opening() -> None:
    assert link().state is Link.OPENING


def test_before_the_first_connection_there_is_none() -> None:
    models = ModelLinks()
    assert (models.current, models.model, models.state, models.live) == (0, -1, Link.GONE, False)
    assert not any(models.can(move) for move in LinkMove)


def test_connections_count_from_one_and_models_go_in_order() -> None:
    models = ModelLinks()
    assert [(models.open_next(), models.model) for _ in range(3)] == [(1, 0), (2, 1), (3, 2)]


def test_a_connection_is_live_once_open() -> None:
    models = ModelLinks()
    models.open_next()
    assert (models.state, models.live) == (Link.OPENING, False)
    models.move(LinkMove.OPEN)
    assert (models.state, models.live) == (Link.LIVE, True)
    assert (models.can(LinkMove.OPEN), models.can(LinkMove.LOSE)) == (False, True)
    models.move(LinkMove.LOSE)
    assert (models.state, models.live) == (Link.GONE, False)


def test_moves_concern_the_current_connection_only() -> None:
    models = ModelLinks()
    models.open_next()
    models.move(LinkMove.LOSE)
    models.open_next()
    assert (models.current, models.state) == (2, Link.OPENING)
    models.move(LinkMove.OPEN)
    assert models.live
