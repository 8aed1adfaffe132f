"""Calls read from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.unit.rehearsal.calls import RATE_HZ, said, span
from vivavoce.audio.arrays import to_pcm
from vivavoce.audio.files import write_wav
from vivavoce.errors import TimelineError, UsageError
from vivavoce.events import (
    CallerConnected,
    CallerTranscribed,
    ConnectionId,
    Effect,
    Event,
    Instant,
    Samples,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
)
from vivavoce.rehearsal.recording import read_call
from vivavoce.rehearsal.spans import Span
from vivavoce.rehearsal.truth import HEARD_FILE, TRUTH_FILE, SaidKind, Truth, write_truth
from vivavoce.timeline.schema import VERSION, Header, encode_header, encode_line
from vivavoce.timeline.write import RECORDING_FILE, TIMELINE_FILE

HEADER = Header(vivavoce_timeline=VERSION, call="c", opened="2026-03-02T09:00:00+00:00", agent="a", vivavoce="0")


def write_timeline(folder: Path, happened: Sequence[tuple[int, Event | Effect]] = ()) -> None:
    lines = [(0, CallerConnected("test", RATE_HZ)), *happened]
    encoded = [encode_line(number, Instant(at * 1000), value) for number, (at, value) in enumerate(lines)]
    (folder / TIMELINE_FILE).write_bytes(encode_header(HEADER) + b"".join(encoded))


def write_sound(file: Path, caller: Sequence[Span], agent: Sequence[Span], ms: int = 12_000) -> None:
    both = np.zeros((ms * RATE_HZ // 1000, 2))
    for channel, spans in enumerate((caller, agent)):
        for one in spans:
            both[one.begin_us * RATE_HZ // 1_000_000 : one.end_us * RATE_HZ // 1_000_000, channel] = 3_000
    write_wav(file, to_pcm(both.reshape(-1)), RATE_HZ, channels=2)


def test_a_rehearsed_call_is_taken_at_its_word(tmp_path: Path) -> None:
    write_timeline(tmp_path)
    told = said(SaidKind.BACKCHANNEL, 3000, 3300, text="mm-hm")
    write_truth(tmp_path, Truth((told,), connected_us=40_000))
    write_sound(tmp_path / HEARD_FILE, [], [span(1000, 5000), span(5400, 6000)])
    call = read_call(tmp_path)
    assert call.said == (told,)
    assert call.agent == (span(1040, 6040),)


def test_of_another_call_the_sound_and_the_words_tell(tmp_path: Path) -> None:
    connection = ConnectionId(1)
    write_timeline(
        tmp_path,
        [
            (1500, CallerTranscribed(connection, "what do I owe", final=True)),
            (4400, CallerTranscribed(connection, "yeah, okay.", final=True)),
            (5600, VoiceStarted(Samples(88_000))),
            (5700, VoiceJudged(VoiceKind.NOISE)),
        ],
    )
    caller = [span(300, 600), span(1000, 1400), span(4000, 4300), span(5500, 5700), span(9000, 10_000)]
    write_sound(tmp_path / RECORDING_FILE, caller, [span(2000, 8000)])
    call = read_call(tmp_path)
    assert [(one.kind, one.text, one.span) for one in call.said] == [
        (SaidKind.TURN, "what do I owe", span(300, 1400)),  # a gap within speech
        (SaidKind.BACKCHANNEL, "yeah, okay.", span(4000, 4300)),
        (SaidKind.TIC, "", span(5500, 5700)),
        (SaidKind.TURN, "", span(9000, 10_000)),
    ]
    assert call.agent == (span(2000, 8000),)


def test_a_voice_into_the_agents_speech_is_an_interruption(tmp_path: Path) -> None:
    write_timeline(tmp_path, [(4400, CallerTranscribed(ConnectionId(1), "yes but not tomorrow", final=True))])
    write_sound(tmp_path / RECORDING_FILE, [span(4000, 5000)], [span(2000, 4500)])
    assert [one.kind for one in read_call(tmp_path).said] == [SaidKind.INTERRUPTION]


def test_without_sound_there_is_nothing_to_score(tmp_path: Path) -> None:
    write_timeline(tmp_path)
    with pytest.raises(UsageError, match="no recording"):
        read_call(tmp_path)


def test_what_is_damaged_is_told(tmp_path: Path) -> None:
    write_timeline(tmp_path)
    (tmp_path / TRUTH_FILE).write_text("{")
    with pytest.raises(TimelineError, match="damaged"):
        read_call(tmp_path)
