"""Calls that are kept, made up by a seed, and a store that has them in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from vivavoce.errors import StoreFault, UsageError, VivavoceError
from vivavoce.events import (
    Ability,
    Audio,
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
    FloorDecided,
    FloorVerdict,
    Flush,
    ForwardAudio,
    HoldChanged,
    Instant,
    OpenModel,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    RunTool,
    Samples,
    SwapModel,
    SwapMoment,
    TokenCounts,
    ToolCallId,
    ToolFinished,
    ToolStatus,
    VoiceKind,
)
from vivavoce.ledger.cost import CallCost, Shares, TurnCost, added
from vivavoce.ledger.figures import percentile
from vivavoce.ledger.record import Basis, CallRecord, SwapRecord, ToolRecord, TurnKind, TurnRecord, UsageRecord
from vivavoce.store.port import CallFilter, CallPage, CallRow, CostRow, Dimension, LatencyRow, StoredCall, TroubleRow
from vivavoce.timeline.schema import Header, encode_header, encode_line

RATE_HZ = 8_000
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
AGENTS = ("The desk", "The sales")
MODELS = ("nova-2-sonic", "gpt-realtime")
_SAYINGS = (
    (
        "Which estates do you have under twenty five thousand?",
        "We have two of those. The lower price is for a grey Beacon estate.",
    ),
    (
        "Could I test drive the green one on Saturday?",
        "Of course. On Saturday we are open from nine to five, and I could offer you ten o'clock or half past eleven.",
    ),
    ("Half past eleven is perfect.", "Your test drive is booked for Saturday at half past eleven."),
    ("And what about the warranty?", "Every car comes with a warranty of two years, and you may add a third."),
    ("Thanks, that is all.", "Thank you for calling. Goodbye!"),
)


def call_name(number: int) -> str:
    return f"20260302-{number:06d}-{number * 7919 % 65536:04x}"


def made_call(number: int, opened: datetime, seed: int = 1) -> StoredCall:
    """A call like those that happen; the same for the same number and seed."""
    dice = Random(seed * 100_003 + number)
    simulated = number % 11 == 5
    model = MODELS[number % 3 % 2]
    count = dice.randint(2, 9)
    turns, now_us = [_turn(dice, 0, TurnKind.OPENING, 800_000, model)], 5_200_000
    for index in range(1, count + 1):
        turn = _turn(dice, index, _kind(dice, index), now_us, model)
        turns.append(turn)
        now_us = (turn.first_played_us or now_us) + turn.played_samples * 1_000_000 // RATE_HZ + 700_000
    torn = number % 37 == 19
    dispositions = (Disposition.COMPLETED,) * 6 + (Disposition.HANDOFF, Disposition.CHANNEL_LOST, Disposition.SILENCE)
    record = CallRecord(
        call=call_name(number),
        opened=opened.isoformat(),
        agent=AGENTS[number % 4 // 3],
        tenant=("acme", "globex", "")[number % 3],
        channel=("twilio", "webrtc", "realtime")[number % 3],
        simulated=simulated,
        torn=torn,
        version="0.1.0",
        models=MODELS,
        rate_hz=RATE_HZ,
        duration_us=now_us + 400_000,
        connected_us=200_000,
        answered_us=800_000,
        disposition="" if torn else dice.choice(dispositions).value,
        reason="" if torn else "the caller hung up",
        turns=tuple(turns),
        usage=tuple(
            UsageRecord(turn=turn.number, connection=turn.connection, model=model, tokens=TokenCounts(211, 93, 640, 40))
            for turn in turns
        ),
        swaps=tuple(_swaps(turns)),
        sessions=((1, model), (2, model)),
    )
    return StoredCall(
        record=record,
        cost=_cost(record, priced=number % 5 != 4),
        recorded=number % 2 == 0,
        words=True,
        timeline_bytes=10_000,
        recording_bytes=0,
    )


def _kind(dice: Random, index: int) -> TurnKind:
    if index == 1:
        return TurnKind.FIRST
    return dice.choice([TurnKind.CLEAN] * 5 + [TurnKind.TOOL] * 2 + [TurnKind.INTERRUPTED, TurnKind.RENEWAL])


def _turn(dice: Random, index: int, kind: TurnKind, now_us: int, model: str) -> TurnRecord:
    caller, agent = _SAYINGS[(index - 1) % len(_SAYINGS)]
    if index == 0:
        caller, agent = "", "Thank you for calling Northgate Motors. How can I help you today?"
    spoke_us = 0 if index == 0 else 1_100_000 + len(caller) * 45_000
    ended = now_us + spoke_us
    tool_us = dice.randint(200_000, 900_000) if kind is TurnKind.TOOL else 0
    model_us = int(dice.lognormvariate(13.25, 0.25)) + tool_us
    first_byte = ended + 4_000 + model_us
    sent, silence = first_byte + 3_000, dice.randint(20_000, 90_000)
    generated = len(agent) * RATE_HZ * 55 // 1000
    interrupted = kind is TurnKind.INTERRUPTED
    heard = agent[: len(agent) // 2].rsplit(" ", 1)[0] if interrupted else agent
    return TurnRecord(
        number=index,
        kind=kind,
        model=model,
        connection=1,
        began_us=now_us if index else None,
        speech_ended_us=ended if index else None,
        forwarded_us=ended + 4_000 if index else None,
        first_byte_us=first_byte if index else now_us - 3_000,
        first_sent_us=sent if index else now_us,
        first_played_us=sent + 20_000 if index else now_us + 20_000,
        silence_us=silence,
        evidence="paced",
        measured_ended_us=ended - 60_000 if index else None,
        measured_heard_us=sent + 20_000 + silence if index else None,
        tool_us=tool_us,
        generated_samples=generated,
        played_samples=generated * len(heard) // len(agent),
        interrupted=interrupted,
        tools=(_tool(ended + 200_000, tool_us),) if tool_us else (),
        caller=caller,
        agent=agent,
        heard=heard,
    )


def _tool(at_us: int, tool_us: int) -> ToolRecord:
    status = ToolStatus.FAILED if tool_us > 800_000 else ToolStatus.OK
    return ToolRecord(name="find_cars", status=status.value, started_us=at_us, finished_us=at_us + tool_us)


def _swaps(turns: Sequence[TurnRecord]) -> Iterator[SwapRecord]:
    for turn in turns:
        if turn.kind is TurnKind.RENEWAL:
            assert turn.began_us is not None
            at_us = max(0, turn.began_us - 300_000)
            yield SwapRecord(at_us=at_us, connection=2, old=1, moment=SwapMoment.TURN_END.value, gap_ms=0.0)


def _cost(record: CallRecord, *, priced: bool) -> CallCost:
    def of(turn: TurnRecord) -> TurnCost:
        amount = Decimal(turn.generated_samples) / 10_000_000
        amounts = {"USD": amount} if priced else {}
        waste = {"USD": amount / 4} if priced and turn.interrupted else {}
        shares = Shares(waste=waste, silence={"USD": amount / 10} if priced else {})
        return TurnCost(turn=turn.number, amounts=amounts, shares=shares, unpriced=() if priced else (turn.model,))

    turns = tuple(of(turn) for turn in record.turns)
    shares = Shares(
        waste=added(turn.shares.waste for turn in turns), silence=added(turn.shares.silence for turn in turns)
    )
    amounts = added(turn.amounts for turn in turns)
    names = () if priced else (record.turns[0].model,)
    return CallCost(
        book="built-in 2026-11-22",
        turns=turns,
        amounts=amounts,
        shares=shares,
        unpriced=names,
        simulated=record.simulated,
    )


def timeline_of(record: CallRecord) -> bytes:
    """A file that tells this call, as far as its picture goes."""
    lines: list[tuple[int, Event | Effect]] = [
        (0, CallStarted(CallPlan(agent=record.agent, models=record.models))),
        (0, OpenModel(ConnectionId(1), 0)),
        (200_000, CallerConnected("memory", RATE_HZ, (Ability.PAUSE,))),
    ]
    step_us = 20_000
    frame = Audio(b"", RATE_HZ * step_us // 1_000_000)
    for at in range(200_000 + step_us, record.duration_us, step_us):
        lines += [(at, CallerAudio(frame)), (at, ForwardAudio(ConnectionId(1), frame))]
    for turn in record.turns:
        lines += _lines_of(turn)
    lines += [
        (swap.at_us, SwapModel(ConnectionId(2), ConnectionId(1), SwapMoment(swap.moment), Samples(0), Samples(0)))
        for swap in record.swaps
    ]
    lines.sort(key=lambda line: line[0])
    if not record.torn:
        lines.append((record.duration_us, CloseCall(Disposition(record.disposition), record.reason)))
    header = Header(
        vivavoce_timeline=1, call=record.call, opened=record.opened, agent=record.agent, vivavoce=record.version
    )
    encoded = [encode_line(number, Instant(at), value) for number, (at, value) in enumerate(lines)]
    return b"".join([encode_header(header), *encoded])


def _position(at_us: int) -> Samples:
    return Samples((at_us - 200_000) * RATE_HZ // 1_000_000)


def _lines_of(turn: TurnRecord) -> Iterator[tuple[int, Event | Effect]]:
    first, response = ConnectionId(1), ResponseId(f"r{turn.number}")
    if turn.began_us is not None and turn.speech_ended_us is not None:
        yield turn.began_us + 100_000, CallerSpeechStarted(first, _position(turn.began_us))
        yield turn.speech_ended_us + 100_000, CallerSpeechStopped(first, _position(turn.speech_ended_us))
    for tool in turn.tools:
        key = ToolCallId(f"t{turn.number}")
        yield tool.started_us, RunTool(key, tool.name, "{}")
        yield tool.finished_us or 0, ToolFinished(key, ToolStatus(tool.status), "{}")
    assert turn.first_played_us is not None
    for played in range(RATE_HZ // 10, turn.played_samples, RATE_HZ // 10):
        at = turn.first_played_us + played * 1_000_000 // RATE_HZ
        yield at, PlayoutProgress(response, Samples(played), Evidence.PACED)
    if turn.interrupted:
        at = turn.first_played_us + turn.played_samples * 1_000_000 // RATE_HZ
        yield at, FloorDecided(FloorVerdict.TAKEN, _position(at), VoiceKind.CALLER, "speech")
        yield at, Flush(response)
        yield at + 1_000, PlayoutStopped(response, Samples(turn.played_samples), Evidence.PACED)
    if turn.number == 2:
        end_us = turn.first_played_us + turn.played_samples * 1_000_000 // RATE_HZ
        yield end_us + 100_000, HoldChanged(held=True, by="shop")
        yield end_us + 500_000, HoldChanged(held=False, by="shop")


@dataclass
class KeptCalls:
    """Implements :class:`~vivavoce.store.port.Records`. ``asked`` is what it was asked, ``away`` that it cannot be."""

    calls: list[StoredCall] = field(default_factory=list)
    away: bool | VivavoceError = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, newest: datetime = NOW, every: timedelta = timedelta(hours=5)) -> KeptCalls:
        return cls([made_call(number, newest - every * (count - number)) for number in range(count)])

    def list_calls(
        self, which: CallFilter, *, order: str = "newest", limit: int = 50, after: str = ""
    ) -> CallPage:  # fmt: skip
        self._ask("list", which, order, limit, after)
        rows = [_row(call) for call in self.calls if _fits(call, which)]
        rows.sort(key=_KEYS[order], reverse=order != "oldest")
        begin = int(after or 0)
        more = begin + limit < len(rows)
        return CallPage(
            rows=tuple(rows[begin : begin + limit]), total=len(rows), after=str(begin + limit) if more else ""
        )

    def each_call(self, which: CallFilter) -> Iterator[StoredCall]:
        self._ask("each", which)
        return (call for call in self.calls if _fits(call, which))

    def find(self, call: str) -> StoredCall | None:
        self._ask("find", call)
        found = [one for one in self.calls if one.record.call.startswith(call)]
        if len(found) > 1:
            raise UsageError(f"several calls begin with {call}", hint=found[0].record.call)
        return found[0] if found else None

    def timeline(self, call: str) -> bytes | None:
        self._ask("timeline", call)
        found = self.find(call)
        return timeline_of(found.record) if found is not None and found.words else None

    def latency(
        self, which: CallFilter, by: Sequence[Dimension], *, basis: Basis = Basis.EVENTS
    ) -> list[LatencyRow]:  # fmt: skip
        self._ask("latency", which, by, basis)
        groups: dict[Any, list[tuple[str, TurnRecord]]] = defaultdict(list)
        for call in self.each_call(which):
            for turn in call.record.turns:
                if turn.latency_ms(basis) is not None:
                    key = (_group(call, by), turn.kind, call.record.simulated)
                    groups[key].append((call.record.call, turn))
        return [
            _latency_row(group, kind, simulated, basis, turns) for (group, kind, simulated), turns in groups.items()
        ]

    def costs(self, which: CallFilter, by: Sequence[Dimension]) -> list[CostRow]:
        self._ask("costs", which, by)
        groups: dict[Any, list[StoredCall]] = defaultdict(list)
        for call in self.each_call(which):
            groups[_group(call, by), call.record.simulated].append(call)
        return [_cost_row(group, simulated, calls) for (group, simulated), calls in groups.items()]

    def trouble(self, which: CallFilter) -> list[TroubleRow]:
        self._ask("trouble", which)
        counts = Counter((_row(call).opened.date(), call.record.disposition) for call in self.each_call(which))
        return [TroubleRow(day=day, disposition=how, calls=count) for (day, how), count in sorted(counts.items())]

    def values(self, dimension: Dimension) -> list[str]:
        self._ask("values", dimension)
        return sorted({dict(_group(call, [dimension]))[dimension] for call in self.calls})

    def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        if self.away:
            raise StoreFault("cannot reach it", hint="start it") if self.away is True else self.away


_KEYS: dict[str, Any] = {
    "newest": lambda row: row.opened,
    "oldest": lambda row: row.opened,
    "longest": lambda row: row.duration_ms,
    "slowest": lambda row: row.slowest_ms or 0,
    "dearest": lambda row: row.amounts.get("USD", 0),
}


def _row(call: StoredCall) -> CallRow:
    record = call.record
    waits = [turn.events_ms for turn in record.turns if turn.events_ms is not None]
    same = ("call", "agent", "tenant", "channel", "outbound", "simulated", "torn", "disposition", "reason")
    return CallRow(
        **{name: getattr(record, name) for name in same},
        opened=datetime.fromisoformat(record.opened),
        model=record.turns[0].model,
        duration_ms=record.duration_us / 1000,
        turns=len(record.turns),
        barge_ins=record.barge_ins,
        tool_calls=record.tool_calls,
        swaps=len(record.swaps),
        errors=len(record.errors),
        median_ms=percentile(waits, 0.5),
        slowest_ms=max(waits, default=None),
        amounts=call.cost.amounts,
        unpriced=call.cost.unpriced,
        recorded=call.recorded,
    )


def _fits(call: StoredCall, which: CallFilter) -> bool:
    row = _row(call)
    said = " ".join(f"{turn.caller} {turn.agent}" for turn in call.record.turns).lower()
    same = [
        getattr(which, name) in ("", None) or getattr(row, name) == getattr(which, name)
        for name in ("agent", "model", "channel", "disposition", "simulated", "torn")
    ]
    return (
        all(same)
        and row.call.startswith(which.call)
        and (which.tenant is None or row.tenant == which.tenant)
        and (which.agents is None or row.agent in which.agents)
        and (which.since is None or row.opened >= which.since)
        and (which.until is None or row.opened < which.until)
        and (which.kind is None or any(turn.kind is which.kind for turn in call.record.turns))
        and (which.slower_than_ms is None or (row.slowest_ms or 0) > which.slower_than_ms)
        and which.text.lower() in f"{row.call} {row.reason} {said}"
    )


def _group(call: StoredCall, by: Sequence[Dimension]) -> tuple[tuple[str, str], ...]:
    row = _row(call)
    return tuple((one, str(row.opened.date()) if one == "day" else str(getattr(row, one))) for one in by)


def _latency_row(
    group: Any, kind: TurnKind, simulated: bool, basis: Basis, turns: list[tuple[str, TurnRecord]]
) -> LatencyRow:
    waits = [turn.latency_ms(basis) or 0.0 for _, turn in turns]
    p50, p90, p95, p99 = (percentile(waits, share) or 0.0 for share in (0.5, 0.9, 0.95, 0.99))
    return LatencyRow(
        group=group, kind=kind, basis=basis, simulated=simulated, turns=len(turns),
        calls=len({call for call, _ in turns}), p50_ms=p50, p90_ms=p90, p95_ms=p95, p99_ms=p99, max_ms=max(waits),
        call_max_p50_ms=p50, call_max_p95_ms=p95, tool_p50_ms=0.0, model_p50_ms=p50 * 0.9, server_p50_ms=7.0,
        server_p95_ms=9.0, silence_p50_ms=50.0,
    )  # fmt: skip


def _cost_row(group: Any, simulated: bool, calls: list[StoredCall]) -> CostRow:
    tokens = [call.record.tokens for call in calls]
    return CostRow(
        group=group,
        simulated=simulated,
        calls=len(calls),
        turns=sum(len(call.record.turns) for call in calls),
        minutes=sum((Decimal(call.record.duration_us) / 60_000_000 for call in calls), Decimal(0)),
        **{name: sum(getattr(one, name) for one in tokens) for name in msgspec.structs.asdict(TokenCounts())},
        amounts=added(call.cost.amounts for call in calls),
        shares=Shares(
            waste=added(call.cost.shares.waste for call in calls),
            silence=added(call.cost.shares.silence for call in calls),
        ),
        unpriced=tuple(sorted({name for call in calls for name in call.cost.unpriced})),
    )
