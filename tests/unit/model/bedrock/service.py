"""A small Bedrock over h2, for the client's tests: it records what comes and does what the test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.settings import SettingCodes, Settings

from vivavoce.engine.clock import run
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.identity import FixedIdentity, Identity, IdentitySource
from vivavoce.model.bedrock.memory import MemoryNetwork
from vivavoce.model.bedrock.port import Stream
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.wire.bedrock import CONTENT_TYPE, InputFrame, RequestDecoder, encode_event
from vivavoce.wire.eventstream import Malformed
from vivavoce.wire.sigv4 import Keys

T = TypeVar("T")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEYS = Keys("AKIDEXAMPLE", "SECRETKEYEXAMPLE")
HELLO, AUDIO, BYE = b'{"event":{"sessionStart":{}}}', b'{"event":{"audioInput":{}}}', b'{"event":{"sessionEnd":{}}}'
MODEL = "amazon.nova-2-sonic-v1:0"


class Request:
    """One stream as the service sees it."""

    def __init__(self, connection: ServiceConnection, stream_id: int, headers: list[tuple[str, str]]) -> None:
        self.connection = connection
        self.stream_id = stream_id
        self.headers = headers
        self.frames: list[InputFrame] = []
        self.received_bytes = 0
        self.ended = False
        self.reset: ErrorCodes | int | None = None
        self.unsent = bytearray()
        self._decoder = RequestDecoder()
        self._changed = asyncio.Event()

    @property
    def events(self) -> list[bytes]:
        return [frame.event for frame in self.frames if frame.event is not None]

    def receive(self, data: bytes) -> None:
        self.received_bytes += len(data)
        self._decoder.feed(data)
        while (frame := self._decoder.next()) is not None:
            assert not isinstance(frame, Malformed), frame
            self.frames.append(frame)
        self.changed()

    def over(self, reset: ErrorCodes | int | None) -> None:
        if reset is None:
            self.ended = True
        self.reset = reset
        self.changed()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def accept(self) -> None:
        self.respond(200, [("content-type", CONTENT_TYPE), ("x-amzn-requestid", "r1")])

    def respond(self, status: int, headers: list[tuple[str, str]] | None = None, body: bytes | None = None) -> None:
        h2 = self.connection.h2
        h2.send_headers(self.stream_id, [(":status", str(status)), *(headers or [])])
        if body is not None:
            h2.send_data(self.stream_id, body, end_stream=True)
        self.connection.flush()

    def say(self, *events: bytes) -> None:
        for event in events:
            self.send(encode_event(event))

    def send(self, data: bytes) -> None:
        self.unsent += data
        self.pump()

    def pump(self) -> None:
        h2 = self.connection.h2
        while self.unsent and self.reset is None:
            room = min(h2.local_flow_control_window(self.stream_id), h2.max_outbound_frame_size)
            if room <= 0:
                break
            h2.send_data(self.stream_id, bytes(self.unsent[:room]))
            del self.unsent[:room]
        self.connection.flush()
        self.changed()

    def end(self) -> None:
        self.connection.h2.end_stream(self.stream_id)
        self.connection.flush()

    def reset_with(self, code: ErrorCodes) -> None:
        self.connection.h2.reset_stream(self.stream_id, code)
        self.connection.flush()


class ServiceConnection(asyncio.Protocol):
    """One connection of the service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.local_settings = Settings(client=False, initial_values=dict(service.settings))
        self.requests: dict[int, Request] = {}
        self.pings = 0
        self.goodbye = False
        self.lost = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self.service.speaks:
            self.h2.initiate_connection()
            self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self.handle(event)
        self.flush()

    def handle(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=stream_id, headers=headers):
                pairs = cast("list[tuple[str, str]]", [tuple(pair) for pair in headers])
                self.requests[stream_id] = Request(self, stream_id, pairs)
                self.service.begin(self.requests[stream_id])
            case DataReceived(stream_id=stream_id, data=piece, flow_controlled_length=size):
                self.h2.acknowledge_received_data(size if self.service.opens_window else 0, stream_id)
                self.requests[stream_id].receive(piece)
            case StreamEnded(stream_id=stream_id):
                self.requests[stream_id].over(None)
            case StreamReset(stream_id=stream_id, error_code=code):
                self.requests[stream_id].over(code)
            case WindowUpdated():
                self.pump()
            case PingReceived():
                self.pings += 1
            case ConnectionTerminated():
                self.goodbye = True

    def pump(self) -> None:
        for request in self.requests.values():
            request.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True

    def goaway(self, last_stream_id: int) -> None:
        """As RFC 9113 has it: what is open goes on, which h2 itself would forbid."""
        assert self.transport is not None
        frame = (8).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + last_stream_id.to_bytes(4, "big") + bytes(4)
        self.transport.write(frame)

    def flush(self) -> None:
        if self.transport is not None:
            self.transport.write(self.h2.data_to_send())


Script = Callable[[Request], Coroutine[Any, Any, None]]


class Service:
    """Hands each request to ``script``, as a task of its own."""

    def __init__(
        self,
        script: Script,
        *,
        settings: dict[SettingCodes, int] | None = None,
        speaks: bool = True,
        delay_s: float = 0.0,
    ) -> None:
        self.settings = settings or {}
        self.speaks = speaks
        self.opens_window = True
        self.requests: list[Request] = []
        self.connections: list[ServiceConnection] = []
        self.began_s: list[float] = []
        self.network = MemoryNetwork(self.connection, delay_s=delay_s)
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()

    def connection(self) -> ServiceConnection:
        connection = ServiceConnection(self)
        self.connections.append(connection)
        return connection

    def begin(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        self.requests.append(request)
        self.began_s.append(loop.time())
        task = loop.create_task(self._script(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


def now() -> datetime:
    """Noon, and as much later as the loop has run."""
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


def client_of(
    service: Service,
    settings: BedrockSettings | None = None,
    *,
    identities: IdentitySource | None = None,
    seed: int = 1,
) -> BedrockClient:
    return BedrockClient(
        settings or BedrockSettings(region="us-east-1"),
        now=now,
        environment={},
        random=Random(seed),
        identities=identities or FixedIdentity(Identity(KEYS)),
        connect=service.network.connect,
    )


def on_virtual_time(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it, and see that it leaves no task behind."""

    async def watched() -> T:
        result = await main()
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return run(watched(), virtual=True)


async def echo(request: Request) -> None:
    """Accepts, answers each event with itself, and ends after the client has."""
    request.accept()
    said = 0
    while not request.ended:
        await request.until(lambda: len(request.events) > said or request.ended)  # noqa: B023
        request.say(*request.events[said:])
        said = len(request.events)
    request.end()


async def received(stream: Stream) -> list[bytes]:
    events = []
    while (event := await stream.receive()) is not None:
        events.append(event)
    return events
