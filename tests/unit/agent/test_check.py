from __future__ import annotations

from pathlib import Path

from vivavoce.agent import Agent, ModelChoice
from vivavoce.agent.check import check_agent

GOOD = """
name = "A"
instructions = "Help {{ caller }}."
greeting = "Hello."
[variables]
caller = { required = true }
[[models]]
name = "far"
[[models]]
name = "near"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def far_is_missing(_: Agent | None, model: ModelChoice) -> str:
    return "no credentials here" if model.name == "far" else ""


def test_a_good_file_is_proved_part_by_part(tmp_path: Path) -> None:
    report = check_agent(write(tmp_path, GOOD), model_problem=far_is_missing)
    assert [(proof.subject, proof.holds) for proof in report.proofs] == [
        ("file", True),
        ("instructions", True),
        ("greeting", True),
        ("knowledge", True),
        ("rendering", True),
        ("model far", False),
        ("model near", True),
    ]
    assert str(report.proofs[5].problems[0]) == f"{tmp_path}/agent.toml:8: no credentials here"
    assert report.holds
    assert report.agent is not None
    assert report.agent.instructions == "Help <caller>."
    assert "stand-ins for caller" in report.proofs[4].detail


def test_variables_that_are_given_are_used(tmp_path: Path) -> None:
    report = check_agent(write(tmp_path, GOOD), variables={"caller": "Ann"})
    assert report.agent is not None
    assert report.agent.instructions == "Help Ann."


def test_without_any_model_no_call_can_be_taken(tmp_path: Path) -> None:
    report = check_agent(write(tmp_path, GOOD), model_problem=lambda *_: "not here")
    assert report.agent is not None
    assert not report.holds


def test_models_are_asked_about_this_agent(tmp_path: Path) -> None:
    def problem(agent: Agent | None, model: ModelChoice) -> str:
        return f"{model.name} for {agent.name if agent else 'nobody'}"

    for text, name in ((GOOD, "A"), (GOOD.replace("Hello.", "Hello {{ nobody_gives_this }}."), "nobody")):
        report = check_agent(write(tmp_path, text), model_problem=problem)
        assert report.proofs[-1].problems[0].message == f"near for {name}"


def test_each_problem_is_told_once_where_it_belongs(tmp_path: Path) -> None:
    text = 'name = "A"\ninstructions = "{{ x }}"\n[[tools]]\nfunction = "gone:f"\n[variables]\ny = { env = "Y" }\n'
    report = check_agent(write(tmp_path, text))
    wrong = {
        proof.subject: [problem.where[-1] for problem in proof.problems] for proof in report.proofs if not proof.holds
    }
    assert wrong == {"instructions": ["2"], "tool gone:f": ["4"], "rendering": ["6"]}
    assert report.agent is None
    assert not report.holds


def test_a_file_that_cannot_be_read_is_a_report_too(tmp_path: Path) -> None:
    for path in (write(tmp_path, "name ="), tmp_path / "gone.toml"):
        report = check_agent(path)
        assert [proof.subject for proof in report.proofs] == ["file"]
        assert not report.holds
