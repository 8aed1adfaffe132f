"""HTTP tools against a server on this machine that answers as it is told."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from vivavoce.agent.declaration import Tool
from vivavoce.agent.outside import HttpEndpoint, Slot
from vivavoce.events import ToolStatus
from vivavoce.tools import ToolOutcome, ToolRunner

WAIT = "wait"
DROP = "drop"


def answer(status: str = "200 OK", body: str = "", kind: str = "application/json", **headers: str) -> str:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n{more}\r\n{body}"


class Server:
    """Answers one request after the other with the next of its answers."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._answers = [*answers]
        self.requests: list[str] = []
        self.broken_off = asyncio.Event()
        self.asked = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                self.requests.append(head + body.decode())
                self.asked.set()
                following = self._answers.pop(0)
                if following == DROP:
                    return
                if following == WAIT:
                    await reader.read()
                    self.broken_off.set()
                    return
                writer.write(following.replace("PORT", str(self.port)).encode())
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers: str) -> AsyncIterator[Server]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def tool(port: int, method: str = "GET", **more: Any) -> Tool:
    endpoint = HttpEndpoint(
        method,
        f"http://127.0.0.1:{port}",
        ("/orders/", Slot("number")),
        headers=(("Authorization", "Bearer s3cret-token"),),
        body={"number": (Slot("number"),)} if method != "GET" else None,
    )
    schema = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}
    return Tool("order", "Orders.", schema, endpoint, **{"timeout_ms": 5000, **more})


def called(*answers: str, method: str = "GET", times: int = 1, **more: Any) -> tuple[list[ToolOutcome], list[str]]:
    """The outcomes of as many calls, and what the server was asked."""

    async def scenario() -> tuple[list[ToolOutcome], list[str]]:
        async with serving(*answers) as server:
            one = tool(server.port, method, **more)
            runner = ToolRunner([one], result_bytes=200, call="call-1", chance=lambda: 0.0)
            outcomes = [await runner.run("order", '{"number": "12 34"}', f"t{time}") for time in range(times)]
            await runner.close()
            return outcomes, server.requests

    return asyncio.run(scenario())


def error_of(outcome: ToolOutcome) -> str:
    message: str = json.loads(outcome.result)["error"]["message"]
    return message


def field_of(request: str, name: str) -> str | None:
    lines = [line.split(": ", 1) for line in request.partition("\r\n\r\n")[0].splitlines()[1:]]
    return next((value for key, value in lines if key.lower() == name.lower()), None)


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (answer(body='{"status": "on its way"}'), '{"status":"on its way"}'),
        (answer(body="[1, 2]", kind="application/problem+json; charset=utf-8"), "[1,2]"),
        (answer(body="Grüße", kind="text/plain; charset=utf-8"), '"Grüße"'),
        (answer("204 No Content"), '{"status":204}'),
    ],
)
def test_an_answer_is_the_result(given: str, result: str) -> None:
    (outcome,), (request,) = called(given)
    assert outcome == ToolOutcome(ToolStatus.OK, result)
    assert request.startswith("GET /orders/12%2034 HTTP/1.1\r\n")
    assert field_of(request, "Authorization") == "Bearer s3cret-token"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer("404 Not Found", '{"message": "No such order."}'), "HOST answered 404 Not Found. No such order."),
        (
            answer("400 Bad", '{"error": {"message": "Bad: s3cret-token"}}'),
            "HOST answered 400 Bad. Bad: ***",
        ),
        (answer("500 Oops", "<html>stack trace</html>", "text/html"), "HOST answered 500 Oops."),
        (answer("503 Away"), "HOST has no time now: it answered 503."),
        (answer(body="{"), "HOST answered with broken JSON."),
        (answer(body="x", kind="image/png"), "HOST answered with image/png, which is neither JSON nor text."),
        (answer(body=json.dumps("x" * 300)), "The result is larger than the 200 bytes that are allowed."),
        (answer(body=json.dumps("x" * 2000)), "HOST answered with more than the 200 bytes that are allowed."),
        ("nonsense\r\n\r\n", "The connection to HOST failed."),
        (DROP, "The connection to HOST failed."),
    ],
)
def test_what_goes_wrong_is_told_as_data_and_once(given: str, message: str) -> None:
    (outcome,), requests = called(given, given, method="POST")
    assert outcome.status is ToolStatus.FAILED
    host = field_of(requests[0], "Host")
    assert error_of(outcome) == message.replace("HOST", str(host))
    assert len(requests) == 1, "what is not idempotent is not tried again"


@pytest.mark.parametrize("passing", [answer("503 Away"), answer("429 Busy"), DROP])
def test_an_idempotent_tool_is_tried_again_with_the_same_key(passing: str) -> None:
    outcomes, requests = called(
        passing, answer(body="1"), answer(body="2"), method="PUT", times=2, idempotent=True, attempts=2
    )
    assert [outcome.result for outcome in outcomes] == ["1", "2"]
    assert [field_of(request, "Idempotency-Key") for request in requests] == ["call-1:t0", "call-1:t0", "call-1:t1"]


def test_it_is_tried_so_often_and_no_more_and_not_for_what_does_not_pass() -> None:
    away = answer("502 Bad Gateway")
    (outcome,), requests = called(away, away, away, idempotent=True, attempts=2)
    assert (outcome.status, len(requests)) == (ToolStatus.FAILED, 2)
    _, requests = called(answer("404 Not Found"), away, idempotent=True, attempts=2)
    assert len(requests) == 1


def test_a_wait_that_is_longer_than_its_time_is_not_waited() -> None:
    busy = answer("429 Busy", Retry_After="60")
    (outcome,), requests = called(busy, busy, idempotent=True, attempts=2, timeout_ms=59_000)
    assert outcome.status is ToolStatus.FAILED
    assert "it answered 429" in error_of(outcome)
    assert len(requests) == 1


def test_a_redirect_is_followed_to_the_same_host_alone() -> None:
    (outcome,), requests = called(answer("307 There", Location="/elsewhere"), answer(body="1"), method="POST")
    assert outcome.result == "1"
    assert requests[1].startswith("POST /elsewhere ")
    assert field_of(requests[1], "Authorization") == "Bearer s3cret-token"
    for place in (
        "http://localhost:PORT/x",
        "https://127.0.0.1:PORT/x",
        "http://a:b@127.0.0.1:PORT/x",
        "//192.0.2.1/x",
    ):
        (outcome,), requests = called(answer("307 There", Location=place), answer(body="1"))
        assert "it sends elsewhere, which is not followed" in error_of(outcome)
        assert len(requests) == 1
    (outcome,), requests = called(answer("303 See", Location="/elsewhere"), method="POST")
    assert "answered 303" in error_of(outcome), "it would be another method"
    (outcome,), requests = called(*[answer("307 There", Location="/x")] * 4)
    assert "from one address to another" in error_of(outcome)


def test_when_its_time_is_over_or_nobody_waits_the_request_is_broken_off() -> None:
    async def scenario() -> ToolOutcome:
        async with serving(WAIT) as server:
            runner = ToolRunner([tool(server.port, timeout_ms=200)], result_bytes=200)
            outcome = await runner.run("order", '{"number": "1"}')
            await server.broken_off.wait()
        async with serving(WAIT) as server:
            runner = ToolRunner([tool(server.port)], result_bytes=200)
            task = asyncio.create_task(runner.run("order", '{"number": "1"}'))
            await server.asked.wait()
            task.cancel()
            await server.broken_off.wait()
            await runner.close()
        return outcome

    assert asyncio.run(scenario()).status is ToolStatus.TIMED_OUT


def test_calls_run_side_by_side_over_shared_connections() -> None:
    async def scenario() -> list[ToolOutcome]:
        async with serving(*[answer(body="1")] * 20) as server:
            runners = [ToolRunner([tool(server.port)], result_bytes=200) for _ in range(4)]
            calls = [runner.run("order", f'{{"number": "{n}"}}') for runner in runners for n in range(5)]
            outcomes = await asyncio.gather(*calls)
            for runner in runners:
                await runner.close()
            return outcomes

    assert {outcome.status for outcome in asyncio.run(scenario())} == {ToolStatus.OK}


def test_no_log_has_an_argument_or_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    called(answer(body="1"), answer("500 Oops"), times=2)
    assert "12%2034" not in caplog.text
    assert "s3cret" not in caplog.text


def test_a_host_that_is_not_there_is_a_failure() -> None:
    async def scenario() -> ToolOutcome:
        async with serving() as server:
            one = tool(server.port)
        assert isinstance(one.function, HttpEndpoint)
        gone = replace(one, function=replace(one.function, origin="http://127.0.0.1:9"))
        runner = ToolRunner([gone], result_bytes=200)
        outcome = await runner.run("order", '{"number": "1"}')
        await runner.close()
        return outcome

    assert error_of(asyncio.run(scenario())) == "The connection to 127.0.0.1:9 failed."
