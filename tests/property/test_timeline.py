"""Whatever happens in a call is written, read back and replayed; whatever happens to a file is read or refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.core.scenario import CONNECTED, ONE, plan
from tests.unit.core.strategies import EVENTS
from tests.unit.timeline.recorded import HEADER, RecordedCall, busy_call
from tests.unit.timeline.test_recording import read
from vivavoce.errors import TimelineError
from vivavoce.events import Audio, CallerAudio, CallStarted, Event, Instant, ModelReady
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import parse_timeline
from vivavoce.timeline.recording import Recorder
from vivavoce.timeline.replay import replay
from vivavoce.timeline.schema import encode_header

PUT_THROUGH: list[tuple[int, Event]] = [(0, CallStarted(plan(greeting="Hello."))), (0, CONNECTED), (0, ModelReady(ONE))]
HISTORIES = st.tuples(
    st.sampled_from([[], PUT_THROUGH]), st.lists(st.tuples(st.integers(0, 3_000), EVENTS), max_size=30)
).map(lambda parts: [*parts[0], *parts[1]])
HEADER_BYTES = len(encode_header(HEADER))
BUSY = busy_call().raw


def happened(history: list[tuple[int, Event]]) -> RecordedCall:
    """A call to which all this happened, each so many milliseconds after the other."""
    call = RecordedCall()
    now_ms = 0
    for after_ms, event in history:
        now_ms += after_ms
        call.at(now_ms, event)
    return call


@settings(max_examples=80)
@given(HISTORIES, st.data())
def test_any_history_comes_back_and_comes_again_whole_or_torn(
    history: list[tuple[int, Event]], data: st.DataObject
) -> None:
    call = happened(history)
    raw = call.raw
    whole = parse_timeline(raw)
    assert not whole.torn
    assert len(whole.lines) == len(call.lines)
    assert replay(whole).identical
    torn = parse_timeline(raw[: data.draw(st.integers(HEADER_BYTES, len(raw)))])
    assert torn.lines == whole.lines[: len(torn.lines)]
    assert replay(torn).facts <= replay(whole).facts


@settings(max_examples=80)
@given(st.integers(0, len(BUSY)), st.integers(0, 300), st.binary(max_size=40))
@example(0, len(BUSY), b"")
def test_a_damaged_file_is_read_or_refused(at: int, lost: int, instead: bytes) -> None:
    try:
        timeline = parse_timeline(BUSY[:at] + instead + BUSY[at + lost :])
    except TimelineError:
        pass
    else:
        assert [line.number for line in timeline.lines] == list(range(len(timeline.lines)))


@given(st.binary(max_size=300))
def test_rubbish_is_refused(raw: bytes) -> None:
    with pytest.raises(TimelineError):
        parse_timeline(raw)


@settings(max_examples=40)
@given(st.lists(st.one_of(st.integers(0, 95), st.integers(0, 600)), min_size=1, max_size=10))
def test_a_caller_who_never_pauses_is_recorded_without_a_seam(late_ms: list[int]) -> None:
    """Frames come late by whatever it is, though in order, until the rest has made up for it."""
    frame = 160
    now_ms = due_ms = 0
    arrivals = []
    while due_ms < 200 or now_ms > due_ms:
        due_ms += 20
        now_ms = max(now_ms, due_ms + (late_ms.pop() if late_ms else 0))
        arrivals.append(now_ms)
    sound = np.arange(len(arrivals) * frame).astype(np.int16)
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(interval_s=3600)
        recorder = Recorder(disk, Path(folder), pytest.fail)
        recorder.observe(Instant(0), CONNECTED)
        for number, at_ms in enumerate(arrivals):
            pcm = sound[number * frame : (number + 1) * frame].tobytes()
            recorder.observe(Instant(at_ms * 1000), CallerAudio(Audio(pcm)))
        recorder.close()
        disk.stop()
        left, _ = read(recorder.path)
    assert len(left) == len(sound)
    assert (left == sound).all()
