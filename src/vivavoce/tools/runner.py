"""Runs the functions that a model calls, and never fails for a fault of theirs: every end of a call is an outcome with
JSON.

Async functions run on the event loop, the others each in a thread of their own. Nothing can stop a Python thread from
outside: a function that hangs is given up when its time is over, and its thread goes on. Two things keep that from
hurting. A tool has only so many calls at once (:data:`AT_ONCE`), given-up ones included, so that one that hangs can
exhaust neither the machine nor its neighbours' share; and the threads are daemons, so that none of them holds up the
end of the process (the reason why this is not a ``ThreadPoolExecutor``, which waits for its threads at exit).
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce.agent.declaration import Tool
from vivavoce.errors import ToolFault
from vivavoce.events import ToolStatus
from vivavoce.tools.arguments import read_arguments, there_is_no
from vivavoce.tools.encoding import encode_result

AT_ONCE = 8
"""Calls of one tool at the same time. The next waits for a place as long as the tool's time allows, then it is
refused."""

MAX_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """How a call of a tool ended. ``result`` is JSON text: what the function returned, or ``{"error": {"message":
    ...}}``. ``where`` is the ``file:line`` where a failed function raised: for the tool's author, not for the model."""

    status: ToolStatus
    result: str
    where: str = ""


class ToolRunner:
    """The tools of one agent, for any number of calls side by side."""

    def __init__(self, tools: Iterable[Tool], *, result_bytes: int, at_once: int = AT_ONCE) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._places = {name: asyncio.Semaphore(at_once) for name in self._tools}
        self._result_bytes = result_bytes
        self._tasks: set[asyncio.Task[ToolOutcome]] = set()

    def knows(self, name: str) -> bool:
        return name in self._tools

    async def run(self, name: str, arguments_json: str) -> ToolOutcome:
        """Calls a tool. Raises nothing but :class:`asyncio.CancelledError`, when the caller of this is cancelled; the
        tool's call is then given up."""
        tool = self._tools.get(name)
        if tool is None:
            return _error(ToolStatus.REFUSED, there_is_no("tool", name, self._tools))
        arguments, faults = read_arguments(arguments_json, tool.parameters)
        if faults:
            return _error(ToolStatus.REFUSED, " ".join(faults))
        return await self._timed(tool, arguments)

    async def close(self) -> None:
        """Cancels the async functions that still run. Threads cannot be stopped; they end by themselves or with the
        process."""
        for task in self._tasks:
            task.cancel()

    async def _timed(self, tool: Tool, arguments: dict[str, Any]) -> ToolOutcome:
        places = self._places[tool.name]
        has_place = False
        try:
            async with asyncio.timeout(tool.timeout_ms / 1000):
                await places.acquire()
                has_place = True
                if _is_async(tool.function):
                    return await self._on_the_loop(tool, arguments, places)
                return await self._in_a_thread(tool, arguments, places)
        except TimeoutError:
            if has_place:
                message = f"{tool.name} gave no answer within {tool.timeout_ms / 1000:g} seconds."
                return _error(ToolStatus.TIMED_OUT, message)
            return _error(ToolStatus.REFUSED, f"{tool.name} is busy with earlier calls that have not ended.")

    async def _on_the_loop(self, tool: Tool, arguments: dict[str, Any], places: asyncio.Semaphore) -> ToolOutcome:
        task = asyncio.create_task(_outcome_async(tool, arguments, self._result_bytes), name=f"tool {tool.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: places.release())
        try:
            # Shielded, so that a function that swallows its cancellation is not waited for.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _in_a_thread(self, tool: Tool, arguments: dict[str, Any], places: asyncio.Semaphore) -> ToolOutcome:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[ToolOutcome] = loop.create_future()
        context = contextvars.copy_context()

        def end(outcome: ToolOutcome) -> None:
            places.release()
            if not ended.done():
                ended.set_result(outcome)

        def work() -> None:
            outcome = context.run(_outcome, tool, arguments, self._result_bytes)
            try:
                loop.call_soon_threadsafe(end, outcome)
            except RuntimeError:
                return  # the loop was closed long ago: nobody waits for this outcome

        try:
            threading.Thread(target=work, name=f"tool {tool.name}", daemon=True).start()
        except RuntimeError:
            places.release()
            return _error(ToolStatus.REFUSED, "This machine has no thread left to run the tool in.")
        return await ended


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _outcome(tool: Tool, arguments: dict[str, Any], limit_bytes: int) -> ToolOutcome:
    """Calls a plain function. The encoding belongs to it: a result may run code of its own while it is read."""
    try:
        value = tool.function(**arguments)
        if inspect.iscoroutine(value):
            value.close()
            raise ToolFault(f"{tool.name} returned a coroutine: declare it with async def.")
        return ToolOutcome(ToolStatus.OK, encode_result(value, limit_bytes))
    except BaseException as error:  # noqa: BLE001 (whatever the tool does, also sys.exit, is its own fault)
        return _failed(error)


async def _outcome_async(tool: Tool, arguments: dict[str, Any], limit_bytes: int) -> ToolOutcome:
    try:
        return ToolOutcome(ToolStatus.OK, encode_result(await tool.function(**arguments), limit_bytes))
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _failed(error)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 (as above)
        return _failed(error)


def _failed(error: BaseException) -> ToolOutcome:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, ToolFault):
        return _error(ToolStatus.FAILED, error.message, where)
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (an exception of the tool's own making)
        text = ""
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return _error(ToolStatus.FAILED, message, where)


def _error(status: ToolStatus, message: str, where: str = "") -> ToolOutcome:
    """No traceback: it would tell the model, and through it a caller, how this machine is made."""
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = f"{message[: MAX_MESSAGE_CHARACTERS - 3]}..."
    message = message.encode("utf-8", "replace").decode()
    return ToolOutcome(status, json.dumps({"error": {"message": message}}, ensure_ascii=False), where)
