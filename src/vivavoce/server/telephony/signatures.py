"""Whether a request comes from the carrier. Pure: secrets and instants are arguments. Everything fails closed.

Each function returns, or raises :class:`~vivavoce.errors.Refused` with status 403: for a wrong signature, for none, and
for a secret that nobody set. The URL is the configured public one, since proxies change scheme, host and port.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from vivavoce.errors import NotAvailable, Refused

FRESH_S: Final = 300
"""A signature with a time in it is good for so long, either way."""
_DEFAULT_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}

Pairs = Sequence[tuple[str, str]]


def refused(why: str, hint: str = "") -> Refused:
    return Refused(why, status=403, code="signature_invalid", hint=hint)


def forms_of(url: str) -> tuple[str, ...]:
    """An address with its port and without, where that is the scheme's own: carriers sign either."""
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if parts.port not in (None, default):
        return (url,)
    others = (urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, f"{host}:{default}"))
    return tuple(dict.fromkeys((url, *others)))


def check_twilio(
    headers: Mapping[str, str], url: str, form: Pairs, body: bytes, *, auth_token: str, shared_key_secret: str
) -> None:
    """``form`` is a form's fields, empty for everything else; ``body`` counts where the address names its hash.

    Two ways to sign: with the account's token and SHA-1, and, where a Webhooks Rule says so, with a SharedKey and the
    algorithm that :data:`SIGNATURE_SETTINGS_HEADER` names. The helper's ``validate`` is not used: it tries port 80 for
    ``wss`` and cuts IPv6 addresses in two (twilio-python 9.13).
    """
    validator, multi, header, algorithm_of = twilio_helper()
    settings = headers.get(header, "")
    secret = shared_key_secret if settings else auth_token
    if not secret:
        raise refused(
            "this server cannot check Twilio's signature",
            "set the account's auth token, and the secret of the SharedKey if a Webhooks Rule signs with one",
        )
    named = dict(parse_qsl(urlsplit(url).query))
    digest = hashlib.sha256(body).hexdigest().encode()
    if "bodySHA256" in named and not hmac.compare_digest(digest, named["bodySHA256"].lower().encode()):
        raise refused("the body is not the one that Twilio signed")
    given = headers.get("x-twilio-signature", "").encode()
    algorithm = algorithm_of(settings)
    try:
        expected = [validator(secret).compute_signature(form_url, multi(form), algorithm) for form_url in forms_of(url)]
    except ValueError as error:
        raise refused("Twilio signed with an algorithm that is not known here") from error
    if not any(hmac.compare_digest(one.encode(), given) for one in expected):
        raise refused("this is not Twilio's signature", "is public_url the address that Twilio calls, scheme and all?")


def twilio_helper() -> tuple[Any, Any, str, Any]:
    """Raises :class:`~vivavoce.errors.NotAvailable`."""
    try:
        from twilio.request_validator import (  # type: ignore[import-untyped]
            SIGNATURE_SETTINGS_HEADER,
            RequestValidator,
            get_signature_algorithm,
        )
    except ImportError as error:
        hint = "install it with: pip install 'vivavoce[telephony]'"
        raise NotAvailable("calls by Twilio need the package twilio, which is not installed", hint=hint) from error
    return RequestValidator, _Multi, SIGNATURE_SETTINGS_HEADER.lower(), get_signature_algorithm


class _Multi:
    """A form's fields as the helper wants them: a name may have several values."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __iter__(self) -> Any:
        return iter([name for name, _ in self._pairs])

    def __len__(self) -> int:
        return len(self._pairs)

    def getall(self, name: str) -> list[str]:
        return [value for found, value in self._pairs if found == name]


def check_telnyx(headers: Mapping[str, str], body: bytes, *, public_key: str, now_s: float) -> None:
    """Ed25519 over ``timestamp|body`` (Telnyx's "Webhook signing"; telnyx-python, ``lib/webhook_verification.py``)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not public_key:
        raise refused("this server cannot check Telnyx's signature", "set the account's public key")
    timestamp = headers.get("telnyx-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now_s - int(timestamp[:12])) > FRESH_S:
        raise refused("Telnyx's signature is too old, or has no time", "is this machine's clock right?")
    try:
        signature = base64.b64decode(headers.get("telnyx-signature-ed25519", ""), validate=True)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(signature, timestamp.encode() + b"|" + body)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise refused("this is not Telnyx's signature", "is the public key this account's?") from error


def check_plivo(headers: Mapping[str, str], method: str, urls: Sequence[str], form: Pairs, *, auth_token: str) -> None:
    """Signature V3: HMAC-SHA256 over address, sorted parameters and nonce (plivo-python, ``utils/signature_v3.py``).
    Several signatures may come, with commas. ``urls`` are the forms of the address that may have been signed.
    """
    if not auth_token:
        raise refused("this server cannot check Plivo's signature", "set the auth token")
    nonce = headers.get("x-plivo-signature-v3-nonce", "")
    given = [one.strip().encode() for one in headers.get("x-plivo-signature-v3", "").split(",") if one.strip()]
    expected = [_plivo_signature(method, url, form, nonce, auth_token) for url in urls]
    if not nonce or not any(hmac.compare_digest(one, two) for one in expected for two in given):
        raise refused("this is not Plivo's signature", "is public_url the address that Plivo calls, scheme and all?")


def _plivo_signature(method: str, url: str, form: Pairs, nonce: str, auth_token: str) -> bytes:
    parts = urlsplit(url)
    base = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    query = parse_qsl(parts.query, keep_blank_values=True)
    if method == "GET":
        query, form = [*query, *form], ()
    sorted_query = "&".join(f"{name}={value}" for name, value in sorted(query))
    text = base
    if sorted_query or form:
        text += f"?{sorted_query}"
    if sorted_query and form:
        text += "."
    text += "".join(f"{name}{value}" for name, value in sorted(form))
    digest = hmac.new(auth_token.encode(), f"{text}.{nonce}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest)


def check_vonage(headers: Mapping[str, str], body: bytes, *, signature_secret: str, now_s: float) -> None:
    """A JWT with HS256 in ``Authorization``; its ``payload_hash`` is that of the body (Vonage's "Decoding signed
    webhooks"). What it says of a request without a body is not checked: the documents do not say it exactly enough.
    """
    jwt = jwt_module()
    if not signature_secret:
        raise refused("this server cannot check Vonage's signature", "set the account's signature secret")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    times: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["iat"]}
    try:
        claims = jwt.decode(token, signature_secret, algorithms=["HS256"], options=times)
        signed_s = float(claims["iat"])
        until_s = float(claims.get("exp", signed_s + FRESH_S))
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        raise refused("this is not Vonage's signature", "is the signature secret this account's?") from error
    if scheme.lower() != "bearer" or not signed_s - FRESH_S <= now_s <= min(until_s, signed_s + FRESH_S):
        raise refused("Vonage's signature is too old", "is this machine's clock right?")
    if body and not hmac.compare_digest(
        str(claims.get("payload_hash", "")).encode(), hashlib.sha256(body).hexdigest().encode()
    ):
        raise refused("the body is not the one that Vonage signed")


def jwt_module() -> Any:
    """Raises :class:`~vivavoce.errors.NotAvailable`."""
    try:
        import jwt
    except ImportError as error:
        hint = "install it with: pip install 'vivavoce[telephony]'"
        raise NotAvailable("calls by Vonage need the package PyJWT, which is not installed", hint=hint) from error
    return jwt
