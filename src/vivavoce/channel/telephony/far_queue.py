"""What a carrier that keeps a queue has of ours, as far as we can know it from here. Pure: instants are arguments, in
seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from vivavoce.wire.telephony.line import Clear, LineWish

OVERDUE_S = 2.0
"""A mark that is so late will not come: the carrier is assumed to have played."""
BEGUN_S = 0.5
"""By then a carrier has begun with what it was sent."""


class _Stretch:
    """Sound without a gap, as far as is sure: from ``_begin`` on, sent at ``_begin_s``, the carrier always had more to
    play. ``told``: a mark in it came back, so that the time since says how far it is at the least.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.clear()

    def clear(self) -> None:
        """Nothing is out, and nothing to be told."""
        self.told, self.confirmed = True, 0
        self._begin, self._begin_s = 0, 0.0

    def send(self, sent: int, now_s: float) -> None:
        """More is sent after the first ``sent`` samples."""
        over_s = self._begin_s + (sent - self._begin) / self._rate_hz
        if now_s < over_s:
            return  # not even a carrier that plays at once has come to an end
        if now_s >= over_s + BEGUN_S:
            self.confirmed = sent
        self._begin, self._begin_s, self.told = sent, now_s, False

    def reached(self, position: int) -> None:
        self.confirmed = max(self.confirmed, position)
        self.told = self.told or position > self._begin


class FarQueue:
    """The carrier's queue as far as we can know it: positions count samples sent since it was last cleared.

    What was played is the last mark and the time since, and no more than was sent.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.sent = 0
        self.marked = 0
        self._stretch = _Stretch(rate_hz)
        self._base = 0
        self._base_s = 0.0
        self._epoch = 0
        self._count = 0
        self._marks: deque[tuple[str, int]] = deque()

    def played(self, now_s: float) -> int:
        return min(self.sent, self._base + max(0, round((now_s - self._base_s) * self._rate_hz)))

    @property
    def told(self) -> bool:
        """Whether a mark says how far the carrier is, and the time since."""
        return self._stretch.told

    def surely_played(self, now_s: float) -> int:
        """No more than the carrier has played, whatever it takes to begin."""
        return self.played(now_s) if self.told else self._stretch.confirmed

    def send(self, samples: int, now_s: float) -> None:
        self._stretch.send(self.sent, now_s)
        if self.played(now_s) == self.sent:  # it had run dry: this is played from now on
            self._base, self._base_s = self.sent, now_s
        self.sent += samples

    def ahead_until_s(self, samples: int) -> float:
        """When no more than ``samples`` of what was sent will be left to play."""
        return self._base_s + (self.sent - samples - self._base) / self._rate_hz

    def mark(self) -> str:
        self._count += 1
        name = f"{self._epoch}.{self._count}"
        self._marks.append((name, self.sent))
        self.marked = self.sent
        return name

    def reached(self, name: str, now_s: float) -> int | None:
        """The position of a mark; None for one that was cleared away, or never set."""
        if all(name != pending for pending, _ in self._marks):
            return None
        while True:
            pending, position = self._marks.popleft()
            if pending == name:
                self._base, self._base_s = position, now_s
                self._stretch.reached(position)
                return position

    @property
    def overdue_s(self) -> float | None:
        """When the oldest mark that is out will be too late."""
        if not self._marks:
            return None
        return self._base_s + (self._marks[0][1] - self._base) / self._rate_hz + OVERDUE_S

    def give_up(self) -> int:
        """The position of the oldest mark, which is out no more."""
        position = self._marks.popleft()[1]
        self._stretch.reached(position)
        return position

    def clear(self) -> None:
        self._epoch += 1
        self._marks.clear()
        self.sent = self.marked = self._base = 0
        self._stretch.clear()


@dataclass(slots=True)
class Clearing:
    """The last clear: what is still to be sent of it, when it was sent, and the mark whose coming back is its answer.
    ``most`` are the samples that the carrier may have played before it came.
    """

    due: deque[LineWish] = field(default_factory=deque)
    sent_s: float | None = None
    mark: str = ""
    most: int = 0

    def next(self, now_s: float) -> LineWish:
        wish = self.due.popleft()
        if isinstance(wish, Clear):
            self.sent_s = now_s
        return wish

    def took_s(self, now_s: float) -> float:
        """It is answered now. Nothing if nobody waits for that."""
        took_s = now_s - self.sent_s if self.sent_s is not None else 0.0
        self.forget()
        return took_s

    def forget(self) -> None:
        self.sent_s, self.mark = None, ""
