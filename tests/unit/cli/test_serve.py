"""``vivavoce serve``: what it is set to, and what it says of what makes no sense; tests/contract runs it."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import pytest

from tests.unit.cli.agents import ANSWERS_ONCE, Command, write_agent
from vivavoce.agent.declaration import Agent
from vivavoce.cli.exits import Exit
from vivavoce.cli.serve import Announcement
from vivavoce.cli.serving import named
from vivavoce.cli.terminal import Terminal
from vivavoce.errors import UsageError
from vivavoce.server.desk import ServedAgent
from vivavoce.server.settings import ServerSettings
from vivavoce.server.telephony.settings import TelephonySettings, TwilioSettings

REFUSED = {
    (): "Missing argument 'AGENT...'",
    ("none",): "none",
    ("agent", "agent"): "two agents are named 'agent'",
    ("a=agent", "a=agent"): "two agents are named 'a'",
    ("agent", "--host", "0.0.0.0"): "without API keys would let anybody in",
    ("agent", "--host", "::"): "without API keys would let anybody in",
    ("agent", "--host", "192.0.2.1", "--config", "keyed.toml"): "cannot listen on 192.0.2.1:",
    ("agent", "--tls-cert", "cert.pem"): "TLS needs two files",
    ("agent", "--tls-cert", "cert.pem", "--tls-key", "none.pem"): "none.pem is not there",
    ("agent", "--tls-cert", "cert.pem", "--tls-key", "cert.pem"): "are no certificate and its key",
    ("agent", "--config", "none.toml"): "none.toml cannot be read",
    ("agent", "--config", "wrong.toml"): "unknown field `hots`",
    ("agent", "--config", "quota.toml"): "[quotas.nova-3] is for a model that is not known",
    ("agent", "--config", "nobody.toml"): "the budget 'day' is for an agent 'desk', which is not served",
    ("agent", "--config", "cheaper.toml"): "the budget 'day' goes on with no model of the agents served",
    ("agent", "--config", "other.toml"): "the API key 'shop' is for an agent 'desk', which is not served",
    ("agent", "--model", "gpt"): "Invalid value for '--model'",
    ("agent", "--model", "local", "--endpoint", "https://127.0.0.1"): "--endpoint and --ca are for a model",
    ("agent", "--var", "x"): "is no NAME=VALUE",
    ("agent", "--workers", "0"): "Invalid value for '--workers'",
    ("agent", "--drain-s", "-1"): "Invalid value for '--drain-s'",
}


@pytest.mark.parametrize("options", REFUSED, ids=" ".join)
def test_what_makes_no_sense_is_told_before_anything_is_served(
    vivavoce: Command, tmp_path: Path, options: tuple[str, ...]
) -> None:
    write_agent(tmp_path / "agent", ANSWERS_ONCE)
    (tmp_path / "wrong.toml").write_text("hots = 1")
    (tmp_path / "keyed.toml").write_text(f"[[keys]]\nname = 'shop'\nsha256 = '{'0' * 64}'")
    (tmp_path / "quota.toml").write_text("[quotas.nova-3]\nsessions = 1")
    (tmp_path / "other.toml").write_text(f"[[keys]]\nname = 'shop'\nsha256 = '{'0' * 64}'\nagents = ['desk']")
    budget = "[[budgets]]\nname = 'day'\nmost = '5'\n"
    (tmp_path / "nobody.toml").write_text(f"{budget}agent = 'desk'")
    (tmp_path / "cheaper.toml").write_text(f"{budget}downgrade_at = 0.5\ndowngrade_to = 'small'")
    (tmp_path / "cert.pem").write_text("no certificate")
    ran = vivavoce("serve", *options)
    assert ran.code == Exit.SETUP
    assert REFUSED[options] in " ".join(ran.err.split())


@pytest.mark.parametrize(
    ("argument", "name", "path"),
    [
        ("agents/front desk", "front-desk", "agents/front desk"),
        ("agents/Desk", "desk", "agents/Desk"),
        ("agents/Desk/agent.toml", "desk", "agents/Desk/agent.toml"),
        ("sales.toml", "sales", "sales.toml"),
        (".", "here", "."),
        ("agent.toml", "here", "agent.toml"),
        ("Front_Desk=agents/Desk", "Front_Desk", "agents/Desk"),
        ("a=b=c", "a", "b=c"),
        ("odd=name", "odd-name", "odd=name"),
    ],
)
def test_an_agent_is_called_by_its_folder_its_file_or_the_name_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, name: str, path: str
) -> None:
    here = tmp_path / "here"
    for folder in ("agents/front desk", "agents/Desk", "odd=name"):
        (here / folder).mkdir(parents=True)
    monkeypatch.chdir(here)
    assert named(argument) == (name, Path(path))


def test_a_name_of_nothing_but_signs(tmp_path: Path) -> None:
    (tmp_path / "___").mkdir()
    with pytest.raises(UsageError, match="gives no name"):
        named(str(tmp_path / "___"))


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (ServerSettings(), "http://127.0.0.1:8000"),
        (ServerSettings(public_url="https://calls.example.com/"), "https://calls.example.com"),
        (ServerSettings(host="0.0.0.0"), f"http://{socket.gethostname()}:8000"),
    ],
)
def test_it_is_announced_by_an_address_that_others_can_use(
    settings: ServerSettings, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = msgspec.structs.replace(settings, telephony=TelephonySettings(twilio=TwilioSettings()))
    agent = ServedAgent("desk", Agent("The desk", ""), lambda _: [], ("scripted",))
    Announcement(Terminal(quiet=False), f"http://{settings.host}:8000", settings, [agent], as_json=False).make()
    said = capsys.readouterr()
    shown = said.out + said.err
    assert f"  a browser       {address}/\n" in shown
    assert f"  Twilio          {address}/twilio/voice/desk\n" in shown
    assert "plivo" not in shown
