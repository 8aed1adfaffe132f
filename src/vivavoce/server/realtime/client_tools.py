"""Tools that the client runs: the call waits here for what the client answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from vivavoce.events import ToolCallId, ToolStatus

LIMIT_S = 120.0
"""A client that has not answered by then will not."""


@dataclass(frozen=True, slots=True)
class ClientOutcome:
    """Implements :class:`~vivavoce.engine.call.ToolOutcome`."""

    status: ToolStatus
    result: str


class ClientTools:
    """Implements :class:`~vivavoce.engine.call.Tools`. That the client is to run a tool, its session tells it."""

    def __init__(self) -> None:
        self._waiting: dict[ToolCallId, asyncio.Future[str]] = {}

    async def run(self, tool_call: ToolCallId, name: str, arguments: str) -> ClientOutcome:
        del name, arguments
        answer = self._answer_to(tool_call)
        try:
            async with asyncio.timeout(LIMIT_S):
                return ClientOutcome(ToolStatus.OK, _as_json(await answer))
        except TimeoutError:
            return ClientOutcome(ToolStatus.TIMED_OUT, '{"error":{"message":"the client did not answer in time"}}')
        finally:
            del self._waiting[tool_call]

    def answer(self, tool_call: ToolCallId, output: str) -> None:
        """What the client says, which may be before the call asks."""
        answer = self._answer_to(tool_call)
        if not answer.done():
            answer.set_result(output)

    def _answer_to(self, tool_call: ToolCallId) -> asyncio.Future[str]:
        if tool_call not in self._waiting:
            self._waiting[tool_call] = asyncio.get_running_loop().create_future()
        return self._waiting[tool_call]


def _as_json(output: str) -> str:
    """A client's output is any text; most write JSON."""
    try:
        msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError):
        return msgspec.json.encode({"result": output}).decode()
    return output
