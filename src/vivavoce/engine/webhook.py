"""Orders to an address of the operator's: JSON, signed as :mod:`vivavoce.wire.webhook` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from vivavoce.agent.declaration import Webhook
from vivavoce.engine.clock import wall_clock
from vivavoce.errors import NotAvailable, PeerFault
from vivavoce.wire.webhook import SIGNATURE, signature

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
ATTEMPTS = 2
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that a second try may better."""


async def order(
    webhook: Webhook,
    what: Mapping[str, str],
    *,
    idempotency_key: str,
    now_s: Callable[[], float] = lambda: wall_clock().timestamp(),
    transport: httpx.AsyncBaseTransport | None = None,
) -> None:
    """Sends the order, a second time if the first gets no good answer; both carry the same key, so that it is carried
    out once. Raises :class:`~vivavoce.errors.PeerFault` unless the answer is one of success, and
    :class:`~vivavoce.errors.NotAvailable` where httpx is missing.
    """
    try:
        import httpx
    except ImportError as error:
        raise NotAvailable("a webhook needs httpx", hint="pip install 'vivavoce[tools]'") from error
    body = msgspec.json.encode(what)
    headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    said = "gave no answer"
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, transport=transport) as client:
        for _ in range(ATTEMPTS):
            if webhook.secret:
                headers[SIGNATURE] = signature(webhook.secret, int(now_s()), body)
            try:
                answer = await client.post(webhook.url, content=body, headers=headers)
            except httpx.HTTPError:
                continue
            if answer.is_success:
                return
            said = f"answered with status {answer.status_code}"
            if answer.status_code not in _AGAIN:
                break
    raise PeerFault(f"the webhook {said}", hint="look at its log")
