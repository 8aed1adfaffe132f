"""The ``openai`` package, unchanged, as a client: every event it is told is checked with the strict types of the
Agents SDK too.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import ConnectionClosed

from tests.contract.realtime_oracle import check_event
from tests.contract.realtime_server import WAIT_S, Log, Served, check_order, speak, tone


class Session(Log):
    """A connection of the SDK, and all that came over it."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        super().__init__()
        self.connection = connection
        self._ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def read(self) -> None:
        try:
            while True:
                data = await self.connection.recv_bytes()
                assert self.connection.parse_event(data).type
                self.add(check_event(data))
        except ConnectionClosed as closed:
            self._ended.set_result(closed.rcvd.code if closed.rcvd else None)

    async def closed(self) -> int | None:
        """The code that the server closed with, once it has."""
        async with asyncio.timeout(WAIT_S):
            return await self._ended

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
