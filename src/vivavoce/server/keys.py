"""API keys: made once, kept as hashes, and what each may do.

A key has 256 bits from the system's generator, so one round of SHA-256 is as good a hash as any: nobody can guess what
to hash. (A password would need a slow one.)
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vivavoce.errors import Refused
from vivavoce.server.admission import Bounds
from vivavoce.server.settings import SCOPES, KeyLine

PREFIX = "vv_"
_ENTROPY_BYTES = 32
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end. ``agents`` are those that may be called, empty for all. ``session_config`` is what an
    ``ek_`` secret says of the session, None for callers with a key; ``agent`` is the agent that the secret is for;
    ``tenant`` is whose calls they are.
    """

    name: str
    scopes: frozenset[str]
    bounds: Bounds = field(default_factory=Bounds)
    agents: frozenset[str] = frozenset()
    session_config: Mapping[str, object] | None = None
    agent: str = ""
    tenant: str = ""

    def require(self, scope: str) -> None:
        """Raises :class:`~vivavoce.errors.Refused` (403)."""
        if scope not in self.scopes:
            raise Refused(f"this API key may not be used for {scope!r}", status=403, code="scope_missing")

    def may_call(self, name: str) -> bool:
        return (not self.agents or name in self.agents) and self.agent in ("", name)

    def require_agent(self, name: str) -> None:
        """Raises :class:`~vivavoce.errors.Refused` (403)."""
        if not self.may_call(name):
            raise Refused(f"this API key may not call {name!r}", status=403, code="agent_not_allowed")


ANYONE = Caller("", frozenset(SCOPES))
"""Whoever is on this machine, where there are no keys."""


class Keyring:
    """The keys that are let in."""

    def __init__(self, keys: Sequence[KeyLine]) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def holder_of(self, key: str) -> Caller | None:
        """Takes as long for every key, right or wrong."""
        digest = hash_of(key[:_LONGEST])
        found: KeyLine | None = None
        for line in self._keys:
            if hmac.compare_digest(line.sha256, digest):
                found = line
        return None if found is None else _caller(found)

    def named(self, name: str) -> Caller | None:
        """Whoever made a secret, if that key is still there."""
        return next((_caller(line) for line in self._keys if line.name == name), None)


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(_ENTROPY_BYTES)


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _caller(line: KeyLine) -> Caller:
    bounds = Bounds(line.name, line.max_calls, line.calls_per_minute)
    return Caller(line.name, frozenset(line.scopes), bounds, frozenset(line.agents), tenant=line.tenant)
