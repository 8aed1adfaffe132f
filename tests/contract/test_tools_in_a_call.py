"""A whole call with the scripted model, that uses an HTTP endpoint and a tool of an MCP server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.contract.peers import mcp_shop
from tests.contract.test_tools_howto import served
from tests.house.source import ROOT
from vivavoce.events import RunTool, ToolFinished
from vivavoce.timeline.read import read_timeline

pytestmark = pytest.mark.slow

SCRIPT = """
[[step]]
when = "caller_stops"
hear = { text = "is there" }  # what the caller says has a pause in it
[[step]]
when = "caller_stops"
hear = { text = "a lamp" }
[[step]]
tool = { name = "order", arguments = { article = "lamp" } }
[[step]]
when = "tool_result"
tool = { name = "price", arguments = { article = "lamp" } }
[[step]]
when = "tool_result"
say = { text = "Done.", ms = 200 }
"""


def agent_in(folder: Path, origin: str) -> Path:
    (folder / "script.toml").write_text(SCRIPT)
    (folder / "agent.toml").write_text(f"""
name = "Desk"
instructions = "Sell lamps."
greeting = "Hi."
[[tools]]
name = "order"
description = "Orders an article."
http = {{ method = "POST", url = "{origin}/orders", headers = {{ X-Token = {{ env = "SHOP_TOKEN" }} }} }}
parameters = {{ article = "The article." }}
[mcp.shop]
command = "{sys.executable}"
args = ["{mcp_shop.__file__}", "{folder / "diary"}"]
allow = ["price"]
tools.price = {{ timeout_s = 60 }}
[[models]]
name = "scripted"
settings = {{ script = "script.toml" }}
""")
    return folder


def test_both_are_called_with_a_key_that_names_the_call(tmp_path: Path) -> None:
    keys: list[str] = []

    async def order(request: Request) -> JSONResponse:
        keys.append(request.headers["Idempotency-Key"])
        return JSONResponse({"token": request.headers["X-Token"] == "s3cret", **await request.json()})

    async def scenario() -> tuple[int, bytes, bytes]:
        async with served(Starlette(routes=[Route("/orders", order, methods=["POST"])])) as origin:
            agent = agent_in(tmp_path, origin)
            speech = ROOT / "src" / "vivavoce" / "demo" / "caller" / "01-stock.flac"
            command = ["-m", "vivavoce", "call", str(agent), "--wav", str(speech), "--calls", str(tmp_path / "calls")]
            environment = {**os.environ, "SHOP_TOKEN": "s3cret"}
            done = await asyncio.create_subprocess_exec(
                sys.executable, *command, "--patience", "900", "--json",
                env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, err = await done.communicate()
            return done.returncode or 0, out, err

    code, out, err = asyncio.run(scenario())
    assert code == 0, err.decode()
    (folder,) = (tmp_path / "calls").iterdir()
    timeline = [line.value for line in read_timeline(folder).lines]
    calls = [value for value in timeline if isinstance(value, RunTool)]
    results = {value.result for value in timeline if isinstance(value, ToolFinished)}
    assert results == {'{"article":"lamp","euros":12.5}', '{"token":true,"article":"lamp"}'}
    (ordered,) = [one.tool_call for one in calls if one.name == "order"]
    assert keys == [f"{folder.name}:{ordered}"]
    assert b"s3cret" not in out + err
    assert not any("s3cret" in path.read_text("utf-8", "replace") for path in folder.iterdir())
    json.loads(out)
