"""The examples of docs/howto/tools.md, run as they stand but for the addresses."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.house.source import ROOT
from vivavoce.agent.declaration import Agent
from vivavoce.agent.file import load_agent
from vivavoce.tools import ToolRunner, ask_servers

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "howto" / "tools.md").read_text("utf-8")
ENVIRONMENT = {"SHOP_TOKEN": "s", "STOCK_TOKEN": "t", "CALENDAR_TOKEN": "c"}
BEGINNING = 'name = "Desk"\ninstructions = "Help."\n'


def block(language: str, containing: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return str(found)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def read(folder: Path, text: str) -> Agent:
    path = folder / "agent.toml"
    path.write_text(BEGINNING + text)
    return await asyncio.to_thread(load_agent, path, environment=ENVIRONMENT, ask_servers=ask_servers)


async def results(agent: Agent, *calls: tuple[str, str]) -> list[str]:
    runner = ToolRunner(agent.tools, result_bytes=1000, call="call")
    try:
        return [(await runner.run(name, arguments, "t")).result for name, arguments in calls]
    finally:
        await runner.close()


def test_the_function(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(block("python", "def opening_hours"))

    async def scenario() -> list[str]:
        agent = await read(tmp_path, block("toml", "tools:opening_hours"))
        return await results(agent, ("opening_hours", '{"day": "Sunday"}'))

    assert asyncio.run(scenario()) == ['"closed"']


def test_the_endpoint(tmp_path: Path) -> None:
    asked: list[Any] = []

    async def status(request: Request) -> JSONResponse:
        asked.append((request.headers["authorization"], request.path_params["number"], str(request.query_params)))
        return JSONResponse({"status": "on its way", "day": "Friday"})

    async def order(request: Request) -> JSONResponse:
        asked.append((request.headers["authorization"], request.headers["idempotency-key"], await request.json()))
        return JSONResponse({"number": "123457"}, 201)

    routes = [Route("/orders/{number}", status), Route("/orders", order, methods=["POST"])]

    async def scenario() -> list[str]:
        async with served(Starlette(routes=routes)) as origin:
            text = block("toml", "order_status").replace("https://shop.example.com", origin)
            agent = await read(tmp_path, text)
            calls = ("order_status", '{"number": "123456"}'), ("order", '{"article": "lamp", "count": 2}')
            return await results(agent, *calls)

    assert asyncio.run(scenario()) == ['{"status":"on its way","day":"Friday"}', '{"number":"123457"}']
    assert asked == [
        ("Bearer s", "123456", "lang=en"),
        ("Bearer s", "call:t", {"lines": [{"article": "lamp", "count": 2}], "source": "phone"}),
    ]


def test_the_server_of_our_own(tmp_path: Path) -> None:
    (tmp_path / "stock.py").write_text(block("python", 'MCPServer("stock")'))

    async def scenario() -> list[str]:
        text = block("toml", "[mcp.stock]").replace('"python"', f'"{sys.executable}"')
        agent = await read(tmp_path, text)
        assert [tool.name for tool in agent.tools] == ["in_stock"]
        return await results(agent, ("in_stock", '{"article": "lamp"}'))

    assert asyncio.run(scenario()) == ['{"result":7}']


def test_the_server_elsewhere(tmp_path: Path) -> None:
    calendar = MCPServer("calendar")

    @calendar.tool()
    def free_days() -> list[str]:
        """Says which days are free."""
        return ["Monday", "Friday"]

    async def scenario() -> list[str]:
        async with served(calendar.streamable_http_app()) as origin:
            text = block("toml", "[mcp.calendar]").replace("https://calendar.example.com", origin)
            agent = await read(tmp_path, text)
            return await results(agent, ("calendar_free_days", ""))

    assert asyncio.run(scenario()) == ['{"result":["Monday","Friday"]}']
