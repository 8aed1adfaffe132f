"""What a client that plays by itself has played, as far as the wall clock can tell.

The client is taken to play everything it is sent, in order, at real time and without a pause, and to wait where nothing
has come yet. Its own word (``conversation.item.truncate``) is better, and only comes when it stops.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vivavoce.events import Evidence, Instant, PlayoutProgress, ResponseId, Samples

REPORT_EVERY_US = 500_000
KEPT = 16
"""Responses that were played to their end, and may yet be asked for."""
_US = 1_000_000


@dataclass(slots=True)
class _Track:
    response: ResponseId
    at_once: bool  # words on a screen take no time
    sent: int = 0
    played: int = 0
    reported: int = 0
    finished: bool = False
    settled: bool = False  # no report is wanted any more

    @property
    def left(self) -> int:
        return self.sent - self.played


class Playback:
    """The client's queue. Sums are exact: time is carried on in samples times microseconds."""

    __slots__ = ("_credit", "_ended", "_last", "_next_report", "_rate_hz", "_tracks")

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._tracks: deque[_Track] = deque()
        self._ended: dict[ResponseId, int] = {}  # and how much was played
        self._last = 0
        self._credit = 0  # time passed and not yet spent on a sample
        self._next_report = 0

    @property
    def quiet(self) -> bool:
        """Everything was played, and no more is to come."""
        return not self._tracks

    def sent(self, response: ResponseId) -> int | None:
        """What was sent of a response that may still be heard."""
        track = self._find(response)
        return track.sent if track else None

    def play(self, response: ResponseId, samples: int, now: Instant, *, at_once: bool = False) -> list[PlayoutProgress]:
        reports = self.take(now)
        track = self._find(response)
        if track is None:
            track = _Track(response, at_once)
            self._tracks.append(track)
        track.sent += samples
        return reports

    def finish(self, response: ResponseId, now: Instant) -> list[PlayoutProgress]:
        track = self._find(response)
        if track is None:  # nothing was sent of it
            played = Samples(self._ended.get(response, 0))
            return [*self.take(now), PlayoutProgress(response, played, Evidence.ASSUMED)]
        track.finished = True
        return self.take(now)

    def cut(self, response: ResponseId, now: Instant) -> tuple[int, bool]:
        """Nothing of it is played any more; returns how much was, and whether that took no time."""
        track = self._find(response)
        self._advance(now)
        if track is None:
            return self._ended.get(response, 0), True
        if track in self._tracks:
            self._tracks.remove(track)
        return track.played, track.at_once

    def settle(self, response: ResponseId, now: Instant) -> int:
        """It is played to its end, and nobody asks how far it is; returns how much there is."""
        track = self._find(response)
        self._advance(now)
        if track is None:
            return 0
        track.finished = track.settled = True
        return track.sent

    def take(self, now: Instant) -> list[PlayoutProgress]:
        """The reports that are due."""
        reports = [_report(track) for track in self._advance(now) if not track.settled]
        if self._tracks:
            head = self._tracks[0]
            if not head.settled and head.played > head.reported and (now >= self._next_report or not head.left):
                reports.append(_report(head))
        if reports:
            self._next_report = now + REPORT_EVERY_US
        return reports

    @property
    def deadline(self) -> Instant | None:
        """When the next report is due, unless more comes before."""
        if not self._tracks or not self._tracks[0].left:
            return None
        head = self._tracks[0]
        if head.at_once:
            return Instant(max(self._next_report, self._last))
        ends = self._last + -((self._credit - head.left * _US) // self._rate_hz)
        return Instant(min(ends, self._next_report if self._next_report > self._last else self._last + REPORT_EVERY_US))

    def ahead(self, now: Instant) -> int:
        """So many samples has the client still to play; none, where it waits for more of what it plays."""
        played = (self._credit + max(0, now - self._last) * self._rate_hz) // _US
        return max(0, self._left() - played)

    def ahead_until(self, samples: int) -> Instant:
        """When that is down to ``samples``."""
        return Instant(self._last + max(0, -((self._credit - (self._left() - samples) * _US) // self._rate_hz)))

    def _left(self) -> int:
        if not self._tracks or not self._tracks[0].left:
            return 0
        return sum(track.left for track in self._tracks if not track.at_once)

    def _advance(self, now: Instant) -> list[_Track]:
        """Returns the tracks that came to their end."""
        self._credit += max(0, now - self._last) * self._rate_hz
        self._last = max(self._last, now)
        ended = []
        while self._tracks:
            head = self._tracks[0]
            playing = head.left if head.at_once else min(head.left, self._credit // _US)
            head.played += playing
            self._credit -= 0 if head.at_once else playing * _US
            if head.left or not head.finished:
                break
            ended.append(self._end(self._tracks.popleft()))
        if not self._tracks or not self._tracks[0].left:
            self._credit = 0  # it waits for more
        return ended

    def _end(self, track: _Track) -> _Track:
        self._ended[track.response] = track.played
        if len(self._ended) > KEPT:
            del self._ended[next(iter(self._ended))]
        return track

    def _find(self, response: ResponseId) -> _Track | None:
        return next((track for track in self._tracks if track.response == response), None)


def _report(track: _Track) -> PlayoutProgress:
    track.reported = track.played
    return PlayoutProgress(track.response, Samples(track.played), Evidence.ASSUMED)
