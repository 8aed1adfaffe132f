"""One finished call, turn by turn: where each millisecond and each cent went."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from vivavoce.cli.tables import NOTHING, amount, bare, counted, length, money, percent, sole_currency, table, whole
from vivavoce.cli.terminal import Terminal, plain
from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import Charge, Shares, TurnCost
from vivavoce.ledger.record import CallRecord, SwapRecord, ToolRecord, TurnRecord, summed
from vivavoce.store.export import TABLES, as_json, turn_row
from vivavoce.store.port import StoredCall

_SHARES = {"waste": "not heard", "renewal": "told again", "silence": "silence"}
_LEGEND = (
    "ms from the end of the caller's speech to the answer, by each basis; of the first, what the model, tools and this "
    "server took; quiet is silence before the first sound."
)


def call_object(stored: StoredCall) -> dict[str, Any]:
    """The call as JSON. Amounts are texts, for they are exact."""
    told: dict[str, Any] = msgspec.to_builtins(stored)
    costs = {cost.turn: cost for cost in stored.cost.turns}
    columns = TABLES["turns"].columns
    turns = []
    for turn, whole_turn in zip(stored.record.turns, told["record"].pop("turns"), strict=True):
        row = turn_row(stored, turn, costs.get(turn.number))
        shown = as_json({name: kind for name, kind in columns.items() if name in row}, row)
        turns.append(shown | {"tools": whole_turn["tools"]})
    record: dict[str, Any] = told.pop("record")
    return record | told | {"turns": turns}


def print_call(terminal: Terminal, stored: StoredCall) -> None:
    """The call's figures, a table of its turns, each turn with its words, the charges, and what is to be noticed."""
    record = stored.record
    terminal.say_whole(f"Call {record.call}", "bold")
    for line in _head(record):
        terminal.say(line)
    for notice in _notices(stored):
        terminal.say(notice, "bold")
    if record.turns:
        _print_turns(terminal, stored)
    for turn in record.turns:
        _print_turn(terminal, stored, turn)
    _print_swaps(terminal, record)
    _print_charges(terminal, stored)


def _head(record: CallRecord) -> Iterator[str]:
    opened = datetime.fromisoformat(record.opened).astimezone(UTC)
    tenant = f", tenant {plain(record.tenant)}" if record.tenant else ""
    way = "to" if record.outbound else "by"
    channel = f", {way} {plain(record.channel)}" if record.channel else ""
    yield f"{plain(record.agent)}{tenant}{channel}, {opened:%Y-%m-%d %H:%M:%S} UTC, {length(record.duration_us / 1000)}"
    if record.disposition:
        yield f"{record.disposition}: {plain(record.reason)}"
    if record.sessions:
        yield f"Sessions: {', '.join(f'{number} {plain(model)}' for number, model in record.sessions)}"


def _notices(stored: StoredCall) -> Iterator[str]:
    record, cost = stored.record, stored.cost
    if record.torn:
        yield "Torn: its process did not live to end it; what happened in its last second is not known."
    if record.simulated:
        yield "Simulated: latencies say nothing of a provider, and nobody is owed what it would have cost."
    if cost.unpriced:
        yield f"Unpriced: {', '.join(map(plain, cost.unpriced))}. What is told below is without them."
    for gap in record.usage_gaps:
        yield (
            f"Tokens of connection {gap.connection} ({plain(gap.model)}): the provider's total is "
            f"{_tokens(gap.total)}, its reports add up to {_tokens(gap.summed)}."
        )
    if not stored.words:
        yield "Words: forgotten."
    if record.audio_lost_samples and record.rate_hz:
        lost_ms = record.audio_lost_samples / record.rate_hz * 1000
        yield f"{lost_ms:.0f} ms of the caller's speech were dropped: this machine could not keep up."
    yield from (f"Error: {plain(error)}" for error in record.errors)


def _print_turns(terminal: Terminal, stored: StoredCall) -> None:
    costs = {cost.turn: cost for cost in stored.cost.turns}
    currency = sole_currency(cost.amounts for cost in stored.cost.turns)
    headings = ("turn", "kind", "events", "played", "audio", "model", "tools", "server", "quiet", currency or "cost")
    shown = table(headings, labels=("kind",))
    for turn in stored.record.turns:
        cost = costs.get(turn.number, TurnCost(turn=turn.number))
        shown.add_row(
            str(turn.number),
            turn.kind.value,
            *map(whole, (turn.events_ms, turn.played_ms, turn.audio_ms, turn.model_ms)),
            whole(turn.tool_us / 1000) if turn.tools else NOTHING,
            whole(turn.server_ms),
            whole(None if turn.silence_us is None else turn.silence_us / 1000),
            _cell(cost, currency),
        )
    terminal.say()
    terminal.show(shown)
    terminal.say(_LEGEND, "dim")


def _cell(cost: TurnCost, currency: str) -> str:
    """Of several currencies there is no room for the amounts, which stand with each turn."""
    return "below" if cost.amounts and not currency else bare(cost.amounts, currency, cost.unpriced)


def _print_turn(terminal: Terminal, stored: StoredCall, turn: TurnRecord) -> None:
    cost = next((one for one in stored.cost.turns if one.turn == turn.number), TurnCost(turn=turn.number))
    began = "" if turn.began_us is None else f", at {turn.began_us / 1_000_000:.2f} s"
    terminal.say()
    terminal.say(f"Turn {turn.number}, {turn.kind.value}{began}{', cut off' if turn.interrupted else ''}", "bold")
    for name, words in _turn_lines(stored, turn, cost):
        terminal.say_indented(f"{name:8}{words}")


def _turn_lines(stored: StoredCall, turn: TurnRecord, cost: TurnCost) -> Iterator[tuple[str, str]]:
    if turn.caller:
        yield "caller", plain(turn.caller)
    if turn.agent:
        yield "agent", plain(turn.agent)
    if turn.agent and plain(turn.heard) != plain(turn.agent):
        yield "heard", plain(turn.heard) or "(none of it)"
    yield from (("tool", _tool(tool)) for tool in turn.tools)
    tokens = summed(usage.tokens for usage in stored.record.usage if usage.turn == turn.number)
    if tokens != TokenCounts():
        yield "tokens", _tokens(tokens)
    if cost.amounts or cost.unpriced:
        told = ", ".join(money(cost.amounts, cost.unpriced).splitlines())
        yield "cost", told + "".join(f"; {share}" for share in _shares(cost.shares))


def _tool(tool: ToolRecord) -> str:
    took = "never ended" if tool.finished_us is None else f"{(tool.finished_us - tool.started_us) / 1000:.0f} ms"
    priced = "" if tool.price is None else f", declared at {amount(tool.price)}"
    return f"{plain(tool.name)}: {plain(tool.status) or 'open'}, {took}{priced}"


def _tokens(tokens: TokenCounts) -> str:
    return f"speech {tokens.speech_in} in, {tokens.speech_out} out; text {tokens.text_in} in, {tokens.text_out} out"


def _shares(shares: Shares) -> Iterator[str]:
    for name, called in _SHARES.items():
        of = {key: value for key, value in getattr(shares, name).items() if value}
        if of:
            yield f"{called} {', '.join(money(of).splitlines())}"


def _print_swaps(terminal: Terminal, record: CallRecord) -> None:
    if not record.swaps:
        return
    terminal.say()
    terminal.say(counted(len(record.swaps), "swap"), "bold")
    for swap in record.swaps:
        terminal.say_indented(_swap(swap))


def _swap(swap: SwapRecord) -> str:
    gap = "gap not to be told" if swap.gap_ms is None else f"gap {swap.gap_ms:.0f} ms"
    why = f": {plain(swap.reason)}" if swap.reason else ""
    return f"{swap.at_us / 1_000_000:.2f} s  session {swap.old} to {swap.connection}, {swap.moment}, {gap}{why}"


def _print_charges(terminal: Terminal, stored: StoredCall) -> None:
    cost = stored.cost
    terminal.say()
    would = "it would have been " if cost.simulated and cost.amounts else ""
    terminal.say(f"Cost: {would}{', '.join(money(cost.amounts, cost.unpriced).splitlines())}", "bold")
    for name, called in _SHARES.items():
        shared = getattr(cost.shares, name)
        for currency, value in sorted(shared.items()):
            if value:
                of = percent(value, cost.amounts.get(currency, Decimal(0)))
                terminal.say_indented(f"{called:12}{amount(value)} {currency}, {of}")
    if not cost.charges:
        return
    shown = table(("of", "unit", "quantity", "price", "per", "amount", "by"), words=("of", "by"), labels=("unit",))
    for row in _summed_charges(cost.charges):
        shown.add_row(*row)
    terminal.say()
    terminal.show(shown)


def _summed_charges(charges: tuple[Charge, ...]) -> Iterator[tuple[str, ...]]:
    """A row for each price that was used."""
    sums: dict[tuple[Any, ...], list[Charge]] = {}
    for charge in charges:
        key = (charge.item, charge.name, charge.unit, charge.price, charge.per, charge.currency, charge.priced)
        sums.setdefault(key, []).append(charge)
    for (_, name, unit, price, per, currency, priced), those in sums.items():
        known = [charge.amount for charge in those if charge.amount is not None]
        quantity = sum((charge.quantity for charge in those), Decimal(0))
        yield (
            plain(name),
            unit,
            f"{quantity:f}" if quantity == quantity.to_integral_value() else f"{quantity:.4f}",
            NOTHING if price is None else f"{price.normalize():f}",
            str(per),
            f"{amount(sum(known, Decimal(0)))} {currency}" if price is not None else "unpriced",
            plain(priced) or NOTHING,
        )
