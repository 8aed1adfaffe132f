"""Each time another model session took over within a call, folded from its timeline: why, and what the caller noticed.

*Gap*, ``gap_ms``: the silence that the swap added to what the caller heard. Three cases:

- the agent's reply was broken off and taken up again: from the end of what was played of it to the next agent audio;
- the caller waited for an answer: how much longer it took, from the end of their speech and without the time of tools,
  than the call's other answers of its kind (with a tool, without) did in the median;
- neither: nothing could be heard of the swap, and the gap is 0.

It is None where that cannot be told: no agent audio followed, or there is no other answer to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from vivavoce.events import CallerConnected, Flush, Play, Recall, SwapModel, SwapMoment
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

    def add(self, lines: Sequence[Line], turns: Sequence[Turn]) -> None:
        """One more call."""
        instants = [line.at for line in lines if isinstance(line.value, SwapModel)]
        for turn in turns:
            wait_ms = _wait_ms(turn)
            if wait_ms is not None and not any(_waiting([turn], at) for at in instants):
                self._waits_ms[bool(turn.tools)].append(wait_ms)

    def longer_ms(self, turn: Turn) -> float | None:
        """By how much ``turn`` took longer than the median of its kind."""
        wait_ms, waits_ms = _wait_ms(turn), self._waits_ms[bool(turn.tools)]
        return None if wait_ms is None or not waits_ms else max(0.0, wait_ms - median(waits_ms))


def fold_swaps(lines: Sequence[Line], turns: Sequence[Turn], usual: UsualWaits | None = None) -> list[Swap]:
    """``turns`` are those of the same call; ``usual`` is what its answers are compared with, if not with each other."""
    if usual is None:
        usual = UsualWaits()
        usual.add(lines, turns)
    rate_hz = next((line.value.rate_hz for line in lines if isinstance(line.value, CallerConnected)), 0)
    swaps: list[Swap] = []
    audible_until_us = 0
    for index, line in enumerate(lines):
        match line.value:
            case Play(_, audio) if rate_hz:
                audible_until_us = max(audible_until_us, line.at) + audio.samples * 1_000_000 // rate_hz
            case Flush():
                audible_until_us = min(audible_until_us, line.at)
            case SwapModel(_, _, moment, replayed, lost, reason):
                broken_off = _carries_on(lines, index)
                turn = _waiting(turns, line.at)
                gap_ms: float | None = 0.0
                if broken_off:
                    gap_ms = _silence_ms(lines, index, audible_until_us)
                elif turn is not None:
                    gap_ms = usual.longer_ms(turn)
                to_ms = 1000 / rate_hz if rate_hz else 0.0
                owed = broken_off or turn is not None
                swaps.append(Swap(line.at, moment, reason, replayed * to_ms, lost * to_ms, owed, gap_ms))
    return swaps


def _carries_on(lines: Sequence[Line], index: int) -> bool:
    follows = lines[index + 1].value if index + 1 < len(lines) else None
    return isinstance(follows, Recall) and follows.carry_on


def _waiting(turns: Sequence[Turn], at_us: int) -> Turn | None:
    """The turn whose caller had begun to speak and had no answer yet."""
    for turn in turns:
        answered = turn.first_audio_us is not None and turn.first_audio_us <= at_us
        if turn.began_us is not None and turn.began_us <= at_us and not answered and turn.speech_ended_us is not None:
            return turn
    return None


def _wait_ms(turn: Turn) -> float | None:
    return None if turn.first_audio_ms is None else turn.first_audio_ms - turn.tool_ms


def _silence_ms(lines: Sequence[Line], index: int, audible_until_us: int) -> float | None:
    begins = next((line.at for line in lines[index:] if isinstance(line.value, Play)), None)
    return None if begins is None else max(0.0, (begins - audible_until_us) / 1000)
