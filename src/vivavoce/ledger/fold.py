"""One call's timeline, folded into its :class:`~vivavoce.ledger.record.CallRecord`: live, line by line, or from a file.

All three ways give the same: :class:`LedgerFold` as the call goes on, :func:`fold_call` from what was read, and
:func:`fold_bytes` from a file's bytes, which is several times as fast as reading them first.
"""

from __future__ import annotations

from decimal import Decimal

from vivavoce.events import (
    AudioLost,
    CallerConnected,
    ChannelLost,
    CloseCall,
    Effect,
    Event,
    ModelLost,
    ToolStatus,
)
from vivavoce.ledger.heeding import Handlers, Heeding
from vivavoce.ledger.kinds import Sessions
from vivavoce.ledger.quick import UnusualTimeline, quick_lines
from vivavoce.ledger.record import CallRecord, SwapRecord, ToolRecord, TurnRecord
from vivavoce.ledger.swaps import Swaps
from vivavoce.ledger.turns import Reply, ToolUse, Turn, Turns, covered_us
from vivavoce.ledger.usage import Usage
from vivavoce.timeline.read import Timeline, parse_timeline
from vivavoce.timeline.schema import Header, decode_header

_BILLIONTH = Decimal("1E-9")
_FAILED = frozenset({ToolStatus.FAILED, ToolStatus.TIMED_OUT, ToolStatus.REFUSED})


class _Outline:
    """What is noted of a call beside its turns: its two ends, and what went wrong."""

    def __init__(self) -> None:
        self.connected: tuple[int, CallerConnected] | None = None
        self.closed: tuple[int, CloseCall] | None = None
        self.errors: list[tuple[int, str]] = []
        self.audio_lost = 0

    @property
    def handlers(self) -> Handlers:
        return {
            CallerConnected: self._connected,
            ModelLost: self._lost,
            ChannelLost: self._lost,
            AudioLost: self._audio_lost,
            CloseCall: self._closed,
        }

    def _connected(self, at: int, value: CallerConnected) -> None:
        self.connected = self.connected or (at, value)

    def _lost(self, at: int, value: ModelLost | ChannelLost) -> None:
        self.errors.append((at, value.message))

    def _audio_lost(self, _at: int, value: AudioLost) -> None:
        self.audio_lost += value.samples

    def _closed(self, at: int, value: CloseCall) -> None:
        self.closed = self.closed or (at, value)


class LedgerFold:
    """A call's record as its facts and wishes come. :meth:`add` costs well under a microsecond for a frame."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._turns = Turns()
        self._sessions = Sessions(self._turns)
        self._usage = Usage(self._turns)
        self._swaps = Swaps()
        self._outline = _Outline()
        self._heeding = Heeding(*(part.handlers for part in self._parts))
        self._handed = 0  # turns

    @property
    def _parts(self) -> tuple[Turns, Sessions, Usage, Swaps, _Outline]:
        """In the order in which they hear of what happens: the others ask what turn it is."""
        return self._turns, self._sessions, self._usage, self._swaps, self._outline

    def add(self, at: int, value: Event | Effect) -> None:
        self._heeding.add(at, value)

    def take_settled(self) -> list[TurnRecord]:
        """Turns whose latency cannot change any more, each once: the next has begun, and if the channel has not told
        when the answer was first heard, the one after that; all of them once the call has ended."""
        turns = self._turns.turns
        settled: list[TurnRecord] = []
        while self._handed < len(turns) and self._is_settled(turns[self._handed]):
            settled.append(self._record(turns[self._handed]))
            self._handed += 1
        return settled

    def finish(self) -> CallRecord:
        """No more comes. A call that was not closed by then was torn."""
        self._heeding.settle()
        self._turns.end()
        outline, turns, header = self._outline, self._turns.turns, self._header
        connected, closed = outline.connected, outline.closed
        usage = self._usage.told(self._sessions)
        return CallRecord(
            call=header.call,
            opened=header.opened,
            agent=header.agent,
            tenant=header.tenant,
            channel=connected[1].channel if connected else "",
            outbound=header.outbound,
            simulated=header.simulated,
            torn=closed is None,
            version=header.vivavoce,
            speed=header.speed,
            models=self._sessions.models,
            rate_hz=connected[1].rate_hz if connected else 0,
            duration_us=closed[0] if closed else self._heeding.at_us,
            connected_us=connected[0] if connected else None,
            answered_us=min((turn.first_audio_us for turn in turns if turn.first_audio_us is not None), default=None),
            disposition=str(closed[1].disposition) if closed else "",
            reason=closed[1].reason if closed else "",
            turns=tuple(map(self._record, turns)),
            usage=usage,
            usage_gaps=self._usage.gaps(self._sessions, usage),
            swaps=self._told_swaps(),
            sessions=tuple(self._sessions.names.items()),
            errors=self._errors(),
            audio_lost_samples=outline.audio_lost,
        )

    def _is_settled(self, turn: Turn) -> bool:
        later = len(self._turns.turns) - 1 - turn.number
        if later == 0:
            return self._outline.closed is not None
        heard = _heard_first(turn)
        return later > 1 or heard is None or heard.begun_us is not None or heard.stopped

    def _told_swaps(self) -> tuple[SwapRecord, ...]:
        told = self._swaps.told(self._turns.turns)
        return tuple(
            SwapRecord(
                at_us=swap.at_us,
                connection=seen.value.connection,
                old=seen.value.old,
                moment=str(swap.moment),
                reason=swap.reason,
                gap_ms=swap.gap_ms,
            )
            for seen, swap in zip(self._swaps.seen, told, strict=True)
        )

    def _errors(self) -> tuple[str, ...]:
        failed = [
            (use.finished_us, f"tool {use.name}: {use.status}")
            for turn in self._turns.turns
            for use in turn.tools
            if use.finished_us is not None and use.status in _FAILED
        ]
        return tuple(text for _, text in sorted([*self._outline.errors, *failed], key=lambda error: error[0]))

    def _record(self, turn: Turn) -> TurnRecord:
        first = turn.replies[0].playout if turn.replies else None
        heard = _heard_first(turn)
        begun = heard.begun_us if heard is not None else None
        return TurnRecord(
            number=turn.number,
            kind=self._sessions.kind(turn),
            model=self._sessions.name(first.connection) if first else "",
            connection=first.connection if first else 0,
            began_us=turn.began_us,
            speech_ended_us=turn.speech_ended_us if self._header.speed == 1 else None,
            forwarded_us=turn.given.passed_us,
            first_byte_us=min((r.first_byte_us for r in turn.replies if r.first_byte_us is not None), default=None),
            first_sent_us=turn.first_audio_us,
            first_played_us=None if begun is None else max(begun, turn.first_audio_us or 0),
            silence_us=self._silence_us(turn, heard),
            evidence=str(heard.evidence) if heard is not None else "",
            tool_us=self._tool_us(turn),
            generated_samples=turn.generated,
            played_samples=turn.played,
            forwarded_samples=turn.given.forwarded,
            voiced_samples=min(turn.given.voiced, turn.given.forwarded),
            interrupted=turn.interrupted,
            tools=tuple(map(self._tool, turn.tools)),
            caller=" ".join(turn.caller),
            agent=" ".join(turn.agent),
            heard=turn.heard,
        )

    def _silence_us(self, turn: Turn, heard: Reply | None) -> int | None:
        if heard is None or heard.audible_at is None or not turn.rate_hz:
            return None
        return heard.audible_at * 1_000_000 // turn.rate_hz

    def _tool(self, use: ToolUse) -> ToolRecord:
        return ToolRecord(
            name=use.name,
            status=str(use.status),
            started_us=use.started_us,
            finished_us=use.finished_us,
            price=use.price * _BILLIONTH if use.price else None,
        )

    def _tool_us(self, turn: Turn) -> int:
        """Time with any tool of the call running between the end of the caller's speech and the first audio."""
        begin, end = turn.speech_ended_us, turn.first_audio_us
        if begin is None or end is None:
            return 0
        return covered_us(
            (max(begin, use.started_us), min(end, end if use.finished_us is None else use.finished_us))
            for earlier in self._turns.turns[: turn.number + 1]
            for use in earlier.tools
            if use.started_us < end and (use.finished_us is None or use.finished_us > begin)
        )


def _heard_first(turn: Turn) -> Reply | None:
    """The reply of which a sample was played first; where nothing was, the first that was sent."""
    begun = [reply for reply in turn.replies if reply.begun_us is not None]
    sent = [reply for reply in turn.replies if reply.playout.sent]
    return min(begun, key=lambda reply: reply.begun_us or 0) if begun else (sent[0] if sent else None)


def fold_call(timeline: Timeline) -> CallRecord:
    """The record of a call whose timeline was read."""
    fold = LedgerFold(timeline.header)
    for line in timeline.lines:
        fold.add(line.at, line.value)
    return fold.finish()


def fold_bytes(raw: bytes) -> CallRecord:
    """The record of a call from its timeline's bytes; a last line that was cut short is left out. Raises
    :class:`~vivavoce.errors.TimelineError` for bytes that :func:`~vivavoce.timeline.read.parse_timeline` refuses."""
    begin, end = raw.find(b"\n") + 1, raw.rfind(b"\n") + 1
    if not begin:
        return fold_call(parse_timeline(raw))
    fold = LedgerFold(decode_header(raw[: begin - 1]))
    add = fold.add
    try:
        for at, value in quick_lines(raw, begin, end):
            add(at, value)
    except UnusualTimeline:
        return fold_call(parse_timeline(raw))
    return fold.finish()
