"""Percentiles of latency over many calls.

A call's figures are one packed value beside its row: reading 10,000 of them takes 6 ms, where sorting 80,000 rows in
SQL, once for each figure, takes a second (docs/decisions/0804). The percentile is that of
:func:`vivavoce.ledger.figures.percentile`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from vivavoce.errors import UsageError
from vivavoce.ledger.record import Basis, TurnKind, TurnRecord
from vivavoce.store.port import CallFilter, Dimension, LatencyRow
from vivavoce.store.sql.database import Database
from vivavoce.store.sql.filters import conditions
from vivavoce.store.sql.tables import calls, latencies

KINDS = ("opening", "failover", "renewal", "tool", "interrupted", "first", "clean")
"""Stored by their place: new ones come last."""
UNKNOWN = -(2**63)
FIGURES = ("events", "played", "audio", "model", "server")
_LAYOUT = np.dtype(
    [("kind", "u1"), ("model", "u1"), *((f"{name}_us", "<i8") for name in (*FIGURES, "silence", "tool"))]
)
_MOST_MODELS = 256

Groups = list[tuple[tuple[tuple[str, str], ...], bool]]
Longs = NDArray[np.int64]


def packed(turns: Sequence[TurnRecord]) -> dict[str, Any]:
    """A row of ``latencies``: the models' names by line, and what each turn took."""
    models = list(dict.fromkeys(turn.model for turn in turns))[:_MOST_MODELS]
    body = np.zeros(len(turns), _LAYOUT)
    for at, turn in enumerate(turns):
        known = [getattr(turn, f"{name}_ms") for name in FIGURES]
        values = [UNKNOWN if ms is None else round(ms * 1000) for ms in known]
        silence_us = UNKNOWN if turn.silence_us is None else turn.silence_us
        model = models.index(turn.model) if turn.model in models else 0
        body[at] = (KINDS.index(turn.kind.value), model, *values, silence_us, turn.tool_us)
    return {"models": "\n".join(model.replace("\0", "").replace("\n", " ") for model in models), "body": body.tobytes()}


def latency(database: Database, which: CallFilter, by: Sequence[Dimension], basis: Basis) -> list[LatencyRow]:
    """One row for each group, kind, and real or simulated. Of the calls that the filter lets through, the turns of its
    model and kind."""
    asked = [one for one in dict.fromkeys(by) if one not in {"kind", "model"}]
    if unknown := [one for one in asked if one not in {"agent", "tenant", "channel", "day"}]:
        raise UsageError(
            f"latency cannot be told apart by {unknown[0]}", hint="agent, tenant, model, channel, day, kind"
        )
    columns = [calls.c[name] for name in asked]
    query = sa.select(latencies.c.models, latencies.c.body, calls.c.simulated, *columns).join(calls)
    with database.reading() as connection:
        found = connection.execute(query.where(*conditions(which))).all()
    turns, call, model, names = _joined(found, which.model)
    seen: dict[tuple[Any, ...], int] = {}
    outer = np.array([seen.setdefault((*row[2:],), len(seen)) for row in found], np.int64)
    if "model" not in by:
        model, names = np.minimum(model, 0), [""]
    value = turns[f"{basis.value}_us"] if turns.size else np.zeros(0, np.int64)
    wanted = value != UNKNOWN
    if which.kind is not None:
        wanted &= turns["kind"] == KINDS.index(which.kind.value)
    wanted &= model >= 0
    turns, call, model = turns[wanted], call[wanted], model[wanted]
    code = (outer[call] * len(names) + model) * len(KINDS) + turns["kind"]
    keys, rows = list(seen), []
    for one in np.unique(code):
        place, kind = divmod(int(one), len(KINDS))
        key, own = divmod(place, len(names))
        simulated, *values = keys[key]
        told = {**dict(zip(asked, map(str, values), strict=True)), "model": names[own], "kind": KINDS[kind]}
        group = tuple((name, told[name]) for name in by)
        among = code == one
        rows.append((group, KINDS[kind], bool(simulated), turns[among], call[among]))
    return sorted(
        (_row(*row, basis) for row in rows), key=lambda row: (row.group, KINDS.index(row.kind), row.simulated)
    )


def _joined(found: Sequence[sa.Row[Any]], only: str) -> tuple[NDArray[Any], Longs, Longs, list[str]]:
    """All turns, the number of the call and of the model of each, and the models' names; -1 for a model that is not
    asked for."""
    turns = np.frombuffer(b"".join(row.body for row in found), _LAYOUT)
    counts = np.array([len(row.body) // _LAYOUT.itemsize for row in found], np.int64)
    call = np.repeat(np.arange(len(found)), counts)
    names: dict[str, int] = {}
    lists: dict[str, int] = {}
    table: list[list[int]] = []
    which = []
    for row in found:
        if row.models not in lists:
            lists[row.models] = len(table)
            table.append([names.setdefault(name, len(names)) for name in row.models.split("\n")])
        which.append(lists[row.models])
    width = max(map(len, table), default=1)
    lookup = np.array([[*one, *[0] * (width - len(one))] for one in table] or [[0]], np.int64)
    model = lookup[np.array(which, np.int64)[call], turns["model"]] if turns.size else np.zeros(0, np.int64)
    if only:
        model = np.where(model == names.get(only, -2), model, -1)
    return turns, call, model, list(names) or [""]


def _row(
    group: tuple[tuple[str, str], ...],
    kind: str,
    simulated: bool,
    turns: NDArray[Any],
    call: Longs,
    basis: Basis,
) -> LatencyRow:
    value = turns[f"{basis.value}_us"]
    starts = np.flatnonzero(np.r_[True, call[1:] != call[:-1]])  # a call's turns follow each other
    worst = np.maximum.reduceat(value, starts)
    p50, p90, p95, p99, largest = _ranked(value, 50, 90, 95, 99, 100)
    call_p50, call_p95 = _ranked(worst, 50, 95)
    server_p50, server_p95 = _ranked(turns["server_us"], 50, 95)
    return LatencyRow(
        group=group,
        kind=TurnKind(kind),
        basis=basis,
        simulated=simulated,
        turns=len(value),
        calls=len(worst),
        p50_ms=_sure(p50),
        p90_ms=_sure(p90),
        p95_ms=_sure(p95),
        p99_ms=_sure(p99),
        max_ms=_sure(largest),
        call_max_p50_ms=_sure(call_p50),
        call_max_p95_ms=_sure(call_p95),
        tool_p50_ms=_sure(_ranked(turns["tool_us"], 50)[0]),
        model_p50_ms=_ranked(turns["model_us"], 50)[0],
        server_p50_ms=server_p50,
        server_p95_ms=server_p95,
        silence_p50_ms=_ranked(turns["silence_us"], 50)[0],
    )


def _ranked(values: Longs, *percents: int) -> list[float | None]:
    """Nearest rank, in milliseconds, of those that are known."""
    known = np.sort(values[values != UNKNOWN])
    if not known.size:
        return [None] * len(percents)
    return [int(known[(known.size * percent + 99) // 100 - 1]) / 1000 for percent in percents]


def _sure(ms: float | None) -> float:
    assert ms is not None
    return ms
