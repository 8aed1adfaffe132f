"""What was played, and who says so: the client where it is sent the audio, the one who carries it where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vivavoce.events import (
    CallerInterrupted,
    Evidence,
    Instant,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    Samples,
)
from vivavoce.wire.realtime.actions import Action, Emit
from vivavoce.wire.realtime.parts import earlier
from vivavoce.wire.realtime.playback import Playback
from vivavoce.wire.realtime.writer import Writer

TRUNCATE_WITHIN_US = 400_000
"""What a client has for saying where it stopped: a round trip, and a buffer of its own to ask."""


@dataclass(frozen=True, slots=True)
class _Cut:
    estimate: int
    sent: int
    until: Instant


class ClientPlays:
    """Audio goes in events: playing is estimated, and a client that stops is believed."""

    __slots__ = ("_cuts", "_playback", "_stopped")

    def __init__(self, rate_hz: int) -> None:
        self._playback = Playback(rate_hz)
        self._cuts: dict[ResponseId, _Cut] = {}  # flushed, and the client may yet say where
        self._stopped: dict[ResponseId, int] = {}  # the client said where, before it was flushed

    @property
    def quiet(self) -> bool:
        return self._playback.quiet

    @property
    def deadline(self) -> Instant | None:
        due = self._playback.deadline
        for cut in self._cuts.values():
            due = earlier(due, cut.until)
        return due

    def ahead(self, now: Instant) -> int:
        """What the client was sent and, as far as we know, has not played."""
        return self._playback.ahead(now)

    def ahead_until(self, samples: int) -> Instant:
        """When that is down to ``samples``."""
        return self._playback.ahead_until(samples)

    def play(self, response: ResponseId, samples: int, now: Instant, *, at_once: bool) -> list[Action]:
        return _emitted(self._playback.play(response, samples, now, at_once=at_once))

    def finish(self, response: ResponseId, now: Instant) -> list[Action]:
        return _emitted(self._playback.finish(response, now))

    def flush(self, response: ResponseId, now: Instant) -> list[Action]:
        """Answered at once if there is nothing that the client could still say."""
        sent = self._playback.sent(response)
        stopped = self._stopped.pop(response, None)
        played, at_once = self._playback.cut(response, now)
        if stopped is not None:
            return [_stop(response, min(stopped, sent or 0), Evidence.PLAYED)]
        if at_once or not sent:
            return [_stop(response, played, Evidence.ASSUMED)]
        self._cuts[response] = _Cut(played, sent, Instant(now + TRUNCATE_WITHIN_US))
        return []

    def let_play(self, response: ResponseId, now: Instant) -> list[Action]:
        """The call thinks that it stops, and the client plays what it was sent all the same."""
        self._stopped.pop(response, None)
        return [_stop(response, self._playback.settle(response, now), Evidence.ASSUMED)]

    def truncate(self, response: ResponseId, samples: int) -> list[Action]:
        """The client says that it played so much of it and no more."""
        if cut := self._cuts.pop(response, None):
            return [_stop(response, min(samples, cut.sent), Evidence.PLAYED)]
        if self._playback.sent(response) is None:
            return []  # played long ago, as far as we know
        self._stopped[response] = samples
        return [Emit(CallerInterrupted())]

    def time_passed(self, now: Instant) -> list[Action]:
        late = [response for response, cut in self._cuts.items() if cut.until <= now]
        stops: list[Action] = [
            _stop(response, self._cuts.pop(response).estimate, Evidence.ASSUMED) for response in late
        ]
        return stops + _emitted(self._playback.take(now))


def _emitted(reports: list[PlayoutProgress]) -> list[Action]:
    return [Emit(report) for report in reports]


def _stop(response: ResponseId, played: int, evidence: Evidence) -> Emit:
    return Emit(PlayoutStopped(response, Samples(played), evidence))


@dataclass(slots=True)
class _Carried:
    reply: str
    item: str
    sent: int = 0
    started: bool = False
    finished: bool = False


class CarrierPlays:
    """Audio goes beside the events: whoever carries it reports, and the client is told when it starts and ends."""

    __slots__ = ("_carried", "_rate_hz", "_writer")

    def __init__(self, rate_hz: int, writer: Writer) -> None:
        self._rate_hz = rate_hz
        self._writer = writer
        self._carried: dict[ResponseId, _Carried] = {}

    @property
    def quiet(self) -> bool:
        return not self._carried

    def play(self, response: ResponseId, samples: int, reply: str, item: str) -> None:
        self._carried.setdefault(response, _Carried(reply, item)).sent += samples

    def finish(self, response: ResponseId) -> None:
        if response in self._carried:
            self._carried[response].finished = True

    def progress(self, fact: PlayoutProgress) -> Iterator[Action]:
        carried = self._carried.get(fact.response)
        if carried is None:
            return
        if not carried.started:
            carried.started = True
            yield self._writer.send("output_audio_buffer.started", response_id=carried.reply)
        if carried.finished and fact.played >= carried.sent:
            del self._carried[fact.response]
            yield self._writer.send("output_audio_buffer.stopped", response_id=carried.reply)

    def stopped(self, fact: PlayoutStopped) -> Iterator[Action]:
        carried = self._carried.pop(fact.response, None)
        if carried is None:
            return
        played_ms = min(fact.played, carried.sent) * 1000 // self._rate_hz
        yield self._writer.send("output_audio_buffer.cleared", response_id=carried.reply)
        place = {"item_id": carried.item, "content_index": 0}
        yield self._writer.send("conversation.item.truncated", **place, audio_end_ms=played_ms)
