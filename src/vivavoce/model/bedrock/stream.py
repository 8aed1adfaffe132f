"""One bidirectional stream: events into signed frames on their way out, and the service's events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vivavoce.errors import ModelUnreachable
from vivavoce.model.bedrock.answer import Answer
from vivavoce.model.bedrock.http2 import Exchange, Http2Connection
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.wire.bedrock import encode_input
from vivavoce.wire.sigv4 import EventSigner, epoch_ms


@dataclass(frozen=True, slots=True)
class Sealing:
    """What the events of a stream are signed with, and until when. Under a bearer key there is no signer: then they go
    unsigned, which is all that is left, and nothing public says whether the service takes it."""

    signer: EventSigner | None
    now: Callable[[], datetime]
    expire: datetime | None = None


class BedrockStream:
    """Implements :class:`vivavoce.model.bedrock.port.Stream`."""

    def __init__(
        self,
        connection: Http2Connection,
        headers: list[tuple[str, str]],
        sealing: Sealing,
        settings: BedrockSettings,
    ) -> None:
        self._connection = connection
        self._sealing = sealing
        self._settings = settings
        self._answer = Answer(settings.timeouts.idle_ms, bearer=sealing.signer is None)
        self._exchange: Exchange = connection.request(headers, self._answer)
        self._answer.attach(self._exchange)
        self._input_ended = False

    @property
    def credentials_expire(self) -> datetime | None:
        return self._sealing.expire

    @property
    def unsent_bytes(self) -> int:
        return self._exchange.unsent_bytes + self._connection.unwritten_bytes

    async def accepted(self) -> None:
        """Returns when the service has taken the request; raises where it has not, or not in time."""
        open_ms = self._settings.timeouts.open_ms
        try:
            async with asyncio.timeout(open_ms / 1000):
                await asyncio.shield(self._answer.opened)
        except TimeoutError:
            refusal = self._answer.refusal  # whose end does not come
            self.abort()
            raise refusal or ModelUnreachable(f"Bedrock did not answer the request within {open_ms} ms") from None
        except BaseException:
            self.abort()
            raise

    def send(self, event: bytes) -> None:
        if self._input_ended or self._exchange.over:
            return
        self._exchange.send(self._seal(encode_input(event)))
        if self._exchange.unsent_bytes > self._settings.unsent_limit_bytes:
            self._answer.failed(ModelUnreachable("Bedrock takes no more of the caller's audio"))
            self._exchange.reset()

    async def receive(self) -> bytes | None:
        return await self._answer.next()

    async def finish(self) -> None:
        try:
            if not self._exchange.over and not self._input_ended:
                self._input_ended = True
                if self._sealing.signer is not None:
                    self._exchange.send(self._seal(b""))
                self._exchange.end()
            self._answer.release()
            async with asyncio.timeout(self._settings.timeouts.finish_ms / 1000):
                await asyncio.shield(self._answer.over)
        except TimeoutError:
            pass
        finally:
            self._conclude()

    def abort(self) -> None:
        self._answer.drop()

    def _conclude(self) -> None:
        """After the service's end its last events can still be read; otherwise this is an abort."""
        if not self._answer.over.done():
            self.abort()

    def _seal(self, message: bytes) -> bytes:
        signer = self._sealing.signer
        return message if signer is None else signer.sign(message, epoch_ms(self._sealing.now()))
