"""What the carriers' routes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.responses import Response

from vivavoce.errors import Refused, SetupFault
from vivavoce.server.desk import Desk
from vivavoce.server.telephony.requests import socket_scheme


@dataclass(frozen=True, slots=True)
class Exchange:
    """``public_url`` is what the carriers call this server by, up to its own paths: ``https://calls.example.com``.
    Signatures are over it, so it is never taken from a request. ``now_s`` is the time of day, in seconds since 1970;
    ``ticket_key`` seals the tickets of media streams. Raises :class:`~vivavoce.errors.SetupFault`.
    """

    desk: Desk
    public_url: str
    now_s: Callable[[], float]
    ticket_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        hint = "set public_url in server.toml to the address that the carriers know, as https://calls.example.com"
        try:
            url = urlsplit(self.public_url)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError as error:
            raise SetupFault(f"{self.public_url!r} is no public address for carriers", hint=hint) from error
        if not usable or url.query or url.fragment or url.username:
            raise SetupFault(f"{self.public_url!r} is no public address for carriers", hint=hint)

    def why_not(self, agent: str) -> Refused | None:
        """Why a call to this agent would not be taken now."""
        try:
            self.desk.find(agent)
        except Refused as refused:
            return refused
        reason = self.desk.readiness().reason
        return Refused("this server takes no call now", status=503, code=reason) if reason else None

    def url(self, path: str) -> str:
        return self.public_url.rstrip("/") + path

    def socket_url(self, path: str) -> str:
        scheme = socket_scheme(self.public_url)
        return f"{scheme}://{self.public_url.partition('://')[2].rstrip('/')}{path}"


def xml(text: str) -> Response:
    return Response(text, media_type="application/xml")
