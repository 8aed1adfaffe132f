"""The carriers of ``server.toml`` get their routes, and what makes no sense is told before anything is served."""

from __future__ import annotations

import pytest
from starlette.routing import Route, WebSocketRoute

from tests.unit.server.asgi import House
from vivavoce.errors import SetupFault, UsageError
from vivavoce.server.front import ways_in
from vivavoce.server.settings import ServerSettings
from vivavoce.server.telephony.settings import (
    AsteriskSettings,
    AudioSocketSettings,
    TelephonySettings,
    TwilioSettings,
)

PUBLIC = "https://calls.example.com"


def paths(settings: ServerSettings) -> set[str]:
    return {route.path for route in ways_in(House(settings).door) if isinstance(route, Route | WebSocketRoute)}


def test_only_what_is_set_up_is_there() -> None:
    twilio = TelephonySettings(twilio=TwilioSettings(), asterisk=AsteriskSettings())
    found = paths(ServerSettings(public_url=PUBLIC, telephony=twilio))
    assert {"/twilio/voice/{agent}", "/twilio/stream", "/asterisk"} <= found
    assert not any("telnyx" in path for path in found)
    assert not any("twilio" in path for path in paths(ServerSettings()))


def test_a_public_address_is_needed_for_carriers_alone() -> None:
    with pytest.raises(SetupFault, match="public address"):
        paths(ServerSettings(telephony=TelephonySettings(twilio=TwilioSettings())))
    paths(ServerSettings(telephony=TelephonySettings(audiosocket=AudioSocketSettings())))


def test_insecure_is_for_this_machine() -> None:
    telephony = TelephonySettings(twilio=TwilioSettings(insecure=True))
    paths(ServerSettings(public_url=PUBLIC, telephony=telephony))
    with pytest.raises(UsageError, match="not checked"):
        paths(ServerSettings(host="0.0.0.0", public_url=PUBLIC, telephony=telephony))


def test_an_address_that_is_none() -> None:
    with pytest.raises(SetupFault, match="no IP address"):
        AudioSocketSettings(allowed=("asterisk.example.com",))
