"""What each carrier needs to be set up. A carrier that is None has no routes.

``insecure`` lets anybody in and is for tests on this machine. Without it, a carrier without its secret lets nobody in:
its routes say so. No text of these values shows a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from vivavoce.errors import SetupFault


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """``auth_token`` is the account's. ``shared_key_secret`` is that of the SharedKey, if a Webhooks Rule signs with
    one. ``account_sid`` is for the REST interface alone.
    """

    auth_token: str = field(default="", repr=False)
    shared_key_secret: str = field(default="", repr=False)
    account_sid: str = ""
    api_url: str = "https://api.twilio.com"
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class TelnyxSettings:
    """``public_key`` is the account's for webhooks, in base64. ``api_key`` ends calls; without it, they end when the
    TeXML does.
    """

    public_key: str = ""
    api_key: str = field(default="", repr=False)
    api_url: str = "https://api.telnyx.com"
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class PlivoSettings:
    """``auth_token`` checks signatures; with ``auth_id`` it ends calls. ``transfer_url`` is that of
    :class:`~vivavoce.channel.telephony.control.PlivoControl`.
    """

    auth_id: str = ""
    auth_token: str = field(default="", repr=False)
    transfer_url: str = ""
    api_url: str = "https://api.plivo.com"
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class VonageSettings:
    """``signature_secret`` is the account's. ``application_id`` and ``private_key`` (PEM) end calls by REST."""

    signature_secret: str = field(default="", repr=False)
    application_id: str = ""
    private_key: str = field(default="", repr=False)
    rate_hz: int = 16_000
    api_url: str = "https://api.nexmo.com"
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """``username`` and ``password`` are those of Asterisk's ``websocket_client.conf``."""

    username: str = "asterisk"
    password: str = field(default="", repr=False)
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class TelephonySettings:
    """``public_url`` is what the carriers call this server by, up to its own paths: ``https://calls.example.com``.
    Signatures are over it, so it is never taken from a request. Raises :class:`~vivavoce.errors.SetupFault`.
    """

    public_url: str
    twilio: TwilioSettings | None = None
    telnyx: TelnyxSettings | None = None
    plivo: PlivoSettings | None = None
    vonage: VonageSettings | None = None
    asterisk: AsteriskSettings | None = None

    def __post_init__(self) -> None:
        hint = "write it as https://calls.example.com, the address that the carriers know"
        try:
            url = urlsplit(self.public_url)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError as error:
            raise SetupFault(f"{self.public_url!r} is no public address for carriers", hint=hint) from error
        if not usable or url.query or url.fragment or url.username:
            raise SetupFault(f"{self.public_url!r} is no public address for carriers", hint=hint)
