"""Whose voice it is, and what for."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.events import VoiceJudged, VoiceKind
from vivavoce.voice.kinds import DOUBT_DB, SOFTER_DB, Kinds, UsualLevel
from vivavoce.voice.sound import BANDS, Moment


def sound(level_db: float = -20.0) -> Moment:
    return Moment(np.full(BANDS, level_db, np.float32), level_db, 0.0, 0.9, 120.0, 0.2, 240.0)


def judged(levels: list[float], *, usual_db: float | None = None, confirmed: bool = True) -> list[VoiceJudged]:
    """A voice that was told of after 64 ms, with these levels from then on; speech while it is above -45 dB."""
    kinds = Kinds()
    kinds.usual_db = usual_db
    kinds.begin(100, 4, peak_db=levels[0], may_be_echo=False)
    verdicts = [kinds.hear(sound(level), speech=level > -45, confirmed=confirmed) for level in levels]
    return [verdict for verdict in verdicts if verdict is not None]


def test_a_voice_that_dies_away_is_a_backchannel() -> None:
    assert judged([-20.0] * 18 + [-40.0] * 10) == [VoiceJudged(VoiceKind.BACKCHANNEL)]


def test_one_that_goes_on_is_the_callers_turn_after_all() -> None:
    verdicts = judged([-20.0] * 18 + [-40.0] * 8 + [-20.0] * 30)
    assert verdicts == [VoiceJudged(VoiceKind.BACKCHANNEL), VoiceJudged(VoiceKind.CALLER, certain=True)]


def test_long_speech_is_certain() -> None:
    assert judged([-20.0] * 60) == [VoiceJudged(VoiceKind.CALLER, certain=True)]


def test_what_the_detector_does_not_confirm_is_noise() -> None:
    assert judged([-20.0] * 20, confirmed=False) == [VoiceJudged(VoiceKind.NOISE)]


def test_somebody_softer_than_the_caller_is_another() -> None:
    soft = [-20.0 - SOFTER_DB - DOUBT_DB / 2] * 60
    assert judged(soft, usual_db=-20.0) == [VoiceJudged(VoiceKind.OTHERS)]
    assert judged(soft, usual_db=None) == [VoiceJudged(VoiceKind.CALLER, certain=True)]


@pytest.mark.parametrize(
    ("peak_db", "kind"), [(-20.0, VoiceKind.CALLER), (-21.0 - SOFTER_DB - DOUBT_DB, VoiceKind.OTHERS)]
)
def test_much_softer_is_told_at_once(peak_db: float, kind: VoiceKind) -> None:
    kinds = Kinds()
    kinds.usual_db = -20.0
    assert kinds.begin(100, 4, peak_db=peak_db, may_be_echo=False) is kind


def test_what_took_the_turn_tells_the_usual_level_too() -> None:
    usual = UsualLevel()
    usual.add(-18.0)
    assert usual.stop() == -18.0


def test_a_sentence_with_a_pause_counts_as_one() -> None:
    kinds = Kinds()
    kinds.begin(100, 4, peak_db=-20.0, may_be_echo=False)
    for _ in range(16):
        kinds.hear(sound(), speech=True, confirmed=True)
    kinds.end(120)
    kinds.begin(140, 4, peak_db=-20.0, may_be_echo=False)
    verdicts = [kinds.hear(sound(), speech=True, confirmed=True) for _ in range(17)]
    assert VoiceJudged(VoiceKind.CALLER, certain=True) in verdicts


def test_the_usual_level_is_known_once_enough_was_said() -> None:
    usual = UsualLevel()
    levels = []
    for level in (-20.0, -24.0, -22.0):
        for _ in range(60):
            usual.hear(sound(level))
        levels.append(usual.stop())
    assert [level is not None for level in levels] == [n + 1 >= UsualLevel.VOICES for n in range(3)]
    assert levels[2] == -22.0
    usual.hear(sound(-50.0))  # too short to count
    assert usual.stop() == -22.0
