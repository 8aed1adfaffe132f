"""What a speech model needs of Bedrock: to open a bidirectional stream, and to talk over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class Stream(Protocol):
    """One open bidirectional stream. Events are UTF-8 JSON, ``{"event":{...}}``; framing and signing are inside."""

    @property
    def credentials_expire(self) -> datetime | None:
        """When the credentials that sign this stream run out; None if they do not."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """What waits because the peer takes no more for now."""
        ...

    def send(self, event: bytes) -> None:
        """Sign and queue one event. Never blocks; after the stream is over it does nothing, and :meth:`receive` says
        why it is.
        """
        ...

    async def receive(self) -> bytes | None:
        """The next event; None when the service has ended the stream in order.

        Raises :class:`~vivavoce.errors.ModelFault` (which kind says whether to retry) or
        :class:`~vivavoce.errors.AccessFault`. For one reader.
        """
        ...

    async def finish(self) -> None:
        """End the input and wait, for a bounded time, until the service has ended its side. Then :meth:`abort`."""
        ...

    def abort(self) -> None:
        """Drop the stream now. Safe at any time, and more than once."""
        ...


class Bedrock(Protocol):
    """Opens streams, as one identity in one region."""

    async def open(self, model_id: str, opening: Sequence[bytes] = ()) -> Stream:
        """Returns once the service has accepted the request (its response headers are here). Raises as
        :meth:`Stream.receive` does.

        The events of ``opening`` go out with the request, without waiting for that: every published client has sent
        its first events by then, so nobody knows whether the service answers before it has one.
        """
        ...

    async def close(self) -> None:
        """Close what connections there are."""
        ...
