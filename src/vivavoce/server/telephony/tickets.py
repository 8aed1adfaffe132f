"""One-time tickets: what the answer to a webhook gives to the media stream that follows, a second proof beside the
signature, or the only one where a carrier does not sign the upgrade.

A ticket says nothing by itself: it is a seal over agent, call and order, which come beside it. All workers of a server
can check it, since they share its key; that it is used once is kept by each worker for itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from vivavoce.errors import Refused

LIFETIME_S = 60
"""Between the answer to the webhook and the start of the stream: ringing comes before, so it is a second or two."""
_EXPIRY_HEX, _NONCE_HEX, _SEAL_HEX = 8, 16, 32


class Tickets:
    """One for each carrier. Times are seconds since 1970. A ticket is in hex: Plivo lets little else through."""

    def __init__(self, carrier: str, key: bytes) -> None:
        self._key = hmac.new(key, f"vivavoce media stream, {carrier}".encode(), hashlib.sha256).digest()
        self._used: dict[str, int] = {}  # nonces until their expiry, oldest first

    def issue(self, agent: str, call: str, now_s: float, order: str = "") -> str:
        """``order`` is that of a call which we made."""
        plain = f"{int(now_s) + LIFETIME_S:0{_EXPIRY_HEX}x}{secrets.token_hex(_NONCE_HEX // 2)}"
        return plain + self._seal(plain, agent, call, order)

    def redeem(self, ticket: str, agent: str, call: str, now_s: float, order: str = "") -> None:
        """Raises :class:`~vivavoce.errors.Refused` unless it was issued for these, lately, and not used before."""
        plain, seal = ticket[: _EXPIRY_HEX + _NONCE_HEX], ticket[_EXPIRY_HEX + _NONCE_HEX :]
        if not hmac.compare_digest(self._seal(plain, agent, call, order).encode(), seal.encode()):
            raise self._refused("this media stream has no ticket of this server")
        expiry, nonce = int(plain[:_EXPIRY_HEX], 16), plain[_EXPIRY_HEX:]
        self._forget(now_s)
        if now_s > expiry or nonce in self._used:
            raise self._refused("the ticket of this media stream was used before, or is too old")
        self._used[nonce] = expiry

    def _seal(self, plain: str, *bound: str) -> str:
        text = "\n".join((plain, *(one.encode().hex() for one in bound)))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:_SEAL_HEX]

    def _forget(self, now_s: float) -> None:
        for nonce in [nonce for nonce, expiry in self._used.items() if expiry < now_s]:
            del self._used[nonce]

    @staticmethod
    def _refused(why: str) -> Refused:
        return Refused(why, status=403, code="ticket_invalid", hint="begin with a call to the carrier's number")
