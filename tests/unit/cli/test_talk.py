from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.unit.cli.agents import ANSWERS_ONCE, Command, write_agent
from tests.unit.cli.sound import Sound
from vivavoce.channel.microphone import MicrophoneChannel
from vivavoce.cli.exits import Exit

SAYS_GOODBYE = f"{ANSWERS_ONCE}\n[[step]]\nend = {{ reason = 'goodbye' }}\n"


@pytest.fixture
def headset(monkeypatch: pytest.MonkeyPatch) -> Sound:
    """800 ms of silence, 300 ms of noise, then silence for ever."""
    sound = Sound([b"\0\0" * 320] * 40 + [b"\0\x20\0\xe0" * 160] * 15)
    monkeypatch.setitem(sys.modules, "sounddevice", sound)
    return sound


def test_devices(vivavoce: Command, headset: Sound) -> None:
    assert vivavoce("talk", "--devices").out == "  0  headset  (1 in, 2 out, default)\n"
    (told,) = vivavoce("talk", "--devices", "--json").told
    assert (told["name"], told["default_input"]) == ("headset", True)


@pytest.mark.slow
def test_a_talk(vivavoce: Command, headset: Sound, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", SAYS_GOODBYE)
    ran = vivavoce("talk", agent, "--input", "0", "--output", "head", "--half-duplex")
    assert (ran.code, ran.err) == (Exit.OK, "")
    assert headset.settings["device"] == (0, "head")
    assert "call    completed: the agent ended the call" in ran.out
    assert "Replay       identical" in ran.out
    assert "Microphone" not in ran.out


@pytest.mark.slow
def test_a_talk_as_json(vivavoce: Command, headset: Sound, tmp_path: Path) -> None:
    ran = vivavoce("talk", write_agent(tmp_path / "agent", SAYS_GOODBYE), "--json")
    assert ran.told["disposition"] == "completed"
    assert ran.told["turns"][1]["caller"] == "what do I owe"
    assert ran.told["microphone_lost_ms"] == 0.0


@pytest.mark.slow
def test_what_the_microphone_lost_is_told(
    vivavoce: Command, headset: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MicrophoneChannel, "lost_samples", 1_600)
    ran = vivavoce("talk", write_agent(tmp_path / "agent", SAYS_GOODBYE))
    assert "Microphone   100 ms were lost: this machine could not keep up." in ran.out


@pytest.mark.slow
def test_a_closed_microphone_hears_nothing(vivavoce: Command, headset: Sound, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "agent", more="[limits]\nsilence_s = 1\n")
    told = vivavoce("talk", agent, "--push-to-talk", "--json").told
    assert [turn["caller"] for turn in told["turns"]] == [""]
    assert told["disposition"] == "silence"


def test_a_device_that_cannot_be_opened(vivavoce: Command, headset: Sound, tmp_path: Path) -> None:
    headset.error = "Device unavailable"
    ran = vivavoce("talk", write_agent(tmp_path / "agent"))
    assert (ran.code, ran.err) == (Exit.PEER, "")
    assert "Device unavailable (list the devices and choose others, or try 48000 Hz)" in ran.out


def test_without_the_package(vivavoce: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for arguments in (("--devices",), (write_agent(tmp_path / "agent"),)):
        ran = vivavoce("talk", *arguments)
        assert ran.code == Exit.SETUP
        assert ran.err.endswith("try: pip install sounddevice\n")
    assert not (tmp_path / "calls").exists()


def test_wrong_options(vivavoce: Command) -> None:
    assert "name an agent" in vivavoce("talk").err
    assert "--rate" in vivavoce("talk", "x", "--rate", "100").err
