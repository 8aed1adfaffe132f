from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.agents import FAST, Command, write_agent
from vivavoce.cli.exits import Exit


@pytest.fixture
def timeline(vivavoce: Command, tmp_path: Path, tone: Path) -> Path:
    vivavoce("call", write_agent(tmp_path / "agent"), "--wav", tone, *FAST)
    (timeline,) = tmp_path.glob("calls/*/timeline.jsonl")
    return timeline


def test_a_call_by_id_folder_or_file(vivavoce: Command, timeline: Path) -> None:
    for named in (timeline.parent.name, timeline.parent, timeline):
        ran = vivavoce("replay", named)
        assert (ran.code, ran.err) == (Exit.OK, "")
        summary, verdict = ran.out.splitlines()
        assert summary.startswith(f"{timeline.parent.name}: ")
        assert summary.endswith("completed: the caller hung up")
        assert verdict == "identical"


def test_json(vivavoce: Command, timeline: Path) -> None:
    told = vivavoce("replay", timeline, "--json").told
    assert told.pop("facts") > 0
    assert told.pop("effects") > 0
    assert told == {
        "call": timeline.parent.name,
        "identical": True,
        "closed": True,
        "torn": False,
        "difference": None,
    }


def test_a_torn_call(vivavoce: Command, timeline: Path) -> None:
    timeline.write_bytes(timeline.read_bytes()[:-40])
    ran = vivavoce("replay", timeline)
    assert ran.code == Exit.OK
    assert "cut short in mid-line by a crash" in ran.out
    assert vivavoce("replay", timeline, "--json").told["torn"] is True


def test_a_call_that_was_never_closed(vivavoce: Command, timeline: Path) -> None:
    timeline.write_text("".join(timeline.read_text("utf-8").splitlines(keepends=True)[:-3]), "utf-8")
    assert "never closed: its process died" in vivavoce("replay", timeline).out


def test_a_tampered_call_differs(vivavoce: Command, timeline: Path) -> None:
    text = timeline.read_text("utf-8")
    timeline.write_text(text.replace('"type":"Speak"', '"type":"Speak","text_":""').replace('"Hello."', '"Bye."', 1))
    ran = vivavoce("replay", timeline)
    assert ran.code == Exit.NOT_HELD
    assert ran.out.splitlines()[1].startswith("differs at record ")
    heads = [line.split()[0] for line in ran.out.splitlines()[2:] if not line.startswith("   ")]
    assert [head for head in heads if head.isalpha()] == ["after", "recorded", "replayed"], "long ones are folded"
    difference = vivavoce("replay", timeline, "--json").told["difference"]
    assert set(difference) == {"record", "after", "recorded", "replayed"}
    assert difference["recorded"] != difference["replayed"]


def test_a_damaged_call_names_the_line(vivavoce: Command, timeline: Path) -> None:
    lines = timeline.read_bytes().splitlines(keepends=True)
    lines[4] = b"[3,0,{}]\n"
    timeline.write_bytes(b"".join(lines))
    ran = vivavoce("replay", timeline)
    assert (ran.code, ran.out) == (Exit.SETUP, "")
    assert ran.err.startswith(f"error: {timeline}: line 5: ")


def test_no_such_call_points_at_the_newest(vivavoce: Command, timeline: Path) -> None:
    ran = vivavoce("replay", "yesterday")
    assert ran.code == Exit.SETUP
    assert ran.err.splitlines() == [
        "error: there is no call 'yesterday', neither here nor in calls",
        f"  try: the newest call in calls is calls/{timeline.parent.name}",
    ]


def test_a_folder_without_a_call(vivavoce: Command, tmp_path: Path) -> None:
    ran = vivavoce("replay", tmp_path)
    assert ran.code == Exit.SETUP
    assert "it holds no timeline.jsonl" in ran.err
    assert "neither here nor in none" in vivavoce("replay", "x", "--calls", "none").err


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x00\xff\xfe", b'{"vivavoce_timeline":99}\n'])
def test_what_is_no_timeline(vivavoce: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    ran = vivavoce("replay", "x.jsonl")
    assert (ran.code, ran.out) == (Exit.SETUP, "")
    assert ran.err.startswith("error: x.jsonl: ")
