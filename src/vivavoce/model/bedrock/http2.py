"""HTTP/2 for long-lived duplex requests: one connection, on a transport of asyncio's, over the ``h2`` state machine.

A plain protocol and not asyncio's streams, which add a fifth to what a message costs. Every write goes out at once: at
fifty messages a second there is nothing to gather.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, cast

from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error, ProtocolError

from vivavoce.errors import ModelBusy, ModelFault, ModelUnreachable
from vivavoce.model.bedrock.lean_h2 import LeanH2
from vivavoce.model.bedrock.settings import Timeouts
from vivavoce.model.bedrock.watchdog import Pulse

_PING = b"vivavoce"
_READ_BYTES = 16 * 1024
"""A TLS record holds no more."""
_ACKNOWLEDGE_BYTES = 64 * 1024
"""Consumed data is told to h2 in lots of this: a small part of the window, and one call for thirty messages."""


class Listener(Protocol):
    """Whom an :class:`Exchange` tells what comes. After ``ended`` or ``failed`` nothing more does."""

    def headers_received(self, headers: list[tuple[str, str]]) -> None: ...
    def data_received(self, data: bytes, flow_bytes: int) -> None:
        """``flow_bytes`` are to be given back by :meth:`Exchange.consumed` once they are read."""
        ...

    def ended(self) -> None: ...
    def failed(self, fault: ModelFault) -> None: ...


class Exchange:
    """One request whose body and whose answer are open at the same time."""

    def __init__(self, connection: Http2Connection, stream_id: int, listener: Listener) -> None:
        self.stream_id = stream_id
        self.listener = listener
        self.unsent_bytes = 0
        self._connection = connection
        self._unsent: deque[bytes] = deque()
        self._unacknowledged_bytes = 0
        self._ending = False
        self._sent_all = False
        self._received_all = False
        self.over = False

    def send(self, data: bytes) -> None:
        """Goes out at once, or waits for the peer's window, in order."""
        if self._ending or self.over:
            return
        if not self._unsent and self._connection.write_data(self.stream_id, data):
            return
        self._unsent.append(data)
        self.unsent_bytes += len(data)
        self.pump()

    def end(self) -> None:
        """No more will be sent."""
        if not self._ending and not self.over:
            self._ending = True
            self.pump()

    def conclude(self) -> None:
        """The answer is complete: of the request, no more is of any use."""
        if self._unsent:
            self.reset()
        else:
            self.end()

    def reset(self) -> None:
        """Drop it. Nothing is told to the listener any more."""
        if not self.over:
            self._retire()
            self._connection.write_reset(self.stream_id)

    def consumed(self, flow_bytes: int) -> None:
        """The peer may send as much more."""
        self._unacknowledged_bytes += flow_bytes
        if self._unacknowledged_bytes >= _ACKNOWLEDGE_BYTES or self.over:
            self._acknowledge()

    def pump(self) -> None:
        """Send what the peer takes of what waits."""
        while self._unsent:
            data = self._unsent[0]
            room = self._connection.room(self.stream_id)
            if room <= 0 or not self._connection.write_data(self.stream_id, data[:room]):
                return
            self.unsent_bytes -= min(room, len(data))
            if room < len(data):
                self._unsent[0] = data[room:]
            else:
                self._unsent.popleft()
        if self._ending and not self._sent_all:
            self._sent_all = True
            self._connection.write_end(self.stream_id)
            if self._received_all:
                self._retire()

    # What the connection tells.

    def handle(self, event: ResponseReceived | StreamEnded | StreamReset | WindowUpdated) -> None:
        match event:
            case WindowUpdated():
                self.pump()
            case ResponseReceived(headers=headers):
                self.listener.headers_received([_text(name, value) for name, value in headers])
            case StreamEnded():
                self._end_received()
            case StreamReset(error_code=code):
                self._reset_received(code)

    def fail(self, fault: ModelFault) -> None:
        if not self.over:
            self._retire()
            self.listener.failed(fault)

    def _end_received(self) -> None:
        self._received_all = True
        self.listener.ended()
        if self._sent_all and not self.over:
            self._retire()

    def _reset_received(self, code: ErrorCodes | int) -> None:
        """A reset after the whole answer is in order: it says that the rest of the request is of no use."""
        if self._received_all:
            self._retire()
        else:
            self.fail(_reset_fault(code))

    def _acknowledge(self) -> None:
        self._connection.acknowledge(self.stream_id, self._unacknowledged_bytes)
        self._unacknowledged_bytes = 0

    def _retire(self) -> None:
        self.over = True
        self._acknowledge()  # the connection's window is shared with other streams
        self._unsent.clear()
        self.unsent_bytes = 0
        self._connection.retire(self)


def _reset_fault(code: ErrorCodes | int) -> ModelFault:
    name = code.name if isinstance(code, ErrorCodes) else str(code)
    message = f"Bedrock reset the stream: HTTP/2 error code {name}"
    if code in (ErrorCodes.REFUSED_STREAM, ErrorCodes.ENHANCE_YOUR_CALM):
        return ModelBusy(message)
    return ModelUnreachable(message)


class Http2Connection(asyncio.BufferedProtocol):
    """A client's connection. It closes itself when its last exchange is over, unless it is to carry several
    ``streams``; and it fails all of them when nothing comes for a while and no answer to a PING either.
    """

    def __init__(self, timeouts: Timeouts, *, streams: int = 1) -> None:
        loop = asyncio.get_running_loop()
        self.settled: asyncio.Future[None] = loop.create_future()
        """Done when the peer's settings are here; fails when they will never be."""
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done when the transport is gone."""
        self._h2 = LeanH2()
        self._read = memoryview(bytearray(_READ_BYTES))
        self._transport: asyncio.Transport | None = None
        self._exchanges: dict[int, Exchange] = {}
        self._streams = streams
        self._timeouts = timeouts
        self._draining = False
        self._paused = False
        self._pulse = Pulse(timeouts.quiet_ms, timeouts.ping_ms, ask=self._ping, give_up=self._give_up)
        self._farewell: asyncio.TimerHandle | None = None

    @property
    def free_slots(self) -> int:
        """How many requests may begin now."""
        if self._draining or self._transport is None or self._transport.is_closing():
            return 0
        return min(self._streams, self._h2.remote_settings.max_concurrent_streams) - len(self._exchanges)

    @property
    def unwritten_bytes(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def request(self, headers: list[tuple[str, str]], listener: Listener) -> Exchange:
        """Begin a request. Raises ModelBusy where the peer allows no further stream."""
        if self.free_slots < 1:
            raise ModelBusy("the connection to Bedrock takes no further stream")
        stream_id = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream_id, headers)
        exchange = self._exchanges[stream_id] = Exchange(self, stream_id, listener)
        self._flush()
        return exchange

    def close(self) -> None:
        """Drop what is open and say goodbye; a peer that does not listen is left after a moment."""
        self._draining = True
        for exchange in list(self._exchanges.values()):
            exchange.fail(ModelUnreachable("the connection to Bedrock was closed here"))
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._h2.close_connection()
        self._flush()
        self._pulse.stop()
        transport.close()
        self._farewell = asyncio.get_running_loop().call_later(self._timeouts.farewell_ms / 1000, transport.abort)

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._h2.begin()
        self._flush()
        self._pulse.start()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Read into memory of ours: asyncio's TLS would take 256 KiB anew for each message."""
        del sizehint
        return self._read

    def buffer_updated(self, nbytes: int) -> None:
        self._pulse.heard()
        try:
            found = self._h2.receive(bytes(self._read[:nbytes]))
        except (H2Error, ValueError) as error:
            if self._transport is None or self._transport.is_closing():
                return  # we said goodbye, and this was on its way
            self._flush()
            self._lose(ModelUnreachable(f"Bedrock does not keep to HTTP/2: {type(error).__name__}"))
            return
        for item in found:
            if isinstance(item, tuple):
                self._deliver(*item)
            else:
                self._handle(item)
        self._flush()

    def eof_received(self) -> None:
        self._lose(ModelUnreachable("Bedrock closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._farewell is not None:
            self._farewell.cancel()
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(None)
        said = f": {exc}" if exc is not None else ""
        self._lose(ModelUnreachable(f"the connection to Bedrock broke{said}"))

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pump_all()

    # What an exchange asks for.

    def write_data(self, stream_id: int, data: bytes) -> bool:
        """Whether it was taken."""
        frame = None if self._paused else self._h2.data_frame(stream_id, data)
        if frame is None:
            return False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)
        return True

    def room(self, stream_id: int) -> int:
        return min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size)

    def write_end(self, stream_id: int) -> None:
        try:
            self._h2.end_stream(stream_id)
        except ProtocolError:  # the same read brought a reset, which its exchange is told next
            return
        self._flush()

    def write_reset(self, stream_id: int) -> None:
        try:
            self._h2.reset_stream(stream_id, ErrorCodes.CANCEL)
        except ProtocolError:  # it is over for h2 already
            return
        self._flush()

    def acknowledge(self, stream_id: int, flow_bytes: int) -> None:
        try:
            self._h2.acknowledge_received_data(flow_bytes, stream_id)
        except (H2Error, ValueError):  # the stream or the connection is over
            return
        self._flush()

    def retire(self, exchange: Exchange) -> None:
        """An exchange is over."""
        self._exchanges.pop(exchange.stream_id, None)
        if not self._exchanges and (self._draining or self._streams == 1):
            asyncio.get_running_loop().call_soon(self._close_when_unused)

    # The inside.

    def _close_when_unused(self) -> None:
        """Later than :meth:`retire`, so that a last RST_STREAM or END_STREAM goes first."""
        if not self._exchanges:
            self.close()

    def _deliver(self, stream_id: int, data: bytes, flow_bytes: int) -> None:
        exchange = self._exchanges.get(stream_id)
        if exchange is None:  # of a stream that was dropped here
            self.acknowledge(stream_id, flow_bytes)
        else:
            exchange.listener.data_received(data, flow_bytes)

    def _handle(self, event: Event) -> None:
        match event:
            case RemoteSettingsChanged():
                if not self.settled.done():
                    self.settled.set_result(None)
                self._pump_all()
            case ConnectionTerminated():
                self._drain(event)
            case WindowUpdated(stream_id=0):
                self._pump_all()
            case ResponseReceived() | StreamEnded() | StreamReset() | WindowUpdated():
                if exchange := self._exchanges.get(event.stream_id):
                    exchange.handle(event)

    def _drain(self, goaway: ConnectionTerminated) -> None:
        """No new exchange; those that the peer will not answer may be tried again elsewhere."""
        self._draining = True
        last = goaway.last_stream_id or 0
        for stream_id, exchange in list(self._exchanges.items()):
            if stream_id > last:
                exchange.fail(ModelBusy("Bedrock takes no new stream on this connection (GOAWAY)"))
        if not self.settled.done():
            self._refuse(ModelBusy("Bedrock takes no new stream on this connection (GOAWAY)"))
        if not self._exchanges:
            asyncio.get_running_loop().call_soon(self._close_when_unused)

    def _pump_all(self) -> None:
        for exchange in list(self._exchanges.values()):
            exchange.pump()

    def _ping(self) -> None:
        """A half-open connection would stay silent for ever."""
        self._h2.ping(_PING)
        self._flush()

    def _give_up(self) -> None:
        self._lose(ModelUnreachable("the connection to Bedrock went quiet: no answer to a PING"))

    def _lose(self, fault: ModelFault) -> None:
        self._draining = True
        self._pulse.stop()
        if not self.settled.done():
            self._refuse(fault)
        for exchange in list(self._exchanges.values()):
            exchange.fail(fault)
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, fault: ModelFault) -> None:
        self.settled.set_exception(fault)
        self.settled.exception()  # nobody may be waiting any more

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _text(name: bytes | str, value: bytes | str) -> tuple[str, str]:
    """Octets of a header one to one, as HTTP has them."""
    return (
        name if isinstance(name, str) else name.decode("latin-1"),
        value if isinstance(value, str) else value.decode("latin-1"),
    )
