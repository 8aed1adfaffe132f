"""Tools of real MCP servers, made with the protocol's own SDK: over pipes in a process of their own, and over HTTP."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.contract.peers.mcp_shop import shop
from tests.house.source import ROOT
from vivavoce.agent.check import Report, check_agent
from vivavoce.agent.declaration import Agent
from vivavoce.events import ToolStatus
from vivavoce.tools import ToolOutcome, ToolRunner, ask_servers
from vivavoce.tools.outside import held

pytestmark = pytest.mark.slow

SHOP = ROOT / "tests" / "contract" / "peers" / "mcp_shop.py"
BEGINNING = 'name = "Desk"\ninstructions = "Sell lamps."\n'


class Place:
    """A folder with an agent file, and with the diary that its MCP server keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.diary = folder / "diary"

    def over_pipes(self, more: str = 'allow = ["*"]') -> Path:
        command = f'command = "{sys.executable}"\nargs = ["{SHOP}", "{self.diary}"]\n'
        return self.write(f"[mcp.shop]\n{command}env = {{ SHOP_TOKEN = {{ env = 'TOKEN' }} }}\n{more}\n")

    def write(self, text: str) -> Path:
        path = self.folder / "agent.toml"
        path.write_text(BEGINNING + text)
        return path

    def notes(self) -> list[str]:
        return self.diary.read_text().splitlines()

    async def noted(self, *wanted: str) -> None:
        """Returns when the server has written that."""
        while not set(wanted) <= set(self.notes()):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.01)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def checked(path: Path) -> Report:
    return check_agent(path, environment={"TOKEN": "t0ken", "EMPTY": ""}, ask_servers=ask_servers)


def agent_of(path: Path) -> Agent:
    report = checked(path)
    assert report.agent is not None, [str(problem) for proof in report.proofs for problem in proof.problems]
    return report.agent


def with_runner(path: Path, work: Callable[[ToolRunner], Awaitable[None]]) -> None:
    agent = agent_of(path)

    async def run() -> None:
        runner = ToolRunner(agent.tools, result_bytes=1000)
        try:
            async with asyncio.timeout(60):
                await work(runner)
        finally:
            await runner.close()

    asyncio.run(run())


def told(outcome: ToolOutcome) -> tuple[str, str]:
    return outcome.status.value, outcome.result


def test_its_tools_are_called_with_arguments_that_fit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOT_FOR_SHOPS", "ours")

    async def work(runner: ToolRunner) -> None:
        price = await runner.run("price", '{"article": "lamp"}')
        assert told(price) == ("ok", '{"article":"lamp","euros":12.5}')
        wrong = await runner.run("price", '{"article": "chair"}')
        assert told(wrong) == (
            "refused",
            '{"error": {"message": "The argument \\"article\\" must be one of lamp, table."}}',
        )
        ordered = await runner.run("order", '{"lines": [{"article": "lamp", "count": 2}, {"article": "table"}]}')
        assert told(ordered) == ("ok", '{"result":"3 ordered"}')
        too_many = await runner.run("order", '{"lines": [{"article": "lamp", "count": 20}]}')
        assert 'The argument \\"lines.0.count\\" must be at most 9.' in too_many.result
        refused = await runner.run("refuse", "")
        assert told(refused)[0] == "failed"
        assert await runner.run("secret", "") == ToolOutcome(ToolStatus.OK, '{"result":"t0ken None"}')

    with_runner(place.over_pipes(), work)
    assert [note for note in place.notes() if not note.startswith("begins")] == ["price lamp", "order"]


def test_one_connection_serves_all_and_is_closed_in_good_order(place: Place) -> None:
    agent = agent_of(place.over_pipes())

    async def run() -> None:
        async with held():
            for _ in range(2):
                runner = ToolRunner(agent.tools, result_bytes=1000)
                outcomes = await asyncio.gather(*(runner.run("price", '{"article": "lamp"}') for _ in range(5)))
                assert {outcome.status for outcome in outcomes} == {ToolStatus.OK}
                await runner.close()

    asyncio.run(run())
    begun = [int(note.split()[1]) for note in place.notes() if note.startswith("begins")]
    assert len(begun) == 2, "one to be asked, one for all calls"
    for process in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_call_that_is_given_up_is_cancelled_at_the_server(place: Place) -> None:
    settings = 'allow = ["price", "stock.wait"]\n[mcp.shop.tools."stock.wait"]\ntimeout_s = 0.5'

    async def work(runner: ToolRunner) -> None:
        assert (await runner.run("price", '{"article": "lamp"}')).status is ToolStatus.OK
        late = await runner.run("stock_wait", '{"mark": "late"}')
        assert late.status is ToolStatus.TIMED_OUT
        await place.noted("cancelled late")
        task = asyncio.create_task(runner.run("stock_wait", '{"mark": "given-up"}'))
        await place.noted("waits given-up")
        task.cancel()
        await place.noted("cancelled given-up")

    with_runner(place.over_pipes(settings), work)


def test_a_server_that_goes_in_the_middle_is_told_of_and_started_anew(place: Place) -> None:
    async def work(runner: ToolRunner) -> None:
        lost = await runner.run("vanish", "")
        assert told(lost)[0] == "failed"
        assert "whether it did what was asked is not known" in lost.result
        again = await runner.run("price", '{"article": "table"}')
        assert again.status is ToolStatus.OK

    with_runner(place.over_pipes(), work)
    assert place.notes().count("vanishes") == 1, "what is not idempotent is not tried again"


def test_a_tool_that_says_it_is_idempotent_is_tried_again(place: Place) -> None:
    async def work(runner: ToolRunner) -> None:
        assert (await runner.run("vanish", "")).status is ToolStatus.FAILED

    with_runner(place.over_pipes('allow = ["vanish"]\ntools.vanish = { idempotent = true, attempts = 2 }'), work)
    assert place.notes().count("vanishes") == 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            'command = "no-such-program"\nallow = ["*"]',
            ":3: the MCP server shop cannot be started: there is no program no-such-program (try it by hand",
        ),
        ('command = "true"\nallow = ["*"]', ":3: the MCP server shop does not answer as an MCP server (try it by hand"),
        (
            'command = "sleep"\nargs = ["60"]\nconnect_s = 0.5\nallow = ["*"]',
            ":3: the MCP server shop gave no answer within 0.5 seconds (try it by hand",
        ),
        (
            'url = "http://127.0.0.1:9/mcp"\nallow = ["*"]',
            ":3: the MCP server shop cannot be reached (is it running, and does it speak streamable HTTP",
        ),
    ],
)
def test_a_server_that_cannot_be_asked_is_named(place: Place, table: str, message: str) -> None:
    report = checked(place.write(f"[mcp.shop]\n{table}\n"))
    (problem,) = [problem for proof in report.proofs for problem in proof.problems]
    assert message in str(problem)
    assert not report.holds


def test_what_is_not_offered_or_not_there_is_told_with_its_line(place: Place) -> None:
    path = place.over_pipes(
        'prefix = "s_"\nallow = ["price", "pryce"]\n[mcp.shop.tools.order]\n[mcp.shop.tools.price]\nreply = "{{ x }}"'
    )
    report = checked(path)
    problems = [str(problem).removeprefix(str(path)) for proof in report.proofs for problem in proof.problems]
    assert problems == [
        ':8: the MCP server shop has no tool "pryce" (did you mean price?)',
        ':9: "order" has settings but is not allowed (write it in allow, by the same name)',
        ':11: the template uses "x", which is not known here (known here: article, result)',
    ]
    agent = agent_of(place.over_pipes('prefix = "s_"\nallow = ["price", "stock.wait"]'))
    assert [tool.name for tool in agent.tools] == ["s_price", "s_stock_wait"]


class Porter:
    """Lets nobody in without the header that the agent file takes from the environment. An ``old`` server does not know
    how one asks for the newest protocol, and has sessions."""

    def __init__(self, app: ASGIApp, *, old: bool) -> None:
        self._app = app
        self._old = old

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope.get("headers", [])
        status = 0
        if scope["type"] == "http" and (b"authorization", b"Bearer t0ken") not in headers:
            status = 401
        elif self._old and (b"mcp-method", b"server/discover") in headers:
            status = 404
        if status:
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)


@asynccontextmanager
async def shop_over_http(place: Place, port: int = 0, *, old: bool = False) -> AsyncIterator[int]:
    """The same server behind a port of this machine."""
    listener = socket.create_server(("127.0.0.1", port))
    app = shop(place.diary).streamable_http_app(
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)
    )
    config = uvicorn.Config(Porter(app, old=old), log_level="critical", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def http_table(port: int) -> str:
    headers = "headers = { Authorization = { env = 'TOKEN', prefix = 'Bearer ' } }"
    return f'[mcp.shop]\nurl = "http://127.0.0.1:{port}/mcp"\n{headers}\nallow = ["*"]\n'


async def within(work: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(60):
        await work


def test_over_http_tools_are_called_and_cancelled_and_found_again(place: Place) -> None:
    async def scenario() -> None:
        async with shop_over_http(place) as port:
            agent = await asyncio.to_thread(agent_of, place.write(http_table(port)))
            runner = ToolRunner(agent.tools, result_bytes=1000)
            price = await runner.run("price", '{"article": "lamp"}')
            assert told(price) == ("ok", '{"article":"lamp","euros":12.5}')
            waiting = asyncio.create_task(runner.run("stock_wait", '{"mark": "here"}'))
            await place.noted("waits here")
            waiting.cancel()
            await place.noted("cancelled here")
        lost = await runner.run("price", '{"article": "lamp"}')
        assert lost.status is ToolStatus.FAILED
        assert "MCP server shop" in lost.result
        async with shop_over_http(place, port):
            again = await runner.run("price", '{"article": "table"}')
            assert again.status is ToolStatus.OK
            await runner.close()

    asyncio.run(within(scenario()))


def test_over_http_a_session_that_the_server_forgot_is_begun_anew(place: Place) -> None:
    async def scenario() -> None:
        async with shop_over_http(place, old=True) as port:
            agent = await asyncio.to_thread(agent_of, place.write(http_table(port)))
            runner = ToolRunner(agent.tools, result_bytes=1000)
            assert (await runner.run("price", '{"article": "lamp"}')).status is ToolStatus.OK
            waiting = asyncio.create_task(runner.run("stock_wait", '{"mark": "here"}'))
            await place.noted("waits here")
            waiting.cancel()
            await place.noted("cancelled here")
        async with shop_over_http(place, port, old=True):
            outcome = await runner.run("price", '{"article": "table"}')
            assert outcome.status is ToolStatus.OK, "nothing was done in the old session, so it may be asked again"
            await runner.close()

    asyncio.run(within(scenario()))
    assert place.notes().count("price table") == 1


def test_over_http_a_server_that_does_not_let_us_in_cannot_be_asked(place: Place) -> None:
    async def scenario() -> None:
        async with shop_over_http(place) as port:
            path = place.write(http_table(port).replace("Bearer ", "Basic "))
            report = await asyncio.to_thread(checked, path)
            (problem,) = [problem for proof in report.proofs for problem in proof.problems]
            assert "the MCP server shop cannot be reached" in str(problem)
            assert "t0ken" not in str(problem)

    asyncio.run(within(scenario()))
