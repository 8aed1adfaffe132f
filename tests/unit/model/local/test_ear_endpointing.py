from __future__ import annotations

from itertools import groupby

import pytest

from vivavoce.model.local.ear_endpointing import WINDOW_SAMPLES, Began, Ended, Endpointer

ALLOWED = 8 * WINDOW_SAMPLES
SPEECH, WEAK, SILENCE = 0.9, 0.4, 0.05
SIGNS = {"#": SPEECH, "~": WEAK, ".": SILENCE}


def turns(windows: str, *, agent_speaking: bool = False, allowed: int = ALLOWED) -> list[tuple[int, Began | Ended]]:
    """What came of windows such as ``"..###...."``: the number of the window after which it was said, and what."""
    endpointer = Endpointer()
    endpointer.agent_speaking = agent_speaking
    moves = [(n, endpointer.window(SIGNS[sign], allowed)) for n, sign in enumerate(windows, 1)]
    return [(n, move) for n, move in moves if move is not None]


def at(window: int) -> int:
    return window * WINDOW_SAMPLES


def test_a_turn_lasts_from_its_first_window_to_its_last_less_the_detectors_lag() -> None:
    said = turns(".." + "#" * 10 + "." * 20)
    assert said == [(5, Began(at(2))), (18, Ended(at(2), at(10)))]


@pytest.mark.parametrize(("agent_speaking", "windows"), [(False, 3), (True, 4)])
def test_a_turn_must_begin_more_clearly_while_the_agent_speaks(agent_speaking: bool, windows: int) -> None:
    assert turns("#" * (windows - 1) + "." * 20, agent_speaking=agent_speaking) == []
    assert turns("#" * windows, agent_speaking=agent_speaking) == [(windows, Began(0))]


def test_a_change_of_the_agents_voice_holds_from_the_next_window() -> None:
    endpointer = Endpointer()
    endpointer.agent_speaking = True
    assert [endpointer.window(SPEECH, ALLOWED) for _ in range(3)] == [None] * 3
    endpointer.agent_speaking = False
    assert endpointer.window(SPEECH, ALLOWED) == Began(0)


@pytest.mark.parametrize("windows", [".#.#.#.#.", "..##..##..##..", "#~#~#~", "~~~~~~~~", ""])
def test_clicks_and_weak_sounds_begin_nothing(windows: str) -> None:
    assert turns(windows) == []


def test_weak_sounds_inside_speech_are_speech() -> None:
    assert turns("###" + "~" * 30 + "." * 20)[1] == (39, Ended(0, at(31)))


def test_weak_sounds_in_a_pause_are_silence() -> None:
    assert turns("###" + "." + "~" * 30)[1] == (9, Ended(0, at(1)))


def test_a_click_in_a_pause_neither_lengthens_nor_ends_the_turn() -> None:
    assert turns("######...#......")[1] == (12, Ended(0, at(4)))


def test_speech_after_a_pause_goes_on_with_the_turn() -> None:
    said = turns("######" + "....." + "##" + "." * 20)
    assert said == [(3, Began(0)), (19, Ended(0, at(11)))]


def test_a_turn_does_not_end_in_a_window_of_speech() -> None:
    """The caller may just be going on."""
    assert turns("######.....#") == [(3, Began(0))]
    assert turns("######.....##" + "." * 20)[1] == (19, Ended(0, at(11)))
    assert turns("######.....#.")[1] == (13, Ended(0, at(4)))


@pytest.mark.parametrize("allowed_windows", range(4, 30))
def test_a_turn_ends_after_exactly_the_silence_that_is_allowed(allowed_windows: int) -> None:
    (_, _), (when, ended) = turns("#" * 10 + "." * 40, allowed=at(allowed_windows))
    assert ended == Ended(0, at(8))
    assert when == 8 + allowed_windows


def test_the_silence_allowed_may_change_while_it_lasts() -> None:
    endpointer = Endpointer()
    for _ in range(10):
        endpointer.window(SPEECH, ALLOWED)
    assert [endpointer.window(SILENCE, at(24)) for _ in range(12)] == [None] * 12
    assert endpointer.window(SILENCE, ALLOWED) == Ended(0, at(8))


def test_no_turn_is_longer_than_30_seconds_and_the_next_begins_at_once() -> None:
    said = turns("#" * 1000)
    assert [type(move) for _, move in said] == [Began, Ended, Began]
    limit = 30 * 16_000 // WINDOW_SAMPLES + 1
    assert said[1][0] == limit
    assert said[2] == (limit + 3, Began(at(limit)))


def test_what_was_lost_is_counted() -> None:
    endpointer = Endpointer()
    endpointer.skip(1234)
    assert [endpointer.window(SPEECH, ALLOWED) for _ in range(3)][-1] == Began(1234)


def test_it_says_when_silence_matters() -> None:
    endpointer = Endpointer()
    states = []
    for sign in "..####..##........":
        endpointer.window(SIGNS[sign], ALLOWED)
        states.append((endpointer.in_turn, endpointer.pausing))
    assert [(key, len(list(run))) for key, run in groupby(states)] == [
        ((False, False), 4),
        ((True, False), 2),
        ((True, True), 3),
        ((True, False), 1),
        ((True, True), 5),
        ((False, False), 3),
    ]
