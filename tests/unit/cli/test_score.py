from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.agents import Command
from tests.unit.rehearsal.calls import said, span
from tests.unit.rehearsal.test_recording import write_sound, write_timeline
from vivavoce.cli.exits import Exit
from vivavoce.rehearsal.panel import MEANINGS
from vivavoce.rehearsal.truth import HEARD_FILE, SaidKind, Truth, write_truth


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Ten calls of one backchannel each; the agent went on over eight of them."""
    for number in range(10):
        folder = tmp_path / "calls" / f"call-{number}"
        folder.mkdir(parents=True)
        write_timeline(folder)
        write_truth(folder, Truth((said(SaidKind.BACKCHANNEL, 3000, 3300),)))
        write_sound(folder / HEARD_FILE, [], [span(1000, 3500 if number < 2 else 6000)], ms=7_000)
    return tmp_path / "calls"


def test_calls_are_scored_together(vivavoce: Command, calls: Path) -> None:
    ran = vivavoce("score", *sorted(calls.iterdir()), "--json")
    assert ran.code == Exit.OK
    told = ran.told["calls"]
    assert told["calls"] == 10
    assert set(told["panel"]) == set(MEANINGS)
    assert told["panel"]["S_BC"]["value"] == 0.8
    assert told["panel"]["R_Y"] == {"value": "too few", "events": 0, "calls": 0}


def test_people_get_a_table(vivavoce: Command, calls: Path) -> None:
    ran = vivavoce("score", *(f"call-{number}" for number in range(10)), "--calls", calls)
    assert (ran.code, ran.err) == (Exit.OK, "")
    row, *_ = [line for line in ran.out.splitlines() if line.startswith("S_BC")]
    assert "0.80 of 10" in row
    assert "too few (0)" in ran.out


@pytest.mark.parametrize("arguments", [[], ["some-call", "--rehearse"]])
def test_one_of_both_must_be_said(vivavoce: Command, arguments: list[str]) -> None:
    ran = vivavoce("score", *arguments)
    assert ran.code == Exit.SETUP
    assert "--rehearse" in ran.err


def test_a_call_that_is_not_there(vivavoce: Command, calls: Path) -> None:
    ran = vivavoce("score", "nothing", "--calls", calls)
    assert ran.code == Exit.SETUP
    assert "there is no call 'nothing'" in ran.err


def test_callers_need_a_voice(vivavoce: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    ran = vivavoce("score", "--rehearse")
    assert ran.code == Exit.SETUP
    assert "flite" in ran.err
