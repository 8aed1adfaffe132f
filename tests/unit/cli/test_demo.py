from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.agents import Command, write_agent, write_tone
from tests.unit.cli.test_report import a_report, a_turn
from vivavoce.agent.declaration import Agent, Knowledge
from vivavoce.audio.files import read_audio
from vivavoce.channel.wav import Manners
from vivavoce.cli.demo import knowledge_answers
from vivavoce.cli.exits import Exit
from vivavoce.demo import TODAY, DemoUtterance, demo_agent, demo_caller

HOURS = "# Hours\n\nOn Saturday, sales is open from 9 in the morning. We are closed on Sunday.\n"


def said(*sentences: str) -> int:
    turn = a_turn(1, "question", agent=sentences)
    agent = Agent("Tester", "", knowledge=(Knowledge("hours.md", HOURS),))
    return knowledge_answers(a_report(turn, a_turn(2, "another")), agent)


def test_a_knowledge_answer_is_a_whole_sentence_of_the_knowledge() -> None:
    assert said("On Saturday, sales is open from 9 in the morning.", "Anything else?") == 1
    assert said("on saturday sales is open from 9 in the morning!", "We are closed on Sunday.") == 1
    assert said("On Saturday, sales is open.") == 0
    assert said("Hours") == 0


def test_the_caller_ships_with_the_package() -> None:
    rows = demo_caller()
    assert len(rows) >= 5
    assert all(read_audio(row.path).duration_ms > 300 for row in rows)
    assert any(row.barge_in_after_ms for row in rows)


def test_it_is_a_monday_in_2026() -> None:
    assert f"{TODAY:%A %Y}" == "Monday 2026"
    assert demo_agent().name == "agent.toml"


def test_the_demo_records_and_counts(vivavoce: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a script in the place of the embedded model and one tone for a caller: everything but the speech."""
    agent = write_agent(tmp_path / "agent") / "agent.toml"
    tone = write_tone(tmp_path / "tone.wav")
    monkeypatch.setattr("vivavoce.cli.demo.demo_agent", lambda: agent)
    monkeypatch.setattr("vivavoce.cli.demo.demo_caller", lambda: [DemoUtterance(str(tone), "hello")])
    monkeypatch.setattr("vivavoce.cli.demo.SPEED", 100.0)
    ran = vivavoce("demo")
    assert (ran.code, ran.err) == (Exit.OK, "")
    assert ran.out.startswith("A recorded caller calls Tester on Monday, 2 March 2026.\n")
    assert "audio.wav (caller left, agent right)" in ran.out
    assert "talk agent" in ran.out, "how to talk oneself"
    told = vivavoce("demo", "--json").told
    assert told["knowledge_answers"] == 0
    assert Path(told["files"]["recording"]).exists()


@pytest.mark.slow
def test_the_real_demo(vivavoce: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """In half its time, so without its latencies, and with a caller who takes no pause of a busy machine for an end."""
    monkeypatch.setattr("vivavoce.cli.demo.SPEED", 2.0)
    monkeypatch.setattr("vivavoce.cli.demo.MANNERS", Manners(patience_ms=4000))
    ran = vivavoce("demo", "--json")
    assert (ran.code, ran.err) == (Exit.OK, "")
    told = ran.told
    assert len(told["turns"]) > 5
    assert told["tool_calls"] >= 2
    assert told["barge_ins"] == 1
    assert told["knowledge_answers"] >= 1
    assert told["replay_identical"] is True
    assert all(Path(file).exists() for file in told["files"].values())
    booked = [use for turn in told["turns"] for use in turn["tools"] if use["name"] == "book_test_drive"]
    assert '"date": "2026-03-16"' in booked[0]["arguments"], "the caller corrected the thirteenth"
    assert '"booked":true' in booked[0]["result"], "whatever was booked in an earlier demo"
