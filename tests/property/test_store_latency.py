"""The store's percentiles are those of the ledger, whatever the calls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.store import made
from vivavoce.ledger.figures import percentile
from vivavoce.ledger.record import TurnKind
from vivavoce.store.opening import open_store
from vivavoce.store.port import CallFilter
from vivavoce.store.store import Store

_KINDS = (TurnKind.CLEAN, TurnKind.TOOL, TurnKind.INTERRUPTED)
_LATENCY = st.none() | st.integers(-500_000, 60_000_000).map(lambda us: us / 1000)
_CALL = st.tuples(st.booleans(), st.lists(st.tuples(_LATENCY, st.sampled_from(_KINDS)), max_size=6))
_number = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("store") / "ledger.db"
    with open_store(f"sqlite:///{path}", now=lambda: made.NOW) as opened:
        yield opened


@settings(max_examples=60)
@given(st.lists(_CALL, max_size=8))
def test_percentiles_are_nearest_rank(
    store: Store, calls: list[tuple[bool, list[tuple[float | None, TurnKind]]]]
) -> None:
    agent = f"agent-{next(_number)}"
    expected: dict[tuple[TurnKind, bool], list[list[float]]] = {}
    for number, (simulated, turns) in enumerate(calls):
        answered = [made.turn(at, ms, kind) for at, (ms, kind) in enumerate(turns, 1)]
        record = made.record(f"{agent}-{number}", answered, agent=agent, simulated=simulated)
        store.keep([made.kept(record)])
        for kind in _KINDS:
            values = [ms for ms, own in turns if own is kind and ms is not None]
            if values:
                expected.setdefault((kind, simulated), []).append(values)
    rows = {(row.kind, row.simulated): row for row in store.latency(CallFilter(agent=agent), [])}
    assert set(rows) == set(expected)
    for key, by_call in expected.items():
        row, values, worst = rows[key], [ms for one in by_call for ms in one], [max(one) for one in by_call]
        told = [row.p50_ms, row.p90_ms, row.p95_ms, row.p99_ms, row.max_ms, row.call_max_p50_ms, row.call_max_p95_ms]
        ranked = [percentile(values, share) for share in (0.5, 0.9, 0.95, 0.99, 1)]
        assert told == [*ranked, percentile(worst, 0.5), percentile(worst, 0.95)]
        assert (row.turns, row.calls) == (len(values), len(by_call))
