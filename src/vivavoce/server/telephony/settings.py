"""What each carrier needs to be set up: the tables ``[telephony.twilio]`` and so on of ``server.toml``.

A carrier that is None has no routes. ``insecure`` lets anybody in and is for tests on this machine. Without it, a
carrier without its secret lets nobody in: its routes say so. No text of these values shows a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from vivavoce.errors import SetupFault

FROM_ENVIRONMENT, FROM_FILE = "env:", "file:"
MAX_SECRET_BYTES = 65_536


class _Settings(Struct, frozen=True, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class TwilioSettings(_Settings, frozen=True):
    """``auth_token`` is the account's. ``shared_key_secret`` is that of the SharedKey, if a Webhooks Rule signs with
    one. With ``account_sid`` it also makes calls, and hands them over.
    """

    auth_token: str = ""
    shared_key_secret: str = ""
    account_sid: str = ""
    api_url: str = "https://api.twilio.com"
    insecure: bool = False


class TelnyxSettings(_Settings, frozen=True):
    """``public_key`` is the account's for webhooks, in base64. ``api_key`` ends calls and hands them over; without it,
    they end when the TeXML does. ``account_sid`` and ``application_id`` are for calls that are made, and the first for
    handing over with a summary.
    """

    public_key: str = ""
    api_key: str = ""
    account_sid: str = ""
    application_id: str = ""
    api_url: str = "https://api.telnyx.com"
    insecure: bool = False


class PlivoSettings(_Settings, frozen=True):
    """``auth_token`` checks signatures; with ``auth_id`` it makes, ends and hands over calls."""

    auth_id: str = ""
    auth_token: str = ""
    api_url: str = "https://api.plivo.com"
    insecure: bool = False


class VonageSettings(_Settings, frozen=True):
    """``signature_secret`` is the account's. ``application_id`` and ``private_key`` (PEM) make, end and hand over
    calls.
    """

    signature_secret: str = ""
    application_id: str = ""
    private_key: str = ""
    rate_hz: int = 16_000
    api_url: str = "https://api.nexmo.com"
    insecure: bool = False


class AsteriskSettings(_Settings, frozen=True):
    """``username`` and ``password`` are those of Asterisk's ``websocket_client.conf``."""

    username: str = "asterisk"
    password: str = ""
    insecure: bool = False


class AudioSocketSettings(_Settings, frozen=True):
    """Where Asterisk's AudioSocket connections are taken, from which addresses, and for which agent: the first one if
    it is not named.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9092
    agent: str = ""
    allowed: tuple[str, ...] = ("127.0.0.1", "::1")

    def __post_init__(self) -> None:
        for address in self.allowed:
            try:
                ip_address(address)
            except ValueError as error:
                raise SetupFault(f"telephony.audiosocket.allowed: {address!r} is no IP address") from error


CarrierSettings = TwilioSettings | TelnyxSettings | PlivoSettings | VonageSettings | AsteriskSettings


class TelephonySettings(_Settings, frozen=True):
    """The table ``[telephony]``. Calls are made to numbers that begin with one of ``outbound_prefixes`` alone, and each
    API key may make ``outbound_per_minute`` of them.
    """

    twilio: TwilioSettings | None = None
    telnyx: TelnyxSettings | None = None
    plivo: PlivoSettings | None = None
    vonage: VonageSettings | None = None
    asterisk: AsteriskSettings | None = None
    audiosocket: AudioSocketSettings | None = None
    outbound_prefixes: tuple[Annotated[str, Meta(pattern=r"^\+[0-9]{0,14}\Z")], ...] = ()
    outbound_per_minute: Annotated[int, Meta(ge=1)] = 10

    @property
    def any_carrier(self) -> bool:
        """Whether anybody has to know an address of ours."""
        return any(carrier is not None for carrier in self._carriers)

    @property
    def lets_anybody_in(self) -> bool:
        return any(carrier is not None and carrier.insecure for carrier in self._carriers)

    @property
    def _carriers(self) -> tuple[CarrierSettings | None, ...]:
        return (self.twilio, self.telnyx, self.plivo, self.vonage, self.asterisk)


def with_secrets(settings: TelephonySettings, environment: Mapping[str, str], folder: Path) -> TelephonySettings:
    """``env:NAME`` stands for a variable of the environment, ``file:PATH`` for what a file holds; paths begin in
    ``folder``. Raises :class:`~vivavoce.errors.SetupFault` for one that is not there.
    """
    carriers = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return msgspec.structs.replace(
        settings,
        **{
            name: msgspec.structs.replace(carrier, **_looked_up(name, carrier, environment, folder))
            for name, carrier in carriers.items()
            if isinstance(carrier, _Settings)
        },
    )


def _looked_up(carrier: str, own: Struct, environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    return {
        name: _value(f"telephony.{carrier}.{name}", value, environment, folder)
        for name in own.__struct_fields__
        if isinstance(value := getattr(own, name), str)
    }


def _value(setting: str, value: str, environment: Mapping[str, str], folder: Path) -> str:
    if value.startswith(FROM_ENVIRONMENT):
        name = value.removeprefix(FROM_ENVIRONMENT)
        if not environment.get(name):
            raise SetupFault(f"{setting} is to come from the environment, and {name} is not set there")
        return environment[name]
    if value.startswith(FROM_FILE):
        path = folder / value.removeprefix(FROM_FILE)
        try:
            with path.open("rb") as file:
                return file.read(MAX_SECRET_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SetupFault(f"{setting} is to come from {path}, which cannot be read") from error
    return value
