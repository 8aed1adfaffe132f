"""The choice of a voice, and the errors and calls of sherpa-onnx against a stand-in for it."""

import array
import ctypes
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivavoce.model.local import mouth_engines
from vivavoce.model.local.mouth_engines import Unusable, Wanted, open_engine


def wanted(voice: str = "", language: str = "en-US", directory: str = "") -> Wanted:
    return Wanted(language, voice, 1.0, directory)


class FakeTts:
    """What sherpa_onnx.OfflineTts does: 24 kHz floats by a callback that may stop it."""

    sample_rate = 24_000
    num_speakers = 3
    fault: Exception | None = None

    def __init__(self, config: Any) -> None:
        self.config = config
        if self.fault:
            raise self.fault

    def generate(self, text: str, sid: int, speed: float, callback: Any) -> None:
        self.asked = (text, sid, speed)
        for _ in range(4):
            if callback(np.full(2400, 2.0, dtype=np.float32), 0.5) == 0:
                return


class FakeConfig:
    """Any of sherpa-onnx's configuration classes."""

    valid = True

    def __init__(self, **values: Any) -> None:
        self.values = values

    def validate(self) -> bool:
        return self.valid


@pytest.fixture
def sherpa(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("sherpa_onnx")
    module.OfflineTts = type("OfflineTts", (FakeTts,), {})  # type: ignore[attr-defined]
    for name in ("", "Model", "VitsModel", "MatchaModel", "KokoroModel"):
        setattr(module, f"OfflineTts{name}Config", type(f"OfflineTts{name}Config", (FakeConfig,), {}))
    monkeypatch.setitem(sys.modules, "sherpa_onnx", module)
    return module


def model_folder(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_bytes(b"")
    return str(folder)


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("model.onnx", "tokens.txt", "lexicon.txt"), "vits"),
        (("model-steps-3.onnx", "vocos-22khz-univ.onnx", "tokens.txt"), "matcha"),
        (("model.onnx", "voices.bin", "tokens.txt"), "kokoro"),
    ],
)
def test_sherpa_model_is_known_by_its_files(
    sherpa: types.ModuleType, tmp_path: Path, files: tuple[str, ...], kind: str
) -> None:
    engine = open_engine(wanted(directory=model_folder(tmp_path, *files)))
    assert isinstance(engine, mouth_engines.Sherpa)
    assert engine.voice == "sherpa:0"
    model = engine._tts.config.values["model"].values
    assert kind in model
    assert model[kind].values["tokens"] == str(tmp_path / "tokens.txt")


def test_sherpa_speaks_at_16_khz_and_stops(sherpa: types.ModuleType, tmp_path: Path) -> None:
    engine = open_engine(wanted("sherpa:2", directory=model_folder(tmp_path, "a.onnx", "tokens.txt")))
    heard = array.array("h")

    def take_all(samples: "array.array[int]") -> bool:
        heard.extend(samples)
        return True

    engine.synthesise("hello", take_all)
    assert len(heard) == 6400
    assert max(heard) == 32767  # floats above 1 are clipped, not wrapped
    calls = []

    def take_one(samples: "array.array[int]") -> bool:
        calls.append(len(samples))
        return False

    engine.synthesise("hello", take_one)
    assert len(calls) == 2  # one chunk, then the resampler's rest, which nobody wants any more


@pytest.mark.parametrize(
    ("files", "message"),
    [((), "holds no sherpa-onnx speech model"), (("a.onnx",), "tokens.txt"), (("tokens.txt",), ".onnx")],
)
def test_sherpa_folder_without_a_model(
    sherpa: types.ModuleType, tmp_path: Path, files: tuple[str, ...], message: str
) -> None:
    with pytest.raises(Unusable, match=message):
        open_engine(wanted(directory=model_folder(tmp_path, *files)))


def test_sherpa_faults_are_said(sherpa: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder(tmp_path, "a.onnx", "tokens.txt")
    with pytest.raises(Unusable, match="no speaker 3"):
        open_engine(wanted("sherpa:3", directory=folder))
    with pytest.raises(Unusable, match="'x' is not a number"):
        open_engine(wanted("sherpa:x", directory=folder))
    with pytest.raises(Unusable, match="needs a model"):
        open_engine(wanted("sherpa:0"))
    with pytest.raises(Unusable, match="there is no folder"):
        open_engine(wanted(directory=str(tmp_path / "missing")))
    monkeypatch.setattr(sherpa.OfflineTts, "fault", RuntimeError("Protobuf parsing failed."))
    with pytest.raises(Unusable, match="Protobuf parsing failed"):
        open_engine(wanted(directory=folder))
    monkeypatch.setattr(sherpa.OfflineTtsConfig, "valid", False)
    with pytest.raises(Unusable, match="does not accept"):
        open_engine(wanted(directory=folder))


def test_sherpa_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    with pytest.raises(Unusable, match="not installed") as caught:
        open_engine(wanted(directory=str(tmp_path)))
    assert caught.value.hint == "pip install sherpa-onnx"


def test_without_any_synthesiser_the_hint_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mouth_engines, "flite_voices", lambda: ())
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(Unusable) as caught:
        open_engine(wanted())
    assert "espeakng-loader" in caught.value.hint
    assert "apt install flite" in caught.value.hint
    assert mouth_engines.available_voices() == []


def test_flite_that_is_not_installed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_named: object) -> None:
        raise OSError("libflite.so.1: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert mouth_engines.flite_voices() == ()
    with pytest.raises(Unusable, match="no voice 'flite:slt'"):
        open_engine(wanted("flite:slt"))
