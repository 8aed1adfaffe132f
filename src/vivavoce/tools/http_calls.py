"""Calls of HTTP endpoints, over connections that all calls of a process share."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vivavoce.agent.outside import HttpEndpoint
from vivavoce.errors import NotAvailable, ToolFault, ToolUnreachable
from vivavoce.tools.http_request import HttpRequest, request_of
from vivavoce.tools.quiet import quieten

if TYPE_CHECKING:
    import httpx

CONNECT_S = 5.0
MAX_REDIRECTS = 3
MAX_DETAIL = 300
_MAY_PASS = (429, 502, 503, 504)
_MAX_FAULT_BYTES = 4_096


class HttpCalls:
    """One for each process and loop. The time of a call is limited by whoever makes it; cancelled, a request is broken
    off."""

    def __init__(self) -> None:
        self._client: asyncio.Task[httpx.AsyncClient] | None = None

    async def call(self, endpoint: HttpEndpoint, arguments: Mapping[str, Any], key: str, limit_bytes: int) -> Any:
        """What the endpoint answered: a JSON value, or text. Raises :class:`~vivavoce.errors.ToolFault`."""
        request = request_of(endpoint, arguments, key)
        if self._client is None:
            # In a thread, for the import and the list of trusted authorities take too long for a loop with calls.
            self._client = asyncio.create_task(asyncio.to_thread(_new_client), name="http client")
        client = await asyncio.shield(self._client)
        return await _Exchange(client, endpoint, limit_bytes).answer(request)

    async def close(self) -> None:
        if self._client is not None:
            await asyncio.wait([self._client])
            if self._client.exception() is None:
                await self._client.result().aclose()


class _Exchange:
    """One request and its answer."""

    def __init__(self, client: httpx.AsyncClient, endpoint: HttpEndpoint, limit_bytes: int) -> None:
        self._client = client
        self._endpoint = endpoint
        self._host = endpoint.origin.partition("://")[2]
        # The answer may hold spaces that its own writing leaves out.
        self._limit_bytes = 4 * limit_bytes

    async def answer(self, request: HttpRequest) -> Any:
        import httpx

        sent = self._client.build_request(
            request.method, request.url, headers=list(request.headers), content=request.content
        )
        try:
            for _ in range(MAX_REDIRECTS + 1):
                response = await self._client.send(sent, stream=True)
                try:
                    following = _following(sent, response)
                    if following is None:
                        return await self._read(response)
                finally:
                    await response.aclose()
                sent = following
        except httpx.TransportError:
            raise ToolUnreachable(f"The connection to {self._host} failed.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ToolFault(f"What {self._host} answered cannot be read.") from None
        raise ToolFault(f"{self._host} sends from one address to another and back.")

    async def _read(self, response: httpx.Response) -> Any:
        status = response.status_code
        if status in _MAY_PASS:
            wait = response.headers.get("Retry-After", "")
            wait_s = float(wait) if wait.isascii() and wait.isdigit() else 0.0
            raise ToolUnreachable(f"{self._host} has no time now: it answered {status}.", retry_after_s=wait_s)
        if response.is_redirect:
            raise ToolFault(f"{self._host} answered {status}: it sends elsewhere, which is not followed.")
        if status >= 400:
            raise ToolFault(f"{self._host} answered {status} {response.reason_phrase}.{await self._detail(response)}")
        body = await self._body(response, self._limit_bytes)
        if body is None:
            raise ToolFault(
                f"{self._host} answered with more than the {self._limit_bytes // 4} bytes that are allowed."
            )
        return self._value(response, body) if body else {"status": status}

    def _value(self, response: httpx.Response, body: bytes) -> Any:
        kind = response.headers.get("Content-Type", "text/plain").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                raise ToolFault(f"{self._host} answered with broken JSON.") from None
        if kind.startswith("text/") or kind.endswith(("/xml", "+xml")):
            return body.decode(response.charset_encoding or "utf-8", "replace")
        raise ToolFault(f"{self._host} answered with {kind}, which is neither JSON nor text.")

    async def _detail(self, response: httpx.Response) -> str:
        """What a JSON answer says of its error, without what we sent as secrets."""
        body = await self._body(response, _MAX_FAULT_BYTES)
        try:
            told = json.loads(body or b"")
        except (ValueError, RecursionError):
            return ""
        for name in ("error", "message", "detail", "title"):
            if isinstance(told, dict):
                told = told.get(name, told)
        if not isinstance(told, str):
            return ""
        for piece in self._sent_texts():
            told = told.replace(piece, "***")
        return f" {told[:MAX_DETAIL]}"

    def _sent_texts(self) -> list[str]:
        texts = [value for _, value in self._endpoint.headers]
        texts += [part for _, text in self._endpoint.query for part in text if isinstance(part, str)]
        return [piece for text in texts for piece in text.split() if len(piece) >= 6]

    @staticmethod
    async def _body(response: httpx.Response, limit_bytes: int) -> bytes | None:
        """None if it is longer than that; it is then not read to its end."""
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > limit_bytes:
                return None
        return bytes(body)


def _following(sent: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """The request that a redirect asks for, if it stays with the host and the method: what we send is meant for that
    host alone."""
    following = response.next_request
    if following is None or following.method != sent.method or following.url.userinfo:
        return None
    places = [(url.scheme, url.host, url.port) for url in (sent.url, following.url)]
    return following if places[0] == places[1] else None


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom we believe; it takes a tenth of a second to read them all."""
    import httpx

    return httpx.create_ssl_context()


def _new_client() -> httpx.AsyncClient:
    try:
        import httpx
    except ImportError:
        message = "HTTP tools need the package httpx, which is not here"
        raise NotAvailable(message, hint="pip install 'vivavoce[tools]'") from None
    quieten()
    timeout = httpx.Timeout(None, connect=CONNECT_S)
    return httpx.AsyncClient(
        verify=_trust(), timeout=timeout, follow_redirects=False, headers={"User-Agent": "vivavoce"}
    )
