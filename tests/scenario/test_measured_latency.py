"""A whole call on a virtual clock, recorded, folded and measured: the latency is the one that was there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from tests.scenario.calls import Ran, hold
from vivavoce.audio.arrays import to_array
from vivavoce.channel.memory import MemoryChannel
from vivavoce.engine.call import Call
from vivavoce.events import CallerAudio, CallPlan
from vivavoce.ledger.fold import fold_call
from vivavoce.ledger.sound import measured
from vivavoce.model import scripted
from vivavoce.model.scripted import Say, Script, ScriptedModel, Step, When, tone
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.recording import Recorder

RATE_HZ = 16_000
PADDING_MS = 230
FRAME_MS = 20
STEPS_MS = 8
"""A step of the instrument, and the ringing of the resampler before an onset."""


def padded(begin: int, end: int, rate_hz: int) -> bytes:
    """The scripted model's voice after a silence."""
    silent = min(max(0, PADDING_MS * rate_hz // 1000 - begin), end - begin)
    return bytes(2 * silent) + tone(begin + silent, end, rate_hz)


def recording(ran: Ran, folder: Path) -> Path:
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, folder, pytest.fail)
    for at, value in ran.seen:
        recorder.observe(at, value)
    recorder.close()
    disk.stop()
    return recorder.path


def ends_ms(pcm: bytes) -> list[float]:
    """Where each stretch of sound in it ends, and the next is over half a second away."""
    sounding = np.flatnonzero(to_array(pcm))
    last = np.append(np.flatnonzero(np.diff(sounding) > RATE_HZ // 2), len(sounding) - 1)
    return [float(at + 1) / RATE_HZ * 1000 for at in sounding[last]]


def test_the_whole_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scripted, "tone", padded)
    channel = MemoryChannel(RATE_HZ)
    replies = [Step(when=When.CALLER_STOPS, wait_ms=wait, say=Say(ms=1500)) for wait in (137, 411, 893)]
    script = Script(step=(Step(ready=True), *replies), output_rate_hz=24_000)

    def during(_: Call) -> None:
        loop = asyncio.get_running_loop()
        for at_s, ms in ((1.0, 1013), (6.0, 707), (11.0, 1234)):
            loop.call_at(at_s, channel.say, tone(0, ms * RATE_HZ // 1000, RATE_HZ))
        loop.call_at(16.0, channel.hang_up)

    plan = CallPlan(agent="test", models=("scripted",))
    ran = hold(plan, lambda: channel, lambda: [ScriptedModel(script)], during=during)
    record = measured(fold_call(ran.timeline), recording(ran, tmp_path))

    spoken = b"".join(value.audio.pcm for _, value in ran.all(CallerAudio) if isinstance(value, CallerAudio))
    heard: list[float] = []
    for at, pcm in channel.heard:
        sounding = np.flatnonzero(to_array(pcm))
        begin_ms = (at + sounding[0]) / RATE_HZ * 1000 if len(sounding) else None
        if begin_ms is not None and (not heard or begin_ms > heard[-1] + 2500):
            heard.append(begin_ms)
    true = [onset - end for end, onset in zip(ends_ms(spoken), heard, strict=True)]
    turns = [turn for turn in record.turns if turn.speech_ended_us is not None]
    assert [turn.audio_ms for turn in turns] == [pytest.approx(ms, abs=STEPS_MS) for ms in true]
    for turn, end, onset in zip(turns, ends_ms(spoken), heard, strict=True):
        assert turn.measured_ended_us == pytest.approx(1000 * end, abs=1000 * STEPS_MS)
        assert turn.measured_heard_us == pytest.approx(1000 * onset, abs=1000 * STEPS_MS)
        assert turn.silence_us == pytest.approx(1000 * PADDING_MS, abs=2000)
        assert turn.played_ms == pytest.approx(onset - end, abs=2 * FRAME_MS + 100)  # reported every 100 ms
