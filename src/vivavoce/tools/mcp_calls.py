"""Calls of the tools of MCP servers: one connection for each server and process, opened when it is first needed, and
again when it was lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vivavoce.agent.outside import McpFunction, McpServer
from vivavoce.errors import NotAvailable, ToolFault, ToolUnreachable
from vivavoce.tools.mcp_client import Watch, need_sdk, opened

if TYPE_CHECKING:
    from mcp import Client, MCPError
    from mcp.types import CallToolResult

_CONNECTION_CLOSED = -32000


class McpCalls:
    """One for each process and loop."""

    def __init__(self) -> None:
        self._links: dict[McpServer, _Link] = {}
        self._closing: list[_Link] = []

    async def call(self, function: McpFunction, arguments: Mapping[str, Any]) -> Any:
        """What the tool answered: a JSON value, or text. Cancelled, the server is told so. Raises
        :class:`~vivavoce.errors.ToolFault`."""
        try:
            return await self._call(function, arguments)
        except _SessionGone:
            return await self._call(function, arguments)

    async def _call(self, function: McpFunction, arguments: Mapping[str, Any]) -> Any:
        link = self._link(function.server)
        client = await link.client()
        from mcp import MCPError

        try:
            result = await client.call_tool(function.name, dict(arguments))
        except MCPError as error:
            raise _fault(link, error) from None
        except RuntimeError:
            raise ToolFault("The tool's answer is not of the form that its server promised.") from None
        return _value(result)

    async def close(self) -> None:
        """Ends the connections in good order; programs that do not go by themselves within seconds are killed."""
        links = [*self._links.values(), *self._closing]
        self._links.clear()
        for link in links:
            link.end()
        for link in links:
            await link.ended()

    def _link(self, server: McpServer) -> _Link:
        link = self._links.get(server)
        if link is None or link.is_over:
            if link is not None:
                link.end()
                self._closing = [one for one in (*self._closing, link) if not one.is_closed]
            self._links[server] = link = _Link(server)
        return link


class _SessionGone(ToolUnreachable):
    """The server does not know our session any more. Nothing was done, so the same may be asked in a new one."""


class _Link(Watch):
    """A connection, in a task of its own: whoever opens it in the SDK must be the one to close it."""

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self.is_forgotten = False
        self._over = asyncio.Event()
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._client.add_done_callback(lambda client: client.cancelled() or client.exception())  # nobody may wait
        self._task = asyncio.create_task(self._run(), name=f"mcp {server.name}")

    @property
    def is_over(self) -> bool:
        return self.is_forgotten or self._over.is_set() or self._task.done()

    @property
    def is_closed(self) -> bool:
        return self._task.done()

    @property
    def server(self) -> McpServer:
        return self._server

    async def client(self) -> Client:
        """Waits until it is connected, not longer than the server's ``connect_ms``."""
        try:
            async with asyncio.timeout(self._server.connect_ms / 1000):
                return await asyncio.shield(self._client)
        except TimeoutError:
            self._task.cancel()
            raise self._unreachable() from None

    def end(self) -> None:
        self._over.set()
        if not self._client.done():
            self._task.cancel()

    async def ended(self) -> None:
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            await asyncio.to_thread(need_sdk)  # the import takes too long for a loop with calls
            async with opened(self._server, self) as client:
                self._client.set_result(client)
                await self._over.wait()
        except NotAvailable as fault:
            self._fail(ToolFault(fault.message))
        except Exception:  # noqa: BLE001  # what went wrong on the way down is told by the calls that it ended
            self._fail(self._unreachable())
        finally:
            self._over.set()
            self._fail(self._unreachable())

    def lost(self) -> None:
        if self._client.done():
            self._over.set()

    def forgotten(self) -> None:
        self.is_forgotten = True

    def _fail(self, fault: ToolFault) -> None:
        if not self._client.done():
            self._client.set_exception(fault)

    def _unreachable(self) -> ToolUnreachable:
        return ToolUnreachable(f"The MCP server {self._server.name} cannot be reached.")


def _fault(link: _Link, error: MCPError) -> ToolFault:
    name = link.server.name
    if error.code == _CONNECTION_CLOSED:
        link.end()
        return ToolUnreachable(f"The MCP server {name} was lost; whether it did what was asked is not known.")
    if link.is_forgotten:
        return _SessionGone(f"The MCP server {name} was started anew.")
    return ToolFault(f"The MCP server {name} refused: {error.message}")


def _value(result: CallToolResult) -> Any:
    """What a model can read of a result. Images and sounds are named, not shown."""
    told = [_shown(block) for block in result.content]
    if result.is_error:
        raise ToolFault("\n".join(told) or "The tool failed and does not say why.")
    if result.structured_content is not None:
        return result.structured_content
    if len(told) != 1:
        return "\n".join(told)
    try:
        return json.loads(told[0])
    except (ValueError, RecursionError):
        return told[0]


def _shown(block: Any) -> str:
    if block.type == "text":
        return str(block.text)
    if block.type == "resource" and hasattr(block.resource, "text"):
        return str(block.resource.text)
    if block.type == "resource_link":
        return f"(a link to {block.uri})"
    return f"({block.type}, which cannot be shown here)"
