"""A call, priced by a book. The same call and the same book give the same charges: a past call can be priced again.

Every charge is ``quantity × price ÷ per``, rounded once to :data:`~vivavoce.ledger.cost.QUANTUM`. The prices are those
of the day (UTC's) on which the call was opened. ``docs/reference/prices.md`` has what is charged, and what estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext

from vivavoce.events import Evidence, TokenCounts
from vivavoce.ledger.book import CALL, GIGABYTE_MONTH, MINUTE, PER, SPEECH_IN, SPEECH_OUT, TEXT_OUT, UNITS, Book, Row
from vivavoce.ledger.cost import QUANTUM, CallCost, Charge, Item, Shares, TurnCost, added
from vivavoce.ledger.record import CallRecord, ToolRecord, TurnRecord, UsageRecord

DECLARED = "agent file"
"""What a charge names in the place of a book's row where the agent itself declares what a tool costs."""
DECLARED_CURRENCY = "USD"
CARRIERS = frozenset({"twilio", "telnyx", "plivo", "vonage"})
"""Channels whose minutes somebody charges. Of the others only those that the book has a row for are charged."""
RECORDING, TIMELINE = "recording", "timeline"
"""What storage is charged by."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough that nothing is rounded before a charge is."""
_US = 1_000_000


def price_call(record: CallRecord, book: Book, *, recording_bytes: int = 0, timeline_bytes: int = 0) -> CallCost:
    """What the call costs by this book. A month of storage of its two files is charged where the book has a row."""
    pricer = _Pricer(record, book)
    with localcontext(_EXACT):
        tokens = [(usage, tuple(pricer.tokens(usage))) for usage in record.usage]
        tools = [charge for turn in record.turns for charge in pricer.tools(turn)]
        wide = [*pricer.telephony(), *pricer.storage(RECORDING, recording_bytes)]
        wide += pricer.storage(TIMELINE, timeline_bytes)
        charges = (*(charge for _, those in tokens for charge in those), *tools, *wide)
        turns = tuple(_turn_costs(record, charges, tokens))
        amounts = added(map(_amounts, charges))
        shares = _sum_of_shares([turn.shares for turn in turns])
    unpriced = {charge.name for charge in charges if charge.amount is None} | pricer.unpriced_models()
    return CallCost(
        book=book.name,
        charges=charges,
        turns=turns,
        amounts=amounts,
        shares=shares,
        unpriced=tuple(sorted(unpriced)),
        simulated=record.simulated,
    )


def day_of(opened: str) -> date:
    """The day, UTC's, of an instant in ISO 8601."""
    instant = datetime.fromisoformat(opened)
    return (instant if instant.tzinfo is None else instant.astimezone(UTC)).date()


class _Pricer:
    """The charges of one call, each by the row of its day."""

    def __init__(self, record: CallRecord, book: Book) -> None:
        self._record = record
        self._book = book
        self._day = day_of(record.opened)

    def tokens(self, usage: UsageRecord) -> Iterator[Charge]:
        row = self._find(Item.MODEL, usage.model)
        for unit in UNITS[Item.MODEL]:
            count: int = getattr(usage.tokens, unit)
            if count:
                yield _charge(Item.MODEL, usage.model, unit, Decimal(count), row, usage.turn)

    def tools(self, turn: TurnRecord) -> Iterator[Charge]:
        """A tool of which nobody has said a price is one's own, and not charged."""
        for tool in turn.tools:
            if tool.price is not None:
                yield _declared(tool, tool.price, turn.number)
            elif row := self._find(Item.TOOL, tool.name):
                yield _charge(Item.TOOL, tool.name, CALL, Decimal(1), row, turn.number)

    def telephony(self) -> Iterator[Charge]:
        record, channel = self._record, self._record.channel
        if record.connected_us is None or record.duration_us <= record.connected_us:
            return
        outbound = f"{channel}:outbound"
        row = (self._find(Item.TELEPHONY, outbound) if record.outbound else None) or self._find(Item.TELEPHONY, channel)
        if row is None and channel not in CARRIERS:
            return
        name = row.name if row is not None else outbound if record.outbound else channel
        step_us = (row.increment_s if row is not None else 1) * _US
        steps = -((record.connected_us - record.duration_us) // step_us)
        yield _charge(Item.TELEPHONY, name, MINUTE, _minutes(steps * step_us), row)

    def storage(self, name: str, size: int) -> Iterator[Charge]:
        row = self._find(Item.STORAGE, name)
        if row is not None and size:
            yield _charge(Item.STORAGE, name, GIGABYTE_MONTH, Decimal(size).scaleb(-9), row)

    def unpriced_models(self) -> set[str]:
        """Those that were talked to at all, also where they reported no tokens: some report none."""
        spoken_to = {model for _, model in self._record.sessions} | {usage.model for usage in self._record.usage}
        return {model for model in spoken_to if self._find(Item.MODEL, model) is None}

    def _find(self, item: Item, name: str) -> Row | None:
        return self._book.find(item, name, self._day)


def _minutes(us: int) -> Decimal:
    minutes = Decimal(us) / (60 * _US)
    return minutes if minutes == minutes.quantize(QUANTUM) else minutes.quantize(QUANTUM)


def _charge(item: Item, name: str, unit: str, quantity: Decimal, row: Row | None, turn: int | None = None) -> Charge:
    per = PER.get(unit, 1)
    if row is None:
        return Charge(item=item, name=name, unit=unit, quantity=quantity, turn=turn, per=per)
    price = row.prices[unit]
    return Charge(
        item=item,
        name=name,
        unit=unit,
        quantity=quantity,
        turn=turn,
        price=price,
        per=per,
        amount=(quantity * price / per).quantize(QUANTUM),
        currency=row.currency,
        priced=row.label,
    )


def _declared(tool: ToolRecord, price: Decimal, turn: int) -> Charge:
    return Charge(
        item=Item.TOOL,
        name=tool.name,
        unit=CALL,
        quantity=Decimal(1),
        turn=turn,
        price=price,
        amount=price.quantize(QUANTUM),
        currency=DECLARED_CURRENCY,
        priced=DECLARED,
    )


def _amounts(charge: Charge) -> Mapping[str, Decimal]:
    return {} if charge.amount is None else {charge.currency: charge.amount}


def _turn_costs(
    record: CallRecord, charges: Sequence[Charge], tokens: Sequence[tuple[UsageRecord, tuple[Charge, ...]]]
) -> Iterator[TurnCost]:
    """One for each turn of the call, and for one that only its tokens tell of."""
    turns = {turn.number: turn for turn in record.turns}
    used: dict[int, list[tuple[UsageRecord, tuple[Charge, ...]]]] = {}
    for usage, own in tokens:
        used.setdefault(usage.turn, []).append((usage, own))
    by_turn: dict[int, list[Charge]] = {number: [] for number in turns}
    for charge in charges:
        if charge.turn is not None:
            by_turn.setdefault(charge.turn, []).append(charge)
    for number, those in sorted(by_turn.items()):
        wasted, silent = _wasted(record, turns.get(number)), _silent(turns.get(number))
        parts = [_shares(usage, own, wasted, silent) for usage, own in used.get(number, ())]
        unpriced = tuple(sorted({charge.name for charge in those if charge.amount is None}))
        yield TurnCost(
            turn=number, amounts=added(map(_amounts, those)), shares=_sum_of_shares(parts), unpriced=unpriced
        )


def _wasted(record: CallRecord, turn: TurnRecord | None) -> Decimal:
    """Of what was generated in a turn, the part that was not heard, where the reply was cut off (by the caller, or by
    the call's end) or not heard at all; 0 where the channel does not report what it played."""
    if turn is None or turn.generated_samples <= 0 or not _reported(record, turn):
        return Decimal(0)
    cut = turn.interrupted or turn.played_samples <= 0 or (turn is record.turns[-1] and not record.torn)
    return _part(turn.generated_samples - turn.played_samples, turn.generated_samples) if cut else Decimal(0)


def _reported(record: CallRecord, turn: TurnRecord) -> bool:
    """A turn of which nothing was played has no evidence of its own: that of the call's others must do."""
    told = {turn.evidence} if turn.evidence else {other.evidence for other in record.turns} - {""}
    return bool(told) and Evidence.ASSUMED not in told


def _silent(turn: TurnRecord | None) -> Decimal:
    """Of the caller's audio that a model was given in a turn, the part that it did not take for speech."""
    if turn is None or turn.forwarded_samples <= 0:
        return Decimal(0)
    return _part(turn.forwarded_samples - turn.voiced_samples, turn.forwarded_samples)


def _part(of: int, whole: int) -> Decimal:
    return Decimal(min(max(of, 0), whole)) / whole


def _shares(usage: UsageRecord, charges: Sequence[Charge], wasted: Decimal, silent: Decimal) -> Shares:
    """What a session was told again is taken off first, so that nothing counts twice; all is rounded down, so that the
    shares are never more than the charges."""
    waste, renewal, silence = Decimal(0), Decimal(0), Decimal(0)
    currency = ""
    for charge in charges:
        if charge.amount is None:
            continue
        currency = charge.currency
        again = _again(charge, usage.renewal)
        renewal += again
        if charge.unit in (SPEECH_OUT, TEXT_OUT):
            waste += _down((charge.amount - again) * wasted)
        elif charge.unit == SPEECH_IN:
            silence += _down((charge.amount - again) * silent)
    return Shares(
        waste={currency: waste} if waste else {},
        renewal={currency: renewal} if renewal else {},
        silence={currency: silence} if silence else {},
    )


def _again(charge: Charge, renewal: TokenCounts) -> Decimal:
    tokens: int = getattr(renewal, charge.unit)
    if charge.amount is None or tokens <= 0:
        return Decimal(0)
    return _down(charge.amount * min(Decimal(tokens) / charge.quantity, Decimal(1)))


def _down(amount: Decimal) -> Decimal:
    return amount.quantize(QUANTUM, rounding=ROUND_DOWN)


def _sum_of_shares(parts: Sequence[Shares]) -> Shares:
    return Shares(
        waste=added(part.waste for part in parts),
        renewal=added(part.renewal for part in parts),
        silence=added(part.silence for part in parts),
    )
