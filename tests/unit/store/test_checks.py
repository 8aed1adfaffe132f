from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.unit.store.keeping import write_call
from vivavoce.events import TokenCounts
from vivavoce.ledger.cost import CallCost, Charge, Item, TurnCost
from vivavoce.ledger.fold import fold_call
from vivavoce.ledger.record import CallRecord, UsageGap, UsageRecord
from vivavoce.store.checks import problems
from vivavoce.store.port import StoredCall
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.write import TIMELINE_FILE

USD = {"USD": Decimal("0.5")}
PART = Charge(item=Item.MODEL, name="m", unit="text_in", quantity=Decimal(1), amount=Decimal("0.5"), currency="USD")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_call(tmp_path, "20260302-091500-3f9a01")


def stored(record: CallRecord, cost: CallCost | None = None) -> StoredCall:
    return StoredCall(
        record=record,
        cost=cost or CallCost(book="b"),
        recorded=False,
        words=True,
        timeline_bytes=0,
        recording_bytes=0,
    )


def whats(one: StoredCall, timeline: bytes | None) -> list[str]:
    return [problem.what for problem in problems(one, timeline)]


def test_what_was_made_up_folds_the_same_and_does_not_replay(folder: Path) -> None:
    found = whats(stored(fold_call(read_timeline(folder))), (folder / TIMELINE_FILE).read_bytes())
    assert found == ["replayed, it differs at record 0"]


def test_every_field_that_differs_is_named(folder: Path) -> None:
    record = msgspec.structs.replace(fold_call(read_timeline(folder)), agent="another", turns=())
    found = whats(stored(record), (folder / TIMELINE_FILE).read_bytes())
    assert "folded again, agent differs" in found


def test_a_timeline_that_is_gone_proves_nothing_and_one_that_is_damaged_is_wrong(folder: Path) -> None:
    one = stored(fold_call(read_timeline(folder)))
    (gone,) = problems(one, None)
    assert not gone.wrong
    (damaged,) = problems(one, b"{}\n")
    assert damaged.wrong
    assert damaged.what.startswith("its timeline cannot be read")


@pytest.mark.parametrize(
    ("cost", "what"),
    [
        (CallCost(book="b", charges=(PART,)), "the charges do not add up"),
        (CallCost(book="b", charges=(PART,), amounts={"USD": Decimal(1)}), "the charges do not add up"),
        (
            CallCost(book="b", charges=(PART,), amounts=USD, turns=(TurnCost(turn=1, amounts=USD),)),
            "the turns' costs and those of the whole call",
        ),
    ],
)
def test_sums_that_do_not_add_up(cost: CallCost, what: str) -> None:
    assert any(one.startswith(what) for one in whats(stored(CallRecord(call="c", opened="", agent="a"), cost), None))


def test_what_the_provider_counted_otherwise_and_tokens_of_no_turn() -> None:
    gap = UsageGap(connection=1, model="m", summed=TokenCounts(1), total=TokenCounts(2))
    usage = (UsageRecord(turn=7, connection=1, model="m"),)
    _, stray, told = whats(stored(CallRecord(call="c", opened="", agent="a", usage_gaps=(gap,), usage=usage)), None)
    assert stray == "tokens of turns that there are not: 7"
    assert (
        told == "connection 1 (m): the provider's total of tokens is (2, 0, 0, 0), its reports add up to (1, 0, 0, 0)"
    )
