"""OpenAI's Agents SDK for Python, unchanged, against the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from agents.realtime import RealtimeAgent
from agents.realtime.config import RealtimeSessionModelSettings
from agents.realtime.model_inputs import RealtimeModelRawClientMessage, RealtimeModelSendRawMessage

from tests.contract.realtime_agents import AGENT, talking
from tests.contract.realtime_server import LONG_TEXT, Served, scripted_agents, serving, sound_of, speak, tone
from vivavoce.audio.g711 import ulaw_encode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, scripted_agents(folder)) as server:
        yield server


def test_spoken_turns(served: Served) -> None:
    async def use() -> None:
        async with talking(served, "answers", AGENT) as talk:
            shown = talk.events.named("session.updated")[0]["session"]
            assert (shown["model"], shown["instructions"]) == ("answers", "Be kind.")
            assert [tool["name"] for tool in shown["tools"]] == ["switch"]
            await talk.say()
            await talk.told.until("agent_start")
            await talk.told.until("audio")
            await talk.told.until("agent_end")
            await talk.words("what do I owe", "Twelve euros, to be paid by Friday.")
            response = talk.events.named("response.done")[0]["response"]["id"]
            assert len(sound_of(talk.events.events, response)) == 900 * 48
            await asyncio.sleep(1)  # the caller hears it out
            await talk.say()
            await talk.told.until("agent_end")
            await talk.words("what do I owe", "Twelve euros, to be paid by Friday.", "thank you", "You are welcome.")

    asyncio.run(use())


def test_barge_in_is_cut_where_the_caller_heard_it_end(served: Served) -> None:
    async def use() -> None:
        async with talking(served, "long", AGENT) as talk:
            await talk.say()
            await talk.told.until("audio")
            await asyncio.sleep(1.5)  # what the SDK takes for played
            await talk.say()
            cut = await talk.told.until("audio_interrupted")
            done = (await talk.events.until("response.done"))["response"]
            assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
            assert done["output"][0]["id"] == cut["item_id"]
            truncated = await talk.events.until("conversation.item.truncated", item_id=cut["item_id"])
            assert 1_000 < truncated["audio_end_ms"] < 5_000
            retrieved = (await talk.events.until("conversation.item.retrieved"))["item"]
            heard = retrieved["content"][0]["transcript"]
            assert LONG_TEXT.startswith(heard)
            assert 0 < len(heard) < len(LONG_TEXT)
            await talk.told.until("agent_end")
            await talk.words("tell me all", heard, "stop", "As you like.")

    asyncio.run(use())


def test_written_turns(served: Served) -> None:
    async def use() -> None:
        async with talking(served, "answers", AGENT, {"output_modalities": ["text"]}) as talk:
            await talk.session.send_message("Which are open?")
            await talk.told.until("agent_end")
            await talk.words("Which are open?", "Both are open.")
            assert not talk.told.named("audio")

    asyncio.run(use())


def test_a_tool_that_the_client_runs(served: Served) -> None:
    async def use() -> None:
        async with talking(served, "tool", AGENT) as talk:
            await talk.session.send_message("Switch the lamp on.")
            await talk.told.until("tool_start")
            assert (await talk.told.until("tool_end"))["output"] == "The lamp is on now."
            await talk.words("Switch the lamp on.", "The lamp is on.")

    asyncio.run(use())


def test_interrupted_by_the_program(served: Served) -> None:
    async def use() -> None:
        async with talking(served, "long", AGENT) as talk:
            await talk.say()
            await talk.told.until("audio")
            await asyncio.sleep(1)
            await talk.session.interrupt()
            truncated = await talk.events.until("conversation.item.truncated")
            done = (await talk.events.until("response.done"))["response"]
            assert done["status"] == "cancelled"
            assert truncated["item_id"] == done["output"][0]["id"]

    asyncio.run(use())


def test_another_agent_in_mid_call(served: Served) -> None:
    async def use() -> None:
        async with talking(served, "answers", AGENT) as talk:
            await talk.session.send_message("Which are open?")
            await talk.told.until("agent_end")
            await talk.session.update_agent(RealtimeAgent(name="Brief", instructions="Be brief."))
            shown = await talk.events.until("session.updated", session__instructions="Be brief.")
            assert shown["session"]["tools"] == []
            await talk.session.send_message("Until when?")
            # A new session of the model: the script begins anew.
            await talk.words("Which are open?", "Both are open.", "Until when?", "Both are open.")

    asyncio.run(use())


def test_turns_by_hand_in_the_format_of_telephones(served: Served) -> None:
    settings: RealtimeSessionModelSettings = {
        "audio": {
            "input": {"format": "g711_ulaw", "turn_detection": None, "transcription": {"model": "any"}},
            "output": {"format": "g711_ulaw"},
        }
    }

    async def use() -> None:
        async with talking(served, "answers", AGENT, settings) as talk:
            await speak(talk.session.send_audio, ulaw_encode(tone(600, 8_000)), bytes_per_ms=8)
            await talk.session.send_audio(b"\xff" * 800, commit=True)
            await talk.events.until("input_audio_buffer.committed")
            create: RealtimeModelRawClientMessage = {"type": "response.create"}
            await talk.session.model.send_event(RealtimeModelSendRawMessage(message=create))
            response = (await talk.events.until("response.done"))["response"]["id"]
            assert abs(len(sound_of(talk.events.events, response)) - 900 * 8) <= 8
            await talk.words("what do I owe", "Twelve euros, to be paid by Friday.")

    asyncio.run(use())
