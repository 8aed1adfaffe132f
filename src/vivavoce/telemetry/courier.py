"""Telling addresses of calls that are over: what each is told, and one try to tell it.

Whoever keeps the deliveries (the store does, so that they outlive a crash) tries them when they are due. Everything
blocks. docs/howto/webhooks.md says what a receiver gets and has to do.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from vivavoce.errors import NotAvailable
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.delivery import Again, Delivery, GivenUp, Outcome, Taken
from vivavoce.ledger.figures import percentile
from vivavoce.ledger.record import CallRecord, TurnRecord
from vivavoce.wire.webhook import SIGNATURE, signature

if TYPE_CHECKING:
    import httpx

ID = "Vivavoce-Delivery"
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 65_536
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 4 * 3600.0
TRIED_FOR_S = 24 * 3600.0
"""From the first try on; then it is given up."""
_GONE = 410


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """An address that is told of every call that is over, or of those of some agents or tenants. ``words``: with what
    was said."""

    url: str
    secret: str = field(default="", repr=False)
    agents: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    words: bool = False

    def wants(self, record: CallRecord) -> bool:
        return (not self.agents or record.agent in self.agents) and (not self.tenants or record.tenant in self.tenants)


def deliveries_for(record: CallRecord, cost: CallCost, webhooks: Sequence[CallWebhook]) -> list[Delivery]:
    """One for each address that wants to hear of the call; the same call has the same ones each time."""
    bodies: dict[bool, bytes] = {}
    deliveries: list[Delivery] = []
    for webhook in webhooks:
        if webhook.wants(record):
            if webhook.words not in bodies:
                bodies[webhook.words] = msgspec.json.encode(told_of(record, cost, words=webhook.words))
            named = hashlib.sha256(f"{record.call} {webhook.url}".encode()).hexdigest()[:32]
            delivery = Delivery(delivery=f"dl_{named}", call=record.call, url=webhook.url, body=bodies[webhook.words])
            if all(delivery.delivery != other.delivery for other in deliveries):
                deliveries.append(delivery)
    return deliveries


def told_of(record: CallRecord, cost: CallCost, *, words: bool = False) -> dict[str, object]:
    """The body. Money is text, so that nobody's floating point changes it."""
    waits_ms = [turn.events_ms for turn in record.turns if turn.events_ms is not None]
    tokens = record.tokens
    return {
        "type": "call.ended",
        "call": record.call,
        "agent": record.agent,
        "tenant": record.tenant,
        "opened": record.opened,
        "channel": record.channel,
        "outbound": record.outbound,
        "simulated": record.simulated,
        "torn": record.torn,
        "models": record.models,
        "duration_ms": record.duration_us / 1000,
        "disposition": record.disposition,
        **({"reason": record.reason} if words else {}),
        "turns": len(record.turns),
        "barge_ins": record.barge_ins,
        "tool_calls": record.tool_calls,
        "swaps": len(record.swaps),
        "errors": len(record.errors),
        "latency_ms": {
            "basis": "events",
            "turns": len(waits_ms),
            "p50": percentile(waits_ms, 0.5),
            "max": max(waits_ms, default=None),
        },
        "tokens": msgspec.to_builtins(tokens),
        "cost": {
            "book": cost.book,
            "amounts": _plain(cost.amounts),
            "unheard": _plain(cost.shares.waste),
            "unpriced": cost.unpriced,
            "simulated": cost.simulated,
        },
        **({"said": [_said(turn) for turn in record.turns]} if words else {}),
    }


class Courier:
    """Makes tries. ``jitter`` gives a number from 0 to 1, another each time; ``now`` the time of day. ``with``
    closes its connections."""

    def __init__(
        self,
        webhooks: Sequence[CallWebhook],
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Raises :class:`~vivavoce.errors.NotAvailable` where httpx is missing."""
        try:
            import httpx
        except ImportError as error:
            raise NotAvailable("a webhook needs httpx", hint="pip install 'vivavoce[tools]'") from error
        self._httpx = httpx
        self._secrets = {webhook.url: webhook.secret for webhook in webhooks}
        self._now = now
        self._jitter = jitter
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, transport=transport, trust_env=False)

    def __enter__(self) -> Courier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def send(self, delivery: Delivery) -> Outcome:
        """One try, of ten seconds at most and a little more. ``delivery.attempts`` are those before it."""
        if delivery.url not in self._secrets:
            return self._later(delivery, "the address is not in this server's settings")  # perhaps in another's
        now = self._now()
        headers = {
            "Content-Type": "application/json",
            ID: delivery.delivery,
            "User-Agent": "Vivavoce",
            "Accept-Encoding": "identity",
        }
        if secret := self._secrets[delivery.url]:
            headers[SIGNATURE] = signature(secret, int(now.timestamp()), delivery.body)
        try:
            with self._client.stream("POST", delivery.url, content=delivery.body, headers=headers) as answer:
                status, asked = answer.status_code, answer.headers.get("retry-after", "")
                with contextlib.suppress(self._httpx.HTTPError):
                    self._read_a_little(answer)
        except self._httpx.InvalidURL:
            return GivenUp("the address is none")
        except self._httpx.HTTPError as error:
            return self._later(delivery, f"no answer: {type(error).__name__}")
        if 200 <= status < 300:
            return Taken()
        if status == _GONE:
            return GivenUp("answered with status 410: it wants no more of them")
        return self._later(delivery, f"answered with status {status}", _asked_s(asked, now))

    def _read_a_little(self, answer: httpx.Response) -> None:
        """So that the connection can be used again; a long answer costs the connection. A slow one does too: the status
        is what counts."""
        read = 0
        begun = self._now()
        for chunk in answer.iter_raw():
            read += len(chunk)
            if read > MAX_ANSWER_BYTES or (self._now() - begun).total_seconds() > TIMEOUT_S:
                break

    def _later(self, delivery: Delivery, why: str, asked_s: float = 0.0) -> Again | GivenUp:
        if waited_s(delivery.attempts) >= TRIED_FOR_S:
            return GivenUp(f"{why}; tried {delivery.attempts + 1} times in a day")
        wait_s = wait_after_s(delivery.attempts) * (0.5 + self._jitter())
        return Again(max(wait_s, min(asked_s, TRIED_FOR_S)), why)


def wait_after_s(attempts: int) -> float:
    """Before the next try, after one that had ``attempts`` before it: doubled each time. Half of it to one and a half
    is waited."""
    return min(FIRST_WAIT_S * 2.0 ** min(attempts, 32), LONGEST_WAIT_S)


def waited_s(attempts: int) -> float:
    """Since the first of so many tries, more or less."""
    return sum(wait_after_s(before) for before in range(attempts))


def safe_url(url: str, *, plain_http: bool = False) -> bool:
    """Whether what is known of calls may go there: by TLS, or to this machine, or where the operator says so."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    local = host == "localhost" or host == "::1" or (host.startswith("127.") and host.replace(".", "").isdigit())
    return parts.scheme == "https" or (parts.scheme == "http" and (plain_http or local))


def _said(turn: TurnRecord) -> dict[str, object]:
    return {"turn": turn.number, "caller": turn.caller, "agent": turn.agent, "heard": turn.heard}


def _plain(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: f"{amount:f}" for currency, amount in amounts.items()}


def _asked_s(retry_after: str, now: datetime) -> float:
    """What ``Retry-After`` asks for, seconds or a date; 0 for nothing."""
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
