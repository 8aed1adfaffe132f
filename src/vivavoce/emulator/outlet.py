"""What a stream can do to its connection. The server implements it; streams know no HTTP/2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Outlet(Protocol):
    """The server's side of one HTTP/2 stream. After it is over, everything here does nothing."""

    @property
    def queued_bytes(self) -> int:
        """What the client has not taken."""
        ...

    def respond(self, headers: Sequence[tuple[str, str]], body: bytes | None = None) -> None:
        """Send the response's headers; with a ``body``, that is all of it."""
        ...

    def send(self, data: bytes) -> None: ...

    def end(self) -> None:
        """END_STREAM, after what is queued. A client that does not end its own side soon sees RST_STREAM NO_ERROR."""
        ...

    def reset(self, code: int) -> None:
        """RST_STREAM, now."""
        ...

    def abort_connection(self) -> None:
        """A TCP reset."""
        ...

    def silence_connection(self) -> None:
        """From now on the connection takes everything and gives nothing, not even an acknowledgement."""
        ...

    async def room(self) -> None:
        """Waits until the client has taken most of what was sent."""
        ...


class Handler(Protocol):
    """What the server tells whoever answers a stream."""

    def receive(self, data: bytes) -> None: ...

    def input_ended(self) -> None: ...

    def lost(self) -> None:
        """The client reset the stream, or its connection is gone."""
        ...
