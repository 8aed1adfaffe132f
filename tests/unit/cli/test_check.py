from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.agents import Command, write_agent
from vivavoce.cli.exits import Exit


def test_a_good_agent(vivavoce: Command, tmp_path: Path) -> None:
    ran = vivavoce("check", write_agent(tmp_path / "agent", tool="return what"))
    assert (ran.code, ran.err) == (Exit.OK, "")
    assert all(line.startswith("ok   ") for line in ran.out.splitlines()[:-2])
    assert ran.out.splitlines()[-1] == "This agent can take calls here."


def test_json(vivavoce: Command, tmp_path: Path) -> None:
    told = vivavoce("check", write_agent(tmp_path / "agent"), "--json").told
    assert told["holds"] is True
    assert told["agent_file"].endswith("agent.toml")
    assert {proof["subject"] for proof in told["proofs"]} >= {"file", "model scripted"}
    assert set(told["proofs"][0]) == {"subject", "holds", "found", "doubt", "problems"}


def test_every_problem_is_told_with_its_line(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", tool="return what", more='greting = "Hi."\nlanguge = "en"\n')
    ran = vivavoce("check", agent)
    assert ran.code == Exit.SETUP
    assert 'unknown key "greting" (did you mean greeting?)' in ran.out
    assert "languge" in ran.out
    assert ran.out.count("agent.toml:") >= 2
    assert ran.out.splitlines()[-1] == "This agent cannot take calls here yet."
    assert vivavoce("check", agent, "--json").told["holds"] is False


def test_a_tool_that_cannot_be_imported(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", tool="return what")
    (agent / "tools.py").write_text("import nothing_of_this_name\n", "utf-8")
    ran = vivavoce("check", agent)
    assert (ran.code, ran.err) == (Exit.SETUP, "")
    assert "nothing_of_this_name" in ran.out


def test_a_model_that_is_not_there(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    (agent / "script.toml").unlink()
    ran = vivavoce("check", agent)
    assert ran.code == Exit.SETUP
    assert "script.toml cannot be read" in ran.out


def test_a_model_that_does_not_fit_the_agent(vivavoce: Command, tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        'name = "A"\ninstructions = "Be brief."\nlanguage = "de"\nvoice = "sherpa:0"\n[[models]]\nname = "local"\n'
        '[models.settings]\nrecognizer = "gone"\n[[models]]\nname = "local"\n[models.settings]\nspeed = 9\n',
        "utf-8",
    )
    ran = vivavoce("check", tmp_path)
    assert ran.code == Exit.SETUP
    for told in ("speaks English, not 'de'", "voice 'sherpa:0' needs a model", f"{tmp_path}/gone", "setting 'speed'"):
        assert told in ran.out


def test_no_such_agent(vivavoce: Command) -> None:
    ran = vivavoce("check", "nowhere")
    assert ran.code == Exit.SETUP
    assert "BAD  file\n     nowhere: there is no such file" in ran.out
    assert "name an agent" in vivavoce("check").err


def test_what_an_imported_tool_prints_does_not_spoil_json(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", tool="return what")
    (agent / "tools.py").write_text(f'print("loading")\n{(agent / "tools.py").read_text("utf-8")}', "utf-8")
    assert vivavoce("check", agent, "--json").told["holds"] is True


def test_schema(vivavoce: Command) -> None:
    text = vivavoce("check", "--schema").out
    assert json.loads(text)["$schema"]
    assert vivavoce("check", "--schema", "--json").told == json.loads(text)


def test_a_limit_without_prices_is_doubted_and_holds(vivavoce: Command, tmp_path: Path) -> None:
    ran = vivavoce("check", write_agent(tmp_path / "agent", more='[limits.spend]\nmost = "0.50"\n'))
    assert ran.code == Exit.OK
    assert "???  spend: at most 0.50 USD, at prices of " in ran.out
    assert "the limit never ends a call" in ran.out


def test_a_tool_that_the_embedded_model_cannot_find_is_doubted_and_holds(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", tool="return what")
    assert "examples" not in vivavoce("check", agent).out
    text = (agent / "agent.toml").read_text("utf-8")
    (agent / "agent.toml").write_text(f'{text}[[models]]\nname = "local"\n', "utf-8")
    ran = vivavoce("check", agent)
    assert ran.code == Exit.OK
    assert "???  examples: " in ran.out
    assert "by name alone: act " in ran.out
    told = 'dialogue = "openai:http://127.0.0.1:11434/v1#llama3.2"'
    (agent / "agent.toml").write_text(f'{text}[[models]]\nname = "local"\nsettings = {{ {told} }}\n', "utf-8")
    assert "examples" not in vivavoce("check", agent).out


def test_what_call_control_lacks_is_told_beside_it(vivavoce: Command, tmp_path: Path) -> None:
    control = '[control.agents.billing]\nfile = "billing/agent.toml"\n'
    ran = vivavoce("check", write_agent(tmp_path / "agent", more=control))
    assert ran.code == Exit.SETUP
    assert "BAD  call control: switch_agent" in ran.out
    assert "there is no billing/agent.toml" in ran.out
    assert "ok   rendering" in ran.out


def test_what_the_agent_may_do_with_the_call_is_listed(vivavoce: Command, tmp_path: Path) -> None:
    control = '[control]\nnotes = true\n[control.transfer.desk]\nto = "+15550100"\n'
    ran = vivavoce("check", write_agent(tmp_path / "agent", more=control))
    assert "ok   call control: transfer_call, leave_note" in ran.out
