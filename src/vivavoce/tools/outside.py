"""What the calls of a process share of the world outside: one set of connections for each loop, held while anybody
needs them, and closed by whoever lets go last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from vivavoce.agent.outside import HttpEndpoint, McpFunction
from vivavoce.errors import ToolFault
from vivavoce.tools.http_calls import HttpCalls
from vivavoce.tools.mcp_calls import McpCalls

_OF_LOOP: dict[asyncio.AbstractEventLoop, Outside] = {}


class Outside:
    """The connections of one loop. Got by :func:`hold`."""

    def __init__(self) -> None:
        self.holders = 0
        self._http = HttpCalls()
        self._mcp = McpCalls()

    async def call(
        self, function: HttpEndpoint | McpFunction, arguments: Mapping[str, Any], *, key: str, limit_bytes: int
    ) -> Any:
        """What the tool answered. Raises :class:`~vivavoce.errors.ToolFault` alone, with no more in its text than a
        model may read."""
        try:
            if isinstance(function, HttpEndpoint):
                return await self._http.call(function, arguments, key, limit_bytes)
            return await self._mcp.call(function, arguments)
        except ToolFault:
            raise
        except Exception as error:
            raise ToolFault(f"The call failed: {type(error).__name__}.") from error

    async def release(self) -> None:
        self.holders -= 1
        if self.holders == 0:
            del _OF_LOOP[asyncio.get_running_loop()]
            await self._mcp.close()
            await self._http.close()


def hold() -> Outside:
    """The connections of this loop. Let go of them with :meth:`Outside.release`."""
    outside = _OF_LOOP.setdefault(asyncio.get_running_loop(), Outside())
    outside.holders += 1
    return outside


@asynccontextmanager
async def held() -> AsyncIterator[None]:
    """Keeps the connections open from call to call, as long as a server serves."""
    outside = hold()
    try:
        yield
    finally:
        await outside.release()
