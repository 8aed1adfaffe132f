"""The service's side of a stream: whether it accepted, its events, and how it ended."""

from __future__ import annotations

import asyncio
from collections import deque

from vivavoce.errors import ModelUnreachable
from vivavoce.model.bedrock.faults import BedrockFault, fault_before_stream, fault_in_stream
from vivavoce.model.bedrock.http2 import Exchange
from vivavoce.model.bedrock.watchdog import Watchdog
from vivavoce.wire.bedrock import Response, ResponseDecoder, ServiceError, ServiceException
from vivavoce.wire.eventstream import Malformed

_REFUSAL_LIMIT_BYTES = 64 * 1024


class _Refusal:
    """A response that is not 200, while its body comes."""

    def __init__(self, status: int, headers: dict[str, str], *, bearer: bool) -> None:
        self.body = bytearray()
        self._status = status
        self._headers = headers
        self._bearer = bearer

    def fault(self) -> BedrockFault:
        return fault_before_stream(self._status, self._headers, bytes(self.body), bearer=self._bearer)


class Answer:
    """Listens to one exchange; one reader takes its events with :meth:`next`. What came before a fault is read before
    the fault is raised. The service may be as far ahead of the reader as the stream's window allows.
    """

    def __init__(self, idle_ms: int, *, bearer: bool) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        """Done with the response's headers; fails when the service refuses or cannot be reached."""
        self.over: asyncio.Future[None] = loop.create_future()
        """Done when nothing more will come, whatever the reason."""
        self._bearer = bearer
        self._exchange: Exchange | None = None
        self._incoming: deque[tuple[bytes, int]] = deque()
        self._decoder = ResponseDecoder()
        self._reader: asyncio.Future[None] | None = None
        self._refusal: _Refusal | None = None
        self._fault: BedrockFault | None = None
        self._unbounded = False
        self._watchdog = Watchdog(idle_ms, self._gone_quiet)

    def attach(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def refusal(self) -> BedrockFault | None:
        """What the service refuses with, as far as it is here; None if it has not refused."""
        return None if self._refusal is None else self._refusal.fault()

    async def next(self) -> bytes | None:
        """The next event; None at the end. Raises the fault that ended it."""
        while True:
            said = self._decoder.next()
            if type(said) is bytes:
                return said
            if said is not None:
                self._judge(said)
            elif self._incoming:
                data, flow_bytes = self._incoming.popleft()
                self._decoder.feed(data)
                self._consume(flow_bytes)
            elif self._fault is not None:
                raise self._fault
            elif self.over.done():
                self._check_whole()
                return None
            else:
                await self._wait()

    def release(self) -> None:
        """From now on the service may send all it has, read or not: without that it could not come to its end."""
        self._unbounded = True
        for at, (data, flow_bytes) in enumerate(self._incoming):
            self._incoming[at] = (data, 0)
            self._consume(flow_bytes)

    def close(self, fault: BedrockFault | None) -> None:
        """Nothing more will come."""
        if self.over.done():
            return
        self._fault = fault
        self.over.set_result(None)
        self._watchdog.stop()
        if not self.opened.done():
            self.opened.set_exception(fault or ModelUnreachable("Bedrock ended the stream before it began"))
            self.opened.exception()  # whoever opens may have gone
        self._wake()

    def drop(self) -> None:
        """The reader's own wish: what is here and was not read is gone, and the end is in order."""
        self.release()
        self._incoming.clear()
        self._decoder = ResponseDecoder()
        self.close(None)
        if self._exchange is not None:
            self._exchange.reset()

    # What the exchange tells.

    def headers_received(self, headers: list[tuple[str, str]]) -> None:
        given = dict(headers)
        status = given.get(":status", "")
        if status == "200":
            if not self.opened.done():
                self.opened.set_result(None)
            self._watchdog.start()
        else:
            self._refusal = _Refusal(int(status) if status.isdecimal() else 0, given, bearer=self._bearer)

    def data_received(self, data: bytes, flow_bytes: int) -> None:
        self._watchdog.heard()
        if self._refusal is not None:
            self._consume(flow_bytes)
            self._refusal.body += data[: _REFUSAL_LIMIT_BYTES - len(self._refusal.body)]
            return
        if self._unbounded:
            self._consume(flow_bytes)
            flow_bytes = 0
        self._incoming.append((data, flow_bytes))
        self._wake()

    def ended(self) -> None:
        if self._refusal is not None:
            self.close(self._refusal.fault())
        else:
            self.close(None)
        if self._exchange is not None:
            self._exchange.conclude()

    def failed(self, fault: BedrockFault) -> None:
        """A refusal says more than the reset that follows it."""
        self.close(self._refusal.fault() if self._refusal is not None else fault)

    # The inside.

    def _check_whole(self) -> None:
        if self._decoder.waiting_bytes:
            self._fault = ModelUnreachable("Bedrock ended the stream in the middle of a message")
            raise self._fault

    def _judge(self, said: Response) -> None:
        """What is no event. An unknown kind of message is left out, as AWS's SDKs do."""
        match said:
            case ServiceException() | ServiceError():
                self._fail(fault_in_stream(said))
            case Malformed(why):
                self._fail(ModelUnreachable(f"Bedrock sent what is no event: {why}"))

    def _fail(self, fault: BedrockFault) -> None:
        """What the service says of itself comes before how the stream ended."""
        self.release()
        self._incoming.clear()
        self._fault = fault
        self.close(fault)
        if self._exchange is not None:
            self._exchange.reset()

    def _gone_quiet(self) -> None:
        self._fail(ModelUnreachable("Bedrock has sent nothing for longer than a session may idle"))

    def _consume(self, flow_bytes: int) -> None:
        if flow_bytes and self._exchange is not None:
            self._exchange.consumed(flow_bytes)

    async def _wait(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
