"""Asks MCP servers which tools they have, before any call is taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from vivavoce.agent.outside import ListedTool, Listing, McpServer
from vivavoce.tools.mcp_client import Watch, need_sdk, opened

MAX_PAGES = 100


def ask_servers(servers: Sequence[McpServer]) -> Sequence[Listing]:
    """As :data:`vivavoce.agent.outside.AskServers` has it. Each server may take its ``connect_ms``; the programs that
    were started for it are stopped again."""
    need_sdk()
    listings: list[Listing] = []
    # In a thread, for the caller may stand on a loop of its own.
    thread = threading.Thread(target=lambda: listings.extend(asyncio.run(_all(servers))), name="ask mcp servers")
    thread.start()
    thread.join()
    return listings


async def _all(servers: Sequence[McpServer]) -> list[Listing]:
    return list(await asyncio.gather(*map(_listing, servers)))


async def _listing(server: McpServer) -> Listing:
    limit_s = server.connect_ms / 1000
    try:
        async with asyncio.timeout(limit_s):
            return await _listed(server)
    except TimeoutError:
        return f"gave no answer within {limit_s:g} seconds"
    except FileNotFoundError:
        return f"cannot be started: there is no program {server.command[0]}"
    except Exception:  # noqa: BLE001  # its text may hold what must not be shown
        return "cannot be reached" if server.url else "does not answer as an MCP server"


async def _listed(server: McpServer) -> Listing:
    found: list[ListedTool] = []
    async with opened(server, Watch()) as client:
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += [
                ListedTool(tool.name, tool.description or tool.title or "", tool.input_schema) for tool in page.tools
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
    return tuple(found)
