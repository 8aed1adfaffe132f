"""The settings file: what it takes, and what it says of what it does not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import SetupFault
from vivavoce.server.settings import BudgetLine, Quota, ServerSettings, finished, is_loopback, read_settings

HASH = "0" * 64
FULL = f"""
host = "0.0.0.0"
port = 0
tls_cert = "tls/cert.pem"
tls_key = "/etc/key.pem"
max_calls = 20
allowed_origins = ["https://shop.example"]
keys_file = "keys.toml"

[[keys]]
name = "shop"
sha256 = "{HASH}"
scopes = ["calls"]
agents = ["desk"]
max_calls = 3

[limits]
handshake_s = 2.5

[quotas.nova-2-sonic]
sessions = 20
"""


def read(folder: Path, text: str, keys: str = "") -> str:
    file = folder / "server.toml"
    file.write_text(text)
    (folder / "keys.toml").write_text(keys)
    with pytest.raises(SetupFault) as caught:
        finished(read_settings(file))
    return str(caught.value)


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text(FULL)
    (tmp_path / "keys.toml").write_text(f'[[keys]]\nname = "other"\nsha256 = "{HASH}"\n')
    settings = finished(read_settings(tmp_path / "server.toml"))
    assert settings.tls_cert == str(tmp_path / "tls/cert.pem"), "paths begin in the file's folder"
    assert settings.tls_key == "/etc/key.pem"
    assert [key.name for key in settings.keys] == ["shop", "other"]
    assert settings.keys[1].scopes == ("calls", "secrets")
    assert settings.limits.handshake_s == 2.5
    assert settings.quotas == {"nova-2-sonic": Quota(20)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hots = 1", "unknown field `hots`"),
        ("[limits]\nbody = 1", "unknown field `body` - at `.limits`"),
        ("port = 'x'", "Expected `int`, got `str` - at `.port`"),
        ("port = 70000", "at `.port`"),
        ("max_calls = 0", "at `.max_calls`"),
        ("websocket = 'mine'", "at `.websocket`"),
        ("[[keys]]\nname = 'shop'", "missing required field `sha256` - at `.keys[0]`"),
        (f"[[keys]]\nname = 'a b'\nsha256 = '{HASH}'", "at `.keys[0].name`"),
        ("[[keys]]\nname = 'shop'\nsha256 = 'vv_shop'", "at `.keys[0].sha256`"),
        (f"[[keys]]\nname = 'shop'\nsha256 = '{HASH}'\nscopes = ['all']", "at `.keys[0].scopes[0]`"),
        ("port = ", "is no TOML"),
        ("host = '0.0.0.0'", "without API keys would let anybody in"),
        ("tls_cert = 'cert.pem'", "TLS needs two files"),
        ("keys_file = 'none.toml'", "none.toml cannot be read"),
        (f"keys_file = 'keys.toml'\n[[keys]]\nname = 'shop'\nsha256 = '{HASH}'", "two API keys have the name 'shop'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in read(tmp_path, text, keys=f'[[keys]]\nname = "shop"\nsha256 = "{HASH}"\n')


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SetupFault, match="cannot be read"):
        read_settings(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupFault, match="is no TOML"):
        read_settings(tmp_path / "binary.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * 1_048_577)
    with pytest.raises(SetupFault, match="is larger than"):
        read_settings(tmp_path / "huge.toml")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1", "[::1]", "LOCALHOST.", "a.localhost"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.1.2", "localhost.example", "xlocalhost", "127.1"])
def test_not_this_machine_alone(host: str) -> None:
    assert not is_loopback(host)


def test_as_many_calls_as_the_processes_can_serve_unless_told() -> None:
    assert ServerSettings(workers=4).calls_at_once == 4 * ServerSettings().calls_at_once
    assert ServerSettings(workers=4, max_calls=7).calls_at_once == 7


WEBHOOK = """
[[webhooks]]
url = "{url}"
secret = "{secret}"
{more}
"""


def webhook(url: str, secret: str = "s" * 16, more: str = "") -> str:
    return WEBHOOK.format(url=url, secret=secret, more=more)


def test_webhooks_and_telemetry(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    more = 'plain_http = true\nagents = ["desk"]\nwords = true\n[telemetry]\ntraces = true\nspeech = true'
    file.write_text(webhook("http://crm.lan/calls", more=more))
    settings = finished(read_settings(file))
    (made,) = [line.made() for line in settings.webhooks]
    assert (made.url, made.secret, made.agents, made.words) == ("http://crm.lan/calls", "s" * 16, ("desk",), True)
    assert "ssss" not in repr(made)
    assert (settings.telemetry.traces, settings.telemetry.speech, settings.telemetry.otlp_endpoint) == (True, True, "")


def test_what_is_known_of_calls_goes_nowhere_in_the_clear(tmp_path: Path) -> None:
    said = read(tmp_path, webhook("http://crm.example.com/calls"))
    assert "it needs https://" in said
    assert "secret" in read(tmp_path, webhook("https://crm.example.com/calls", secret="short"))


@pytest.mark.parametrize("most", ["five", "0", "0.00", "-1", "1e3", ""])
def test_a_budget_of_no_amount_is_refused_by_its_name(most: str) -> None:
    with pytest.raises(SetupFault, match=r"the budget 'acme' has the amount"):
        finished(ServerSettings(budgets=(BudgetLine(name="acme", most=most),)))
