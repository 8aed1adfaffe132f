"""Carriers' settings as a file has them, and where their secrets come from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from vivavoce.errors import SetupFault
from vivavoce.server.telephony.settings import TelephonySettings, TwilioSettings, VonageSettings, with_secrets


def read(table: object) -> TelephonySettings:
    return msgspec.convert(table, TelephonySettings)


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN\n")
    table = {
        "twilio": {"auth_token": "env:TWILIO_AUTH_TOKEN", "account_sid": "AC1"},
        "vonage": {"private_key": "file:key.pem", "rate_hz": 8000},
    }
    settings = with_secrets(read(table), {"TWILIO_AUTH_TOKEN": "secret"}, tmp_path)
    assert settings.twilio == TwilioSettings(auth_token="secret", account_sid="AC1")
    assert settings.vonage == VonageSettings(private_key="-----BEGIN", rate_hz=8000)
    assert settings.plivo is None
    assert "secret" not in f"{settings} {settings.twilio!r}"


def test_what_is_no_carrier_stays_as_it_is(tmp_path: Path) -> None:
    settings = with_secrets(read({"outbound_prefixes": ["+1", "+49"], "twilio": {}}), {}, tmp_path)
    assert settings == TelephonySettings(TwilioSettings(), outbound_prefixes=("+1", "+49"))
    assert settings.any_carrier
    assert not TelephonySettings(outbound_prefixes=("+1",)).any_carrier


@pytest.mark.parametrize(
    "table", [{"outbound_prefixes": ["1"]}, {"outbound_prefixes": [""]}, {"outbound_per_minute": 0}]
)
def test_what_would_let_too_much_through(table: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(table)


@pytest.mark.parametrize("value", ["env:NOT_SET", "env:EMPTY", "file:not-there"])
def test_a_secret_that_is_not_there(tmp_path: Path, value: str) -> None:
    with pytest.raises(SetupFault, match=r"telephony\.plivo\.auth_token"):
        with_secrets(read({"plivo": {"auth_token": value}}), {"EMPTY": ""}, tmp_path)


def test_an_unknown_setting() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        read({"twilio": {"token": ""}})
