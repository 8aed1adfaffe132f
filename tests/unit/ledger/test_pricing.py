"""Calls priced by hand, and what holds for every call and every book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.events import TokenCounts
from vivavoce.ledger.book import UNITS, Book, Row
from vivavoce.ledger.cost import QUANTUM, CallCost, Charge, Item, Shares, added
from vivavoce.ledger.pricing import day_of, price_call
from vivavoce.ledger.record import CallRecord, ToolRecord, TurnKind, TurnRecord, UsageRecord

SECOND_US = 1_000_000


def row(
    item: Item, name: str, *prices: str, currency: str = "USD", since: str = "2026-01-01", increment_s: int = 1
) -> Row:
    return Row(
        item=item,
        name=name,
        prices={unit: Decimal(price) for unit, price in zip(UNITS[item], prices, strict=True)},
        currency=currency,
        effective_from=date.fromisoformat(since),
        source="the contract",
        increment_s=increment_s,
        book="test",
    )


NOVA = row(Item.MODEL, "nova", "3", "12", "0.33", "2.75")
CARRIER = row(Item.TELEPHONY, "twilio", "0.01", increment_s=60)
BOOK = Book("test", (NOVA, CARRIER, row(Item.MODEL, "euro", "1", "2", "3", "4", currency="EUR")))


def a_call(**more: object) -> CallRecord:
    given: dict[str, object] = {"call": "c", "opened": "2026-06-01T12:00:00+00:00", "agent": "a", **more}
    return CallRecord(**given)  # type: ignore[arg-type]


def a_turn(number: int = 1, **more: object) -> TurnRecord:
    return TurnRecord(number=number, kind=TurnKind.CLEAN, **more)  # type: ignore[arg-type]


NONE = TokenCounts()


def used(turn: int, model: str, *tokens: int, renewal: TokenCounts = NONE) -> UsageRecord:
    return UsageRecord(turn=turn, connection=1, model=model, tokens=TokenCounts(*tokens), renewal=renewal)


def usd(amount: str) -> dict[str, Decimal]:
    return {"USD": Decimal(amount)}


def test_tokens_are_charged_by_kind_turn_and_connection() -> None:
    cost = price_call(a_call(turns=(a_turn(1),), usage=(used(1, "nova", 1_000, 100, 0, 20), used(2, "nova", 1))), BOOK)
    assert [(c.turn, c.unit, int(c.quantity), c.amount) for c in cost.charges] == [
        (1, "speech_in", 1_000, Decimal("0.003")),
        (1, "speech_out", 100, Decimal("0.0012")),
        (1, "text_out", 20, Decimal("0.000055")),
        (2, "speech_in", 1, Decimal("0.000003")),
    ]
    assert [(turn.turn, turn.amounts) for turn in cost.turns] == [(1, usd("0.004255")), (2, usd("0.000003"))]
    assert (cost.amounts, cost.charges[0].priced) == (usd("0.004258"), "test 2026-01-01")


def test_what_has_no_price_is_named_and_never_nothing() -> None:
    cost = price_call(a_call(turns=(a_turn(),), usage=(used(1, "whose", 5),), sessions=((1, "local"),)), BOOK)
    assert [charge.amount for charge in cost.charges] == [None]
    assert (cost.unpriced, cost.amounts, cost.turns[0].unpriced) == (("local", "whose"), {}, ("whose",))


def test_what_costs_nothing_has_a_price() -> None:
    free = Book("own", (row(Item.MODEL, "local", "0", "0", "0", "0"),))
    cost = price_call(a_call(usage=(used(0, "local", 5),), sessions=((1, "local"),)), BOOK.merged(free))
    assert (cost.amounts, cost.unpriced) == (usd("0"), ())


def test_currencies_are_never_added() -> None:
    cost = price_call(a_call(usage=(used(1, "nova", 1_000_000), used(1, "euro", 1_000_000))), BOOK)
    assert cost.amounts == {"USD": Decimal(3), "EUR": Decimal(1)}
    assert cost.turns[0].amounts == cost.amounts


@pytest.mark.parametrize(("talk_us", "minutes"), [(1, 1), (60 * SECOND_US, 1), (60 * SECOND_US + 1, 2)])
def test_a_begun_minute_is_a_minute(talk_us: int, minutes: int) -> None:
    cost = price_call(a_call(channel="twilio", connected_us=5, duration_us=5 + talk_us), BOOK)
    assert [(int(charge.quantity), charge.turn) for charge in cost.charges] == [(minutes, None)]
    assert cost.amounts == usd(f"0.0{minutes}")


def test_seconds_are_billed_where_the_carrier_bills_them() -> None:
    book = Book("b", (row(Item.TELEPHONY, "telnyx", "0.0060"),))
    cost = price_call(a_call(channel="telnyx", connected_us=0, duration_us=61_400_000), book)
    assert cost.charges[0].quantity == Decimal("1.033333333333")
    assert cost.amounts == usd("0.006200000000")


@pytest.mark.parametrize(
    ("channel", "outbound", "name", "amount", "unpriced"),
    [
        ("twilio", False, "twilio", usd("0.01"), ()),
        ("twilio", True, "twilio:outbound", usd("0.02"), ()),
        ("plivo", True, "plivo", usd("0.03"), ()),
        ("vonage", True, "vonage:outbound", {}, ("vonage:outbound",)),
        ("telnyx", False, "telnyx", {}, ("telnyx",)),
    ],
)
def test_whom_one_dials_by_may_ask_another_price(
    channel: str, outbound: bool, name: str, amount: dict[str, Decimal], unpriced: tuple[str, ...]
) -> None:
    others = (
        row(Item.TELEPHONY, "twilio:outbound", "0.02", increment_s=60),
        row(Item.TELEPHONY, "plivo", "0.03", increment_s=60),
    )
    record = a_call(channel=channel, outbound=outbound, connected_us=0, duration_us=1)
    cost = price_call(record, Book("b", (CARRIER, *others)))
    assert ([charge.name for charge in cost.charges], cost.amounts, cost.unpriced) == ([name], amount, unpriced)


def test_a_caller_who_was_never_on_the_line_and_a_microphone_cost_no_minutes() -> None:
    assert price_call(a_call(channel="twilio", duration_us=5), BOOK).charges == ()
    cost = price_call(a_call(channel="microphone", connected_us=0, duration_us=5), BOOK)
    assert (cost.charges, cost.unpriced) == ((), ())


def test_tools_cost_what_the_agent_declares_or_the_book_has() -> None:
    tools = tuple(
        ToolRecord(name=name, status="ok", started_us=0, price=price)
        for name, price in (("a", Decimal("0.002")), ("b", None), ("b", Decimal(0)), ("c", None))
    )
    cost = price_call(a_call(turns=(a_turn(tools=tools),)), Book("b", (row(Item.TOOL, "b", "0.5", currency="EUR"),)))
    assert [(charge.name, charge.amount, charge.currency) for charge in cost.charges] == [
        ("a", Decimal("0.002"), "USD"),
        ("b", Decimal("0.5"), "EUR"),
        ("b", Decimal(0), "USD"),
    ]
    assert cost.unpriced == ()


def test_a_month_of_storage_is_charged_where_the_book_says_so() -> None:
    assert price_call(a_call(), BOOK, recording_bytes=5, timeline_bytes=5).charges == ()
    book = Book("b", (row(Item.STORAGE, "recording", "0.02"),))
    cost = price_call(a_call(), book, recording_bytes=50_000_000, timeline_bytes=5)
    assert [(charge.quantity, charge.amount) for charge in cost.charges] == [(Decimal("0.05"), Decimal("0.001"))]


@pytest.mark.parametrize(
    ("opened", "day"),
    [
        ("2026-06-01T00:30:00+02:00", "2026-05-31"),
        ("2026-05-31T23:30:00-02:00", "2026-06-01"),
        ("2026-06-01T00:30:00", "2026-06-01"),
    ],
)
def test_the_prices_are_those_of_the_day_that_the_call_was_opened_on(opened: str, day: str) -> None:
    assert str(day_of(opened)) == day
    book = Book("b", (NOVA, row(Item.MODEL, "nova", "5", "5", "5", "5", since="2026-06-01")))
    cost = price_call(a_call(opened=opened, usage=(used(1, "nova", 1),)), book)
    assert cost.charges[0].price == (3 if day == "2026-05-31" else 5)


def shares_of(turn: TurnRecord, usage: UsageRecord, *others: TurnRecord) -> Shares:
    return price_call(a_call(turns=(turn, *others), usage=(usage,)), BOOK).turns[0].shares


REPLY = used(1, "nova", 0, 1_000_000, 0, 1_000_000)  # 14.75
LAST = a_turn(9, evidence="mark")


@pytest.mark.parametrize(
    ("turn", "waste"),
    [
        (a_turn(generated_samples=4, played_samples=1, interrupted=True, evidence="mark"), usd("11.0625")),
        (a_turn(generated_samples=4, played_samples=1, evidence="mark"), {}),  # a report that is still to come
        (a_turn(generated_samples=4, played_samples=0), usd("14.75")),  # never heard, by a channel that would tell
        (a_turn(generated_samples=4, played_samples=1, interrupted=True, evidence="assumed"), {}),
        (a_turn(generated_samples=4, played_samples=5, interrupted=True, evidence="mark"), {}),
        (a_turn(interrupted=True, evidence="mark"), {}),
    ],
)
def test_what_was_made_and_not_heard_is_waste(turn: TurnRecord, waste: dict[str, Decimal]) -> None:
    assert shares_of(turn, REPLY, LAST).waste == waste


def test_the_end_of_the_call_cuts_too_and_a_channel_that_tells_nothing_wastes_nothing() -> None:
    assert shares_of(a_turn(generated_samples=4, played_samples=1, evidence="rtp"), REPLY).waste == usd("11.0625")
    assert shares_of(a_turn(generated_samples=4), REPLY).waste == {}


def test_what_is_told_again_and_silence_do_not_overlap() -> None:
    usage = used(1, "nova", 1_000_000, 0, 1_000_000, renewal=TokenCounts(speech_in=500_000, text_in=2_000_000))
    told = shares_of(a_turn(forwarded_samples=100, voiced_samples=25), usage)
    assert (told.renewal, told.silence, told.waste) == (usd("1.83"), usd("1.125"), {})


PRICES = st.decimals(0, 100, places=4).map(str)
COUNTS = st.builds(TokenCounts, *[st.integers(0, 10_000_000)] * 4)
SAMPLES = st.integers(0, 100_000)
MODELS = ("nova", "euro", "whose")
TURNS = st.builds(
    a_turn,
    number=st.integers(0, 4),
    generated_samples=SAMPLES,
    played_samples=SAMPLES,
    forwarded_samples=SAMPLES,
    voiced_samples=SAMPLES,
    interrupted=st.booleans(),
    evidence=st.sampled_from(["", "assumed", "mark"]),
    tools=st.lists(
        st.builds(
            ToolRecord,
            name=st.sampled_from(["mine", "free"]),
            status=st.just("ok"),
            started_us=st.just(0),
            price=st.none() | st.decimals(0, 1, places=6),
        ),
        max_size=2,
    ).map(tuple),
)
CALLS = st.builds(
    a_call,
    channel=st.sampled_from(["twilio", "telnyx", "microphone"]),
    outbound=st.booleans(),
    simulated=st.booleans(),
    connected_us=st.none() | st.integers(0, 100),
    duration_us=st.integers(0, 10**9),
    turns=st.lists(TURNS, max_size=4, unique_by=lambda turn: turn.number).map(tuple),
    usage=st.lists(
        st.builds(
            UsageRecord,
            turn=st.integers(0, 5),
            connection=st.integers(1, 2),
            model=st.sampled_from(MODELS),
            tokens=COUNTS,
            renewal=COUNTS,
        ),
        max_size=5,
    ).map(tuple),
    sessions=st.sampled_from([(), ((1, "nova"),), ((1, "whose"), (2, "euro"))]),
)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Prices of ``nova`` and ``euro``, and perhaps of a carrier; ``whose`` never has one."""
    rows = [
        row(Item.MODEL, "nova", *(draw(PRICES) for _ in range(4))),
        row(Item.MODEL, "euro", *(draw(PRICES) for _ in range(4)), currency="EUR"),
    ]
    if draw(st.booleans()):
        rows.append(row(Item.TELEPHONY, "twilio", draw(PRICES), increment_s=draw(st.integers(1, 60))))
    return Book("drawn", tuple(rows))


@given(CALLS, books())
@settings(max_examples=50)
def test_sums_are_those_of_the_charges(record: CallRecord, book: Book) -> None:
    cost = price_call(record, book)
    wide = [charge for charge in cost.charges if charge.turn is None]
    assert added([*(turn.amounts for turn in cost.turns), sums(wide)]) == cost.amounts == sums(cost.charges)
    assert all(turn.amounts == sums([c for c in cost.charges if c.turn == turn.turn]) for turn in cost.turns)
    assert cost.simulated == record.simulated
    for charge in cost.charges:
        if charge.amount is not None and charge.price is not None:
            assert charge.amount == charge.amount.quantize(QUANTUM)
            assert abs(charge.quantity * charge.price / charge.per - charge.amount) <= QUANTUM / 2
        else:
            assert (charge.price, charge.currency, charge.priced) == (None, "", "")
            assert charge.name in cost.unpriced
    models = {usage.model for usage in record.usage} | {model for _, model in record.sessions}
    assert ("whose" in cost.unpriced) == ("whose" in models)


@given(CALLS, books())
@settings(max_examples=50)
def test_shares_are_parts_of_the_amount(record: CallRecord, book: Book) -> None:
    cost = price_call(record, book)
    parts = [(cost.shares, cost.amounts), *((turn.shares, turn.amounts) for turn in cost.turns)]
    for shares, amounts in parts:
        every = (shares.waste, shares.renewal, shares.silence)
        assert all(amount >= 0 for part in every for amount in part.values())
        for currency, amount in added(every).items():
            assert amount <= amounts.get(currency, 0)


@given(CALLS, books(), books())
@settings(max_examples=50)
def test_another_book_changes_prices_alone(record: CallRecord, book: Book, other: Book) -> None:
    cost = price_call(record, book)
    assert price_call(record, book) == cost
    again = price_call(record, other)
    assert unpriced_charges(again) == unpriced_charges(cost)
    assert [turn.turn for turn in again.turns] == [turn.turn for turn in cost.turns]


def sums(charges: list[Charge] | tuple[Charge, ...]) -> dict[str, Decimal]:
    return added({charge.currency: charge.amount} for charge in charges if charge.amount is not None)


def unpriced_charges(cost: CallCost) -> list[Charge]:
    """The charges without what a book says; telephony's step, and so its quantity, is the book's."""
    return [
        msgspec.structs.replace(charge, price=None, amount=None, currency="", priced="")
        for charge in cost.charges
        if charge.item is not Item.TELEPHONY
    ]
