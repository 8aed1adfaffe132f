"""Before a stream: who asks, for which model, and whether there is room. And how the service says no."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from vivavoce.emulator import complaints
from vivavoce.emulator.catalogue import Generation
from vivavoce.emulator.faults import FaultKind
from vivavoce.emulator.rules import Rules
from vivavoce.errors import UsageError
from vivavoce.wire.bedrock import model_id_of
from vivavoce.wire.sigv4 import (
    EventVerifier,
    HeaderList,
    Keys,
    Refused,
    amazon_date,
    bearer_token,
    epoch_ms,
    verify_request,
)

CLOCK_TOLERANCE_S = 300
_ERROR_NAMESPACE = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
_WELL_FORMED = "UnrecognizedClientException"
"""What verification says of a request that is in order but for its key being nobody's."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in place of a stream. ``error`` is the service's name for it."""

    status: int
    error: str
    message: str

    def headers(self) -> list[tuple[str, str]]:
        return [
            (":status", str(self.status)),
            ("content-type", "application/json"),
            ("x-amzn-errortype", self.error + _ERROR_NAMESPACE),
        ]

    def body(self) -> bytes:
        return msgspec.json.encode({"message": self.message})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A stream may open. ``verifier`` checks its events, where their key is known; ``signed``: they have to be."""

    generation: Generation
    verifier: EventVerifier | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Whom the emulator lets in.

    Without ``keys`` it takes every request whose authorization has the right form: it has no secret to check any with.
    With them it knows those keys alone and checks the signature of each request and of each event; bearer tokens must
    then be among ``tokens``.
    """

    now: Callable[[], datetime]
    keys: Mapping[str, Keys] = field(default_factory=dict)
    tokens: frozenset[str] = field(default=frozenset(), repr=False)
    tolerance_s: int = CLOCK_TOLERANCE_S

    @property
    def verifies(self) -> bool:
        return bool(self.keys or self.tokens)

    def check(self, headers: HeaderList) -> EventVerifier | Refusal | None:
        """A verifier for the events if there is one to be had."""
        token = bearer_token(headers)
        if token is not None:
            return self._bearer(token)
        now_ms = epoch_ms(self.now())
        verdict = verify_request(headers, self.keys.get, now_ms=now_ms, tolerance_s=self.tolerance_s)
        if isinstance(verdict, Refused):
            if not self.verifies and verdict.error == _WELL_FORMED:
                return None
            return Refusal(403, verdict.error, verdict.message)
        return EventVerifier(self.keys[verdict.access_key], verdict.region, verdict.seed)

    def _bearer(self, token: str) -> Refusal | None:
        """Events under a token are not verified: they may be unsigned, and a signed one does not say whose key."""
        if not token or (self.verifies and token not in self.tokens):
            return Refusal(
                403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid."
            )
        return None


def admit(headers: HeaderList, access: Access, rules: Rules, open_streams: int) -> Admitted | Refusal:
    """``open_streams`` are those there are already."""
    given = dict(headers)
    model_id = model_id_of(given.get(":path", ""))
    if given.get(":method") != "POST" or model_id is None:
        return Refusal(404, "UnknownOperationException", "")
    verifier = access.check(headers)
    if isinstance(verifier, Refusal):
        return verifier
    generation = rules.models.get(model_id)
    if generation is None:
        return Refusal(400, "ValidationException", complaints.MODEL_UNKNOWN)
    if open_streams >= rules.concurrency:
        return Refusal(429, "ThrottlingException", complaints.THROTTLED)
    return Admitted(generation, verifier, signed=verifier is not None)


def fault_refusal(kind: FaultKind, now: datetime) -> Refusal | None:
    """What a fault before the stream answers with; None for one that only delays."""
    match kind:
        case FaultKind.HTTP_400:
            return Refusal(400, "ValidationException", complaints.MODEL_UNKNOWN)
        case FaultKind.HTTP_403:
            return Refusal(403, "AccessDeniedException", complaints.MODEL_DENIED)
        case FaultKind.HTTP_429:
            return Refusal(429, "ThrottlingException", complaints.THROTTLED)
        case FaultKind.HTTP_500:
            return Refusal(500, "InternalServerException", complaints.UNEXPECTED)
        case FaultKind.HTTP_503:
            return Refusal(503, "ServiceUnavailableException", complaints.NOT_AVAILABLE)
        case FaultKind.EXPIRED_TOKEN:
            return Refusal(403, "ExpiredTokenException", complaints.TOKEN_EXPIRED)
        case FaultKind.CLOCK_SKEW:
            return Refusal(403, "InvalidSignatureException", _too_old(now))
        case _:
            return None


def _too_old(now: datetime) -> str:
    now_ms = epoch_ms(now)
    bound = amazon_date(now_ms - CLOCK_TOLERANCE_S * 1000)
    then = amazon_date(now_ms - 3_600_000)
    minutes = CLOCK_TOLERANCE_S // 60
    return f"Signature expired: {then} is now earlier than {bound} ({amazon_date(now_ms)} - {minutes} min.)"


def read_key(text: str) -> Keys:
    """``ACCESS:SECRET`` or ``ACCESS:SECRET:TOKEN``. Raises :class:`UsageError`, which does not repeat it."""
    parts: Sequence[str] = text.split(":", 2)
    if len(parts) < 2 or not all(parts):
        raise UsageError("a key that is no ACCESS:SECRET", hint="for example AKIDEXAMPLE:a-made-up-secret")
    return Keys(*parts)
