"""HTTP/2 for the emulator: one connection, on any transport of asyncio's, over the ``h2`` state machine.

Over TLS the transport has agreed on ``h2`` by ALPN; in clear text the client simply begins with HTTP/2. Both come out
the same here, and so does a transport in memory, on which virtual time runs.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error, ProtocolError
from h2.settings import SettingCodes, Settings

from vivavoce.emulator.outlet import Handler
from vivavoce.model.bedrock.patient_h2 import PatientH2
from vivavoce.wire.sigv4 import HeaderList

STREAM_WINDOW_BYTES = 1024 * 1024
_CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024
MOST_STREAMS = 256
"""On one connection."""
ROOM_BYTES = 128 * 1024
"""A stream has room while less than this waits for its client: about three seconds of speech."""
HALF_CLOSE_GRACE_S = 5.0
"""How long a client may take to end its side after we ended ours; then RST_STREAM NO_ERROR, without which some wait for
ever (the AWS Python SDK before 0.12) and at once, others hang (the same since)."""
DRAIN_LIMIT_S = 30.0
"""How long a client may take to read what is queued when we end."""
HANDSHAKE_LIMIT_S = 10.0
UNUSED_LIMIT_S = 120.0
"""A connection without a stream is closed after this."""


class Service(Protocol):
    """Who answers requests."""

    def answer(self, headers: HeaderList, outlet: Http2Outlet) -> Handler: ...


class Http2Outlet:
    """Implements :class:`~vivavoce.emulator.outlet.Outlet` for one stream of a connection."""

    def __init__(self, connection: EmulatorConnection, stream_id: int) -> None:
        self.stream_id = stream_id
        self.queued_bytes = 0
        self.input_over = False
        self._connection = connection
        self._queue: deque[bytes] = deque()
        self._ending = False
        self._ended = False
        self._roomy: asyncio.Event | None = None
        self._grace: asyncio.TimerHandle | None = None
        self.over = False

    def respond(self, headers: Sequence[tuple[str, str]], body: bytes | None = None) -> None:
        if self.over:
            return
        self._connection.write_headers(self.stream_id, headers)
        if body is not None:
            self.send(body)
            self.end()

    def send(self, data: bytes) -> None:
        if self._ending or self.over or not data:
            return
        self._queue.append(data)
        self.queued_bytes += len(data)
        self.pump()

    def end(self) -> None:
        if not self._ending and not self.over:
            self._ending = True
            self._reset_after(DRAIN_LIMIT_S)
            self.pump()

    def reset(self, code: int) -> None:
        if not self.over:
            self._connection.write_reset(self.stream_id, code)
            self.retire()

    def abort_connection(self) -> None:
        self._connection.abort()

    def silence_connection(self) -> None:
        self._connection.silent = True

    async def room(self) -> None:
        while self.queued_bytes >= ROOM_BYTES and not self.over:
            self._roomy = self._roomy or asyncio.Event()
            self._roomy.clear()
            await self._roomy.wait()

    # What the connection tells.

    def pump(self) -> None:
        """Send what the client takes of what waits."""
        while self._queue:
            sent = self._connection.write_data(self.stream_id, self._queue[0])
            if not sent:
                return
            self.queued_bytes -= sent
            if sent < len(self._queue[0]):
                self._queue[0] = self._queue[0][sent:]
            else:
                self._queue.popleft()
        if self._roomy is not None and self.queued_bytes < ROOM_BYTES:
            self._roomy.set()
        if self._ending and not self._ended:
            self._end_now()

    def input_ended(self) -> None:
        self.input_over = True
        if self._ended:
            self.retire()

    def retire(self) -> None:
        self.over = True
        self._queue.clear()
        self.queued_bytes = 0
        if self._roomy is not None:
            self._roomy.set()
        if self._grace is not None:
            self._grace.cancel()
        self._connection.forget(self.stream_id)

    def _end_now(self) -> None:
        self._ended = True
        self._connection.write_end(self.stream_id)
        if self.input_over:
            self.retire()
        else:
            self._reset_after(HALF_CLOSE_GRACE_S)

    def _reset_after(self, seconds: float) -> None:
        if self._grace is not None:
            self._grace.cancel()
        self._grace = asyncio.get_running_loop().call_later(seconds, self.reset, ErrorCodes.NO_ERROR)


class EmulatorConnection(asyncio.Protocol):
    """One client's connection. It is in ``among`` from its beginning, to which a failed TLS handshake never comes, to
    its end."""

    def __init__(self, service: Service, among: set[EmulatorConnection]) -> None:
        self._service = service
        self._among = among
        self._h2 = _new_h2()
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, tuple[Http2Outlet, Handler]] = {}
        self._paused = False
        self._unused: asyncio.TimerHandle | None = None
        self.silent = False
        self.gone = asyncio.Event()

    def close(self) -> None:
        """Say goodbye: the streams that are open end with the connection."""
        if self._transport is not None and not self._transport.is_closing():
            self._h2.close_connection()
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        """A TCP reset, where there is a socket."""
        if self._transport is None:
            return
        connected = self._transport.get_extra_info("socket")
        if connected is not None:  # without lingering, closing a socket resets the connection
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # -- what the transport tells --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._among.add(self)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW_BYTES)
        self._flush()
        self._watch_use(HANDSHAKE_LIMIT_S)

    def data_received(self, data: bytes) -> None:
        if self.silent:
            return
        try:
            events = self._h2.receive_data(data)
        except (H2Error, ValueError):  # h2 says in its GOAWAY what was wrong
            self._flush()
            if self._transport is not None:
                self._transport.close()
            return
        for event in events:
            self._handle(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._unused is not None:
            self._unused.cancel()
        for outlet, handler in list(self._streams.values()):
            outlet.retire()
            handler.lost()
        self._among.discard(self)
        self.gone.set()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pump_all()

    # -- what a stream asks for ----------------------------------------------------------------------------------------

    def write_headers(self, stream_id: int, headers: Sequence[tuple[str, str]]) -> None:
        self._try(lambda: self._h2.send_headers(stream_id, headers))

    def write_data(self, stream_id: int, data: bytes) -> int:
        """How much of it was taken."""
        if self._paused or self.silent or self._transport is None:
            return 0
        try:
            room = min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size, len(data))
            if room > 0:
                self._h2.send_data(stream_id, data[:room])
        except ProtocolError:  # the stream is over for h2
            return 0
        self._flush()
        return max(0, room)

    def write_end(self, stream_id: int) -> None:
        self._try(lambda: self._h2.end_stream(stream_id))

    def write_reset(self, stream_id: int, code: int) -> None:
        self._try(lambda: self._h2.reset_stream(stream_id, code))

    def forget(self, stream_id: int) -> None:
        self._streams.pop(stream_id, None)
        if not self._streams:
            self._watch_use(UNUSED_LIMIT_S)

    # -- the inside ----------------------------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        match event:
            case DataReceived():
                self._data(event)
            case RequestReceived(stream_id=stream_id):
                outlet = Http2Outlet(self, stream_id)
                self._watch_use(None)
                self._streams[stream_id] = outlet, _NOBODY  # an answer may be over before it is handed back
                handler = self._service.answer(_texts(event), outlet)
                if stream_id in self._streams:
                    self._streams[stream_id] = outlet, handler
            case StreamEnded(stream_id=stream_id) if stream_id in self._streams:
                outlet, handler = self._streams[stream_id]
                handler.input_ended()
                outlet.input_ended()
            case StreamReset(stream_id=stream_id) if stream_id in self._streams:
                outlet, handler = self._streams[stream_id]
                outlet.retire()
                handler.lost()
            case WindowUpdated(stream_id=stream_id) if stream_id in self._streams:
                self._streams[stream_id][0].pump()
            case WindowUpdated() | RemoteSettingsChanged():
                self._pump_all()

    def _data(self, event: DataReceived) -> None:
        stream_id, length = event.stream_id, event.flow_controlled_length
        self._try(lambda: self._h2.acknowledge_received_data(length, stream_id))
        found = self._streams.get(stream_id)
        if found is not None and event.data:
            found[1].receive(event.data)

    def _pump_all(self) -> None:
        for outlet, _ in list(self._streams.values()):
            outlet.pump()

    def _watch_use(self, limit_s: float | None) -> None:
        """Close this connection when it has had no stream for so long."""
        if self._unused is not None:
            self._unused.cancel()
            self._unused = None
        if limit_s is not None and self._transport is not None and not self.silent:
            self._unused = asyncio.get_running_loop().call_later(limit_s, self.close)

    def _try(self, action: Callable[[], object]) -> None:
        """h2 refuses what concerns a stream that the client has just reset: that is no mistake of ours."""
        try:
            action()
        except (H2Error, ValueError):
            return
        self._flush()

    def _flush(self) -> None:
        if self.silent:
            return
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class _Nobody:
    """Takes what comes and does nothing."""

    def receive(self, data: bytes) -> None:
        pass

    def input_ended(self) -> None:
        pass

    def lost(self) -> None:
        pass


_NOBODY = _Nobody()


def _new_h2() -> H2Connection:
    connection = PatientH2(H2Configuration(client_side=False, header_encoding=None))
    connection.local_settings = Settings(
        client=False,
        initial_values={
            SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES,
        },
    )
    return connection


def _texts(event: RequestReceived) -> HeaderList:
    """Octets of a header one to one, as HTTP has them."""
    return [(str(name, "latin-1"), str(value, "latin-1")) for name, value in event.headers or ()]
