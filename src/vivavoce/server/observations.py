"""What the metrics are told of a call that is over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from vivavoce.events import Disposition, TokenCounts
from vivavoce.ledger.cost import Amounts, CallCost
from vivavoce.ledger.record import Basis, CallRecord, TurnRecord

DROPPED = frozenset({Disposition.CHANNEL_LOST, Disposition.MODEL_LOST, Disposition.STOPPED, Disposition.FAILED})
"""Neither side wanted the call to end."""
TORN = "torn"


class Observation(NamedTuple):
    """A value to be added to a counter, or to be put into a histogram."""

    name: str
    value: float
    labels: Mapping[str, str]


def of_turn(call: CallRecord, turn: TurnRecord) -> Iterator[Observation]:
    """One turn's latency by every basis that it has, and what it is made of."""
    labels = {
        "agent": call.agent,
        "model": turn.model,
        "channel": call.channel,
        "kind": turn.kind.value,
        "simulated": _word(call.simulated),
    }
    yield Observation("vivavoce_turns_total", 1, labels)
    if turn.interrupted:
        yield Observation("vivavoce_barge_ins_total", 1, labels)
    for basis in Basis:
        latency_ms = turn.latency_ms(basis)
        if latency_ms is not None:
            at_least_0 = max(0.0, latency_ms / 1000)  # an agent that began before the caller had ended did not wait
            yield Observation("vivavoce_turn_latency_seconds", at_least_0, {**labels, "basis": basis.value})
    if turn.events_ms is None:
        return
    silence_ms = None if turn.silence_us is None else turn.silence_us / 1000
    tool_ms = turn.tool_us / 1000 if turn.tools else None
    for part, took_ms in (("model", turn.model_ms), ("server", turn.server_ms), ("tool", tool_ms),
                          ("silence", silence_ms)):  # fmt: skip
        if took_ms is not None:
            yield Observation("vivavoce_turn_share_seconds", max(0.0, took_ms / 1000), {**labels, "part": part})


def of_call(record: CallRecord, cost: CallCost) -> Iterator[Observation]:
    """All of it but the turns' latency."""
    yield from _course(record)
    yield from _work(record)
    yield from _money(record, cost)


def _course(record: CallRecord) -> Iterator[Observation]:
    labels = {"agent": record.agent, "channel": record.channel, "simulated": _word(record.simulated)}
    yield Observation("vivavoce_call_duration_seconds", record.duration_us / 1e6, labels)
    yield Observation("vivavoce_calls_set_up_total", 1, {**labels, "outcome": set_up(record)})
    ended = TORN if record.torn else record.disposition
    if record.answered_us is not None and (record.torn or ended in DROPPED):
        yield Observation("vivavoce_calls_dropped_total", 1, {**labels, "reason": ended})
    if record.torn:
        yield Observation("vivavoce_calls_torn_total", 1, {"agent": record.agent})
    if record.errors:
        yield Observation("vivavoce_call_errors_total", len(record.errors), {"agent": record.agent})
    if record.audio_lost_samples and record.rate_hz:
        lost_s = record.audio_lost_samples / record.rate_hz
        yield Observation("vivavoce_audio_lost_seconds_total", lost_s, _without(labels, "channel"))
    for swap in record.swaps:
        moment = {"moment": swap.moment, "simulated": labels["simulated"]}
        yield Observation("vivavoce_swaps_total", 1, moment)
        if swap.gap_ms is not None:
            yield Observation("vivavoce_swap_gap_seconds", swap.gap_ms / 1000, moment)


def set_up(record: CallRecord) -> str:
    """``answered``: the agent was heard; ``failed``: not, and that was not the caller's doing; else ``abandoned``."""
    if record.answered_us is not None:
        return "answered"
    return "failed" if record.torn or record.disposition in DROPPED else "abandoned"


def _work(record: CallRecord) -> Iterator[Observation]:
    simulated = _word(record.simulated)
    for turn in record.turns:
        for tool in turn.tools:
            yield Observation("vivavoce_tool_calls_total", 1, {"tool": tool.name, "status": tool.status or "cancelled"})
            if tool.finished_us is not None:
                took_s = (tool.finished_us - tool.started_us) / 1e6
                yield Observation("vivavoce_tool_duration_seconds", took_s, {"tool": tool.name})
    for usage in record.usage:
        for kind in TokenCounts.__struct_fields__:
            if count := getattr(usage.tokens, kind):
                labels = {"model": usage.model, "kind": kind, "simulated": simulated}
                yield Observation("vivavoce_tokens_total", count, labels)
    for gap in record.usage_gaps:
        yield Observation("vivavoce_usage_gaps_total", 1, {"model": gap.model})


def _money(record: CallRecord, cost: CallCost) -> Iterator[Observation]:
    whose = {"tenant": record.tenant, "simulated": _word(cost.simulated)}
    for charge in cost.charges:
        if charge.amount:
            labels = {"item": charge.item.value, "name": charge.name, "currency": charge.currency, **whose}
            yield Observation("vivavoce_spend_total", float(charge.amount), labels)
    yield from _shared("vivavoce_unheard_spend_total", cost.shares.waste, whose)
    yield from _shared("vivavoce_renewal_spend_total", cost.shares.renewal, whose)
    yield from _shared("vivavoce_silence_spend_total", cost.shares.silence, whose)
    for name in cost.unpriced:
        yield Observation("vivavoce_unpriced_calls_total", 1, _without({"name": name, **whose}, "tenant"))


def _shared(name: str, amounts: Amounts, whose: Mapping[str, str]) -> Iterator[Observation]:
    for currency, amount in amounts.items():
        yield Observation(name, float(amount), {"currency": currency, **whose})


def _without(labels: Mapping[str, str], label: str) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != label}


def _word(simulated: bool) -> str:
    return "true" if simulated else "false"
