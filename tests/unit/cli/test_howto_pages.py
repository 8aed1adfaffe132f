"""What the how-to pages tell people to write is an agent that holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.house.source import ROOT
from tests.unit.cli.agents import Command
from vivavoce import app
from vivavoce.agent.declaration import ModelChoice
from vivavoce.cli.exits import Exit
from vivavoce.wire.webhook import signature


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / "howto" / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_agent_of_ones_own_can_be_checked(vivavoce: Command, tmp_path: Path) -> None:
    page = "your-own-agent.md"
    assert vivavoce("init", "my-agent").code == Exit.OK
    agent = tmp_path / "my-agent"
    (function,) = blocks(page, "python")
    (agent / "tools.py").write_text(f"{(agent / 'tools.py').read_text('utf-8')}\n\n{function}", "utf-8")
    (tables,) = blocks(page, "toml")
    text = (agent / "agent.toml").read_text("utf-8")
    (agent / "agent.toml").write_text(text.replace("[limits]", f"{tables}\n[limits]"), "utf-8")
    (knowledge,) = blocks(page, "markdown")
    (agent / "knowledge" / "opening-hours.md").write_text(knowledge, "utf-8")
    told = vivavoce("check", "my-agent", "--json").told
    assert [proof for proof in told["proofs"] if not proof["holds"]] == []
    assert {"tool take_message", "tool book_table"} <= {proof["subject"] for proof in told["proofs"]}


@pytest.mark.parametrize("number", range(5))
def test_settings_for_a_text_model_are_understood(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_LLM_KEY", "secret")
    toml = blocks("a-text-model-of-yours.md", "toml")
    assert len(toml) == 5
    file = tmp_path / "agent.toml"
    file.write_text(f'name = "Tester"\ninstructions = "Be brief."\n{toml[number]}', "utf-8")
    for choice in app.read_agent(file, {}, None).models:
        assert app.make_model(app.NOBODY, ModelChoice(choice.name, choice.settings))


def test_call_control_is_an_agent_that_holds(
    vivavoce: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSFER_SECRET", "whsec")
    assert vivavoce("init", "my-agent").code == Exit.OK
    assert vivavoce("init", "my-agent/billing").code == Exit.OK
    control, approval = blocks("call-control.md", "toml")
    agent = tmp_path / "my-agent"
    tools = agent / "tools.py"
    tools.write_text(f'{tools.read_text("utf-8")}\n\ndef wipe_phone() -> None:\n    """Wipe it."""\n', "utf-8")
    text = (agent / "agent.toml").read_text("utf-8")
    (agent / "agent.toml").write_text(text.replace("[limits]", f"{approval}\n{control}\n[limits]"), "utf-8")
    told = vivavoce("check", "my-agent", "--json").told
    assert [proof for proof in told["proofs"] if not proof["holds"]] == []
    (listed,) = (proof["found"] for proof in told["proofs"] if proof["subject"] == "call control")
    page = (ROOT / "docs" / "howto" / "call-control.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(listed.split(", "))


def test_a_webhook_can_check_its_orders_as_the_page_says() -> None:
    (code,) = blocks("call-control.md", "python")
    page: dict[str, Any] = {}
    exec(code, page)  # the page's own example
    header = signature("whsec", 1_700_000_000, b"{}")
    assert page["is_ours"](header, b"{}", "whsec", 1_700_000_100.0)
    assert not page["is_ours"](header, b"{ }", "whsec", 1_700_000_100.0)
    assert not page["is_ours"](header, b"{}", "other", 1_700_000_100.0)
    assert not page["is_ours"](header, b"{}", "whsec", 1_700_009_000.0)
