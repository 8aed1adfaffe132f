"""OpenAI's Agents SDK for Python, unchanged, as a client. It takes an event that is not as it should be for an error of
the session, and none may come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession
from agents.realtime.config import RealtimeSessionModelSettings

from tests.contract.realtime_server import WAIT_S, Log, Served, check_order, speak, tone

set_tracing_disabled(disabled=True)  # it would go to OpenAI


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
KIND: RealtimeAgent[None] = RealtimeAgent(name="Kind")
"""Says nothing of its own: the agent that is called has its instructions."""
