"""``ek_`` secrets: what a browser gets in place of an API key.

A secret holds all there is to know of it, sealed with AES-GCM under a key that only this server has, so that nothing
needs to be stored and every worker can open it. It dies when the server does. It may open several sessions until it
expires; a session that runs outlives it (reference: OpenAI's client_secrets).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "ek_"
KEY_BYTES = 32
SHORTEST_S, USUAL_S, LONGEST_S = 10, 600, 7200
MAX_CHARACTERS = 7000
"""A browser sends it in a header line, and servers and proxies take lines of 8 KiB."""
_NONCE_BYTES = 12
_PLAIN_BYTES = 262_144
_CONTEXT = b"vivavoce ek 1"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a secret says: the name of the key that it was made with (empty where there are no keys), the agent that may
    be called, the session as the client is to find it, and until when."""

    key_name: str
    agent: str
    session: Mapping[str, Any]
    expires_at: int


def new_sealing_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


class Sealer:
    """``now_s`` is the time of day in seconds, as in ``expires_at``."""

    def __init__(self, key: bytes, now_s: Callable[[], float]) -> None:
        self._key = key
        self._now_s = now_s
        self._cipher: AESGCM | None = None

    def derived(self, purpose: str) -> bytes:
        """Another key for another purpose, as good as this one."""
        return hmac.digest(self._key, purpose.encode(), "sha256")

    def seal(self, ticket: Ticket) -> str:
        """Raises :class:`~vivavoce.errors.Refused` if that does not fit into a header."""
        told = [ticket.key_name, ticket.agent, ticket.session, ticket.expires_at]
        plain = zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 9)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._aes().encrypt(nonce, plain, _CONTEXT)
        value = PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        if len(value) > MAX_CHARACTERS:
            raise Refused(
                f"a secret with this session has {len(value)} characters, and a header takes {MAX_CHARACTERS}",
                status=400,
                code="session_too_large",
                hint="leave long instructions and tools to the agent file, or send them with session.update",
            )
        return value

    def open(self, value: str) -> Ticket:
        """Raises :class:`~vivavoce.errors.Refused` (401) for one that is not ours or has expired."""
        from cryptography.exceptions import InvalidTag

        try:
            body = value.removeprefix(PREFIX)
            if len(value) > MAX_CHARACTERS or not body.isascii():
                raise _invalid()
            sealed = base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True)
            plain = self._aes().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _CONTEXT)
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise _invalid() from error
        key_name, agent, session, expires_at = json.loads(zlib.decompressobj().decompress(plain, _PLAIN_BYTES))
        if self._now_s() >= expires_at:
            raise Refused("this secret has expired", status=401, code="secret_expired", hint="ask for a new one")
        return Ticket(key_name, agent, session, expires_at)

    def _aes(self) -> AESGCM:
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._key)
        return self._cipher


def _invalid() -> Refused:
    hint = "it was made by another server, or by this one before it was started again"
    return Refused("this secret is not valid here", status=401, code="invalid_api_key", hint=hint)
