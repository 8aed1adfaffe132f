"""An hour-long call as its timeline's bytes, made without a call: 20 ms frames both ways, an exchange every ten
seconds, one in five with a tool, one in eight cut off by the caller, tokens reported with every reply, another session
every six minutes. It has the lines that a real one would have, in their numbers and shapes; what is said is always the
same.

``python benchmarks/_long_call.py`` prints what it holds and how long folding it takes on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    CancelResponse,
    CloseCall,
    CloseModel,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    Evidence,
    FinishPlaying,
    Flush,
    ForwardAudio,
    Instant,
    ModelReady,
    OpenModel,
    PastTurn,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    Recall,
    ReplayAudio,
    ResponseAudible,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    RunTool,
    Samples,
    Speaker,
    SwapModel,
    SwapMoment,
    TokenCounts,
    ToolCallId,
    ToolFinished,
    ToolPlan,
    ToolRequested,
    ToolStatus,
    Truncate,
    UsageReported,
)
from vivavoce.ledger.fold import fold_bytes, fold_call
from vivavoce.timeline.read import parse_timeline
from vivavoce.timeline.schema import VERSION, Header, encode_header, encode_line

RATE_HZ = 8_000
FRAME_MS = 20
FRAME = Audio(b"", RATE_HZ * FRAME_MS // 1_000)
EXCHANGE_MS = 10_000
SESSION_MS = 360_000
_REPLAYED_FRAMES = 30
_MODEL = "nova-2-sonic"
_HEADER = Header(
    vivavoce_timeline=VERSION,
    call="20260302-091500-3f9a01",
    opened="2026-03-02T09:15:00+00:00",
    agent="An hour's talk",
    vivavoce="benchmark",
    simulated=True,
)
_TOOL = ToolPlan(name="find_cars", price=2_000_000)


def long_call(minutes: int = 60) -> bytes:
    """A closed call of that length."""
    raw = [encode_header(_HEADER)]
    for number, (ms, value) in enumerate(_lines(minutes * 60_000)):
        raw.append(encode_line(number, Instant(ms * 1_000), value))
    return b"".join(raw)


def _lines(length_ms: int) -> Iterator[tuple[int, Event | Effect]]:
    one = ConnectionId(1)
    yield 0, CallStarted(CallPlan(agent="An hour's talk", models=(_MODEL,), tools=(_TOOL,)))
    yield 0, OpenModel(one, 0)
    yield 0, CallerConnected("memory", RATE_HZ)
    yield 0, ModelReady(one, lifetime_us=480_000_000)
    talk = _Talk()
    for ms in range(FRAME_MS, length_ms + 1, FRAME_MS):
        yield ms, CallerAudio(FRAME)
        yield ms, ForwardAudio(talk.connection, FRAME)
        for value in talk.frame(ms):
            yield ms, value
    yield length_ms, CallerHungUp()
    yield length_ms, CloseCall(Disposition.COMPLETED, "the caller hung up")


class _Talk:
    """What happens besides the caller's frames. In each ten seconds the caller talks from 0.5 to 3 s and is answered
    from 3.8 s on, or after a tool from 4.4 s on, for five seconds, or until they cut in at 5.5 s."""

    def __init__(self) -> None:
        self.connection = ConnectionId(1)
        self._given = 0  # samples
        self._used = 0  # tokens of speech in, and as many out
        self._response = ResponseId("")
        self._sent = 0
        self._played = 0

    def frame(self, ms: int) -> Iterator[Event | Effect]:
        self._given += FRAME.samples
        if ms % SESSION_MS == 0:
            yield from self._renew()
        exchange, into = divmod(ms, EXCHANGE_MS)
        tool, cut = exchange % 5 == 4, exchange % 8 == 7
        begin, end = (4_400 if tool else 3_800), (5_500 if cut else 8_800)
        if into == 600:
            yield CallerSpeechStarted(self.connection, Samples(max(0, self._given - RATE_HZ // 10)))
        elif into == 3_300:
            yield CallerSpeechStopped(self.connection, Samples(self._given - 3 * RATE_HZ // 10))
            yield CallerTranscribed(
                self.connection, "Have you got one with a towbar, and what does it cost?", final=True
            )
        elif tool and into in (3_600, 4_200):
            yield from self._look_up(ToolCallId(f"tool-{exchange}"), asked=into == 3_600)
        elif into == begin:
            self._response = ResponseId(f"response-{self.connection}-{exchange}")
            self._sent = self._played = 0
            yield ResponseStarted(self.connection, self._response)
            yield AgentText(self.connection, self._response, "Yes, two of them: the white one", Samples(0))
            yield ResponseAudible(self.connection, self._response, Samples(240))
        if begin <= into <= end:
            yield from self._speak(last=into == end)
        if into == end:
            yield from self._end(cut=cut)

    def _speak(self, *, last: bool) -> Iterator[Event | Effect]:
        if not last:
            self._sent += FRAME.samples
            yield AgentAudio(self.connection, self._response, FRAME)
            yield Play(self._response, FRAME)
        if self._sent > FRAME.samples:
            self._played = self._sent - FRAME.samples
            yield PlayoutProgress(self._response, Samples(self._played), Evidence.PACED)

    def _end(self, *, cut: bool) -> Iterator[Event | Effect]:
        if cut:
            yield Flush(self._response)
            yield CancelResponse(self.connection, self._response)
            yield PlayoutStopped(self._response, Samples(self._played), Evidence.PACED)
            yield Truncate(self.connection, self._response, Samples(self._played), "Yes, two of")
        else:
            yield ResponseFinished(self.connection, self._response)
            yield FinishPlaying(self._response)
            yield PlayoutProgress(self._response, Samples(self._sent), Evidence.PACED)
        self._used += 150
        total = TokenCounts(self._used, self._used)
        yield UsageReported(self.connection, speech_in=150, speech_out=150, total=total)

    def _look_up(self, tool_call: ToolCallId, *, asked: bool) -> Iterator[Event | Effect]:
        if asked:
            yield ToolRequested(self.connection, tool_call, _TOOL.name, '{"towbar":true}')
            yield RunTool(tool_call, _TOOL.name, '{"towbar":true}')
        else:
            yield ToolFinished(tool_call, ToolStatus.OK, '["Aurora 1.2"]')
            yield ReturnToolResult(self.connection, tool_call, ToolStatus.OK, '["Aurora 1.2"]')

    def _renew(self) -> Iterator[Event | Effect]:
        old, self.connection = self.connection, ConnectionId(self.connection + 1)
        self._given = _REPLAYED_FRAMES * FRAME.samples
        self._used = 0
        yield OpenModel(self.connection, 0)
        yield ModelReady(self.connection, lifetime_us=480_000_000)
        yield SwapModel(self.connection, old, SwapMoment.TURN_END, Samples(self._given), Samples(0))
        yield Recall(self.connection, (PastTurn(Speaker.CALLER, "Have you got one with a towbar?"),))
        for _ in range(_REPLAYED_FRAMES):
            yield ReplayAudio(self.connection, FRAME)
        yield CloseModel(old)


def main() -> None:
    raw = long_call()
    fastest = min(_seconds(raw) for _ in range(3))
    begun = time.perf_counter()
    same = fold_call(parse_timeline(raw)) == fold_bytes(raw)
    slow = time.perf_counter() - begun - fastest
    lines = raw.count(b"\n")
    print(f"{lines} lines, {len(raw) / 1e6:.1f} MB, folded in {fastest:.2f} s ({fastest / lines * 1e6:.2f} us a line)")
    print(f"read first and then folded: {slow:.2f} s; the {'same' if same else 'OTHER'} record")


def _seconds(raw: bytes) -> float:
    begun = time.perf_counter()
    fold_bytes(raw)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
