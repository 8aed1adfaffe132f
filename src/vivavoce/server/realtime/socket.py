"""``WS /v1/realtime``: a session over a WebSocket, its sound inside the protocol's events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.websockets import WebSocket

from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import Refused
from vivavoce.server.access import authenticate, subprotocol
from vivavoce.server.door import Door, door
from vivavoce.server.keys import Caller
from vivavoce.server.limits import ClientRates
from vivavoce.server.outbox import Outbox, outbox_of
from vivavoce.server.realtime.audience import NORMAL
from vivavoce.server.realtime.conversation import Conversation
from vivavoce.server.realtime.ids import new_id
from vivavoce.server.realtime.line import Line
from vivavoce.server.realtime.offers import new_front, served_to
from vivavoce.server.websocket.protocol import DROPPED_BYTES
from vivavoce.wire.realtime.configuration import AudioOver

_AT_ONCE = 8
"""Events of one client that others wait for: what has come is there without waiting, a thousand events perhaps."""


async def realtime_socket(websocket: WebSocket) -> None:
    """Any Realtime client. Refused before the upgrade: a wrong key, no such agent, no room."""
    here = door(websocket)
    caller = authenticate(websocket)
    query = websocket.query_params
    if query.get("intent", "conversation") == "transcription":
        raise Refused(
            "this server has no transcription sessions", status=400, code="invalid_value", hint="leave intent out"
        )
    if call_id := query.get("call_id", ""):
        await _join(websocket, here, caller, call_id)
        return
    served = served_to(here, caller, query.get("model", ""))
    session_id = here.marked(new_id("sess"))
    front = new_front(here, served, session_id, AudioOver.EVENTS, caller.session_config)
    with here.desk.admit(served, caller.bounds):
        await websocket.accept(subprotocol=subprotocol(websocket))

        def cut(reason: str) -> None:
            conversation.hang_up(reason)

        outbox = outbox_of(websocket, failed=cut)
        conversation = Conversation(here.desk, served, front, outbox, Line("realtime"), caller.name)
        with here.sessions.holding(conversation, session_id):
            await _talk(websocket, here, conversation, outbox)


async def _join(websocket: WebSocket, here: Door, caller: Caller, call_id: str) -> None:
    """A second client of a call that came another way, such as the server of a browser's app."""
    conversation = here.sessions.get(call_id)
    if not isinstance(conversation, Conversation) or conversation.caller_name != caller.name:
        raise Refused("there is no such call here, or it is over", status=404, code="call_id_not_found")
    if conversation.full:
        raise Refused("enough others have joined this call", status=429, code="too_many_joined", retry_after_s=5)
    await websocket.accept(subprotocol=subprotocol(websocket))
    outbox = outbox_of(websocket)
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(outbox.run(), name="writer")
        reader = tasks.create_task(_read(websocket, conversation, here, left=lambda _: outbox.close()), name="reader")
        ended = tasks.create_task(conversation.ended(), name="ended")
        with conversation.joined(outbox):
            await asyncio.wait({writer, ended}, return_when=asyncio.FIRST_COMPLETED)
        outbox.close(NORMAL, "the call is over")
        await writer
        reader.cancel()
        ended.cancel()


async def _talk(websocket: WebSocket, here: Door, conversation: Conversation, outbox: Outbox) -> None:
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(outbox.run(), name="writer")
        reader = tasks.create_task(_read(websocket, conversation, here, conversation.hang_up), name="reader")
        await conversation.run()
        outbox.close(NORMAL, "the call is over")
        await writer
        reader.cancel()


async def _read(websocket: WebSocket, conversation: Conversation, here: Door, left: Callable[[str], None]) -> None:
    """From the session's beginning until the client is gone, which ``left`` is told."""
    await conversation.opened()
    limits = here.settings.limits
    rates = ClientRates(limits.events_per_s, limits.bytes_per_s, limits.message_bytes)
    events = 0
    while True:
        events += 1
        if not events % _AT_ONCE:
            await asyncio.sleep(0)
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            left("the client closed the connection")
            return
        data: str | bytes = message.get("text") or message.get("bytes") or ""
        dropped_bytes: int = message.get(DROPPED_BYTES, 0)
        if wait_s := rates.take_in_time(dropped_bytes or len(data), loop_time_s()):
            await asyncio.sleep(wait_s)  # it is not read meanwhile, and so has to wait itself
        if dropped_bytes:
            conversation.too_large(dropped_bytes)
        else:
            conversation.receive(data)
        if not conversation.has_room:
            await conversation.room()
