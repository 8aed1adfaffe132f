from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from tests.unit.cli.agents import FAST, NEVER_READY, USES_A_TOOL, Command, write_agent, write_tone
from vivavoce.audio.files import read_audio, write_wav
from vivavoce.cli.call import read_barge_ins
from vivavoce.cli.exits import Exit
from vivavoce.errors import UsageError
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.replay import replay


def test_captions_then_a_table_then_the_files(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    ran = vivavoce("call", agent, "--wav", tone, *FAST)
    assert (ran.code, ran.err) == (Exit.OK, "")
    captions, _, report = ran.out.partition("\nCall ")
    assert [line[11:] for line in captions.splitlines()] == [
        "agent   Hello.",
        "caller  what do I owe",
        "agent   Twelve euros, to be paid by Friday.",
        "call    completed: the caller hung up",
    ]
    assert "turn   first audio   reply   heard   tools   caller" in report
    assert "   1             -   0.6 s    100%       -   what do I owe" in report
    assert "simulated: its figures say nothing about a provider" in report
    assert "Replay       identical:" in report
    (timeline,) = (tmp_path / "calls").glob("*/timeline.jsonl")
    assert f"Timeline     calls/{timeline.parent.name}/timeline.jsonl" in report


def test_json_is_one_line(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent", more="[recording]\nkeep = true\n")
    ran = vivavoce("call", agent, "--wav", tone, "--json", "--calls", tmp_path / "kept", *FAST)
    told = ran.told
    assert ran.err == ""
    assert (told["agent"], told["disposition"], told["simulated"]) == ("Tester", "completed", True)
    assert [turn["caller"] for turn in told["turns"]] == ["", "what do I owe"]
    assert told["turns"][1]["agent"] == "Twelve euros, to be paid by Friday."
    assert told["turns"][1]["heard_share"] == 1.0
    assert told["first_audio_ms"] == {"n": 0, "p50": None, "p95": None}, "not at real time"
    assert (told["tool_calls"], told["barge_ins"], told["replay_identical"]) == (0, 0, True)
    recording = read_audio(Path(told["files"]["recording"]))
    assert recording.source_channels == 2
    assert replay(read_timeline(Path(told["files"]["timeline"]))).identical


@pytest.mark.slow
def test_at_real_time_there_are_latencies(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    first_audio = vivavoce("call", agent, "--wav", tone, "--json").told["first_audio_ms"]
    assert first_audio["n"] == 1
    assert 300 < first_audio["p50"] == first_audio["p95"] < 1_000, "300 ms of hangover and 50 ms of script"


def test_barge_in_cuts_the_agent_and_is_counted(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    script = '[[step]]\nwhen = "speak"\nsay = { ms = 6000 }\n'
    agent = write_agent(tmp_path / "agent", script)
    ran = vivavoce("call", agent, "--wav", tone, "--barge-in", "1:800", *FAST)
    assert re.search(r"  cut     the caller cuts in, having heard \d\.\d s of \d\.\d s", ran.out)
    assert re.search(r"cut \d+%", ran.out), "the share in the table"
    assert vivavoce("call", agent, "--wav", tone, "--barge-in", "1:800", "--json", *FAST).told["barge_ins"] == 1


def test_straight_says_one_file_after_the_other(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    told = vivavoce("call", agent, "--wav", tone, "--wav", tone, "--straight", "--json", *FAST).told
    assert told["disposition"] == "completed"


BROKEN = {
    "raises": ("raise ValueError('the lamp is broken')", "failed", "ValueError: the lamp is broken"),
    "hangs": ("time.sleep(5)", "timed out", "gave no answer within 1 seconds"),
    "returns too much": ("return 'x' * 5_000_000", "failed", "bytes"),
    "returns nonsense": ("return object()", "failed", "JSON"),
    "leaves": ("raise SystemExit(3)", "failed", "SystemExit: 3"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_tool_never_ends_the_call(vivavoce: Command, tmp_path: Path, tone: Path, case: str) -> None:
    body, status, why = BROKEN[case]
    agent = write_agent(tmp_path / "agent", USES_A_TOOL, body, timeout_s=1 if case == "hangs" else 300)
    ran = vivavoce("call", agent, "--wav", tone, *FAST)
    assert (ran.code, ran.err) == (Exit.OK, "")
    (line,) = [line for line in ran.out.splitlines() if f'act(what="lamp") → {status}, ' in line]
    assert why in line
    assert "That is all I know." in ran.out
    assert "Replay       identical" in ran.out


@pytest.mark.slow
def test_a_tool_that_returns_a_gigabyte(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent", USES_A_TOOL, "return 'x' * 2**30")
    ran = vivavoce("call", agent, "--wav", tone)
    assert ran.code == Exit.OK
    assert "That is all I know." in ran.out
    assert sum(path.stat().st_size for path in (tmp_path / "calls").glob("*/*")) < 1_000_000


def test_what_a_tool_prints_does_not_spoil_json(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent", USES_A_TOOL, "print('noise')\nreturn 'on'")
    ran = vivavoce("call", agent, "--wav", tone, "--json", *FAST)
    assert ran.told["turns"][1]["tools"] == [
        {"name": "act", "arguments": '{"what":"lamp"}', "status": "ok", "result": '"on"'}
    ]
    assert ran.err == "noise\n"


def test_lost_model_is_a_fault_of_the_peer(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent", '[[step]]\nlose = { message = "quota exceeded" }\n')
    ran = vivavoce("call", agent, "--wav", tone, *FAST)
    assert ran.code == Exit.PEER
    assert "the model is lost: quota exceeded" in ran.out
    assert "call    model lost:" in ran.out


def test_model_that_never_answers_ends_too(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent", NEVER_READY, more="[limits]\nsilence_s = 5\n")
    told = vivavoce("call", agent, "--wav", tone, "--json", *FAST).told
    assert told["replay_identical"]
    assert told["disposition"] in {"completed", "silence", "model_lost"}


def write_odd(folder: Path) -> Path:
    write_wav(folder / "odd.wav", struct.pack("<3h", 9_000, -9_000, 9_000) * 11_025, 11_025, channels=3)
    return folder / "odd.wav"


def test_three_channels_at_an_odd_rate_are_fine(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    assert vivavoce("call", agent, "--wav", write_odd(tmp_path), *FAST).code == Exit.OK


def test_sound_that_cannot_be_used(vivavoce: Command, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent")
    (tmp_path / "text.wav").write_text("hello " * 100, "utf-8")
    (tmp_path / "folder.wav").mkdir()
    write_wav(tmp_path / "silent.wav", bytes(64_000), 16_000)
    write_wav(tmp_path / "empty.wav", b"", 16_000)
    whole = write_tone(tmp_path / "whole.wav").read_bytes()
    (tmp_path / "torn.wav").write_bytes(whole[: len(whole) // 2])
    wanted = {
        "text": "cannot be read as sound",
        "folder": "is not a file",
        "silent": "is silent",
        "empty": "holds no sound",
        "torn": "is cut short",
        "missing": "does not exist",
    }
    for name, why in wanted.items():
        ran = vivavoce("call", agent, "--wav", f"{name}.wav", *FAST)
        assert (ran.code, ran.out) == (Exit.SETUP, "")
        error, _, hint = ran.err.partition("\n")
        assert error.startswith(f"error: {name}.wav ")
        assert why in error
        assert hint.startswith("  try: ")
    assert not (tmp_path / "calls").exists(), "no call was begun"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--speed", "0"), "--speed"),
        (("--speed", "101"), "--speed"),
        (("--speed", "fast"), "--speed"),
        (("--barge-in", "2:100"), "N from 1 to 1"),
        (("--barge-in", "one"), "N:MS"),
        (("--model", "nope"), "'nope' is not one of 'local'"),
        (("--version", "nope"), "nope"),
        (("--var", "city"), "NAME=VALUE"),
        (("--var", "nope=1"), "nope"),
        (("--wavs", "x"), "--wavs"),
    ],
)
def test_wrong_options(vivavoce: Command, tmp_path: Path, tone: Path, options: tuple[str, str], why: str) -> None:
    ran = vivavoce("call", write_agent(tmp_path / "agent"), "--wav", tone, *options)
    assert (ran.code, ran.out) == (Exit.SETUP, "")
    error, *hints = ran.err.splitlines()
    assert error.startswith("error: ")
    assert why in error
    assert all(hint.startswith("  try: ") for hint in hints)
    assert len(hints) <= 1


def test_variable_that_every_call_must_give(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    agent = write_agent(tmp_path / "agent", more="[variables]\ncaller = { required = true }\n")
    ran = vivavoce("call", agent, "--wav", tone, *FAST)
    assert ran.code == Exit.SETUP
    assert "caller" in ran.err
    assert vivavoce("call", agent, "--wav", tone, "--var", "caller=Ada", *FAST).code == Exit.OK


def test_without_files_or_agent(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    assert "--wav" in vivavoce("call", write_agent(tmp_path / "agent")).err
    assert "name an agent" in vivavoce("call", "--wav", tone).err
    assert "nowhere" in vivavoce("call", "nowhere", "--wav", tone).err


def test_nothing_can_be_kept(vivavoce: Command, tmp_path: Path, tone: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    agent = write_agent(tmp_path / "agent")
    ran = vivavoce("call", agent, "--wav", tone, "--calls", tmp_path / "file" / "calls", "--json", *FAST)
    assert ran.code == Exit.STORE
    assert ran.told["exit"] == Exit.STORE
    assert "cannot write" in ran.told["error"]


def test_calls_folder_of_the_environment(
    vivavoce: Command, tmp_path: Path, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVAVOCE_CALLS", str(tmp_path / "elsewhere"))
    vivavoce("call", write_agent(tmp_path / "agent"), "--wav", tone, *FAST)
    ((header, *_),) = [path.read_text("utf-8").splitlines() for path in tmp_path.glob("elsewhere/*/timeline.jsonl")]
    assert json.loads(header)["agent"] == "Tester"


def test_barge_ins_count_from_one() -> None:
    assert read_barge_ins(["1:0", "3:1200"], 3) == {0: 0, 2: 1200}
    for wrong in ("0:1", "4:1", "1:-5", "1", "a:b", "1:x"):
        with pytest.raises(UsageError):
            read_barge_ins([wrong], 3)
