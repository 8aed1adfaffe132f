"""OpenAI's Agents SDK for Python, unchanged, against the server. It takes an event that is not as it should be for an
error of the session, and none may come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession
from agents.realtime.config import RealtimeSessionModelSettings

from tests.contract.realtime_server import (
    LONG_TEXT,
    WAIT_S,
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    set_tracing_disabled(disabled=True)  # it would go to OpenAI
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, scripted_agents(folder)) as server:
        yield server


class Talk:
    """A session of the SDK. ``told`` is what it made of the events, ``events`` the events."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.told = Log()
        self.events = Log()
        self.history: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    async def read(self) -> None:
        async for event in self.session:
            if event.type == "raw_model_event":
                if event.data.type == "raw_server_event":
                    self.events.add(event.data.data)
                continue
            if event.type == "history_updated":
                self.history = [item.model_dump() for item in event.history]
                self._changed.set()
            told: dict[str, str] = {"type": event.type}
            for member in ("item_id", "error", "output"):
                told[member] = str(getattr(event, member, ""))
            self.told.add(told)

    async def say(self) -> None:
        await speak(self.session.send_audio, tone(400))

    async def words(self, *expected: str) -> None:
        """Waits until the history's messages are these."""
        try:
            async with asyncio.timeout(WAIT_S):
                while self._words() != list(expected):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"the history has {self._words()}\n{self.events.told()}") from None

    def _words(self) -> list[str]:
        return [words_of(item) for item in self.history if item["type"] == "message"]


def words_of(item: dict[str, Any]) -> str:
    return "".join(part.get("transcript") or part.get("text") or "" for part in item["content"])


@asynccontextmanager
async def talking(
    served: Served, name: str, agent: RealtimeAgent[None], settings: RealtimeSessionModelSettings | None = None
) -> AsyncIterator[Talk]:
    runner = RealtimeRunner(agent)
    session = await runner.run(
        model_config={
            "url": f"{served.ws}/realtime?model={name}",
            "api_key": "any",
            "initial_model_settings": settings or {},
        }
    )
    async with session:
        talk = Talk(session)
        reading = asyncio.create_task(talk.read())
        await talk.events.until("session.updated")
        yield talk
    await reading
    assert not talk.told.named("error"), talk.told.told()
    check_order(talk.events.events)


@function_tool
def switch(what: str) -> str:
    """Switch a thing on."""
    return f"The {what} is on now."


AGENT: RealtimeAgent[None] = RealtimeAgent(name="Kind", instructions="Be kind.", tools=[switch])


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
            await speak(talk.session.send_audio, bytes(b"\x10\x90" * 2400), bytes_per_ms=8)
            await talk.session.send_audio(b"\xff" * 800, commit=True)
            await talk.events.until("input_audio_buffer.committed")

    asyncio.run(use())
