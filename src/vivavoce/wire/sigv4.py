"""AWS Signature Version 4: of a request, and of the events of its body, each signed over the one before.

Both sides: what a client signs and what a server verifies. Keys and instants are arguments; an instant is milliseconds
since 1970 in UTC. Names of headers are lower case, pseudo-headers of HTTP/2 among them: AWS's JavaScript SDK signs
``:authority`` by that name, its Python SDK signs ``host`` and sends ``:authority`` alone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote
from zlib import crc32

import msgspec

SERVICE: Final = "bedrock"
STREAMING_PAYLOAD: Final = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
"""Stands for the hash of a body that is signed event by event."""
DATE_HEADER: Final = ":date"
SIGNATURE_HEADER: Final = ":chunk-signature"

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST_MS: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
DATE_PREFIX: Final = b"\x05:date\x08"
SIGNATURE_PREFIX: Final = b"\x10:chunk-signature\x06\x00\x20"
_HEADERS_BYTES: Final = len(DATE_PREFIX) + 8 + len(SIGNATURE_PREFIX) + 32
_OUTER_OVERHEAD: Final = 12 + _HEADERS_BYTES + 4
_INT64: Final = Struct(">q")
_LENGTHS: Final = Struct(">II")
_UINT32: Final = Struct(">I")
_NOTHING_HASH: Final = hashlib.sha256(b"").hexdigest()
_SPACES: Final = re.compile(r"\s+")
_CREDENTIAL: Final = re.compile(r"([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request")

HeaderList = Sequence[tuple[str, str]]


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970 of an instant that knows its offset."""
    return (instant - _EPOCH) // _MILLISECOND


def amazon_date(instant_ms: int) -> str:
    """``20260102T030405Z``. Seconds are cut, not rounded."""
    return (_EPOCH + timedelta(seconds=instant_ms // 1000)).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key with its secret, and the token that comes with temporary ones. Its text shows no secret."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class Scope(NamedTuple):
    """What a derived key is good for."""

    day: str
    region: str
    service: str = SERVICE

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


@lru_cache(maxsize=64)
def signing_key(secret_key: str, scope: Scope) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_request(method: str, path: str, headers: HeaderList, payload_hash: str = STREAMING_PAYLOAD) -> str:
    """``headers`` are those that are signed, in the order of their names. ``path`` is as on the wire: what is encoded
    there is encoded once more here, as every service but S3 wants it."""
    path, _, query = path.partition("?")
    lines = [f"{name}:{_SPACES.sub(' ', value.strip())}\n" for name, value in headers]
    names = ";".join(name for name, _ in headers)
    encoded = quote(path, safe="/-_.~")
    return "\n".join((method, encoded, _canonical_query(query), "".join(lines), names, payload_hash))


def _canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs))


class SignedRequest(NamedTuple):
    """``headers`` go on the wire as they are; ``seed`` is the signature, before the first event's."""

    headers: list[tuple[str, str]]
    seed: str


def sign_request(
    keys: Keys, region: str, authority: str, path: str, headers: HeaderList, *, instant_ms: int, service: str = SERVICE
) -> SignedRequest:
    """Sign a POST whose body is events. All of ``headers`` and the host are signed. The host is not among the headers
    that come back: HTTP/2 has ``:authority`` for it."""
    date = amazon_date(instant_ms)
    sent = [*headers, ("x-amz-content-sha256", STREAMING_PAYLOAD), ("x-amz-date", date)]
    if keys.session_token is not None:
        sent.append(("x-amz-security-token", keys.session_token))
    signed = sorted([*sent, ("host", authority)])
    scope = Scope(date[:8], region, service)
    signature = _request_signature(keys.secret_key, scope, date, canonical_request("POST", path, signed))
    names = ";".join(name for name, _ in signed)
    authorization = f"{_ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return SignedRequest([*sent, ("authorization", authorization)], signature)


def _request_signature(secret_key: str, scope: Scope, date: str, canonical: str) -> str:
    text = "\n".join((_ALGORITHM, date, str(scope), hashlib.sha256(canonical.encode()).hexdigest()))
    return hmac.digest(signing_key(secret_key, scope), text.encode(), "sha256").hex()


class _Hmac:
    """HMAC-SHA-256 (RFC 2104) under a key of at most 64 bytes that signs often. ``hmac.digest`` looks the algorithm up
    in OpenSSL each time, which takes longer than the digest.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class _Chain:
    """The signatures of events in their order. Formats the date once a second and derives the key once a day."""

    def __init__(self, secret_key: str, region: str, seed: str, service: str) -> None:
        self._secret_key = secret_key
        self._region = region
        self._service = service
        self._prior = seed.encode()
        self._second = -1
        self._opening = b""
        self._sign = _Hmac(b"")

    def next(self, instant_ms: int, date_header: bytes, payload: bytes) -> bytes:
        """The signature that continues the chain; it is not continued by this."""
        second = instant_ms // 1000
        if second != self._second:
            self._begin_second(second)
        parts = (
            self._opening,
            self._prior,
            b"\n",
            hashlib.sha256(date_header).hexdigest().encode(),
            b"\n",
            hashlib.sha256(payload).hexdigest().encode(),
        )
        return self._sign.digest(b"".join(parts))

    def follow(self, signature: bytes) -> None:
        self._prior = signature.hex().encode()

    def _begin_second(self, second: int) -> None:
        date = amazon_date(second * 1000)
        scope = Scope(date[:8], self._region, self._service)
        self._sign = _Hmac(signing_key(self._secret_key, scope))
        self._opening = f"{_ALGORITHM}-PAYLOAD\n{date}\n{scope}\n".encode()
        self._second = second


class EventSigner:
    """Signs the events of one request. Each frame has to be sent in the order it was signed in."""

    def __init__(self, keys: Keys, region: str, seed: str, service: str = SERVICE) -> None:
        self._chain = _Chain(keys.secret_key, region, seed, service)

    def sign(self, payload: bytes, instant_ms: int) -> bytes:
        """The outer frame around ``payload``, which is an encoded message. An empty one says that no more will come."""
        date_header = DATE_PREFIX + _INT64.pack(instant_ms)
        signature = self._chain.next(instant_ms, date_header, payload)
        self._chain.follow(signature)
        lengths = _LENGTHS.pack(_OUTER_OVERHEAD + len(payload), _HEADERS_BYTES)
        crc = _UINT32.pack(crc32(lengths))
        whole = b"".join((lengths, crc, date_header, SIGNATURE_PREFIX, signature, payload))
        return whole + _UINT32.pack(crc32(whole))


class Refused(msgspec.Struct, frozen=True):
    """Why a request or an event is not what its sender signed. ``error`` is AWS's name for it; the HTTP status is
    403 with all of them."""

    error: str
    message: str


class Verified(msgspec.Struct, frozen=True):
    """A request that its key signed."""

    access_key: str
    region: str
    seed: str


class _Authorization(NamedTuple):
    access_key: str
    scope: Scope
    names: list[str]
    signature: str


# The sentences are those that AWS answers with; clients and people search for them.
_MISSING: Final = Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
_UNKNOWN_KEY: Final = Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
_MISMATCH: Final = Refused(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.",
)


def bearer_token(headers: HeaderList) -> str | None:
    """The token of a request that comes with one in place of a signature."""
    scheme, _, token = dict(headers).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def verify_request(
    headers: HeaderList,
    keys_of: Callable[[str], Keys | None],
    *,
    now_ms: int,
    tolerance_s: int = 300,
    service: str = SERVICE,
) -> Verified | Refused:
    """Check the request with these headers, ``:method``, ``:path`` and ``:authority`` among them. ``keys_of`` knows
    the secret of an access key, or says None."""
    given = _merged(headers)
    authorization = _read_authorization(given.get("authorization", ""))
    if isinstance(authorization, Refused):
        return authorization
    date = given.get("x-amz-date", "")
    refused = _check_scope(authorization.scope, date, service) or _check_clock(date, now_ms, tolerance_s)
    keys = keys_of(authorization.access_key)
    if keys is None:
        return _UNKNOWN_KEY
    if refused is not None:
        return refused
    if keys.session_token is not None and given.get("x-amz-security-token") != keys.session_token:
        return _UNKNOWN_KEY
    names = authorization.names
    if not {"host", ":authority"} & set(names):
        return Refused(
            "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    path = given.get(":path", "").removesuffix("?")  # the Python SDK's transport ends it so, and does not sign that
    payload = given.get("x-amz-content-sha256", STREAMING_PAYLOAD)
    signed = [(name, given.get(name, "")) for name in names]
    canonical = canonical_request(given.get(":method", "POST"), path, signed, payload)
    expected = _request_signature(keys.secret_key, authorization.scope, date, canonical)
    if not hmac.compare_digest(expected.encode(), authorization.signature.encode()) or not {"host", ":authority"} & set(
        names
    ):
        return _MISMATCH
    return Verified(authorization.access_key, authorization.scope.region, expected)


def _merged(headers: HeaderList) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in headers:
        given[name] = f"{given[name]},{value}" if name in given else value
    if ":authority" in given:
        given.setdefault("host", given[":authority"])
    return given


def _read_authorization(text: str) -> _Authorization | Refused:
    scheme, _, rest = text.partition(" ")
    if scheme != _ALGORITHM:
        return _MISSING
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    absent = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if absent:
        message = " ".join(f"Authorization header requires '{name}' parameter." for name in absent)
        return Refused("IncompleteSignatureException", message)
    credential = _CREDENTIAL.fullmatch(parts["Credential"])
    if credential is None:
        message = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
        return Refused("IncompleteSignatureException", message)
    access_key, *scope = credential.groups()
    return _Authorization(access_key, Scope(*scope), parts["SignedHeaders"].split(";"), parts["Signature"])


def _check_scope(scope: Scope, date: str, service: str) -> Refused | None:
    if scope.service != service:
        message = f"Credential should be scoped to correct service: '{service}'. "
        return Refused("InvalidSignatureException", message)
    if scope.day != date[:8]:
        message = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: {date!r}"
        return Refused("InvalidSignatureException", message)
    return None


def _check_clock(date: str, now_ms: int, tolerance_s: int) -> Refused | None:
    try:
        instant = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        message = "Date must be in ISO-8601 'basic format'"
        return Refused("IncompleteSignatureException", message)
    minutes = tolerance_s // 60
    now = amazon_date(now_ms)
    if epoch_ms(instant) < now_ms - tolerance_s * 1000:
        bound = amazon_date(now_ms - tolerance_s * 1000)
        message = f"Signature expired: {date} is now earlier than {bound} ({now} - {minutes} min.)"
        return Refused("InvalidSignatureException", message)
    if epoch_ms(instant) > now_ms + tolerance_s * 1000:
        bound = amazon_date(now_ms + tolerance_s * 1000)
        message = f"Signature not yet current: {date} is still later than {bound} ({now} + {minutes} min.)"
        return Refused("InvalidSignatureException", message)
    return None


class EventVerifier:
    """Checks the events of one request in their order. ``seed`` is the request's signature, or empty where a bearer
    token opened the request and the events are signed nevertheless: AWS's JavaScript SDK does so."""

    def __init__(self, keys: Keys, region: str, seed: str, service: str = SERVICE) -> None:
        self._chain = _Chain(keys.secret_key, region, seed, service)

    def verify(self, payload: bytes, instant_ms: int, signature: bytes) -> Refused | None:
        """None if this event follows. After a refusal no other will."""
        if not 0 <= instant_ms <= _LAST_MS:
            return _MISMATCH
        date_header = DATE_PREFIX + _INT64.pack(instant_ms)
        if not hmac.compare_digest(self._chain.next(instant_ms, date_header, payload), signature):
            return _MISMATCH
        self._chain.follow(signature)
        return None
