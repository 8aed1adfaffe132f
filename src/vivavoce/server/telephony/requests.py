"""What the carriers' routes read of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import HTTPConnection, Request

from vivavoce.errors import Refused

LONGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Webhook:
    """``url`` is the public address that was called; ``form`` the fields of a form, in a body or in the address."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    posted: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        """Of the first field with this name; empty if there is none."""
        return next((value for found, value in (*self.posted, *self.query) if found == name), "")


async def read_webhook(request: Request, public_url: str) -> Webhook:
    """Raises :class:`~vivavoce.errors.Refused` for a body that is too long, or no text."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise Refused(f"a webhook may have {LONGEST_BODY} bytes", status=413, code="request_too_large")
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return Webhook(
        request.method,
        public_address(request, public_url),
        request.headers,
        body,
        tuple(_fields(body.decode("latin-1"))) if is_form else (),
        tuple(_fields(request.url.query)),
    )


def public_address(connection: HTTPConnection, public_url: str, scheme: str = "") -> str:
    """What the carrier must have called to come here; ``scheme`` takes the place of the one that is configured."""
    base = urlsplit(public_url)
    root = connection.scope.get("root_path", "")
    raw = connection.scope.get("raw_path") or connection.scope["path"].encode()
    path = raw.partition(b"?")[0].decode("ascii", "replace").removeprefix(root)
    query = connection.scope.get("query_string", b"").decode("ascii", "replace")
    address = f"{scheme or base.scheme}://{base.netloc}{base.path.rstrip('/')}{path}"
    return f"{address}?{query}" if query else address


def socket_scheme(public_url: str) -> str:
    return "wss" if urlsplit(public_url).scheme == "https" else "ws"


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise Refused("a form that cannot be read", status=400, code="invalid_form") from error
