"""What waits to be played to one caller, and how far each response has come. Pure: whoever takes, keeps the time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from vivavoce.audio.fading import fade
from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_for, samples_in
from vivavoce.events import Evidence, PlayoutProgress, PlayoutStopped, ResponseId, Samples

REPORT_EVERY_MS = 100
FADE_MS = 5
"""A pause in the middle of sound plays so much more of it, down to silence; going on begins as softly."""


class Taken(NamedTuple):
    """``pcm`` is what there was to play, without filling; ``reports`` are now true of it."""

    pcm: bytes
    reports: tuple[PlayoutProgress, ...]


@dataclass(slots=True)
class _Response:
    queued: int = 0
    played: int = 0
    reported: int = 0
    finished: bool = False
    flushed: bool = False

    @property
    def over(self) -> bool:
        return self.finished and not self.queued


class PlayoutQueue:
    """First in, first out. Every response is reported on about every 100 ms and at once when it was played to its end.

    Once a response was flushed, not one more sample of it is given out, however late more of it comes. While paused
    nothing is given out, but for :data:`FADE_MS` of what was sounding. Unbounded: the engine holds the model back long
    before memory matters.
    """

    def __init__(self, rate_hz: int, evidence: Evidence = Evidence.PACED) -> None:
        self._report_samples = rate_hz * REPORT_EVERY_MS // 1000
        self._evidence = evidence
        self._pieces: deque[tuple[ResponseId, bytes]] = deque()
        self._begun_bytes = 0  # of the oldest piece, already taken
        self._responses: dict[ResponseId, _Response] = {}
        self._pause = _Pause(samples_for(FADE_MS, rate_hz))

    @property
    def paused(self) -> bool:
        return self._pause.on

    @property
    def queued_samples(self) -> int:
        return sum(response.queued for response in self._responses.values())

    def play(self, response: ResponseId, pcm: bytes) -> None:
        state = self._state(response)
        if pcm and not state.flushed:
            state.queued += samples_in(pcm)
            self._pieces.append((response, pcm))

    def finish(self, response: ResponseId) -> PlayoutProgress | None:
        """The report, if all of the response has been played already; else it comes with the last of its audio."""
        state = self._state(response)
        state.finished = True
        return self._report(response, state) if state.over and not state.flushed else None

    def flush(self, response: ResponseId) -> PlayoutStopped:
        state = self._state(response)
        if state.queued:
            if self._pieces[0][0] == response:
                self._begun_bytes = 0
                self._pause.broken()
            self._pieces = deque(piece for piece in self._pieces if piece[0] != response)
        state.queued = 0
        state.flushed = True
        return PlayoutStopped(response, Samples(state.played), self._evidence)

    def pause(self) -> None:
        """Give out nothing until :meth:`resume`, and keep what is queued."""
        self._pause.on = True

    def resume(self) -> None:
        """Go on exactly there."""
        self._pause.on = False

    def take(self, samples: int) -> Taken:
        """The next ``samples`` to be played, or all there are if that is less."""
        parts: list[bytes] = []
        touched: dict[ResponseId, _Response] = {}
        wanted = self._pause.allows(samples) * BYTES_PER_SAMPLE
        while wanted > 0 and self._pieces:
            response, pcm = self._pieces[0]
            part = pcm[self._begun_bytes : self._begun_bytes + wanted]
            self._begun_bytes += len(part)
            if self._begun_bytes == len(pcm):
                self._pieces.popleft()
                self._begun_bytes = 0
            wanted -= len(part)
            parts.append(part)
            state = touched[response] = self._state(response)
            state.played += len(part) // BYTES_PER_SAMPLE
            state.queued -= len(part) // BYTES_PER_SAMPLE
        reports = tuple(self._report(response, state) for response, state in touched.items() if self._due(state))
        return Taken(self._pause.shape(b"".join(parts)), reports)

    def _state(self, response: ResponseId) -> _Response:
        return self._responses.setdefault(response, _Response())

    def _due(self, state: _Response) -> bool:
        """In a pause at once: somebody wonders how much was heard."""
        return state.over or state.played - state.reported >= (1 if self._pause.on else self._report_samples)

    def _report(self, response: ResponseId, state: _Response) -> PlayoutProgress:
        state.reported = state.played
        return PlayoutProgress(response, Samples(state.played), self._evidence)


class _Pause:
    """Whether nothing is to be given out, and how loud what is given out is: ``_level`` of ``_fade`` samples."""

    __slots__ = ("_fade", "_level", "_sounding", "on")

    def __init__(self, fade: int) -> None:
        self.on = False
        self._fade = self._level = fade
        self._sounding = False  # what comes next goes on what was given out last

    def broken(self) -> None:
        """What comes next is something else, and begins as it is."""
        self._sounding = False
        self._level = self._fade

    def allows(self, samples: int) -> int:
        if not self.on:
            return samples
        return min(samples, self._level) if self._sounding else 0

    def shape(self, pcm: bytes) -> bytes:
        """``pcm`` as it is to be heard."""
        if not self.on:
            self._sounding = bool(pcm)
            if not pcm or self._level == self._fade:
                return pcm
        samples, level = samples_in(pcm), self._level
        self._level = max(0, level - samples) if self.on else min(self._fade, level + samples)
        return fade(pcm, level, self._fade, rises=not self.on)
