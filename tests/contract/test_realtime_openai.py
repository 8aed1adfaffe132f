"""The ``openai`` package, unchanged, against the server: every event it is told is checked with the strict types of the
Agents SDK too.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed

from tests.contract.realtime_oracle import check_event
from tests.contract.realtime_server import (
    LONG_TEXT,
    Log,
    Served,
    check_order,
    scripted_agents,
    serving,
    sound_of,
    speak,
    tone,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PCM_BYTES_PER_MS = 48


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, scripted_agents(folder)) as server:
        yield server


class Session(Log):
    """A connection of the SDK, and all that came over it."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        super().__init__()
        self.connection = connection

    async def read(self) -> None:
        try:
            while True:
                data = await self.connection.recv_bytes()
                assert self.connection.parse_event(data).type
                self.add(check_event(data))
        except ConnectionClosed:
            pass

    async def update(self, session: dict[str, Any]) -> dict[str, Any]:
        asked: Any = {"type": "realtime", **session}
        await self.connection.session.update(session=asked)
        told: dict[str, Any] = (await self.until("session.updated"))["session"]
        return told

    async def append(self, sound: bytes) -> None:
        await self.connection.input_audio_buffer.append(audio=base64.b64encode(sound).decode())

    async def say(self, ms: int = 400) -> None:
        await speak(self.append, tone(ms))

    async def write(self, text: str, **members: Any) -> dict[str, Any]:
        content = [{"type": "input_text", "text": text}]
        item: Any = {"type": "message", "role": "user", "content": content, **members}
        await self.connection.conversation.item.create(item=item)
        added = await self.until("conversation.item.added", item__role="user")
        told: dict[str, Any] = (await self.until("conversation.item.done", item__id=added["item"]["id"]))["item"]
        return told

    async def send(self, kind: str, **members: Any) -> None:
        event: Any = {"type": kind, **members}
        await self.connection.send(event)

    async def fails(self, code: str | None, kind: str, **members: Any) -> dict[str, Any]:
        """That it is refused so, by its id, and that the session goes on."""
        name = f"mine_{len(self.events)}"
        await self.send(kind, **members, event_id=name)
        error: dict[str, Any] = (await self.until("error"))["error"]
        assert (error["code"], error["event_id"], error["type"]) == (code, name, "invalid_request_error"), error
        await self.connection.input_audio_buffer.clear()
        await self.until("input_audio_buffer.cleared")
        return error


def client_of(served: Served, key: str = "any") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=served.http, api_key=key, max_retries=0, timeout=20)


@asynccontextmanager
async def talking(served: Served, agent: str, session: dict[str, Any] | None = None) -> AsyncIterator[Session]:
    async with client_of(served) as client, client.realtime.connect(model=agent) as connection:
        talk = Session(connection)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk.read())
            try:
                await talk.until("session.created")
                if session is not None:
                    await talk.update(session)
                yield talk
                check_order(talk.events)
            finally:
                await connection.close()


WRITTEN_DOWN = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}
BY_HAND = {"audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}}}
CLIENTS_TOOL = {
    "type": "function",
    "name": "switch",
    "description": "Switch a thing on.",
    "parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
}


def test_what_is_set_is_the_session(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers") as session:
            first = session.events[0]["session"]
            assert (first["model"], first["instructions"]) == ("answers", ""), "the agent's own are not shown"
            assert first["audio"]["input"]["turn_detection"]["type"] == "server_vad"
            changed = await session.update(
                {
                    "instructions": "Speak slowly.",
                    "output_modalities": ["audio"],
                    "tools": [CLIENTS_TOOL],
                    "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}},
                }
            )
            assert changed["instructions"] == "Speak slowly."
            assert changed["tools"] == [CLIENTS_TOOL]
            detection = changed["audio"]["input"]["turn_detection"]
            assert (detection["type"], detection["eagerness"]) == ("semantic_vad", "high")
            assert (detection["create_response"], detection["interrupt_response"]) == (True, True), "filled up"
            assert changed["id"] == first["id"]
            again = await session.update({"tools": []})
            assert (again["tools"], again["instructions"]) == ([], "Speak slowly."), "the rest stays"

    asyncio.run(talk())


def test_spoken_turns(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", WRITTEN_DOWN) as session:
            await session.say()
            started = await session.until("input_audio_buffer.speech_started")
            stopped = await session.until("input_audio_buffer.speech_stopped")
            assert started["item_id"] == stopped["item_id"]
            assert abs(stopped["audio_end_ms"] - started["audio_start_ms"] - 400) <= 300, "with the padding before"
            transcript = await session.until("conversation.item.input_audio_transcription.completed")
            assert (transcript["item_id"], transcript["transcript"]) == (started["item_id"], "what do I owe")
            assert transcript["usage"]["type"] == "duration"
            response = (await session.until("response.done"))["response"]
            assert (response["status"], response["output_modalities"]) == ("completed", ["audio"])
            (item,) = response["output"]
            words = "Twelve euros, to be paid by Friday."
            assert item["content"] == [{"type": "output_audio", "transcript": words}]
            deltas = session.named("response.output_audio_transcript.delta")
            assert "".join(event["delta"] for event in deltas) == words
            assert len(sound_of(session.events, response["id"])) == 900 * PCM_BYTES_PER_MS
            usage = response["usage"]
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] == 76
            assert usage["input_token_details"]["audio_tokens"] == 40
            await session.say()
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"][0]["transcript"] == "You are welcome."

    asyncio.run(talk())


def test_an_agent_that_greets(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "greets", {}) as session:
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"][0]["transcript"] == "Hello."
            assert sound_of(session.events, response["id"])

    asyncio.run(talk())


def test_barge_in_while_a_reply_is_made(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "long", WRITTEN_DOWN) as session:
            await session.say()
            first = await session.until("response.output_audio.delta")
            await asyncio.sleep(1)  # the caller hears some of it
            await session.say()
            await session.until("input_audio_buffer.speech_started")
            response = (await session.until("response.done"))["response"]
            assert response["id"] == first["response_id"]
            assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
            assert response["output"][0]["status"] == "incomplete"
            item = first["item_id"]
            await session.connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=1000)
            cut = await session.until("conversation.item.truncated")
            assert (cut["item_id"], cut["audio_end_ms"]) == (item, 1000)
            await session.connection.conversation.item.retrieve(item_id=item)
            (part,) = (await session.until("conversation.item.retrieved"))["item"]["content"]
            assert len(part["transcript"]) < len(LONG_TEXT) / 4
            assert LONG_TEXT.startswith(part["transcript"].rstrip(". "))
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"][0]["transcript"] == "As you like."
            assert len(sound_of(session.events, first["response_id"])) < 20_000 * PCM_BYTES_PER_MS

    asyncio.run(talk())


def test_written_turns_heard_or_read(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", {}) as session:
            await session.write("Which are open?")
            await session.connection.response.create()
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "Both are open."}]
            await session.update({"output_modalities": ["text"]})
            await session.write("Until when?")
            await session.connection.response.create()
            response = (await session.until("response.done"))["response"]
            assert response["output_modalities"] == ["text"]
            assert response["output"][0]["content"] == [{"type": "output_text", "text": "Until nine."}]
            assert sound_of(session.events, response["id"]) == b""

    asyncio.run(talk())


def test_a_tool_of_the_client(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "tool", {"tools": [CLIENTS_TOOL]}) as session:
            await session.write("Switch the lamp on.")
            await session.connection.response.create(response={"metadata": {"mine": "7"}})
            created = await session.until("response.created")
            assert created["response"]["metadata"] == {"mine": "7"}
            added = await session.until("conversation.item.added", item__type="function_call")
            done = await session.until("response.function_call_arguments.done")
            assert (added["item"]["name"], added["item"]["call_id"]) == ("switch", done["call_id"])
            assert (done["name"], done["arguments"]) == ("switch", '{"what":"lamp"}')
            item = (await session.until("response.output_item.done"))["item"]
            assert (item["status"], item["arguments"], item["call_id"]) == (
                "completed",
                done["arguments"],
                done["call_id"],
            )
            assert (await session.until("response.done"))["response"]["output"] == [item]
            await session.connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": done["call_id"], "output": '{"on": true}'}
            )
            await session.until("conversation.item.done", item__type="function_call_output")
            await session.connection.response.create()
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"][0]["transcript"] == "The lamp is on."

    asyncio.run(talk())
