"""Each time another model session took over within a call, folded from its timeline: why, and what the caller noticed.

*Gap*, ``gap_ms``: the silence that the swap added to what the caller heard. Three cases:

- the agent's reply was broken off and taken up again: from the end of what was played of it to the next agent audio;
- the caller waited for an answer: how much longer it took, from the end of their speech and without the time of tools,
  than the call's other answers of its kind (with a tool, without) did in the median;
- neither: nothing could be heard of the swap, and the gap is 0.

It is None where that cannot be told: no agent audio followed, or there is no other answer to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from vivavoce.events import CallerConnected, Flush, Play, Recall, SwapModel, SwapMoment
from vivavoce.ledger.heeding import Handlers
from vivavoce.ledger.turns import Turn
from vivavoce.timeline.schema import Line


@dataclass(frozen=True, slots=True)
class Swap:
    """``replayed_ms`` of the caller's audio were heard again by the new session; ``lost_ms`` of what should have been
    could not be kept for it. ``owed``: an answer was due, or a reply was broken off.
    """

    at_us: int
    moment: SwapMoment
    reason: str
    replayed_ms: float
    lost_ms: float
    owed: bool
    gap_ms: float | None


class UsualWaits:
    """How long answers take that no swap comes between, of one call or of several that are alike."""

    def __init__(self) -> None:
        self._waits_ms: dict[bool, list[float]] = {True: [], False: []}

    def add(self, lines: Iterable[Line], turns: Sequence[Turn]) -> None:
        """One more call."""
        self.add_turns([line.at for line in lines if isinstance(line.value, SwapModel)], turns)

    def add_turns(self, swapped_us: Sequence[int], turns: Sequence[Turn]) -> None:
        """One more call, in which other sessions took over at these instants."""
        for turn in turns:
            wait_ms = _wait_ms(turn)
            if wait_ms is not None and not any(_waiting([turn], at) for at in swapped_us):
                self._waits_ms[bool(turn.tools)].append(wait_ms)

    def longer_ms(self, turn: Turn) -> float | None:
        """By how much ``turn`` took longer than the median of its kind."""
        wait_ms, waits_ms = _wait_ms(turn), self._waits_ms[bool(turn.tools)]
        return None if wait_ms is None or not waits_ms else max(0.0, wait_ms - median(waits_ms))


@dataclass(slots=True)
class Seen:
    """A swap, and what was going on around it. ``audible_until_us``: so far went what was to be heard of the agent;
    ``resumed_us``: the next of it was sent."""

    at_us: int
    value: SwapModel
    audible_until_us: int
    broken_off: bool = False
    resumed_us: int | None = None

    @property
    def silence_ms(self) -> float | None:
        return None if self.resumed_us is None else max(0.0, (self.resumed_us - self.audible_until_us) / 1000)


class Swaps:
    """Notes swaps as they come; what the caller noticed of them is known when the call is over."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._rate_hz = 0
        self._audible_until_us = 0
        self._silent = False  # nothing was sent since the last swap

    @property
    def handlers(self) -> Handlers:
        return {
            CallerConnected: self._connected,
            Play: self._sent,
            Flush: self._flushed,
            SwapModel: self._swapped,
            Recall: self._recalled,
        }

    def told(self, turns: Sequence[Turn], usual: UsualWaits | None = None) -> list[Swap]:
        """All of them. ``turns`` are those of the call; ``usual`` is what its answers are compared with, if not with
        each other."""
        if usual is None:
            usual = UsualWaits()
            usual.add_turns([seen.at_us for seen in self.seen], turns)
        to_ms = 1000 / self._rate_hz if self._rate_hz else 0.0
        return [self._tell(seen, turns, usual, to_ms) for seen in self.seen]

    def _tell(self, seen: Seen, turns: Sequence[Turn], usual: UsualWaits, to_ms: float) -> Swap:
        value, turn = seen.value, _waiting(turns, seen.at_us)
        gap_ms: float | None = 0.0
        if seen.broken_off:
            gap_ms = seen.silence_ms
        elif turn is not None:
            gap_ms = usual.longer_ms(turn)
        owed = seen.broken_off or turn is not None
        return Swap(seen.at_us, value.moment, value.reason, value.replayed * to_ms, value.lost * to_ms, owed, gap_ms)

    def _connected(self, _at: int, value: CallerConnected) -> None:
        self._rate_hz = self._rate_hz or value.rate_hz

    def _sent(self, at: int, value: Play) -> None:
        if self._silent:
            self._silent = False
            for seen in self.seen:
                if seen.resumed_us is None:
                    seen.resumed_us = at
        if self._rate_hz:
            self._audible_until_us = max(self._audible_until_us, at) + value.audio.samples * 1_000_000 // self._rate_hz

    def _flushed(self, at: int, _value: Flush) -> None:
        self._audible_until_us = min(self._audible_until_us, at)

    def _swapped(self, at: int, value: SwapModel) -> None:
        self.seen.append(Seen(at, value, self._audible_until_us))
        self._silent = True

    def _recalled(self, _at: int, value: Recall) -> None:
        if self.seen and self.seen[-1].value.connection == value.connection:
            self.seen[-1].broken_off = value.carry_on


def fold_swaps(lines: Iterable[Line], turns: Sequence[Turn], usual: UsualWaits | None = None) -> list[Swap]:
    """``turns`` are those of the same call; ``usual`` is what its answers are compared with, if not with each other."""
    swaps = Swaps()
    handlers = swaps.handlers
    for line in lines:
        handler = handlers.get(type(line.value))
        if handler is not None:
            handler(line.at, line.value)
    return swaps.told(turns, usual)


def _waiting(turns: Sequence[Turn], at_us: int) -> Turn | None:
    """The turn whose caller had begun to speak and had no answer yet."""
    for turn in turns:
        answered = turn.first_audio_us is not None and turn.first_audio_us <= at_us
        if turn.began_us is not None and turn.began_us <= at_us and not answered and turn.speech_ended_us is not None:
            return turn
    return None


def _wait_ms(turn: Turn) -> float | None:
    return None if turn.first_audio_ms is None else turn.first_audio_ms - turn.tool_ms
