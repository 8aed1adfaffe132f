"""The tools that the brain asked for: under the names and ids that the client knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from vivavoce.emulator.moves import Move, Note, Wish
from vivavoce.emulator.talk import Talk
from vivavoce.events import END_CALL, ConnectionId, ReturnToolResult, ToolCallId, ToolRequested, ToolStatus


class PendingTools:
    """``declared`` are the names in the client's promptStart: the service never asks for another."""

    def __init__(self, connection: ConnectionId, new_id: Callable[[], str]) -> None:
        self._connection = connection
        self._new_id = new_id
        self._calls: dict[str, ToolCallId | None] = {}
        """By tool use; None where the brain wants no answer."""
        self.declared: frozenset[str] = frozenset()

    @property
    def waiting(self) -> bool:
        return bool(self._calls)

    def awaited(self, tool_use: str) -> bool:
        return tool_use in self._calls

    def ask(self, request: ToolRequested, talk: Talk) -> Iterator[Move]:
        if request.name not in self.declared:
            yield from self._refuse(request)
            return
        tool_use = self._new_id()
        self._calls[tool_use] = None if request.name == END_CALL else request.tool_call
        yield from talk.uses_tool(tool_use, request.name, request.arguments)

    def answer(self, tool_use: str, result: str, *, readable: bool) -> Iterator[Move]:
        call = self._calls.pop(tool_use)
        if call is None:
            return
        if not readable:
            result = _error("the result is no JSON object")
        failed = not readable or set(msgspec.json.decode(result)) == {"error"}
        status = ToolStatus.FAILED if failed else ToolStatus.OK
        yield Wish(ReturnToolResult(self._connection, call, status, result))

    def _refuse(self, request: ToolRequested) -> Iterator[Move]:
        if request.name == END_CALL:
            yield Note(f"the brain ended the call; the client declares no tool {END_CALL}, so it cannot be told")
            return
        declared = ", ".join(sorted(self.declared)) or "none at all"
        yield Note(
            f"the brain wants the tool {request.name}, which the client's promptStart does not declare (it declares "
            f"{declared}); the brain was told that it failed. Give the emulator an agent with the client's tools"
        )
        result = _error(f"the client declares no tool {request.name}")
        yield Wish(ReturnToolResult(self._connection, request.tool_call, ToolStatus.FAILED, result))


def _error(message: str) -> str:
    return msgspec.json.encode({"error": message}).decode()
