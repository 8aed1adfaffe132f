"""Whole rehearsed calls over the emulated Nova: real speech, virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.audio.level import active_rms_dbfs
from vivavoce.rehearsal.outcomes import judge
from vivavoce.rehearsal.recording import read_call
from vivavoce.rehearsal.sets import emulated_calls
from vivavoce.rehearsal.stage import Programme
from vivavoce.rehearsal.standing import EVERY_KIND, StandingCall
from vivavoce.rehearsal.truth import SaidKind
from vivavoce.rehearsal.voices import SPEECH_DBFS, VOICES, cough, spoken, why_no_voices
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.replay import replay

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_no_voices()), reason="flite is not installed")]


def test_voices_are_as_loud_as_was_asked_and_begin_with_sound() -> None:
    for clip in (spoken("mm-hm", "slt"), *(spoken("Tell me about it.", voice) for voice in VOICES)):
        assert active_rms_dbfs(clip.pcm) == pytest.approx(SPEECH_DBFS, abs=0.2)
        assert any(clip.pcm[:160])  # within 5 ms
    assert spoken("Stop.", "rms") == spoken("Stop.", "rms")
    assert cough(3) == cough(3) != cough(4)


def test_the_standing_set_holds_what_it_says_and_stays_the_same() -> None:
    moves = [move for number in range(6) for move in StandingCall(number, seed=1).moves()]
    assert all(sum(move.kind is kind for move in moves) >= 10 for kind in EVERY_KIND)
    assert sum(bool(move.slots) for move in moves) >= 10
    assert moves == [move for number in range(6) for move in StandingCall(number, seed=1).moves()]


def test_a_native_model_stops_for_a_backchannel_too_and_the_call_reads_back_and_replays(tmp_path: Path) -> None:
    kinds = (SaidKind.INTERRUPTION, SaidKind.BACKCHANNEL)
    programme = Programme("model", snr_db=10.0, calls=2, of_each=1, corrections=0, kinds=kinds)
    (calls,) = emulated_calls([programme], tmp_path)
    for call, folder in zip(calls, sorted(tmp_path.iterdir()), strict=True):
        assert {said.kind for said in call.said} >= set(kinds)
        outcomes = judge(call)
        assert all(reaction.yielded for reaction in outcomes.reactions)
        assert judge(read_call(folder)) == outcomes
        assert replay(read_timeline(folder)).identical
