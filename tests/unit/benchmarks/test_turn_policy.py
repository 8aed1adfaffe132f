"""What the benchmark of turn policies holds against whom."""

from __future__ import annotations

from typing import Any

import pytest
from turn_policy import BUDGET, broken, cells

GOOD = {"R_Y": 0.96, "S_BC": 0.7, "L_R": 1.2, "I_A": 0.1}


def told(*, p95: float = 0.15, **values: Any) -> dict[str, Any]:
    panel = {symbol: {"value": value} for symbol, value in {**GOOD, **values}.items()}
    return {"panel": panel, "seconds": {part: {"p95": p95} for part in ("paused", "stopped")}}


def test_what_holds_is_not_told() -> None:
    chosen = cells(quick=False)
    assert broken(chosen, {cell.name: told() for cell in chosen}, density=BUDGET["density"]) == []


@pytest.mark.parametrize(("symbol", "value"), [("R_Y", 0.94), ("S_BC", 0.65), ("L_R", 1.51), ("I_A", 0.21)])
def test_the_budget_is_for_hybrid_alone(symbol: str, value: float) -> None:
    chosen = cells(quick=False)
    found = broken(chosen, {cell.name: told(**{symbol: value}) for cell in chosen}, density=1.0)
    assert len(found) == 4  # two models, clean and in noise
    assert all("hybrid" in what and symbol in what for what in found)


def test_too_few_holds_nothing_against_anybody() -> None:
    chosen = cells(quick=True)
    few: dict[str, Any] = dict.fromkeys(GOOD, "too few")
    nothing = {**told(**few), "seconds": {"paused": {"p50": "too few"}}}
    assert broken(chosen, {cell.name: nothing for cell in chosen}, density=1.0) == []


def test_barge_in_is_to_the_pause_or_to_the_stop_and_density_counts() -> None:
    chosen = cells(quick=False)
    found = broken(chosen, {cell.name: told(p95=0.201) for cell in chosen}, density=0.59)
    assert found[0] == "density 0.59"
    assert [what for what in found if "barge-in" in what] == found[1:]
    assert {what.split("_")[1] for what in found[1:]} == {"local", "hybrid"}
