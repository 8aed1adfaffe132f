"""The ``openai`` package, unchanged, against the server: turns spoken and written, barge-in, tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.contract.realtime_openai import BY_HAND, CLIENTS_TOOL, WRITTEN_DOWN, talking
from tests.contract.realtime_server import (
    LONG_TEXT,
    Served,
    scripted_agents,
    serving,
    sound_of,
    speak,
    tone,
)
from vivavoce.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from vivavoce.audio.level import rms_dbfs
from vivavoce.events import SwapModel
from vivavoce.model.scripted import TONE_DBFS
from vivavoce.timeline.read import read_timeline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PCM_BYTES_PER_MS = 48


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, scripted_agents(folder)) as server:
        yield server


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


def test_turns_by_hand(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", BY_HAND) as session:
            await session.say()
            await session.connection.input_audio_buffer.commit()
            committed = await session.until("input_audio_buffer.committed")
            await session.until("conversation.item.done", item__id=committed["item_id"])
            await session.say(200)
            assert not session.named("response.created"), "nobody asked for it"
            await session.connection.input_audio_buffer.clear()
            await session.until("input_audio_buffer.cleared")
            await session.connection.response.create()
            words = await session.until("conversation.item.input_audio_transcription.completed")
            assert (words["item_id"], words["transcript"]) == (committed["item_id"], "what do I owe")
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"][0]["transcript"] == "Twelve euros, to be paid by Friday."
            assert not session.named("input_audio_buffer.speech_started")

    asyncio.run(talk())


def test_a_response_beside_the_conversation(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "long", WRITTEN_DOWN) as session:
            await session.say()
            main = await session.until("response.output_audio.delta")
            await session.connection.response.create(
                response={
                    "conversation": "none",
                    "output_modalities": ["text"],
                    "metadata": {"topic": "mood"},
                    "instructions": "Say in one word how the caller feels.",
                    "input": [
                        {"type": "item_reference", "id": session.named("conversation.item.done")[0]["item"]["id"]},
                        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Well?"}]},
                    ],
                }
            )
            aside = (await session.until("response.created"))["response"]
            assert (aside["conversation_id"], aside["metadata"]) == (None, {"topic": "mood"})
            done = (await session.until("response.done"))["response"]
            assert (done["id"], done["status"], done["metadata"]) == (aside["id"], "completed", {"topic": "mood"})
            assert done["output"][0]["content"] == [{"type": "output_text", "text": "Good."}]
            shown = [event["item"]["id"] for event in session.named("conversation.item.added")]
            assert done["output"][0]["id"] not in shown
            await session.until("response.output_audio.delta", response_id=main["response_id"])
            await session.connection.response.cancel()
            done = (await session.until("response.done"))["response"]
            assert (done["id"], done["status_details"]["reason"]) == (main["response_id"], "client_cancelled")

    asyncio.run(talk())


def test_a_caller_who_says_nothing(served: Served) -> None:
    async def talk() -> None:
        detection = {"type": "server_vad", "idle_timeout_ms": 5000}
        async with talking(served, "answers", {"audio": {"input": {"turn_detection": detection}}}) as session:
            await session.say()
            await speak(session.append, bytes(8_000 * PCM_BYTES_PER_MS))
            timeout = await session.until("input_audio_buffer.timeout_triggered")
            assert 5000 < timeout["audio_end_ms"] - timeout["audio_start_ms"] < 8000
            await session.until("input_audio_buffer.committed", item_id=timeout["item_id"])
            await session.until("response.created")
            response = (await session.until("response.done"))["response"]
            assert response["output"][0]["content"][0]["transcript"] == "Both are open."

    asyncio.run(talk())


def test_other_instructions_in_mid_call(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", {}) as session:
            await session.say()
            await session.until("response.done")
            changed = await session.update({"instructions": "You are a pirate."})
            assert changed["instructions"] == "You are a pirate."
            await session.write("Which are open?")
            await session.connection.response.create()
            response = (await session.until("response.done"))["response"]
            assert response["status"] == "completed"

    before = set(served.calls.glob("*"))
    asyncio.run(talk())
    (folder,) = set(served.calls.glob("*")) - before
    swaps = [line for line in read_timeline(folder).lines if isinstance(line.value, SwapModel)]
    assert len(swaps) == 1


@pytest.mark.parametrize(
    ("kind", "encode", "decode"), [("audio/pcmu", ulaw_encode, ulaw_decode), ("audio/pcma", alaw_encode, alaw_decode)]
)
def test_the_formats_of_telephones(
    served: Served, kind: str, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]
) -> None:
    async def talk() -> None:
        format_ = {"format": {"type": kind}}
        async with talking(served, "answers", {"audio": {"input": format_, "output": format_}}) as session:
            shown = session.named("session.updated")[0]["session"]["audio"]
            assert shown["input"]["format"] == shown["output"]["format"] == {"type": kind}
            await speak(session.append, encode(tone(400, 8000)), bytes_per_ms=8)
            stopped = await session.until("input_audio_buffer.speech_stopped")
            assert stopped["audio_end_ms"] <= 500, "in time of 8 kHz"
            response = (await session.until("response.done"))["response"]
            assert response["audio"]["output"]["format"] == {"type": kind}
            sound = sound_of(session.events, response["id"])
            assert abs(len(sound) - 900 * 8) <= 8
            assert rms_dbfs(decode(sound)) == pytest.approx(TONE_DBFS - 3, abs=1), "a sine of that peak"

    asyncio.run(talk())
