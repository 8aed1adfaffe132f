"""The program that speaks: ``python -m vivavoce.model.local.mouth_worker``, started by :class:`~.mouth.Mouth`.

It reads frames (:mod:`.mouth_frames`) from its standard input and writes frames to its standard output, one voice and
one utterance at a time, and ends when its input ends. With ``--voices`` it prints the voices of this machine as JSON
instead.

A thread listens, because a stop must be known while the synthesiser is in a call; the main thread speaks.
"""

from __future__ import annotations

import array
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, Final, NamedTuple

from vivavoce.model.local import mouth_frames as frames
from vivavoce.model.local.mouth_engines import Engine, Unusable, Wanted, available_voices, open_engine
from vivavoce.model.local.mouth_text import RATE_HZ, SilenceTrimmer, clean, pieces

_CHUNK_SAMPLES: Final = RATE_HZ * 60 // 1000


class Job(NamedTuple):
    """One utterance to speak."""

    epoch: int
    utterance: int
    text: str


class Link:
    """The pipes. The queue of jobs is as long as what the opener has asked for and not stopped."""

    def __init__(self, source: int, target: int) -> None:
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.wanted_epoch = 0
        self._source = source
        self._target = target
        self._reader = frames.FrameReader()
        self._waiting: list[tuple[bytes, bytes]] = []

    def receive(self) -> tuple[bytes, bytes]:
        """The next frame; where the opener is gone, so is this process."""
        while not self._waiting:
            data = os.read(self._source, 65_536)
            if not data:
                os._exit(0)  # at once, whatever the main thread is doing
            self._waiting = self._reader.feed(data)
        return self._waiting.pop(0)

    def send(self, frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            try:
                view = view[os.write(self._target, view) :]
            except OSError:
                os._exit(0)  # nobody is left to listen

    def listen(self) -> None:
        while True:
            kind, payload = self.receive()
            epoch, utterance, text = frames.split_key(payload)
            if kind == frames.STOP:
                self.wanted_epoch = epoch
            elif kind == frames.SPEAK:
                self.jobs.put(Job(epoch, utterance, text.decode("utf-8", "replace")))


class Utterance:
    """One job on its way: trims each piece's silence and sends chunks of at most 60 ms."""

    def __init__(self, link: Link, job: Job) -> None:
        self._link = link
        self._job = job
        self._trimmer = SilenceTrimmer()
        self._samples = array.array("h")

    def speak(self, engine: Engine) -> None:
        for piece in pieces(clean(self._job.text)):
            if not self._wanted():
                return
            engine.synthesise(piece, self._take)
            self._add(self._trimmer.end())
            self._trimmer = SilenceTrimmer()
        if self._wanted():
            self._send(self._samples)
            self._link.send(frames.pack_keyed(frames.END, self._job.epoch, self._job.utterance))

    def _wanted(self) -> bool:
        return self._job.epoch >= self._link.wanted_epoch

    def _take(self, samples: array.array[int]) -> bool:
        self._add(self._trimmer.feed(samples))
        return self._wanted()

    def _add(self, samples: array.array[int]) -> None:
        self._samples.extend(samples)
        while self._wanted() and len(self._samples) >= _CHUNK_SAMPLES:
            self._send(self._samples[:_CHUNK_SAMPLES])
            del self._samples[:_CHUNK_SAMPLES]

    def _send(self, samples: array.array[int]) -> None:
        if samples:
            payload = samples.tobytes()
            self._link.send(frames.pack_keyed(frames.AUDIO, self._job.epoch, self._job.utterance, payload))


def _failed(fault: Exception) -> bytes:
    known = isinstance(fault, Unusable)
    message = (
        str(fault) if known else f"the synthesiser failed: {type(fault).__name__}"
    )  # its text may quote what was said
    return _json(frames.FAILED, message=message, hint=getattr(fault, "hint", ""))


def _json(kind: bytes, **values: Any) -> bytes:
    return frames.pack(kind, json.dumps(values).encode())


def _open(link: Link) -> Engine:
    _, payload = link.receive()
    return open_engine(Wanted(**json.loads(payload)))


def serve(link: Link) -> int:
    try:
        engine = _open(link)
        link.send(_json(frames.READY, voice=engine.voice))
        threading.Thread(target=link.listen, daemon=True).start()
        while True:
            job = link.jobs.get()
            Utterance(link, job).speak(engine)
    except Exception as fault:  # noqa: BLE001  the last thing this process does is to say why
        link.send(_failed(fault))
        return 1


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which then closes this
    if sys.argv[1:] == ["--voices"]:
        print(json.dumps(available_voices()))  # noqa: T201
        return 0
    target = os.dup(1)
    os.dup2(2, 1)  # a library that prints must not break the frames
    return serve(Link(0, target))


if __name__ == "__main__":
    sys.exit(main())
