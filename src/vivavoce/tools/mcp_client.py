"""A connection to one MCP server, by the SDK of the Model Context Protocol."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vivavoce.agent.outside import McpServer
from vivavoce.errors import NotAvailable
from vivavoce.tools.quiet import quieten

if TYPE_CHECKING:
    from mcp import Client

EXTRA = "pip install 'vivavoce[tools]'"
_SESSION = "Mcp-Session-Id"
_READ_S = 300.0
"""A stream of events may be silent for so long, as in the SDK."""


class Watch:
    """Is told what becomes of a connection. This one does not care."""

    def lost(self) -> None:
        """The server ended it."""

    def forgotten(self) -> None:
        """The server does not know the session that a request came in, and has not looked at the request."""


@asynccontextmanager
async def opened(server: McpServer, watch: Watch) -> AsyncIterator[Client]:
    """A client that can call tools. Raises whatever went wrong.

    The SDK first asks whether the server speaks the newest protocol, and goes on by the older handshake if it is told
    no. A server that ends the conversation over the question is called again and not asked.
    """
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(_connected(server, watch, "auto"))
        except Exception:  # noqa: BLE001  # whatever it is, the second way says what is wrong
            client = await stack.enter_async_context(_connected(server, watch, "legacy"))
        yield client


@asynccontextmanager
async def _connected(server: McpServer, watch: Watch, mode: str) -> AsyncIterator[Client]:
    from mcp import Client

    transport = _over_http(server, watch) if server.url else _over_pipes(server)
    async with Client(_Watched(transport, watch), mode=mode, cache=None) as client:
        yield client


@asynccontextmanager
async def _over_http(server: McpServer, watch: Watch) -> AsyncIterator[tuple[Any, Any]]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def look(response: httpx2.Response) -> None:
        if response.status_code == 404 and _SESSION in response.request.headers:
            watch.forgotten()

    timeout = httpx2.Timeout(server.connect_ms / 1000, read=_READ_S)
    # The transport follows redirects within the origin by itself, and no others.
    async with (
        httpx2.AsyncClient(
            headers=dict(server.headers), timeout=timeout, follow_redirects=False, event_hooks={"response": [look]}
        ) as client,
        streamable_http_client(server.url, http_client=client) as streams,
    ):
        yield streams


@asynccontextmanager
async def _over_pipes(server: McpServer) -> AsyncIterator[tuple[Any, Any]]:
    from mcp.client.stdio import StdioServerParameters, stdio_client

    command, *arguments = server.command
    parameters = StdioServerParameters(command=command, args=arguments, env=dict(server.variables), cwd=server.folder)
    # What the server writes to stderr may be a caller's words, which are not for our log.
    with Path(os.devnull).open("w") as nowhere:  # noqa: ASYNC230  # it does not block
        async with stdio_client(parameters, errlog=nowhere) as streams:
            yield streams


def why_not_here() -> str:
    """Whether this machine can speak with MCP servers. Imports the SDK, which takes a second."""
    try:
        import mcp
        from mcp.client import stdio, streamable_http
    except ImportError:
        return "MCP servers need the package mcp, which is not here"
    del stdio, streamable_http
    quieten()
    return "" if hasattr(mcp, "Client") else "MCP servers need version 2 of the package mcp, and an older one is here"


def need_sdk() -> None:
    """Raises :class:`~vivavoce.errors.NotAvailable`."""
    reason = why_not_here()
    if reason:
        raise NotAvailable(reason, hint=EXTRA)


class _Watched:
    """A transport that says when the other side ends the stream; the SDK's client does not."""

    def __init__(self, transport: AbstractAsyncContextManager[Any], watch: Watch) -> None:
        self._transport = transport
        self._watch = watch

    async def __aenter__(self) -> tuple[Any, Any]:
        read, write = await self._transport.__aenter__()
        return _WatchedStream(read, self._watch), write

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._transport.__aexit__(kind, error, trace)


class _WatchedStream:
    """The client reads to the end, then closes."""

    def __init__(self, stream: Any, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    @property
    def last_context(self) -> Any:
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _WatchedStream:
        return self

    async def __anext__(self) -> Any:
        return await self._stream.__anext__()

    async def __aenter__(self) -> _WatchedStream:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._watch.lost()
        return await self._stream.__aexit__(kind, error, trace)
