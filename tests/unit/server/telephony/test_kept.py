"""What is kept for a carrier is there for a while, and for whoever knows its name."""

from __future__ import annotations

from vivavoce.server.telephony.kept import MOST, Kept


def test_it_is_there_for_a_while() -> None:
    kept = Kept[str](60, lambda name: name + "-w2")
    name = kept.keep("words", 1000)
    assert len(name) == 32 + len("-w2")
    assert kept.look(name, 1059) == "words"
    assert kept.look(name, 1060) is None
    assert kept.look("", 1000) is None
    assert kept.keep("words", 1000) != name


def test_it_can_be_taken_once() -> None:
    kept = Kept[str](60, str)
    name = kept.keep("words", 1000)
    assert kept.take(name, 1001) == "words"
    assert kept.take(name, 1001) is None


def test_the_oldest_goes_when_there_is_too_much_and_what_is_over_goes_anyway() -> None:
    kept = Kept[int](60, str)
    names = [kept.keep(n, 1000) for n in range(MOST + 1)]
    assert kept.look(names[0], 1000) is None
    assert kept.look(names[1], 1000) == 1
    kept.keep(0, 1060)
    assert len(kept._values) == 1
