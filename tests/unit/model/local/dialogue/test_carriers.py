"""What is put around an agent's own words."""

from __future__ import annotations

from vivavoce.model.local.dialogue.carriers import hesitant, rephrased
from vivavoce.model.local.dialogue.names import FIRST_NAMES, LAST_NAMES, full_names


def test_a_request_is_begun_in_other_ways() -> None:
    forms = list(rephrased("i'd like to book a table"))
    assert forms[0] == "i'd like to book a table"
    assert {"can i book a table", "could we book a table"} <= set(forms)
    assert len(forms) == len(set(forms))


def test_what_begins_like_nothing_known_stays_alone() -> None:
    assert list(rephrased("wake me up at {time}")) == ["wake me up at {time}"]


def test_the_longest_beginning_is_replaced() -> None:
    assert "have you got vans" in rephrased("do you have any vans")


def test_a_hesitation_moves_through_the_sentence() -> None:
    assert [hesitant("two nine", turn) for turn in range(3)] == ["um two nine", "two uh nine", "two nine er"]


def test_all_names_come_up() -> None:
    said = {word for name in full_names(300) for word in name.split()}
    assert said == {*FIRST_NAMES, *LAST_NAMES}
