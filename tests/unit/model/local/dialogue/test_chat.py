"""The chat completions wire against a loopback server that sends real server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from tests.unit.model.local.dialogue.agents import NOW, SHOP, gathered
from vivavoce.errors import ModelFault
from vivavoce.model.local.dialogue.chat import ChatCompletionsDialogue, SettingsRefused
from vivavoce.model.local.dialogue.port import CallTool, Heard, Say


def chunk(**delta: Any) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n".encode()


def tool_chunk(index: int, **function: str) -> bytes:
    call: dict[str, Any] = {"index": index, "function": function}
    return chunk(tool_calls=[call | ({"id": f"c{index}"} if "name" in function else {})])


DONE = b"data: [DONE]\n\n"


class Server:
    """Answers each request with the next list of pieces, each its own write; then hangs if told to."""

    def __init__(self, *answers: list[bytes], status: int = 200, hang: bool = False) -> None:
        self.answers = list(answers)
        self.status = status
        self.hang = hang
        self.requests: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.dropped = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length")
        )
        self.headers.append(head)
        self.requests.append(json.loads(await reader.readexactly(length)))
        writer.write(
            f"HTTP/1.1 {self.status} x\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".encode()
        )
        for piece in self.answers.pop(0) if self.answers else []:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if self.hang:
            await reader.read()
            self.dropped.set()
        writer.close()


def run(
    server: Callable[[], Server], talk: Callable[[ChatCompletionsDialogue, Server], Coroutine[Any, Any, None]]
) -> None:
    async def main() -> None:
        made = server()
        async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                one = ChatCompletionsDialogue(
                    SHOP, f"http://127.0.0.1:{port}/v1/", "tiny", "key", now=lambda: NOW, client=client
                )
                await talk(one, made)

    asyncio.run(main())


def test_text_and_tool_calls_stream_in() -> None:
    answer = [
        b": a comment\n\n", chunk(role="assistant", content="Let me "), chunk(content="look. One"),
        chunk(content=" moment."),
        tool_chunk(0, name="find_bikes", arguments='{"max_'), tool_chunk(0, arguments='price": 500}'), DONE,
    ]  # fmt: skip
    split = b"".join(answer)

    async def talk(one: ChatCompletionsDialogue, server: Server) -> None:
        assert await gathered(one.reply(Heard("bikes under five hundred"))) == [
            Say("Let me look."), Say("One moment."), CallTool("c0", "find_bikes", {"max_price": 500}),
        ]  # fmt: skip
        assert await gathered(one.tool_result("c0", '{"count": 2}', ok=True)) == [Say("Two.")]
        first, second = server.requests
        assert (first["model"], first["stream"]) == ("tiny", True)
        assert [made["function"]["name"] for made in first["tools"]][-1] == "end_call"
        assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "tool"]
        assert second["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"max_price": 500}'
        assert "Bearer key" in server.headers[0]
        assert "POST /v1/chat/completions" in server.headers[0]

    run(lambda: Server([split[at : at + 7] for at in range(0, len(split), 7)], [chunk(content="Two."), DONE]), talk)


def test_tool_calls_without_ids_get_ids_that_never_repeat() -> None:
    def count(price: int) -> dict[str, Any]:
        return {"function": {"name": "find_bikes", "arguments": f'{{"max_price": {price}}}'}}

    answers = [
        [chunk(tool_calls=[count(100), count(200)]), DONE],
        [chunk(tool_calls=[{"index": 0, **count(300)}]), DONE],
        [chunk(content="None."), DONE],
    ]

    async def talk(one: ChatCompletionsDialogue, server: Server) -> None:
        acts = await gathered(one.reply(Heard("bikes")))
        calls = [act.tool_call for act in acts if isinstance(act, CallTool)]
        await gathered(one.tool_result(calls[0], "{}", ok=True))
        acts = await gathered(one.tool_result(calls[1], "{}", ok=True))
        calls += [act.tool_call for act in acts if isinstance(act, CallTool)]
        assert await gathered(one.tool_result(calls[2], "{}", ok=True)) == [Say("None.")]
        assert len(set(calls)) == 3
        messages = server.requests[-1]["messages"]
        wishes = [wish["id"] for message in messages for wish in message.get("tool_calls", ())]
        assert wishes == [message["tool_call_id"] for message in messages if message["role"] == "tool"] == calls

    run(lambda: Server(*answers), talk)


def test_cancelling_hangs_up_on_the_server() -> None:
    async def talk(one: ChatCompletionsDialogue, server: Server) -> None:
        acts = one.reply(Heard("count"))
        assert await anext(acts) == Say("One.")
        await acts.aclose()
        await asyncio.wait_for(server.dropped.wait(), 2)

    run(lambda: Server([chunk(content="One. "), chunk(content="Two")], hang=True), talk)


@pytest.mark.parametrize(
    "answer",
    [[b"data: {not json}\n\n"], [b'data: {"error": {"message": "x"}}\n\n'], [b'data: {"choices": [{"delta": 3}]}\n\n']],
)
def test_nonsense_is_apologised_for_then_a_fault(answer: list[bytes]) -> None:
    async def talk(one: ChatCompletionsDialogue, server: Server) -> None:
        (said,) = await gathered(one.reply(Heard("hi")))
        assert isinstance(said, Say)
        with pytest.raises(ModelFault):
            await gathered(one.reply(Heard("hi")))

    run(lambda: Server(answer, answer), talk)


def test_a_refusal_is_a_fault_at_once_and_not_to_be_retried() -> None:
    async def talk(one: ChatCompletionsDialogue, server: Server) -> None:
        with pytest.raises(SettingsRefused, match="status 401") as caught:
            await gathered(one.reply(Heard("hi")))
        assert not caught.value.retryable

    run(lambda: Server([], status=401), talk)


def test_a_server_that_is_not_there_is_apologised_for() -> None:
    async def talk() -> None:
        one = ChatCompletionsDialogue(SHOP, "http://127.0.0.1:9/v1", "tiny", now=lambda: NOW)
        (said,) = await gathered(one.reply(Heard("hi")))
        assert isinstance(said, Say)
        await one.aclose()

    asyncio.run(talk())
