from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vivavoce.agent import Tool
from vivavoce.engine.clock import loop_time_s
from vivavoce.engine.clock import run as run_on_loop
from vivavoce.errors import ToolFault, ToolUnreachable
from vivavoce.events import ToolStatus
from vivavoce.tools import ToolOutcome, ToolRunner

CALLER: contextvars.ContextVar[str] = contextvars.ContextVar("CALLER", default="")


def tool(function: Callable[..., Any], *, timeout_ms: int = 5000, **properties: dict[str, Any]) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool("act", "Act.", schema, function, timeout_ms=timeout_ms)


def run(one: Tool, arguments: str = "{}", *, result_bytes: int = 1000) -> ToolOutcome:
    return asyncio.run(ToolRunner([one], result_bytes=result_bytes).run(one.name, arguments))


def message(outcome: ToolOutcome) -> str:
    error: dict[str, dict[str, str]] = json.loads(outcome.result)
    assert list(error) == ["error"]
    return error["error"]["message"]


async def double_async(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


class DoubleAsync:
    async def __call__(self, n: int) -> int:
        return 2 * n


@pytest.mark.parametrize(
    "function",
    [lambda n: 2 * n, double_async, functools.partial(double_async), DoubleAsync()],
    ids=["sync", "async", "partial", "call"],
)
def test_a_function_that_returns_is_ok(function: Callable[..., Any]) -> None:
    outcome = run(tool(function, n={"type": "integer"}), '{"n": 21}')
    assert outcome == ToolOutcome(ToolStatus.OK, "42")


def test_what_does_not_fit_is_refused_and_the_function_not_called() -> None:
    called: list[int] = []
    one = tool(called.append, n={"type": "integer"})
    outcome = run(one, '{"m": 1}')
    assert outcome.status is ToolStatus.REFUSED
    assert message(outcome) == 'There is no argument "m". Known here: n. The argument "n" is missing.'
    outcome = asyncio.run(ToolRunner([one], result_bytes=1000).run("atc", "{}"))
    assert outcome.status is ToolStatus.REFUSED
    assert message(outcome) == 'There is no tool "atc". Did you mean act?'
    assert message(asyncio.run(ToolRunner([], result_bytes=1000).run("x", ""))) == 'There is no tool "x".'
    assert called == []


def raising(error: BaseException, *, is_async: bool) -> Callable[[], Any]:
    def function() -> None:
        raise error

    async def function_async() -> None:
        raise error

    return function_async if is_async else function


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such car"), "ValueError: no such car"),
        (KeyError(), "KeyError"),
        (ToolFault("The garage is closed."), "The garage is closed."),
        (SystemExit(3), "SystemExit: 3"),
        (TimeoutError("the database"), "TimeoutError: the database"),
        (asyncio.CancelledError(), "CancelledError"),
        (StopIteration(), "StopIteration"),
        (Unprintable(), "Unprintable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_is_raised_is_told_without_a_traceback(error: BaseException, told: str, is_async: bool) -> None:
    if is_async and isinstance(error, StopIteration):
        told = "RuntimeError: coroutine raised StopIteration"
    outcome = run(tool(raising(error, is_async=is_async)))
    assert outcome.status is ToolStatus.FAILED
    assert message(outcome) == told
    assert "Traceback" not in outcome.result
    assert outcome.where.startswith(("test_runner.py:", "runner.py:"))


def test_a_message_has_a_bounded_length_and_is_valid_text() -> None:
    outcome = run(tool(raising(ValueError("x" * 10_000 + "\ud800"), is_async=False)))
    assert len(message(outcome)) == 500
    assert message(run(tool(raising(ValueError("\ud800"), is_async=False)))) == "ValueError: ?"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x" * 2000, "The result is larger than the 1000 bytes that are allowed."),
        (object(), "The result holds a object, which cannot be written as JSON."),
    ],
)
def test_a_result_that_cannot_be_used_is_a_failure(value: object, told: str) -> None:
    outcome = run(tool(lambda: value))
    assert outcome.status is ToolStatus.FAILED
    assert message(outcome) == told


def test_a_coroutine_from_a_plain_function_is_a_failure() -> None:
    outcome = run(tool(lambda: double_async(1)))
    assert message(outcome) == "act returned a coroutine: declare it with async def."


def test_a_function_in_a_thread_knows_the_context_of_its_call() -> None:
    async def scenario() -> ToolOutcome:
        CALLER.set("Ann")
        return await ToolRunner([tool(CALLER.get)], result_bytes=1000).run("act", "")

    assert asyncio.run(scenario()).result == '"Ann"'


def test_a_thread_that_hangs_is_given_up_and_others_go_on() -> None:
    hang = threading.Event()

    async def scenario() -> tuple[ToolOutcome, ToolOutcome]:
        other = Tool("other", "Other.", {"type": "object", "properties": {}}, lambda: 1)
        runner = ToolRunner([tool(hang.wait, timeout_ms=20), other], result_bytes=1000)
        hung = [runner.run("act", "") for _ in range(8)]
        outcomes = await asyncio.gather(*hung, runner.run("other", ""))
        return outcomes[0], outcomes[-1]

    hung, other = asyncio.run(scenario())
    hang.set()
    assert hung.status is ToolStatus.TIMED_OUT
    assert message(hung) == "act gave no answer within 0.02 seconds."
    assert other.status is ToolStatus.OK


def test_a_tool_whose_places_are_taken_is_refused_until_one_is_free() -> None:
    hang, ended = threading.Event(), threading.Event()

    def wait() -> str:
        hang.wait()
        ended.set()
        return "done"

    async def scenario() -> list[ToolOutcome]:
        runner = ToolRunner([tool(wait, timeout_ms=20)], result_bytes=1000, at_once=1)
        outcomes = [await runner.run("act", ""), await runner.run("act", "")]
        hang.set()
        await asyncio.to_thread(ended.wait)
        return [*outcomes, await runner.run("act", "")]

    given_up, refused, later = asyncio.run(scenario())
    assert given_up.status is ToolStatus.TIMED_OUT
    assert refused.status is ToolStatus.REFUSED
    assert message(refused) == "act is busy with earlier calls that have not ended."
    assert later == ToolOutcome(ToolStatus.OK, '"done"')


def test_more_calls_than_places_wait_for_their_turn() -> None:
    async def scenario() -> list[ToolOutcome]:
        runner = ToolRunner([tool(lambda n: n, n={"type": "integer"})], result_bytes=1000, at_once=2)
        return await asyncio.gather(*(runner.run("act", f'{{"n": {n}}}') for n in range(50)))

    assert [outcome.result for outcome in asyncio.run(scenario())] == [str(n) for n in range(50)]


def test_an_async_function_is_cancelled_at_its_time_even_if_it_does_not_want_to_be() -> None:
    seen: list[str] = []

    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")

    async def scenario() -> ToolOutcome:
        runner = ToolRunner([tool(stubborn, timeout_ms=20)], result_bytes=1000)
        outcome = await runner.run("act", "")
        await asyncio.sleep(0)
        await runner.close()
        return outcome

    assert asyncio.run(scenario()).status is ToolStatus.TIMED_OUT
    assert seen == ["cancelled", "cancelled"]


@pytest.mark.parametrize("is_async", [False, True])
def test_when_the_call_is_cancelled_the_tool_is_given_up(is_async: bool) -> None:
    hang = threading.Event()
    cancelled: list[bool] = []

    async def wait_async() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def scenario() -> None:
        runner = ToolRunner([tool(wait_async if is_async else hang.wait)], result_bytes=1000)
        task = asyncio.create_task(runner.run("act", ""))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run(scenario())
    hang.set()
    assert cancelled == ([True] if is_async else [])


def test_a_machine_without_threads_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    outcome = run(tool(lambda: 1))
    assert outcome.status is ToolStatus.REFUSED
    assert message(outcome) == "This machine has no thread left to run the tool in."


HANGING = """
import asyncio, threading
from vivavoce.agent import Tool
from vivavoce.tools import ToolRunner
schema = {"type": "object", "properties": {}}
hung = Tool("hang", "Hang.", schema, threading.Event().wait, timeout_ms=20)
print(asyncio.run(ToolRunner([hung], result_bytes=1000).run("hang", "")).status)
"""


@pytest.mark.slow
def test_a_hanging_thread_does_not_hold_up_the_end_of_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout == "timed_out\n"
    assert ended.stderr == ""


def failing(*failures: BaseException) -> tuple[Callable[[], Any], list[int]]:
    """A function that fails so often, then returns; and a list that grows with each try."""
    left = [*failures]
    tries: list[int] = []

    async def function() -> str:
        tries.append(len(tries))
        if left:
            raise left.pop(0)
        return "done"

    return function, tries


def retried(one: Tool, *, chance: float = 1.0) -> tuple[ToolOutcome, float]:
    """The outcome, and how long it took in virtual seconds."""

    async def scenario() -> tuple[ToolOutcome, float]:
        runner = ToolRunner([one], result_bytes=1000, chance=lambda: chance)
        began_s = loop_time_s()
        return await runner.run("act", ""), loop_time_s() - began_s

    return run_on_loop(scenario(), virtual=True)


@pytest.mark.parametrize("failure", [ToolUnreachable("away"), ConnectionResetError(), TimeoutError()])
def test_an_idempotent_tool_is_tried_again_after_a_pause_that_grows(failure: BaseException) -> None:
    function, tries = failing(failure, failure)
    one = replace(tool(function), idempotent=True, attempts=3)
    outcome, took_s = retried(one)
    assert (outcome, len(tries)) == (ToolOutcome(ToolStatus.OK, '"done"'), 3)
    assert took_s == pytest.approx(0.2 + 0.4)
    function, tries = failing(failure, failure)
    assert retried(replace(one, function=function), chance=0.0)[1] == pytest.approx(0.1 + 0.2)


@pytest.mark.parametrize(
    ("failure", "changes"),
    [
        (ToolUnreachable("away"), {"idempotent": False, "attempts": 3}),
        (ToolUnreachable("away"), {"idempotent": True, "attempts": 1}),
        (ToolUnreachable("away", retry_after_s=60), {"idempotent": True, "attempts": 3}),
        (ToolFault("no such car"), {"idempotent": True, "attempts": 3}),
        (ValueError("no such car"), {"idempotent": True, "attempts": 3}),
    ],
)
def test_what_is_not_idempotent_or_does_not_pass_is_tried_once(failure: BaseException, changes: dict[str, Any]) -> None:
    function, tries = failing(failure)
    outcome, took_s = retried(replace(tool(function), **changes))
    assert (outcome.status, len(tries), took_s) == (ToolStatus.FAILED, 1, 0.0)


def test_all_tries_are_within_the_tools_time_and_the_last_failure_is_told() -> None:
    function, tries = failing(*[ToolUnreachable(f"away {number}") for number in range(5)])
    outcome, took_s = retried(replace(tool(function, timeout_ms=500), idempotent=True, attempts=5))
    assert (outcome.status, message(outcome), len(tries)) == (ToolStatus.FAILED, "away 1", 2)
    assert took_s == pytest.approx(0.5)


def test_a_tool_may_have_a_limit_of_its_own_for_results() -> None:
    long = replace(tool(lambda: "x" * 2000), result_bytes=3000)
    assert run(long).status is ToolStatus.OK
    assert run(replace(long, result_bytes=10)).status is ToolStatus.FAILED
