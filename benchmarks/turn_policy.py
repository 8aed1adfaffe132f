"""Who takes the turn, by each policy: the panel, barge-in, and what the ear costs.

    python benchmarks/turn_policy.py [--quick]

The standing set of rehearsed calls (``vivavoce.rehearsal``, ``docs/reference/scores.md``): synthetic callers interrupt,
say "mm-hm", cough, are overheard and answer early, clean and in pink noise 10 dB below their speech, on the embedded
model at real time and on the emulated Nova, which is simulated, in virtual time. The budget is for the policy
``hybrid``; ``model`` and ``local`` are printed beside it. A figure of under ten events is "too few" and no budget is
held against it. ``--quick`` leaves out most of what has no budget, and of the embedded model all but interruptions and
backchannels on a clean line.

Barge-in: from the caller's first sample to the channel's answer that nothing more is played; for ``hybrid`` to the
pause, and, apart, to the answer after the decision.

Density: a server's CPU time for a second of a call without an ear, by that with the ear's added. ``usual``: the caller
talks for a third of the time, half of it into the agent's speech. REHEARSED_CALLS names a folder that keeps the calls.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _common import finish

HERE = Path(__file__).resolve().parent
POLICIES = ("model", "local", "hybrid")
CONDITIONS = {"clean": None, "10db": 10.0}
BUDGET = {
    "R_Y": 0.95,
    "S_BC": 0.66,
    "L_R": 1.5,
    "I_A": 0.20,
    "barge_in_p95_ms": 200,
    "density": 0.6,
}
AT_MOST = ("L_R", "I_A")
SYMBOLS = ("L_R", "R_R", "R_Y", "L_Y", "I_A", "S_BC", "S_VT", "S_ND", "early", "resumed", "repeated", "corrected")
QUICK_KINDS = ("interruption", "backchannel")


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy on one model in one condition. ``programme`` is for the rehearsal."""

    model: str
    policy: str
    condition: str
    programme: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.model}_{self.policy}_{self.condition}"


def cells(quick: bool) -> list[Cell]:
    every = [
        _cell(model, policy, condition)
        for model in ("local", "nova")
        for policy in POLICIES
        for condition in CONDITIONS
    ]
    if not quick:
        return every
    return [
        _cell("local", "hybrid", "clean", calls=5, kinds=QUICK_KINDS, corrections=0),
        *(_cell("nova", "hybrid", condition, calls=6, kinds=QUICK_KINDS) for condition in CONDITIONS),
        _cell("nova", "local", "clean", calls=5, kinds=("interruption",)),
        _cell("nova", "model", "clean", calls=5, kinds=("backchannel",)),
    ]


def _cell(model: str, policy: str, condition: str, **programme: Any) -> Cell:
    told = {"policy": policy, "snr_db": CONDITIONS[condition], **programme}
    return Cell(model, policy, condition, {"corrections": 0, **told} if model == "nova" else told)


class Running:
    """A script of ours, in a process of its own."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=HERE)

    def result(self) -> Any:
        """What it says in its last line."""
        told, _ = self._process.communicate()
        if self._process.returncode:
            sys.exit("a process of the benchmark failed; what it said is above")
        return json.loads(told.splitlines()[-1])


def rehearsal(model: str, chosen: list[Cell]) -> Running:
    programmes = [cell.programme for cell in chosen if cell.model == model]
    return Running("_rehearse.py", model, json.dumps(programmes))


def rehearsed(chosen: list[Cell], quick: bool) -> tuple[dict[str, Any], dict[str, float]]:
    """Panels by the names of cells, and what the ear costs, which is measured with nothing else going on. Calls at real
    time have the machine for themselves too, unless it has to be quick: then they leave one core to the rest.
    """
    costs = Running("_ear_cost.py").result()
    embedded = rehearsal("local", chosen) if quick else None
    told = {"nova": rehearsal("nova", chosen).result()}
    told["local"] = (embedded or rehearsal("local", chosen)).result()
    panels = {cell.name: told[cell.model].pop(0) for cell in chosen}
    return panels, costs


def broken(chosen: list[Cell], panels: dict[str, Any], density: float) -> list[str]:
    """What does not hold."""
    found = [] if density >= BUDGET["density"] else [f"density {density}"]
    for cell in chosen:
        told = panels[cell.name]
        if cell.policy == "hybrid":
            for symbol in ("R_Y", "S_BC", "L_R", "I_A"):
                value = told["panel"][symbol]["value"]
                if value != "too few" and (value > BUDGET[symbol] if symbol in AT_MOST else value < BUDGET[symbol]):
                    found.append(f"{cell.name} {symbol} {value}")
        part = {"hybrid": "paused", "local": "stopped"}.get(cell.policy, "")
        p95 = told["seconds"].get(part, {}).get("p95")
        if p95 is not None and p95 * 1000 > BUDGET["barge_in_p95_ms"]:
            found.append(f"{cell.name} barge-in p95 {p95 * 1000:.0f} ms")
    return found


def show(chosen: list[Cell], panels: dict[str, Any]) -> None:
    print(f"{'':22}" + "".join(f"{symbol:>15}" for symbol in SYMBOLS))
    for cell in chosen:
        row = panels[cell.name]["panel"]
        print(f"{cell.name:22}" + "".join(f"{_told(row[symbol]):>15}" for symbol in SYMBOLS))
    print(f"\n{'ms, p50 / p95':22}" + "".join(f"{part:>15}" for part in PARTS))
    for cell in chosen:
        seconds = panels[cell.name]["seconds"]
        print(f"{cell.name:22}" + "".join(f"{_told_ms(seconds[part]):>15}" for part in PARTS))
    print()


PARTS = ("answer", "detect", "decide", "flush", "drain", "paused", "stopped", "heard", "late")


def _told(figure: dict[str, Any]) -> str:
    value = figure["value"]
    return f"too few ({figure['events']})" if value == "too few" else f"{value:.2f} ({figure['events']})"


def _told_ms(spread: dict[str, Any]) -> str:
    return f"{spread['p50'] * 1000:.0f} / {spread['p95'] * 1000:.0f}" if "p95" in spread else "too few"


def main() -> None:
    quick = "--quick" in sys.argv
    chosen = cells(quick)
    panels, costs = rehearsed(chosen, quick)
    show(chosen, panels)
    density = round(costs["server_ms"] / (costs["server_ms"] + costs["ear_usual_ms"]), 3)
    worst = round(costs["server_ms"] / (costs["server_ms"] + costs["ear_worst_ms"]), 3)
    print(f"ear: {costs}; density usual {density}, at worst {worst}")
    failed = broken(chosen, panels, density)
    for what in failed:
        print(f"does not hold: {what}")
    measured = {"simulated": ["nova"], "cells": panels, "density": {"usual": density, "worst": worst, **costs}}
    finish("turn_policy", measured, BUDGET, not failed)


if __name__ == "__main__":
    main()
