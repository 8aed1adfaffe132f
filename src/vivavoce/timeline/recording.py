"""The sound of a call, kept beside its timeline: caller left, agent right, as the caller heard it, on the call's own
clock.

The caller's samples are placed as they arrive. The agent's are placed when the channel reports them *played*: what was
cut off by the caller was not heard and is not in the recording.

Both sides are continuous streams that arrive late, some pieces later than others. A piece ended at the latest when it
arrived, and early enough for those that followed it: after a stall the pieces that had to wait come all at once, and
are put where they belong. What is then still more than :data:`DRIFT_MS` after its predecessor comes after a gap; what
is less follows without a seam.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vivavoce.audio.mixing import StereoMixer, Track
from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_in
from vivavoce.audio.wav import WavWriter
from vivavoce.events import (
    CallerAudio,
    CallerConnected,
    Effect,
    Event,
    Instant,
    ListenForDigits,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
)
from vivavoce.timeline.disk import AppendFile, Disk
from vivavoce.timeline.write import RECORDING_FILE

DRIFT_MS = 100
"""A pause shorter than this is scheduling, not silence."""
SETTLE_S = 1
"""How long a piece waits for those that may show it to have been late."""
WINDOW_S = 5
"""How far one side's sound may lag behind the other's: more than any channel's reporting interval."""


class WavSink:
    """A stereo WAV that is whole after every write."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # as private as the timeline
        self._wav = WavWriter(path, rate_hz, channels=len(Track))

    def write(self, data: bytes) -> int:
        self._wav.write(data)
        return len(data)

    def sync(self) -> None:
        """Nothing to do: a recording survives a killed process, and need not survive a power cut to the second."""

    def close(self) -> None:
        self._wav.close()


@dataclass(slots=True)
class _Piece:
    pcm: bytes
    samples: int
    arrived: int
    ended: int  # at the latest, as far as is known


class _Stream:
    """One side: where its pieces belong, in samples of the call."""

    def __init__(self, drift: int) -> None:
        self.end = 0  # of what was placed
        self._drift = drift
        self._waiting: deque[_Piece] = deque()

    def arrive(self, now: int, pcm: bytes) -> None:
        samples = samples_in(pcm)
        ended = now - samples
        for earlier in reversed(self._waiting):
            if earlier.ended <= ended:
                break
            earlier.ended = ended
            ended -= earlier.samples
        self._waiting.append(_Piece(pcm, samples, now, now))

    def settle(self, until: int | None = None) -> Iterator[tuple[int, _Piece]]:
        """The pieces that arrived before ``until``, each with its start."""
        while self._waiting and (until is None or self._waiting[0].arrived < until):
            piece = self._waiting.popleft()
            start = piece.ended - piece.samples
            if start - self.end <= self._drift:
                start = self.end
            self.end = start + piece.samples
            yield start, piece


class Recorder:
    """Hears every fact and wish of a call and writes ``folder/audio.wav``. Begins when the caller is connected.

    ``observe`` does not block; ``on_failure`` hears, on another thread, when the disk refuses. On disk the recording
    lags behind the call by about :data:`WINDOW_S`; :meth:`close` writes the rest.
    """

    def __init__(self, disk: Disk, folder: Path, on_failure: Callable[[str], None]) -> None:
        self.path = folder / RECORDING_FILE
        self._disk = disk
        self._on_failure = on_failure
        self._tape: _Tape | None = None
        self._unheard: dict[ResponseId, bytearray] = {}  # sent to the caller, not yet reported as played
        self._heard: dict[ResponseId, int] = {}
        self._private = False  # the caller is not recorded just now

    def observe(self, at: Instant, value: Event | Effect) -> None:
        match value:
            case CallerConnected(_, rate_hz) if self._tape is None and rate_hz > 0:
                file = self._disk.open_later(self.path, lambda: WavSink(self.path, rate_hz), self._on_failure)
                self._tape = _Tape(file, rate_hz)
            case CallerAudio(audio) if self._tape is not None:
                self._tape.place(Track.CALLER, at, audio.silenced().pcm if self._private else audio.pcm)
            case ListenForDigits(listens, private):
                self._private = listens and private
            case Play(response, audio):
                self._unheard.setdefault(response, bytearray()).extend(audio.pcm)
            case PlayoutProgress(response, played):
                self._played(at, response, played)
            case PlayoutStopped(response, played):
                self._played(at, response, played)
                self._unheard.pop(response, None)

    def _played(self, at: Instant, response: ResponseId, played: int) -> None:
        unheard = self._unheard.get(response)
        fresh = max(0, played - self._heard.get(response, 0)) * BYTES_PER_SAMPLE
        if unheard and fresh and self._tape is not None:
            pcm = bytes(unheard[:fresh])
            del unheard[:fresh]
            self._heard[response] = self._heard.get(response, 0) + samples_in(pcm)
            self._tape.place(Track.AGENT, at, pcm)

    def close(self) -> None:
        """Write all that was placed. Blocks."""
        if self._tape is not None:
            self._tape.finish()
            self._disk.close(self._tape.file)


class _Tape:
    """Both streams on their way into a file."""

    def __init__(self, file: AppendFile, rate_hz: int) -> None:
        self.file = file
        self._rate_hz = rate_hz
        self._mixer = StereoMixer(WINDOW_S * rate_hz)
        self._streams = {track: _Stream(DRIFT_MS * rate_hz // 1000) for track in Track}
        self._flushed = 0

    def place(self, track: Track, at: Instant, pcm: bytes) -> None:
        """``pcm`` ended at ``at`` or before."""
        now = at * self._rate_hz // 1_000_000
        self._streams[track].arrive(now, pcm)
        self._settle(now - SETTLE_S * self._rate_hz)

    def finish(self) -> None:
        self._settle(None)
        self._flush(max(stream.end for stream in self._streams.values()))

    def _settle(self, until: int | None) -> None:
        for track, stream in self._streams.items():
            for start, piece in stream.settle(until):
                if stream.end - self._flushed > WINDOW_S * self._rate_hz:
                    # A second more than must be, since each flush moves what is left of the window.
                    self._flush(stream.end - (WINDOW_S - 1) * self._rate_hz)
                self._mixer.place(track, start, piece.pcm)

    def _flush(self, until: int) -> None:
        self._flushed = max(self._flushed, until)
        self.file.append(self._mixer.flush_until(self._flushed))
