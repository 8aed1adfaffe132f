"""What the caller has heard, in samples and in words."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import ONE, R1, R2, R3
from vivavoce.core.playout import Playout, PlayoutMove, Playouts, ResponsePlayout
from vivavoce.events import Evidence


def _playout(*, generated: int, played: int, segments: list[tuple[int, str]]) -> ResponsePlayout:
    playout = ResponsePlayout(R1, ONE)
    playout.send(generated)
    playout.report(played, Evidence.PLAYED)
    for at, text in segments:
        playout.say(at, text)
    return playout


def test_samples_are_counted_at_each_station() -> None:
    playout = ResponsePlayout(R1, ONE)
    playout.send(100)
    playout.send(50)
    playout.drop(30)
    playout.report(120, Evidence.PACED)
    assert (playout.generated, playout.sent, playout.played, playout.evidence) == (180, 150, 120, Evidence.PACED)


def test_nobody_has_said_anything_at_first() -> None:
    playout = ResponsePlayout(R1, ONE)
    assert (playout.generated, playout.sent, playout.played, playout.evidence) == (0, 0, 0, Evidence.ASSUMED)
    assert playout.heard_text() == ""


@pytest.mark.parametrize(
    ("reports", "played"),
    [([40, 60], 60), ([60, 40], 60), ([500], 100), ([-1], 0), ([100, 500, -5], 100)],
    ids=["forward", "never back", "never beyond what was sent", "never negative", "all of it"],
)
def test_a_channel_is_believed_within_reason(reports: list[int], played: int) -> None:
    playout = ResponsePlayout(R1, ONE)
    playout.send(100)
    for report in reports:
        playout.report(report, Evidence.PLAYED)
    assert playout.played == played


def test_who_played_it_knows_better_than_a_guess() -> None:
    playout = ResponsePlayout(R1, ONE)
    playout.send(100)
    playout.report(80, Evidence.ASSUMED)
    playout.report(60, Evidence.PLAYED)
    assert playout.played == 60
    playout.report(50, Evidence.PLAYED)
    assert playout.played == 60


@pytest.mark.parametrize(
    ("moves", "audible"),
    [
        ([], True),
        ([PlayoutMove.FINISH], True),
        ([PlayoutMove.FLUSH], False),
        ([PlayoutMove.FINISH, PlayoutMove.FLUSH], False),
        ([PlayoutMove.FINISH, PlayoutMove.PLAY_OUT], False),
        ([PlayoutMove.FLUSH, PlayoutMove.STOP], False),
    ],
)
def test_a_response_is_audible_until_it_is_played_or_flushed(moves: list[PlayoutMove], audible: bool) -> None:
    playout = ResponsePlayout(R1, ONE)
    for move in moves:
        playout.machine.move(move)
    assert playout.audible is audible


TWO_SENTENCES = [(0, "We open at nine."), (1000, "Parking is free.")]


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (0, ""),
        (1, ""),
        (124, ""),
        (125, "We"),  # 2 of 16 letters
        (437, "We"),
        (438, "We open"),  # 7 of 16
        (999, "We open at"),
        (1000, "We open at nine."),
        (1400, "We open at nine."),
        (1500, "We open at nine. Parking"),  # 8 of 16 is past the 7 of "Parking"
        (1999, "We open at nine. Parking is"),
        (2000, "We open at nine. Parking is free."),
    ],
)
def test_heard_text_is_the_whole_words_within_what_was_played(played: int, heard: str) -> None:
    assert _playout(generated=2000, played=played, segments=TWO_SENTENCES).heard_text() == heard


def test_audio_that_was_dropped_counts_for_where_the_words_lie() -> None:
    """The last sentence is as long as its audio was made, not as it was sent."""
    playout = _playout(generated=1000, played=1000, segments=[(0, "one two three four")])
    playout.drop(1000)
    assert playout.heard_text() == "one two"


def test_words_ahead_of_their_audio_are_not_heard() -> None:
    assert _playout(generated=500, played=500, segments=[(0, "Good morning."), (800, "Late.")]).heard_text() != ""
    assert "Late." not in _playout(generated=500, played=500, segments=[(0, "Hi."), (800, "Late.")]).heard_text()


def test_words_without_audio_are_not_heard() -> None:
    assert _playout(generated=0, played=0, segments=[(0, "Silent words.")]).heard_text() == ""


def test_audio_before_the_first_words_is_no_word() -> None:
    playout = _playout(generated=2000, played=900, segments=[(1000, "Finally.")])
    assert playout.heard_text() == ""


def test_words_said_to_begin_at_one_place_share_their_stretch() -> None:
    """Some models send a sentence in pieces before any of its audio: all pieces carry the same position."""
    pieces = [(0, "We open"), (0, "at nine.")]
    assert _playout(generated=1000, played=500, segments=pieces).heard_text() == "We open"
    assert _playout(generated=1000, played=1000, segments=pieces).heard_text() == "We open at nine."


def test_words_said_to_begin_before_earlier_words_follow_them() -> None:
    pieces = [(600, "We open"), (200, "at nine.")]
    assert _playout(generated=1000, played=1000, segments=pieces).heard_text() == "We open at nine."
    assert _playout(generated=1000, played=600, segments=pieces).heard_text() == ""


def test_text_of_nothing_but_blanks_adds_nothing() -> None:
    segments = [(0, "One."), (500, "  "), (600, ""), (800, "Two.")]
    assert _playout(generated=1000, played=1000, segments=segments).heard_text().split() == ["One.", "Two."]


def test_playouts_keep_every_response() -> None:
    playouts = Playouts()
    first = playouts.begin(R1, ONE)
    assert playouts.get(R1) is first
    assert playouts.get(R2) is None
    first.machine.move(PlayoutMove.FLUSH)
    first.machine.move(PlayoutMove.STOP)
    assert playouts.get(R1) is first


def test_what_may_still_be_heard_is_listed_in_the_order_begun() -> None:
    playouts = Playouts()
    first, second, third = (playouts.begin(response, ONE) for response in (R1, R2, R3))
    assert playouts.audible == [first, second, third]
    second.machine.move(PlayoutMove.FLUSH)
    assert playouts.audible == [first, third]
    first.machine.move(PlayoutMove.FINISH)
    assert playouts.audible == [first, third]
    first.machine.move(PlayoutMove.PLAY_OUT)
    assert playouts.audible == [third]
    assert first.state is Playout.PLAYED


def test_unplayed_counts_only_what_can_still_be_heard() -> None:
    playouts = Playouts()
    first, second = playouts.begin(R1, ONE), playouts.begin(R2, ONE)
    first.send(100)
    second.send(70)
    first.report(30, Evidence.PLAYED)
    assert playouts.unplayed == 140
    second.machine.move(PlayoutMove.FLUSH)
    assert playouts.unplayed == 70
