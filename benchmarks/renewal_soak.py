"""Calls that outlive their model sessions: is anything lost, said twice, or missing, and what does the caller notice?

Twenty calls talk to the emulator (simulated) over sessions that live ten seconds instead of eight minutes: first on
virtual time in memory, then on real time over TLS. Every utterance is a number, so the timelines prove that each was
answered, and once. Callers talk short and long (one utterance in fifteen outlives a session), pause, and barge in;
every fourth number is looked up by a tool that takes up to three seconds.

    python benchmarks/renewal_soak.py [--quick] [--calls N] [--minutes M] [--real-minutes M]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from _common import finish
from _nova_stage import Finished, Stage, in_memory, on_sockets
from _talkers import NumberBrain, NumberCaller, NumberTools, chatter, understood_in_part

from vivavoce.emulator.rules import Rules
from vivavoce.engine.clock import run
from vivavoce.events import AudioLost, CallerAudio, Disposition, ForwardAudio, Ignore, SwapModel, SwapMoment
from vivavoce.ledger.figures import percentile
from vivavoce.ledger.swaps import Swap, UsualWaits, fold_swaps

LIFETIME_S = 10.0
TOOL_EVERY = 4
TOOL_LONGEST_S = 3.0
MONOLOGUE_MS = 14_000
BUDGET = {
    "caller_samples_lost": 0,
    "gap_ms_p95": 500.0,
    "numbers_taken_up_from_a_part": 0,
    "utterances_unanswered": 0,
    "utterances_answered_twice": 0,
    "tools_not_run_exactly_once": 0,
    "calls_that_replay_otherwise": 0,
}


async def soak(stage: Stage, calls: int, talk_s: float) -> list[Finished]:
    """All calls at once, begun within one session's life of each other."""

    async def one(number: int) -> Finished:
        random = Random(number)
        caller = NumberCaller(chatter(random, monologue_ms=MONOLOGUE_MS), talk_s)
        tools = NumberTools(lambda: random.uniform(0, TOOL_LONGEST_S))
        await asyncio.sleep(number * LIFETIME_S / calls)
        return await stage.call(stage.model(number, lifetime_s=LIFETIME_S), caller, tools)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one(number)) for number in range(calls)]
    return [task.result() for task in running]


def rules(calls: int) -> Rules:
    return Rules(lifetime_s=LIFETIME_S, concurrency=3 * calls)


def on_virtual_time(calls: int, talk_s: float) -> list[Finished]:
    async def main() -> list[Finished]:
        async with in_memory(rules(calls), NumberBrain(TOOL_EVERY)) as stage:
            return await soak(stage, calls, talk_s)

    return run(main(), virtual=True)


def on_real_time(calls: int, talk_s: float) -> list[Finished]:
    async def main() -> list[Finished]:
        with tempfile.TemporaryDirectory() as folder:
            async with on_sockets(rules(calls), NumberBrain(TOOL_EVERY), Path(folder)) as stage:
                return await soak(stage, calls, talk_s)

    return run(main())


def swaps_of(calls: Sequence[Finished]) -> list[Swap]:
    """The calls are alike, so that the answers of one are compared with those of all."""
    usual = UsualWaits()
    for call in calls:
        call.add_to(usual)
    return [swap for call in calls for swap in fold_swaps(call.lines, call.turns, usual)]


def samples_lost(call: Finished) -> int:
    """Caller samples that no session got, by three accounts: given up by an adapter, dropped by the core, or owed an
    answer and no longer there for the session that took over."""
    heard = forwarded = given_up = dropped = owed = 0
    for line in call.lines:
        match line.value:
            case CallerAudio(audio):
                heard += audio.samples
            case ForwardAudio(_, audio):
                forwarded += audio.samples
            case AudioLost(_, samples):
                given_up += samples
            case Ignore("CallerAudio", _, samples):
                dropped += samples
            case SwapModel(lost=samples):
                owed += samples
    assert heard == forwarded + dropped, "every sample is forwarded or declared dropped"
    return given_up + owed + dropped


def measure(calls: Sequence[Finished], took_s: float) -> dict[str, Any]:
    swaps = swaps_of(calls)
    noticeable = [swap.gap_ms for swap in swaps if swap.owed]  # any other swap has none
    gaps = [gap_ms for gap_ms in noticeable if gap_ms is not None]
    said = Counter((index, number) for index, call in enumerate(calls) for number in call.caller.said)
    answered = Counter((index, number) for index, call in enumerate(calls) for number in call.book.answers)
    looked_up = Counter((index, number) for index, call in enumerate(calls) for number in call.tools.calls)
    wanted = Counter({key: count for key, count in said.items() if key[1] % TOOL_EVERY == TOOL_EVERY - 1})
    return {
        "calls": len(calls),
        "minutes_of_talk": round(sum(len(call.lines) and call.lines[-1].at for call in calls) / 60e6, 1),
        "took_s": round(took_s, 1),
        "calls_completed": sum(call.result.disposition is Disposition.COMPLETED for call in calls),
        "utterances": said.total(),
        "utterances_unanswered": (said - answered).total(),
        "utterances_answered_twice": (answered - said).total(),
        "tools_run": looked_up.total(),
        "tools_not_run_exactly_once": (wanted - looked_up).total() + (looked_up - wanted).total(),
        "swaps": {moment.value: sum(swap.moment is moment for swap in swaps) for moment in SwapMoment},
        "swaps_while_an_answer_was_owed": sum(swap.owed for swap in swaps),
        "replayed_s": round(sum(swap.replayed_ms for swap in swaps) / 1000, 1),
        "caller_samples_lost": sum(samples_lost(call) for call in calls),
        "numbers_taken_up_from_a_part": sum(understood_in_part(call.lines, call.caller.spans) for call in calls),
        "gaps": len(gaps),
        "gaps_that_cannot_be_told": len(noticeable) - len(gaps),
        "gap_ms_p50": _rounded(percentile(gaps, 0.5)),
        "gap_ms_p95": _rounded(percentile(gaps, 0.95)),
        "gap_ms_worst": _rounded(max(gaps, default=0.0)),
        "calls_that_replay_otherwise": sum(not call.replays_alike for call in calls),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def holds(measured: dict[str, Any]) -> bool:
    if measured["calls_completed"] != measured["calls"] or not measured["swaps"]:
        return False
    return all(measured[name] is not None and measured[name] <= limit for name, limit in BUDGET.items())


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a minute of talk in all, and eleven seconds of real time")
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60.0, help="of talk in all, on virtual time")
    parser.add_argument("--real-minutes", type=float, default=5.0, help="that the calls last on real time")
    given = parser.parse_args(arguments)
    minutes = 6.0 if given.quick else given.minutes
    real_minutes = 0.2 if given.quick else given.real_minutes
    measured: dict[str, Any] = {"simulated": True, "session_lifetime_s": LIFETIME_S}
    for name, how, talk_s in (
        ("virtual", on_virtual_time, minutes * 60 / given.calls),
        ("real", on_real_time, real_minutes * 60),
    ):
        began = time.perf_counter()
        calls = how(given.calls, talk_s)
        measured[name] = measure(calls, time.perf_counter() - began)
        print(name, measured[name])
    finish("renewal_soak", measured, BUDGET, holds(measured["virtual"]) and holds(measured["real"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
