"""A server that only plays a part: it serves the real page and answers it with what a test tells it to.

Realtime events go to the page by :meth:`FakeServer.send`, facts of the timeline by :meth:`FakeServer.tell`, each at the
moment of the call, so that a test waits for the page and never for the clock.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from vivavoce.console.routes import page_routes

SECRET = "ek_fake"
RATE_HZ = 24_000


@dataclass
class FakeServer:
    """What it plays may be changed at any time. ``received`` are the page's Realtime events, save its sound, which is
    counted in ``heard_bytes``.
    """

    agents: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": "dealership", "name": "Northgate Motors", "language": "en-US", "models": ["nova-2-sonic"]},
            {"id": "clinic", "name": "Riverside Clinic"},
        ]
    )
    key: str = ""
    refusal: tuple[int, str] | None = None
    decisions: Queue[tuple[str, str]] = field(default_factory=Queue)
    """What was asked about the call, after its id, and with which key."""
    has_timeline: bool = True
    url: str = ""
    received: Queue[dict[str, Any]] = field(default_factory=Queue)
    heard_bytes: int = 0
    protocols: list[str] = field(default_factory=list)
    authorization: str = ""
    last_event_ids: list[str] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop | None = None
    _socket: WebSocket | None = None
    _outbox: asyncio.Queue[str | int] | None = None
    _facts: list[dict[str, Any]] = field(default_factory=list)
    _more: asyncio.Event | None = None
    _cut_timeline: bool = False

    # -- what tests do -------------------------------------------------------------------------------------------------

    def send(self, *events: dict[str, Any]) -> None:
        for event in events:
            self._soon(self._outbox_put, json.dumps(event))

    def hang_up(self, code: int = 1000) -> None:
        self._soon(self._outbox_put, code)

    def tell(self, *facts: dict[str, Any]) -> None:
        for fact in facts:
            self._soon(self._add_fact, fact)

    def break_timeline(self) -> None:
        """The stream ends without a word; the page is expected to ask for the rest."""
        self._soon(self._break)

    def speak(self, item: str, response: str, seconds: float) -> None:
        """The agent's sound: a tone, in pieces of 100 ms."""
        times = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
        tone = (np.sin(times * 2 * np.pi * 220) * (0.6 + 0.4 * np.sin(times * 9)) * 6000).astype("<i2").tobytes()
        for start in range(0, len(tone), RATE_HZ // 5):
            piece = base64.b64encode(tone[start : start + RATE_HZ // 5]).decode()
            self.send({"type": "response.output_audio.delta", "item_id": item, "response_id": response, "delta": piece})

    def expect(self, kind: str, within_s: float = 5) -> dict[str, Any]:
        """The next event of this type that the page has sent or sends."""
        while True:
            event = self.received.get(timeout=within_s)
            if event["type"] == kind:
                return event

    # -- what the server does ------------------------------------------------------------------------------------------

    def _soon(self, work: Callable[..., None], *given: Any) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(work, *given)

    def _outbox_put(self, message: str | int) -> None:
        assert self._outbox is not None
        self._outbox.put_nowait(message)

    def _add_fact(self, fact: dict[str, Any]) -> None:
        self._facts.append(fact)
        if self._more is not None:
            self._more.set()

    def _break(self) -> None:
        self._cut_timeline = True
        if self._more is not None:
            self._more.set()

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                *page_routes(),
                Route("/v1/agents", self._agents),
                Route("/v1/realtime/client_secrets", self._client_secrets, methods=["POST"]),
                Route("/v1/calls/{call}/timeline", self._timeline),
                Route("/v1/calls/sess_1/{what:path}", self._decide, methods=["POST"]),
                WebSocketRoute("/v1/realtime", self._realtime),
            ]
        )

    async def _agents(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse({"object": "list", "data": self.agents})

    async def _client_secrets(self, request: Request) -> Response:
        if self.refusal is not None:
            status, message = self.refusal
            return JSONResponse({"error": {"message": message, "type": "server_error"}}, status)
        return self._refused(request) or JSONResponse({"value": SECRET, "expires_at": 0, "session": {}})

    async def _decide(self, request: Request) -> Response:
        if self.refusal is not None:
            status, message = self.refusal
            return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, status)
        self.decisions.put((request.path_params["what"], request.headers.get("authorization", "")))
        return self._refused(request) or JSONResponse({})

    def _refused(self, request: Request) -> Response | None:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": {"message": "this API key is not known here"}}, 401)
        return None

    async def _realtime(self, web_socket: WebSocket) -> None:
        self.protocols = web_socket.scope["subprotocols"]
        await web_socket.accept("realtime")
        self._loop, self._outbox, self._more = asyncio.get_running_loop(), asyncio.Queue(), asyncio.Event()
        self._facts.clear()
        turn_detection = {"type": "server_vad", "interrupt_response": True}
        session = {"id": "sess_1", "type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}}
        self.send({"type": "session.created", "session": session})
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(web_socket))
            writing = tasks.create_task(self._write(web_socket))
            done, _ = await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            for task in {reading, writing} - done:
                task.cancel()

    async def _read(self, web_socket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                event = json.loads(await web_socket.receive_text())
                if event["type"] == "input_audio_buffer.append":
                    self.heard_bytes += len(base64.b64decode(event["audio"]))
                else:
                    self.received.put(event)

    async def _write(self, web_socket: WebSocket) -> None:
        assert self._outbox is not None
        while True:
            message = await self._outbox.get()
            if isinstance(message, int):
                await web_socket.close(message)
                return
            await web_socket.send_text(message)

    async def _timeline(self, request: Request) -> Response:
        if not self.has_timeline:
            return JSONResponse({"error": {"message": "no"}}, 404)
        self.authorization = request.headers.get("authorization", "")
        self.last_event_ids.append(request.headers.get("last-event-id", ""))
        self._cut_timeline = False
        start = int(self.last_event_ids[-1] or -1) + 1
        return StreamingResponse(self._stream(start), media_type="text/event-stream")

    async def _stream(self, number: int) -> AsyncIterator[str]:
        assert self._more is not None
        while not self._cut_timeline:
            for fact in self._facts[number:]:
                yield f"id: {number}\ndata: {json.dumps(fact)}\n\n"
                number += 1
            self._more.clear()
            await self._more.wait()


@contextlib.contextmanager
def served(fake: FakeServer) -> Iterator[FakeServer]:
    """Serves it on a port of its own while the block runs."""
    with running(fake.application()) as fake.url:
        yield fake


@contextlib.contextmanager
def running(application: Starlette) -> Iterator[str]:
    """Gives its address, while the block runs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(10)
