"""The sound of a call, kept beside its timeline: caller left, agent right, as the caller heard it, on the call's own
clock.

The caller's samples are placed as they arrive. The agent's are placed when the channel reports them *played*: what was
cut off by the caller was not heard and is not in the recording. Both sides are continuous streams whose arrival
jitters, so a piece follows its predecessor without a seam unless it is more than :data:`DRIFT_MS` late, in which case
there was a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vivavoce.audio.mixing import StereoMixer, Track
from vivavoce.audio.wav import WavWriter
from vivavoce.errors import StoreFault
from vivavoce.events import (
    CallerAudio,
    CallerConnected,
    Effect,
    Event,
    Instant,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
)
from vivavoce.timeline.disk import AppendFile, Disk
from vivavoce.timeline.write import RECORDING_FILE

DRIFT_MS = 100
"""Reports and frames come late by scheduling alone; a pause shorter than this is taken for that."""
WINDOW_S = 10
"""How far back a late report may still place sound: more than any channel's reporting interval."""


class WavSink:
    """A stereo WAV that is whole after every write."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        self.path = path
        self._wav = WavWriter(path, rate_hz, channels=2)

    def write(self, data: bytes) -> None:
        self._wav.write(data)

    def sync(self) -> None:
        """Nothing to do: a recording survives a killed process, and need not survive a power cut to the second."""

    def close(self) -> None:
        self._wav.close()


class Recorder:
    """Hears every fact and wish of a call and writes ``folder/audio.wav``. Begins when the caller is connected."""

    def __init__(self, disk: Disk, folder: Path, on_failure: Callable[[str], None]) -> None:
        self.path = folder / RECORDING_FILE
        self._disk = disk
        self._on_failure = on_failure
        self._file: AppendFile | None = None
        self._mixer: StereoMixer | None = None
        self._rate_hz = 0
        self._flushed = 0
        self._ends = [0, 0]  # where each track's sound ends so far
        self._unheard: dict[ResponseId, bytearray] = {}  # sent to the caller, not yet reported as played
        self._heard: dict[ResponseId, int] = {}

    def observe(self, at: Instant, value: Event | Effect) -> None:
        match value:
            case CallerAudio(audio):
                self._place(Track.CALLER, at, audio.pcm)
            case Play(response, audio):
                self._unheard.setdefault(response, bytearray()).extend(audio.pcm)
            case PlayoutProgress(response, played):
                self._played(at, response, played)
            case PlayoutStopped(response, played):
                self._played(at, response, played)
                self._unheard.pop(response, None)
            case CallerConnected(_, rate_hz) if not self._rate_hz:
                self._begin(rate_hz)

    def _begin(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        try:
            self._file = self._disk.open(lambda: WavSink(self.path, rate_hz), self.path, self._on_failure)
        except StoreFault as fault:
            self._on_failure(str(fault))
        else:
            self._mixer = StereoMixer(WINDOW_S * rate_hz)

    def _played(self, at: Instant, response: ResponseId, played: int) -> None:
        unheard = self._unheard.get(response)
        if unheard is None:
            return
        fresh = min(played - self._heard.get(response, 0), len(unheard) // 2)
        if fresh > 0:
            self._heard[response] = self._heard.get(response, 0) + fresh
            self._place(Track.AGENT, at, bytes(unheard[: fresh * 2]))
            del unheard[: fresh * 2]

    def _place(self, track: Track, at: Instant, pcm: bytes) -> None:
        """``pcm`` ended at ``at``."""
        if self._mixer is None or self._file is None:
            return
        samples = len(pcm) // 2
        now = at * self._rate_hz // 1_000_000
        start = self._ends[track]
        if now - samples - start > DRIFT_MS * self._rate_hz // 1000:
            start = now - samples
        self._mixer.place(track, start, pcm)
        self._ends[track] = start + samples
        # Reports and frames are late by far less than half the window: what lies before it is settled. Once a second
        # is often enough, since each flush moves the rest of the window.
        settled = now - WINDOW_S * self._rate_hz // 2
        if settled - self._flushed >= self._rate_hz:
            self._flushed = settled
            self._file.append(self._mixer.flush_until(settled))

    def close(self) -> None:
        """Write all that was placed. Blocks."""
        if self._file is not None and self._mixer is not None:
            self._file.append(self._mixer.flush_until(max(self._ends)))
            self._disk.close(self._file)
