from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.errors import NotAvailable
from vivavoce.model.local.ear_sherpa import Sherpa

FILES = ("tokens.txt", "encoder.onnx", "encoder.int8.onnx", "decoder-epoch-9.onnx", "joiner.onnx")


class FakeStream:
    def __init__(self) -> None:
        self.samples = 0
        self.decoded = 0

    def accept_waveform(self, rate_hz: int, samples: Any) -> None:
        assert rate_hz == 16_000
        assert abs(samples).max() <= 1
        self.samples += len(samples)


class FakeOnlineRecognizer:
    """Decodes 1600 samples at a time, each to a word."""

    asked: dict[str, Any]

    @classmethod
    def from_transducer(cls, **asked: Any) -> FakeOnlineRecognizer:
        cls.asked = asked
        return cls()

    def create_stream(self) -> FakeStream:
        return FakeStream()

    def is_ready(self, stream: FakeStream) -> bool:
        return stream.samples - stream.decoded >= 1600

    def decode_stream(self, stream: FakeStream) -> None:
        stream.decoded += 1600

    def get_result(self, stream: FakeStream) -> str:
        return " HELLO" * (stream.decoded // 1600)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, "sherpa_onnx", SimpleNamespace(OnlineRecognizer=FakeOnlineRecognizer))
    return tmp_path


def test_the_model_is_found_in_its_directory(model: Path) -> None:
    Sherpa(model)
    assert FakeOnlineRecognizer.asked == {
        "tokens": str(model / "tokens.txt"),
        "encoder": str(model / "encoder.int8.onnx"),
        "decoder": str(model / "decoder-epoch-9.onnx"),
        "joiner": str(model / "joiner.onnx"),
        "num_threads": 1,
        "sample_rate": 16_000,
    }


def test_turns_are_heard_one_after_another_and_to_their_end(model: Path) -> None:
    recogniser = Sherpa(model)
    for _ in range(2):
        recogniser.begin()
        assert recogniser.partial() == ""
        recogniser.feed(b"\x00\x80" * 4000)
        assert recogniser.partial() == "hello hello"
        assert recogniser.finish().text == " ".join(["hello"] * 9)  # the rest and 660 ms of silence


@pytest.mark.parametrize("missing", ["tokens.txt", "decoder-epoch-9.onnx", "joiner.onnx"])
def test_a_file_that_is_missing_is_named(model: Path, missing: str) -> None:
    (model / missing).unlink()
    with pytest.raises(NotAvailable, match=rf"has no {missing[:6]}.*streaming transducer: tokens.txt, encoder"):
        Sherpa(model)


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"no recognition model directory '.*nowhere'"):
        Sherpa(tmp_path / "nowhere")


def test_a_package_that_is_missing_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sherpa_onnx", None)
    with pytest.raises(NotAvailable, match=r"pip install sherpa-onnx"):
        Sherpa(model)
