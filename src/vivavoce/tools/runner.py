"""Runs the tools that a model calls, and never fails for a fault of theirs: every end of a call is an outcome with
JSON.

Async functions run on the event loop, the others each in a thread of their own. Nothing can stop a Python thread from
outside: a function that hangs is given up when its time is over, and its thread goes on. Two things keep that from
hurting. A tool has only so many calls at once (:data:`AT_ONCE`), given-up ones included, so that one that hangs can
exhaust neither the machine nor its neighbours' share; and the threads are daemons, so that none of them holds up the
end of the process (the reason why this is not a ``ThreadPoolExecutor``, which waits for its threads at exit).

An idempotent tool is tried again, within its time, where the failure may pass: no connection, or a tool that has no
time now. No other tool ever is: nobody knows what a call that broke off has done.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import random
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce.agent.declaration import Tool
from vivavoce.agent.outside import HttpEndpoint, McpFunction
from vivavoce.errors import ToolFault, ToolUnreachable
from vivavoce.events import ToolStatus
from vivavoce.tools.arguments import is_plain, read_arguments, there_is_no
from vivavoce.tools.encoding import encode_result
from vivavoce.tools.foreign_schema import ForeignSchema
from vivavoce.tools.outside import Outside, hold

AT_ONCE = 8
"""Calls of one tool at the same time. The next waits for a place as long as the tool's time allows, then it is
refused."""

MAX_MESSAGE_CHARACTERS = 500

FIRST_PAUSE_S = 0.2
"""Before the second try at most; twice as long before each one after it."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """How a call of a tool ended. ``result`` is JSON text: what the function returned, or ``{"error": {"message":
    ...}}``. ``where`` is the ``file:line`` where a failed function raised: for the tool's author, not for the model."""

    status: ToolStatus
    result: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of a tool. ``key`` is the same for all its tries, and for no other call."""

    tool: Tool
    arguments: dict[str, Any]
    key: str
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class _Ended:
    """How one try ended. ``again_s`` is how long to wait before the next, None if it would end no better."""

    outcome: ToolOutcome
    again_s: float | None = None


class ToolRunner:
    """The tools of one agent, for any number of calls of them side by side."""

    def __init__(
        self,
        tools: Iterable[Tool],
        *,
        result_bytes: int,
        at_once: int = AT_ONCE,
        call: str = "",
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``call`` is unlike that of any other caller: with the id of a tool's call it makes a key by which an HTTP
        endpoint knows a call that it has already had. ``chance`` gives numbers from 0 to 1."""
        self._tools = {tool.name: tool for tool in tools}
        self._places = {name: asyncio.Semaphore(at_once) for name in self._tools}
        self._schemas: dict[str, ForeignSchema] = {}
        self._result_bytes = result_bytes
        self._call = call
        self._chance = chance
        self._tasks: set[asyncio.Task[_Ended]] = set()
        self._outside: Outside | None = None

    def knows(self, name: str) -> bool:
        return name in self._tools

    async def run(self, name: str, arguments_json: str, tool_call: str = "") -> ToolOutcome:
        """Calls a tool. Raises nothing but :class:`asyncio.CancelledError`, when the caller of this is cancelled; the
        tool's call is then given up."""
        tool = self._tools.get(name)
        if tool is None:
            return _error(ToolStatus.REFUSED, there_is_no("tool", name, self._tools))
        arguments, faults = self._read(tool, arguments_json)
        if faults:
            return _error(ToolStatus.REFUSED, " ".join(faults))
        key = f"{self._call}:{tool_call}" if self._call and tool_call else ""
        return await self._timed(_Job(tool, arguments, key, tool.result_bytes or self._result_bytes))

    async def close(self) -> None:
        """Cancels what still runs on the loop, and lets go of connections. Threads cannot be stopped; they end by
        themselves or with the process."""
        for task in self._tasks:
            task.cancel()
        if self._outside is not None:
            outside, self._outside = self._outside, None
            await outside.release()

    def _read(self, tool: Tool, arguments_json: str) -> tuple[dict[str, Any], list[str]]:
        """An MCP server gets JSON as the model wrote it; so does an endpoint with a schema that says more than ours."""
        match tool.function:
            case McpFunction():
                pass
            case HttpEndpoint() if not is_plain(tool.parameters):
                pass
            case _:
                return read_arguments(arguments_json, tool.parameters)
        if tool.name not in self._schemas:
            self._schemas[tool.name] = ForeignSchema(tool.parameters)
        return self._schemas[tool.name].read(arguments_json)

    async def _timed(self, job: _Job) -> ToolOutcome:
        tool = job.tool
        has_place = False
        failed: ToolOutcome | None = None
        try:
            async with asyncio.timeout(tool.timeout_ms / 1000):
                for tried in range(1, tool.attempts + 1):
                    failed = None
                    await self._places[tool.name].acquire()
                    has_place = True
                    ended = await self._try(job)
                    if tried == tool.attempts or not _is_worth_a_try(tool, ended):
                        return ended.outcome
                    failed = ended.outcome
                    await asyncio.sleep(max(ended.again_s or 0.0, self._pause_s(tried)))
        except TimeoutError:
            if failed is not None:
                return failed
            if has_place:
                message = f"{tool.name} gave no answer within {tool.timeout_ms / 1000:g} seconds."
                return _error(ToolStatus.TIMED_OUT, message)
        return _error(ToolStatus.REFUSED, f"{tool.name} is busy with earlier calls that have not ended.")

    def _pause_s(self, tried: int) -> float:
        """Longer each time, and of a length that others who failed at the same moment do not share."""
        return FIRST_PAUSE_S * (1 << (tried - 1)) * (0.5 + self._chance() / 2)

    async def _try(self, job: _Job) -> _Ended:
        """Once, in a place that was taken for it."""
        function = job.tool.function
        if isinstance(function, HttpEndpoint | McpFunction):
            self._outside = self._outside or hold()
            return await self._on_the_loop(job, _ended_outside(self._outside, function, job))
        if _is_async(function):
            return await self._on_the_loop(job, _ended_async(function, job))
        return await self._in_a_thread(function, job)

    async def _on_the_loop(self, job: _Job, work: Coroutine[None, None, _Ended]) -> _Ended:
        places = self._places[job.tool.name]
        task = asyncio.create_task(work, name=f"tool {job.tool.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: places.release())
        try:
            # Shielded, so that a function that swallows its cancellation is not waited for.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _in_a_thread(self, function: Callable[..., Any], job: _Job) -> _Ended:
        places = self._places[job.tool.name]
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[_Ended] = loop.create_future()
        context = contextvars.copy_context()

        def end(how: _Ended) -> None:
            places.release()
            if not ended.done():
                ended.set_result(how)

        def work() -> None:
            how = context.run(_ended, function, job)
            try:
                loop.call_soon_threadsafe(end, how)
            except RuntimeError:
                return  # the loop was closed long ago: nobody waits for this outcome

        try:
            threading.Thread(target=work, name=f"tool {job.tool.name}", daemon=True).start()
        except RuntimeError:
            places.release()
            return _Ended(_error(ToolStatus.REFUSED, "This machine has no thread left to run the tool in."))
        return await ended


def _is_worth_a_try(tool: Tool, ended: _Ended) -> bool:
    return tool.idempotent and ended.again_s is not None and ended.again_s * 1000 < tool.timeout_ms


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _ended(function: Callable[..., Any], job: _Job) -> _Ended:
    """Calls a plain function. The encoding belongs to it: a result may run code of its own while it is read."""
    try:
        value = function(**job.arguments)
        if inspect.iscoroutine(value):
            value.close()
            raise ToolFault(f"{job.tool.name} returned a coroutine: declare it with async def.")
        return _well(value, job)
    except BaseException as error:  # noqa: BLE001 (whatever the tool does, also sys.exit, is its own fault)
        return _failed(error)


async def _ended_async(function: Callable[..., Any], job: _Job) -> _Ended:
    try:
        return _well(await function(**job.arguments), job)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _failed(error)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 (as above)
        return _failed(error)


async def _ended_outside(outside: Outside, function: HttpEndpoint | McpFunction, job: _Job) -> _Ended:
    try:
        value = await outside.call(function, job.arguments, key=job.key, limit_bytes=job.limit_bytes)
        return _well(value, job)
    except ToolFault as error:
        return _failed(error)


def _well(value: Any, job: _Job) -> _Ended:
    return _Ended(ToolOutcome(ToolStatus.OK, encode_result(value, job.limit_bytes)))


def _failed(error: BaseException) -> _Ended:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, ToolFault):
        return _Ended(_error(ToolStatus.FAILED, error.message, where), _again_s(error))
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (an exception of the tool's own making)
        text = ""
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return _Ended(_error(ToolStatus.FAILED, message, where), _again_s(error))


def _again_s(error: BaseException) -> float | None:
    if isinstance(error, ToolUnreachable):
        return error.retry_after_s
    return 0.0 if isinstance(error, ConnectionError | TimeoutError) else None


def _error(status: ToolStatus, message: str, where: str = "") -> ToolOutcome:
    """No traceback: it would tell the model, and through it a caller, how this machine is made."""
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = f"{message[: MAX_MESSAGE_CHARACTERS - 3]}..."
    message = message.encode("utf-8", "replace").decode()
    return ToolOutcome(status, json.dumps({"error": {"message": message}}, ensure_ascii=False), where)
