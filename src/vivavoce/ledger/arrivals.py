"""When the samples that a model heard had reached us, and when they were passed on, for the last minutes of a call."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from vivavoce.events import CallerAudio, ConnectionId, ForwardAudio, Ignore, ReplayAudio, SwapModel
from vivavoce.ledger.heeding import Handlers

REMEMBERED_PIECES = 6_000
"""Two minutes of 20 ms: what a model says of the caller's audio, it says within seconds, and what a session that takes
over is given again is at most a minute."""
REMEMBERED_CONNECTIONS = 4


class _Stretch(NamedTuple):
    """Of what one connection was given: from its sample ``start`` on, what is ``stream`` in all that was forwarded.
    ``again_us`` is when it was replayed."""

    start: int
    stream: int
    again_us: int | None


@dataclass(slots=True)
class _Heard:
    """What one connection was given."""

    samples: int = 0
    stretches: list[_Stretch] = field(default_factory=list)


class Arrivals:
    """Follows the caller's audio from its arrival through whatever it waited in to the models.

    A model counts from the first sample it was given, and each connection anew; what is replayed to the next one had
    arrived long before.
    """

    def __init__(self) -> None:
        self.forwarded = 0  # samples, to whichever connection
        self._waiting: deque[tuple[int, int]] = deque()  # samples, and the instant at which the last of them arrived
        # Where each forwarded piece ends, when its last sample had arrived, when it was passed on.
        self._pieces: deque[tuple[int, int, int]] = deque(maxlen=REMEMBERED_PIECES)
        self._heard: dict[ConnectionId, _Heard] = {}
        self._current: ConnectionId | None = None  # whose last stretch goes on with the next forwarded piece
        self._begun = 0  # what was forwarded when that stretch began
        self._replaying = 0

    @property
    def handlers(self) -> Handlers:
        return {
            CallerAudio: self._arrive,
            ForwardAudio: self._forward,
            ReplayAudio: self._replay,
            SwapModel: self._take_over,
            Ignore: self._ignored,
        }

    def given(self, connection: ConnectionId) -> int:
        """Samples that this connection was given so far, replayed ones among them."""
        heard = self._heard.get(connection)
        if heard is None:
            return 0
        return heard.samples + (self.forwarded - self._begun if connection == self._current else 0)

    def instants(self, connection: ConnectionId, position: int, otherwise: int) -> tuple[int, int]:
        """When the sample at which this connection's count comes to ``position`` had arrived, and when it was passed on
        to it; ``otherwise`` where it never was."""
        heard = self._heard.get(connection)
        if heard is None or not 0 <= position <= self.given(connection):
            return otherwise, otherwise
        index = max(0, bisect_left(heard.stretches, position, key=itemgetter(0)) - 1)
        stretch = heard.stretches[index]
        stream = stretch.stream + max(1, position - stretch.start)
        found = bisect_left(self._pieces, stream, key=itemgetter(0))
        if found >= len(self._pieces):
            return otherwise, otherwise
        _, arrived, passed = self._pieces[found]
        return arrived, passed if stretch.again_us is None else stretch.again_us

    def _arrive(self, at: int, value: CallerAudio) -> None:
        self._waiting.append((value.audio.samples, at))

    def _forward(self, at: int, value: ForwardAudio) -> None:
        samples = value.audio.samples
        waiting = self._waiting
        arrived = waiting.popleft()[1] if waiting and waiting[0][0] == samples else self._take(samples, at)
        if value.connection != self._current:
            self._go_on(value.connection)
        self.forwarded += samples
        self._pieces.append((self.forwarded, arrived, at))

    def _replay(self, at: int, value: ReplayAudio) -> None:
        self._pause()
        heard, samples = self._of(value.connection), value.audio.samples
        last = heard.stretches[-1] if heard.stretches else None
        if last is None or last.again_us != at or last.stream - last.start != self._replaying - heard.samples:
            heard.stretches.append(_Stretch(heard.samples, self._replaying, at))
        heard.samples += samples
        self._replaying += samples

    def _take_over(self, _at: int, value: SwapModel) -> None:
        """The newest so many samples will be given to another connection too."""
        self._replaying = self.forwarded - value.replayed

    def _ignored(self, at: int, value: Ignore) -> None:
        if value.what == CallerAudio.__name__:
            self._take(value.samples, at)

    def _take(self, samples: int, otherwise: int) -> int:
        """Take the oldest samples out; returns when the last of them had arrived."""
        at = otherwise
        while samples > 0 and self._waiting:
            first, at = self._waiting.popleft()
            if first > samples:
                self._waiting.appendleft((first - samples, at))
            samples -= first
        return at

    def _go_on(self, connection: ConnectionId) -> None:
        self._pause()
        heard = self._of(connection)
        heard.stretches.append(_Stretch(heard.samples, self.forwarded, None))
        self._current, self._begun = connection, self.forwarded

    def _pause(self) -> None:
        if self._current is not None:
            self._of(self._current).samples = self.given(self._current)
            self._current = None

    def _of(self, connection: ConnectionId) -> _Heard:
        if connection not in self._heard:
            for old in sorted(self._heard)[: -REMEMBERED_CONNECTIONS + 1]:
                del self._heard[old]
            self._heard[connection] = _Heard()
        return self._heard[connection]
