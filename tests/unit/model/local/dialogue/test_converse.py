"""The Bedrock Converse wire, over boto3's own client with its transport stubbed and over a hand-made one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from tests.unit.model.local.dialogue.agents import NOW, SHOP, gathered
from vivavoce.errors import ModelFault
from vivavoce.model.local.dialogue.converse import ConverseDialogue
from vivavoce.model.local.dialogue.port import CallTool, Heard, Say


class Stream:
    """Events, with a close that is counted, as botocore's EventStream."""

    def __init__(self, *events: Mapping[str, Any]) -> None:
        self.events = iter(events)
        self.closed = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Mapping[str, Any]:
        return next(self.events)

    def close(self) -> None:
        self.closed = True


class Client:
    """A ``bedrock-runtime`` client as far as the wire uses it."""

    def __init__(self, *streams: Stream) -> None:
        self.streams = list(streams)
        self.requests: list[dict[str, Any]] = []

    def converse_stream(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return {"stream": self.streams.pop(0)}


def text(piece: str) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": piece}}}


USE: list[dict[str, Any]] = [
    {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "find_bikes"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"max_price"'}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ": 500}"}}}},
    {"contentBlockStop": {"contentBlockIndex": 1}},
    {"messageStop": {"stopReason": "tool_use"}},
]


def test_text_and_tools_stream_in_and_the_sides_take_turns() -> None:
    async def talk() -> None:
        client = Client(
            Stream({"messageStart": {"role": "assistant"}}, text("One mo"), text("ment."), *USE), Stream(text("Two."))
        )
        one = ConverseDialogue(SHOP, "some.model", now=lambda: NOW, client=client)
        assert await gathered(one.reply(Heard("bikes"))) == [
            Say("One moment."), CallTool("t1", "find_bikes", {"max_price": 500}),
        ]  # fmt: skip
        assert await gathered(one.tool_result("t1", '{"count": 2}', ok=True)) == [Say("Two.")]
        first, second = client.requests
        assert first["modelId"] == "some.model"
        assert first["toolConfig"]["tools"][-1]["toolSpec"]["name"] == "end_call"
        assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]
        assert second["messages"][1]["content"][1]["toolUse"]["input"] == {"max_price": 500}
        assert second["messages"][2]["content"][0]["toolResult"]["status"] == "success"

    asyncio.run(talk())


def test_cancelling_closes_the_stream() -> None:
    async def talk() -> None:
        stream = Stream(text("One. "), text("Two. "), text("Three."))
        one = ConverseDialogue(SHOP, "m", now=lambda: NOW, client=Client(stream))
        acts = one.reply(Heard("count"))
        assert await anext(acts) == Say("One.")
        await acts.aclose()
        assert stream.closed

    asyncio.run(talk())


def test_bedrocks_refusal_is_apologised_for_then_a_fault() -> None:
    async def talk() -> None:
        client = boto3.client(
            "bedrock-runtime", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        with Stubber(client) as stubber:
            for _ in range(2):
                stubber.add_client_error("converse_stream", "ThrottlingException", "slow down")
            one = ConverseDialogue(SHOP, "m", now=lambda: NOW, client=client)
            (said,) = await gathered(one.reply(Heard("hi")))
            assert isinstance(said, Say)
            with pytest.raises(ModelFault, match="ThrottlingException"):
                await gathered(one.reply(Heard("hi")))

    asyncio.run(talk())


def test_no_connection_and_a_broken_stream_are_model_faults() -> None:
    class Unreachable:
        def converse_stream(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://nowhere")

    async def talk() -> None:
        broken = Client(*(Stream({"throttlingException": {"message": "x"}}) for _ in range(2)))
        for client in (Unreachable(), broken):
            one = ConverseDialogue(SHOP, "m", now=lambda: NOW, client=client)
            assert await gathered(one.reply(Heard("hi")))
            with pytest.raises(ModelFault):
                await gathered(one.reply(Heard("hi")))

    asyncio.run(talk())
