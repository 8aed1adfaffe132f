"""Calls over WebRTC, with a peer connection that does what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from starlette.types import Message

from tests.unit.server.asgi import House
from tests.unit.server.realtime.stage import in_no_time
from vivavoce.channel.webrtc.peer import PeerSink
from vivavoce.engine.clock import loop_time_s, run
from vivavoce.errors import ChannelFault
from vivavoce.events import ChannelEffect
from vivavoce.server.front import front_application
from vivavoce.server.settings import Limits, ServerSettings

Plays = Callable[[PeerSink], Awaitable[None]]
SDP = {"content-type": "application/sdp"}
CALLS = "http://127.0.0.1:8000/v1/realtime/calls"


class FakePeer:
    """Implements what is used of :class:`~vivavoce.channel.webrtc.peer.WebRtcPeer`."""

    def __init__(self, plays: Plays, fault: Exception | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self._plays = plays
        self._fault = fault
        self._closed = asyncio.Event()

    async def answer(self, offer: str) -> str:
        if self._fault is not None:
            raise self._fault
        return f"answer to {offer}"

    async def run(self, sink: PeerSink) -> None:
        playing = asyncio.ensure_future(self._plays(sink))
        closed = asyncio.create_task(self._closed.wait())
        await asyncio.wait({playing, closed}, return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        if not playing.cancel():
            await playing

    def send(self, event: bytes) -> None:
        self.sent.append(json.loads(event))

    def perform(self, effect: ChannelEffect) -> None:
        pass

    async def close(self) -> None:
        self._closed.set()


class Joins:
    """A second client of a call, over a WebSocket."""

    def __init__(self, house: House, call_id: str) -> None:
        self.sent: list[Message] = []
        self._app = front_application(house.door)
        self._scope = house.scope("websocket", f"/v1/realtime?call_id={call_id}", {}, subprotocols=[])
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})

    def says(self, event: object) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(event)})

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    async def run(self) -> None:
        async def send(message: Message) -> None:
            self.sent.append(message)

        await self._app(self._scope, self._incoming.get, send)


async def never_comes(sink: PeerSink) -> None:
    await asyncio.sleep(30)
    raise ChannelFault("the peer has not connected within 30 s")


def play(house: House, peer: FakePeer, script: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def whole() -> None:
        transport = httpx.ASGITransport(front_application(house.door), raise_app_exceptions=False)
        async with house.door.background.opened(), httpx.AsyncClient(transport=transport) as client:
            await script(client)

    try:
        with (
            patch("vivavoce.server.realtime.peers.WebRtcPeer", lambda *_: peer),
            patch("asyncio.to_thread", in_no_time),
        ):
            run(whole(), virtual=True)
    finally:
        house.disk.stop()


def test_a_peer_that_never_comes_costs_nobody_else_anything(tmp_path: Path) -> None:
    house = House(calls=tmp_path)

    async def script(client: httpx.AsyncClient) -> None:
        answer = await client.post(CALLS, content="v=0", headers=SDP)
        assert (answer.status_code, answer.text) == (201, "answer to v=0")
        assert house.door.desk.admission.calls == 1
        await asyncio.sleep(31)
        assert house.door.desk.admission.calls == 0
        assert (await client.post(CALLS, content="v=0", headers=SDP)).status_code == 201

    play(house, FakePeer(never_comes), script)
    assert 'vivavoce_sessions_cut_total{reason="peer_lost"} 1.0' in house.door.metrics.exposition()


def test_a_call_that_is_hung_up_before_its_peer_comes_gives_its_place_back(tmp_path: Path) -> None:
    house = House(calls=tmp_path)

    async def script(client: httpx.AsyncClient) -> None:
        answer = await client.post(CALLS, content="v=0", headers=SDP)
        call_id = answer.headers["location"].rpartition("/")[2]
        assert (await client.post(f"{CALLS}/{call_id}/hangup")).status_code == 200
        await asyncio.sleep(1)
        assert house.door.desk.admission.calls == 0

    play(house, FakePeer(never_comes), script)


def test_an_offer_that_breaks_the_library_is_answered(tmp_path: Path) -> None:
    async def script(client: httpx.AsyncClient) -> None:
        answer = await client.post(CALLS, content="v=0", headers=SDP)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "internal_error"

    play(House(calls=tmp_path), FakePeer(never_comes, ConnectionError("of the library")), script)


def test_who_joins_before_the_peer_has_come_is_heard_once_it_has(tmp_path: Path) -> None:
    house = House(calls=tmp_path)
    comes, leaves = asyncio.Event(), asyncio.Event()

    async def plays(sink: PeerSink) -> None:
        await comes.wait()
        await sink.opened()
        await leaves.wait()

    peer = FakePeer(plays)
    update = {"type": "session.update", "session": {"type": "realtime", "instructions": "You are a cow."}}

    async def script(client: httpx.AsyncClient) -> None:
        answer = await client.post(CALLS, content="v=0", headers=SDP)
        call_id = answer.headers["location"].rpartition("/")[2]
        joins = Joins(house, call_id)
        async with asyncio.TaskGroup() as tasks:
            joined = tasks.create_task(joins.run())
            joins.says(update)
            await asyncio.sleep(1)
            assert [event["type"] for event in joins.told] == ["session.created"]
            comes.set()
            await asyncio.sleep(1)
            leaves.set()
            await joined
        assert [event["type"] for event in joins.told][-1] == "session.updated"

    play(house, peer, script)
    updated = [event for event in peer.sent if event["type"] == "session.updated"]
    assert updated[0]["session"]["instructions"] == "You are a cow."
    assert len(list(tmp_path.iterdir())) == 1


def test_a_peer_that_speaks_at_once_is_heard_by_a_session_that_has_begun(tmp_path: Path) -> None:
    async def plays(sink: PeerSink) -> None:
        await sink.opened()
        await sink.text(json.dumps({"type": "session.update", "session": {"type": "realtime"}}))
        await asyncio.sleep(1)

    async def script(client: httpx.AsyncClient) -> None:
        await client.post(CALLS, content="v=0", headers=SDP)
        await asyncio.sleep(2)

    peer = FakePeer(plays)
    play(House(calls=tmp_path), peer, script)
    assert [event["type"] for event in peer.sent][:2] == ["session.created", "session.updated"]


def test_events_of_a_peer_are_read_at_the_rate_that_a_session_may_have(tmp_path: Path) -> None:
    took_s: list[float] = []

    async def plays(sink: PeerSink) -> None:
        await sink.opened()
        await asyncio.sleep(0)
        began_s = loop_time_s()
        for _ in range(550):
            await sink.text("{}")
        took_s.append(loop_time_s() - began_s)

    async def script(client: httpx.AsyncClient) -> None:
        await client.post(CALLS, content="v=0", headers=SDP)
        await asyncio.sleep(60)

    limits = Limits(events_per_s=100)
    play(House(ServerSettings(limits=limits), calls=tmp_path), FakePeer(plays), script)
    assert took_s == [pytest.approx(1.5, abs=0.01)]
