"""Each fault of the provider, in each state of a call: what becomes of the call, and how long the caller hears nothing.

One call a cell, on virtual time, against the emulator (simulated). The caller says three numbers; the fault strikes at
the second. Faults that come before a stream opens strike when a lost session is to be replaced.

========  ==========================================================================================================
on        the session went on: every number was answered once
again     another session took over, every number was answered once
sorry     the same, after an apology
ended     the call was ended clearly: the line was hung up, with the reason on the timeline
SILENCE   the caller gave up waiting           TWICE   an answer came twice           HUNG   the call did not end
MISSED    the fault did not happen, so the cell says nothing
========  ==========================================================================================================

    python benchmarks/fault_matrix.py [--quick] [--fault KIND]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from _common import finish
from _nova_stage import RATE_HZ, Finished, Stage, in_memory
from _talkers import NumberBrain, NumberCaller, NumberTools, Utterance

from vivavoce.emulator.faults import BEFORE_STREAM, Fault, FaultKind
from vivavoce.emulator.moves import Occasion
from vivavoce.emulator.rules import Rules
from vivavoce.engine.clock import run
from vivavoce.events import (
    APOLOGY,
    AgentAudio,
    CallerSpeechStarted,
    Disposition,
    Effect,
    Event,
    Instant,
    Play,
    ResponseFinished,
    ResponseStarted,
    RunTool,
    SwapModel,
)

TOOL_EVERY = 4
TOOL_S = 2.0
DEADLINE_S = 900.0
WORDS = 3
"""Sentences that every answer has on top, so that there is something to break off."""
GOOD = ("on", "again", "sorry", "ended")
QUICK = (
    FaultKind.THROTTLING,
    FaultKind.MODEL_STREAM_ERROR,
    FaultKind.SYSTEM_INSTABILITY,
    FaultKind.MODEL_TIMEOUT,
    FaultKind.CREDENTIALS_EXPIRED,
    FaultKind.RST_STREAM,
    FaultKind.TCP_RESET,
    FaultKind.HALF_OPEN,
    FaultKind.MUTE,
    FaultKind.STALLED_AUDIO,
    FaultKind.HTTP_429,
)


@dataclass(frozen=True, slots=True)
class State:
    """``utterances`` bring the call there; the fault strikes ``after_s`` the first time that ``reached`` is true."""

    name: str
    utterances: tuple[Utterance, ...]
    reached: Callable[[Event | Effect, int], bool]
    after_s: float


def _second_answer_began(value: Event | Effect, answers: int) -> bool:
    return isinstance(value, AgentAudio) and answers == 3  # the greeting is the first


STATES = (
    State(
        "idle",
        (Utterance(8, 800), Utterance(20, 800, pause_ms=8_000)),
        lambda value, answers: isinstance(value, ResponseFinished) and answers == 2,
        5.5,
    ),
    State(
        "caller speaking",
        (Utterance(8, 800), Utterance(20, 3_000)),
        lambda value, answers: isinstance(value, CallerSpeechStarted) and answers == 2,
        1.0,
    ),
    State("agent speaking", (Utterance(8, 800), Utterance(20, 800)), _second_answer_began, 0.15),
    State("tool running", (Utterance(8, 800), Utterance(23, 800)), lambda value, _: isinstance(value, RunTool), 0.5),
    State(
        "mid-barge-in",
        (Utterance(8, 800), Utterance(20, 1_500, barge_in_ms=500)),
        lambda value, answers: isinstance(value, CallerSpeechStarted) and answers == 2,
        0.3,
    ),
)
LAST = Utterance(40, 800)


class Striker:
    """Watches a call and lets the fault strike when its state is reached."""

    def __init__(self, stage: Stage, state: State, kind: FaultKind) -> None:
        self.struck_us: int | None = None
        self.hit = 0  # streams that it happened to at once
        self._stage = stage
        self._state = state
        self._kind = kind
        self._answers = 0

    def watch(self, at: Instant, value: Event | Effect) -> None:
        self._answers += isinstance(value, ResponseStarted)
        if self.struck_us is None and self._state.reached(value, self._answers):
            self.struck_us = at + round(self._state.after_s * 1_000_000)
            asyncio.get_running_loop().call_later(self._state.after_s, self._strike)

    def _strike(self) -> None:
        if self._kind in BEFORE_STREAM:
            self._stage.emulator.inject(Fault(self._kind, occasion=Occasion.OPEN))
            self.hit = self._stage.emulator.inject(Fault(FaultKind.TCP_RESET))
        else:
            self.hit = self._stage.emulator.inject(Fault(self._kind))


@dataclass(frozen=True, slots=True)
class Cell:
    """``silence_ms``: the longest the caller, having spoken, heard nothing at all."""

    outcome: str
    silence_ms: float
    swaps: int


def play(kind: FaultKind, state: State) -> Cell:
    async def main() -> tuple[Finished | None, NumberCaller, bool]:
        async with in_memory(Rules(), NumberBrain(TOOL_EVERY, WORDS)) as stage:
            caller = NumberCaller(iter((*state.utterances, LAST, LAST)), DEADLINE_S, last=LAST.number)
            striker = Striker(stage, state, kind)
            tools = NumberTools(lambda: TOOL_S)
            try:
                async with asyncio.timeout(DEADLINE_S):
                    call = await stage.call(stage.model(1), caller, tools, striker.watch)
            except TimeoutError:
                return None, caller, True
            return call, caller, striker.hit > 0 and not stage.emulator.plan.pending

    call, caller, struck = run(main(), virtual=True)
    if call is None:
        return Cell("HUNG", DEADLINE_S * 1000, 0)
    return judge(call, caller) if struck else Cell("MISSED", 0.0, 0)


def judge(call: Finished, caller: NumberCaller) -> Cell:
    swaps = sum(isinstance(line.value, SwapModel) for line in call.lines)
    said, answered = Counter(caller.said), Counter(call.book.answers)
    apologised = any(isinstance(line.value, Play) and line.value.response == APOLOGY for line in call.lines)
    if answered - said:
        outcome = "TWICE"
    elif call.result.disposition is Disposition.MODEL_LOST:
        outcome = "ended"
    elif said - answered or LAST.number not in caller.said:
        outcome = "SILENCE"
    else:
        outcome = "sorry" if apologised else "again" if swaps else "on"
    return Cell(outcome, caller.longest_wait * 1000 / RATE_HZ, swaps)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Each fault in each state of a call.")
    parser.add_argument("--quick", action="store_true", help="the faults that issue reports are made of")
    parser.add_argument("--fault", choices=[kind.value for kind in FaultKind], help="only this one")
    given = parser.parse_args(arguments)
    kinds: Sequence[FaultKind] = QUICK if given.quick else tuple(FaultKind)
    if given.fault:
        kinds = (FaultKind(given.fault),)
    print(f"{'fault':26}" + "".join(f"{state.name:>18}" for state in STATES) + "   (outcome, longest silence in s)")
    table: dict[str, dict[str, Any]] = {}
    bad = 0
    for kind in kinds:
        cells = {state.name: play(kind, state) for state in STATES}
        bad += sum(cell.outcome not in GOOD for cell in cells.values())
        table[kind.value] = {name: cell.outcome for name, cell in cells.items()}
        row = "".join(f"{cell.outcome:>12} {cell.silence_ms / 1000:4.1f} " for cell in cells.values())
        print(f"{kind.value:26}{row}", flush=True)
    measured = {"simulated": True, "cells": len(kinds) * len(STATES), "bad_cells": bad, "table": table}
    finish("fault_matrix", measured, {"bad_cells": 0}, bad == 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
