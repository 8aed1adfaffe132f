from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.cli.agents import write_agent
from vivavoce import app
from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.errors import AgentFileError, NotAvailable, SetupFault
from vivavoce.events import ConnectionId
from vivavoce.model.local.model import LocalModel
from vivavoce.model.scripted import ScriptedModel


def now() -> datetime:
    return datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_calls_are_kept_here_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIVAVOCE_CALLS", raising=False)
    assert app.calls_folder() == Path("calls")
    monkeypatch.setenv("VIVAVOCE_CALLS", "")
    assert app.calls_folder() == Path("calls")
    monkeypatch.setenv("VIVAVOCE_CALLS", "/var/calls")
    assert app.calls_folder() == Path("/var/calls")


def test_every_kind_of_model_says_what_it_is() -> None:
    for name, kind in app.MODEL_KINDS.items():
        assert kind.name == name
        assert len(kind.description) > 40
        assert kind.remote or kind.why_not_here() == ""


def test_a_model_that_a_provider_runs_says_what_is_missing_and_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "environment", dict)
    assert app.REMOTE_MODELS == ("nova-2-sonic", "nova-2-5-sonic", "nova-sonic")
    for name in app.REMOTE_MODELS:
        reason = app.MODEL_KINDS[name].why_not_here()
        assert "no AWS credentials" in reason
        assert "vivavoce emulate" in reason


def test_models_are_made_by_name(tmp_path: Path) -> None:
    script = write_agent(tmp_path) / "script.toml"
    local = app.make_model(app.NOBODY, ModelChoice("local"), now)
    scripted = app.make_model(app.NOBODY, ModelChoice("scripted", {"script": str(script)}), now)
    assert isinstance(local, LocalModel)
    assert isinstance(scripted, ScriptedModel)
    assert (local.profile.simulated, scripted.profile.simulated) == (False, True)
    assert local.session(ConnectionId(1)) is not None


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (ModelChoice("nova"), "there is no model named 'nova'"),
        (ModelChoice("local", {"sped": 2}), "sped"),
        (ModelChoice("scripted"), "has one setting, script"),
        (ModelChoice("scripted", {"script": 7}), "has one setting, script"),
        (ModelChoice("scripted", {"script": "x.toml", "speed": 2}), "has one setting, script"),
        (ModelChoice("scripted", {"script": "gone.toml"}), "gone.toml cannot be read"),
    ],
)
def test_models_that_cannot_be_made(choice: ModelChoice, why: str) -> None:
    with pytest.raises(SetupFault, match=why) as raised:
        app.make_model(app.NOBODY, choice)
    assert raised.value.hint


def test_only_usable_models_are_used_in_order(tmp_path: Path) -> None:
    script = str(write_agent(tmp_path) / "script.toml")
    scripted = ModelChoice("scripted", {"script": script})
    agent = Agent("Tester", "", models=(ModelChoice("nova"), scripted, ModelChoice("local")))
    assert [model.profile.name for model in app.usable_models(agent)] == ["scripted", "local"]
    assert [model.profile.name for model in app.usable_models(agent, [ModelChoice("local")])] == ["local"]


def test_no_usable_model_gives_every_reason() -> None:
    agent = Agent("Tester", "", models=(ModelChoice("nova"), ModelChoice("scripted")))
    with pytest.raises(NotAvailable, match=r"nova: there is no model.*; scripted: the scripted model has") as raised:
        app.usable_models(agent)
    assert raised.value.hint == "vivavoce models"


def test_paths_in_settings_begin_in_the_agents_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    agent = write_agent(tmp_path / "agent") / "agent.toml"
    (choice,) = app.read_agent(agent, {}, None).models
    assert choice.settings == {"script": str(tmp_path / "agent" / "script.toml")}
    assert app.prove_agent(agent, {}, None).holds


def test_settings_that_are_no_paths_stay(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        'name = "Tester"\ninstructions = "Be brief."\n[[models]]\nname = "local"\n'
        '[models.settings]\nspeed = 1.5\nrecognizer = "ears"\nvoice_model = "/voices/a"\ndialogue = "embedded"\n',
        "utf-8",
    )
    (choice,) = app.read_agent(tmp_path / "agent.toml", {}, None).models
    assert choice.settings == {
        "speed": 1.5,
        "recognizer": str(tmp_path / "ears"),
        "voice_model": "/voices/a",
        "dialogue": "embedded",
    }


def test_an_agent_knows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = 'farewell = "Goodbye from {{ city }}."\n[variables]\ncity = { env = "TESTER_CITY" }\n'
    agent = write_agent(tmp_path, more=more) / "agent.toml"
    monkeypatch.setenv("TESTER_CITY", "Riverside")
    assert app.read_agent(agent, {}, None).farewell == "Goodbye from Riverside."
    assert app.read_agent(agent, {"city": "Springfield"}, None).farewell == "Goodbye from Springfield."
    monkeypatch.delenv("TESTER_CITY")
    with pytest.raises(AgentFileError, match="city"):
        app.read_agent(agent, {}, None)


def test_what_a_model_lacks_is_a_problem_of_the_agent(tmp_path: Path) -> None:
    agent = write_agent(tmp_path) / "agent.toml"
    (tmp_path / "script.toml").unlink()
    report = app.prove_agent(agent, {}, None)
    assert not report.holds
    assert "script.toml cannot be read" in str(report.proofs[-1].problems)


def test_a_policy_that_listens_needs_the_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = write_agent(tmp_path, more='[turns]\ninterruption = "hybrid"\n') / "agent.toml"
    report = app.prove_agent(agent, {}, None)
    assert report.holds
    assert [proof.detail for proof in report.proofs if proof.subject == "turns"] == [
        "hybrid: the voice detector is here"
    ]
    monkeypatch.setattr(app, "why_no_ear", lambda: "it is not installed")
    report = app.prove_agent(agent, {}, None)
    assert not report.holds
    assert report.agent is not None, "the file is good"
    with pytest.raises(NotAvailable, match="it is not installed"):
        app.read_agent(agent, {}, None)


def test_the_store_has_the_prices_that_calls_are_charged_by(tmp_path: Path) -> None:
    for _ in range(2):  # and has them once
        with app.open_records(tmp_path, None):
            pass
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        (kept,) = database.execute("select count(*) from prices where source != ''").fetchone()
    assert kept == sum(len(row.prices) for row in app.price_book().rows)


def test_example_data_is_fresh_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVAVOCE_EXAMPLE_DATA", "/mine")
    with app.fresh_example_data():
        folder = Path(os.environ["VIVAVOCE_EXAMPLE_DATA"])
        assert folder.is_dir()
        assert list(folder.iterdir()) == []
    assert not folder.exists()
    assert os.environ["VIVAVOCE_EXAMPLE_DATA"] == "/mine"
    monkeypatch.delenv("VIVAVOCE_EXAMPLE_DATA")
    with app.fresh_example_data():
        pass
    assert "VIVAVOCE_EXAMPLE_DATA" not in os.environ
