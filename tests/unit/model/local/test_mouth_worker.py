"""The worker's side: utterances to frames, with an engine that only makes a tone."""

import array
import json
import os
from collections.abc import Iterator

import pytest

from vivavoce.model.local import mouth_engines, mouth_worker
from vivavoce.model.local import mouth_frames as frames
from vivavoce.model.local.mouth_worker import Job, Link, Utterance


class Tone:
    """100 ms of tone for every piece; notes the pieces. ``stop_after`` raises the wanted epoch in the middle of one."""

    voice = "tone:a"

    def __init__(self, link: Link, stop_after: int = 1_000) -> None:
        self.said: list[str] = []
        self._link = link
        self._stop_after = stop_after

    def synthesise(self, text: str, sink: mouth_engines.Sink) -> None:
        self.said.append(text)
        for step in range(5):
            if len(self.said) == self._stop_after and step == 2:
                self._link.wanted_epoch = 1
            if not sink(array.array("h", [1000, -1000] * 160)):
                return


@pytest.fixture
def pipes() -> Iterator[tuple[Link, int, int]]:
    """A link, the end that feeds it and the end that hears it."""
    source, feeder = os.pipe()
    hearer, target = os.pipe()
    yield Link(source, target), feeder, hearer
    for descriptor in (source, feeder, hearer, target):
        os.close(descriptor)


def heard(hearer: int) -> list[tuple[bytes, bytes]]:
    return frames.FrameReader().feed(os.read(hearer, 1 << 20))


def test_utterance_becomes_chunks_of_60_ms_and_an_end(pipes: tuple[Link, int, int]) -> None:
    link, _, hearer = pipes
    engine = Tone(link)
    Utterance(link, Job(0, 7, "One. Two.\x01")).speak(engine)
    received = heard(hearer)
    assert engine.said == ["One.", "Two."]
    assert [kind for kind, _ in received] == [frames.AUDIO] * 4 + [frames.END]
    assert [frames.split_key(payload)[:2] for _, payload in received] == [(0, 7)] * 5
    assert [len(frames.split_key(payload)[2]) for _, payload in received] == [1920, 1920, 1920, 640, 0]


@pytest.mark.parametrize("text", ["", "  ", "😀", "\x00"])
def test_nothing_to_say_ends_at_once(pipes: tuple[Link, int, int], text: str) -> None:
    link, _, hearer = pipes
    Utterance(link, Job(0, 1, text)).speak(Tone(link))
    assert heard(hearer) == frames.FrameReader().feed(frames.pack_keyed(frames.END, 0, 1))


def test_stop_aborts_the_synthesis_and_sends_no_end(pipes: tuple[Link, int, int]) -> None:
    link, _, hearer = pipes
    engine = Tone(link, stop_after=2)
    Utterance(link, Job(0, 1, "One. Two. Three.")).speak(engine)
    assert engine.said == ["One.", "Two."]
    assert frames.END not in [kind for kind, _ in heard(hearer)]


def test_engine_that_cannot_open_says_why(pipes: tuple[Link, int, int]) -> None:
    link, feeder, hearer = pipes
    wanted = {"language": "en", "voice": "nobody:at all", "speed": 1.0, "sherpa_directory": ""}
    os.write(feeder, frames.pack(frames.OPEN, json.dumps(wanted).encode()))
    assert mouth_worker.serve(link) == 1
    [(kind, payload)] = heard(hearer)
    assert kind == frames.FAILED
    said = json.loads(payload)
    assert "nobody:at all" in said["message"]
    assert said["hint"].startswith("voices here: ")


def test_engine_that_raises_ends_the_worker_without_repeating_its_words(
    pipes: tuple[Link, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        voice = "broken:a"

        def synthesise(self, text: str, sink: mouth_engines.Sink) -> None:
            raise ValueError(text)

    link, feeder, hearer = pipes
    monkeypatch.setattr(mouth_worker, "open_engine", lambda _wanted: Broken())
    wanted = {"language": "en", "voice": "", "speed": 1.0, "sherpa_directory": ""}
    os.write(feeder, frames.pack(frames.OPEN, json.dumps(wanted).encode()))
    link.jobs.put(Job(0, 1, "my secret"))
    monkeypatch.setattr(Link, "listen", lambda _self: None)
    assert mouth_worker.serve(link) == 1
    [ready, failed] = heard(hearer)
    assert ready[0] == frames.READY
    assert json.loads(failed[1])["message"] == "the synthesiser failed: ValueError"
