"""Calls as they were told, line by line, for figures that were worked out by hand: no core decides anything here.

Times are milliseconds, the rate is 8000 Hz, audio comes and goes in frames of 20 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.unit.core.scenario import ONE, audio, instant, plan, samples
from tests.unit.timeline.recorded import HEADER, as_bytes
from vivavoce.events import (
    AgentAudio,
    AgentText,
    CallerAudio,
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallPlan,
    CallStarted,
    CloseCall,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    Evidence,
    ForwardAudio,
    ModelReady,
    OpenModel,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResponseStarted,
    Samples,
)
from vivavoce.ledger.fold import LedgerFold, fold_bytes, fold_call
from vivavoce.ledger.record import CallRecord
from vivavoce.timeline.read import Timeline
from vivavoce.timeline.schema import Line

FRAME_MS = 20


class Told:
    """A call that was answered at 0 by the plan's first model, and its lines so far."""

    def __init__(self, call_plan: CallPlan | None = None) -> None:
        self.lines: list[Line] = []
        self.heard_ms = 0  # of the caller
        started = CallStarted(call_plan or plan())
        self.at(0, started, OpenModel(ONE, 0), CallerConnected("phone", 8_000), ModelReady(ONE))

    def at(self, ms: int, *values: Event | Effect) -> None:
        for value in values:
            self.lines.append(Line(len(self.lines), instant(ms), value))

    def hear(self, until_ms: int, connection: ConnectionId = ONE) -> None:
        """The caller's sound up to then, passed on as it comes."""
        while self.heard_ms < until_ms:
            self.heard_ms += FRAME_MS
            self.at(self.heard_ms, CallerAudio(audio(FRAME_MS)), ForwardAudio(connection, audio(FRAME_MS)))

    def talks(self, from_ms: int, to_ms: int, connection: ConnectionId = ONE) -> None:
        """The caller talks; the model notices both ends 100 ms late, and counts from the call's first sample."""
        self.hear(from_ms + 100, connection)
        self.at(from_ms + 100, CallerSpeechStarted(connection, samples(from_ms)))
        self.hear(to_ms + 100, connection)
        self.at(to_ms + 100, CallerSpeechStopped(connection, samples(to_ms)))

    def says(
        self, ms: int, response: ResponseId, length_ms: int, text: str = "", connection: ConnectionId = ONE
    ) -> None:
        """A whole reply comes at once, and is sent on."""
        self.at(ms, ResponseStarted(connection, response))
        if text:
            self.at(ms, AgentText(connection, response, text, Samples(0)))
        self.at(ms, AgentAudio(connection, response, audio(length_ms)), Play(response, audio(length_ms)))

    def plays(self, ms: int, response: ResponseId, so_far_ms: int, evidence: Evidence = Evidence.PACED) -> None:
        self.at(ms, PlayoutProgress(response, samples(so_far_ms), evidence))

    def stops(self, ms: int, response: ResponseId, so_far_ms: int) -> None:
        self.at(ms, PlayoutStopped(response, samples(so_far_ms), Evidence.PACED))

    def ends(self, ms: int) -> None:
        self.at(ms, CloseCall(Disposition.COMPLETED, "the caller hung up"))

    @property
    def record(self) -> CallRecord:
        """The same by all three ways."""
        return folded(self.lines)


def folded(lines: Sequence[Line]) -> CallRecord:
    """The record, after making sure that all three ways come to it."""
    live = LedgerFold(HEADER)
    for line in lines:
        live.add(line.at, line.value)
    record = live.finish()
    assert fold_call(Timeline(HEADER, tuple(lines))) == record
    assert fold_bytes(as_bytes([*lines])) == record
    return record
