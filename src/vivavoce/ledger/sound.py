"""The latency that a caller heard: where their speech ends and the agent's reply begins, measured on the recording.

The timeline says which stretch of sound belongs to which turn, the sound says where in it the first and the last that
can be heard lie. What cannot be told (the line is too noisy, the caller typed, two replies follow each other without a
pause) stays None. ``docs/reference/measured-latency.md`` has the rules, the reasons and the error of this instrument.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.activity import AUDIBLE_POWER, STEP_MS, Levels, closed, runs, step_power
from vivavoce.audio.arrays import FULL_SCALE
from vivavoce.audio.files import stereo_blocks
from vivavoce.audio.mixing import Track
from vivavoce.audio.pcm import samples_for
from vivavoce.ledger.record import CallRecord, TurnRecord

AGENT_GAP_MS = 500
AGENT_SHORTEST_MS = 80
"""Gaps up to the one are within the agent's speech, and what is shorter than the other is none of it: as in
Full-Duplex-Bench v1.5."""
CALLER_GAP_MS = 60
CALLER_SHORTEST_MS = 30
"""Shorter, and further than a stop's closure from other speech, it is a click."""
CLOSURE_MS = 150
"""The pause before the release of a "t" or "k" at the end of a word."""
TAIL_MS = 300
"""What begins later than this after the end of speech by the model's word is a cough or the room."""
EARLY_MS = 500
"""So much before the model noticed it, a caller may have begun."""
PLACED_MS = 120
"""So far the recording may place a reply from where its reports do: :data:`vivavoce.timeline.recording.DRIFT_MS` and a
frame."""
SMOOTH_MS = 25
FLOOR_SHARE = 0.05
FLOOR_WINDOW_S = 9
GATED_SHARE = 0.2
"""A line with so much digital silence has no noise in its pauses."""
MARGIN_DB = 12.0
TREBLE_MARGIN_DB = 6.0
"""Sound is so much louder than the floor: what noise itself does within 25 ms stays below. Most noise of rooms and
lines is deep and uneven; its treble is even, and it is there that a last "s" is."""
TREBLE_DBFS = -63.0
"""Without noise, what is left of a last "s" on a line of 8 kHz is so soft; what G.711 does at rest is softer."""
LEAST_SNR_DB = 30.0
"""Of a noisier line, soft last consonants lie in the noise: it is not measured."""
_TREBLE_POWER = (FULL_SCALE * 10 ** (TREBLE_DBFS / 20)) ** 2
_PER_S = 1000 // STEP_MS


class Sides(NamedTuple):
    """How loud each step of a call is: the caller, their treble (the first difference), and the agent."""

    caller: Levels
    treble: Levels
    agent: Levels


def measure(record: CallRecord, caller: NDArray[np.int16], agent: NDArray[np.int16]) -> CallRecord:
    """The record with what the two tracks, at its rate and from its first instant on, say of each turn."""
    return measure_sides(record, _sides(caller, agent, record.rate_hz))


def measured(record: CallRecord, path: Path) -> CallRecord:
    """The same from the call's ``audio.wav``, in blocks. Raises :class:`~vivavoce.errors.AudioFileError`."""
    blocks = (
        _sides(block[:, Track.CALLER], block[:, Track.AGENT], record.rate_hz)
        for block in stereo_blocks(path, 10 * samples_for(1000, record.rate_hz))
    )
    return measure_sides(record, joined(blocks))


def joined(parts: Iterable[Sides]) -> Sides:
    """One after the other; each but the last of whole steps."""
    columns = list(zip(*parts, strict=True)) or [(np.zeros(0, np.float32),)] * 3
    return Sides(*(np.concatenate(column) for column in columns))


def measure_sides(record: CallRecord, sides: Sides) -> CallRecord:
    caller = _Caller(sides)
    agent = sides.agent >= AUDIBLE_POWER
    turns: list[TurnRecord] = []
    for turn, following in pairwise((*record.turns, None)):
        assert turn is not None  # only the last follows nothing
        heard = _heard(turn, following, agent)
        ended = None if turn.speech_ended_us is None else caller.ended(turn, heard)
        turns.append(
            msgspec.structs.replace(turn, measured_ended_us=_middle_us(ended), measured_heard_us=_middle_us(heard))
        )
    return msgspec.structs.replace(record, turns=tuple(turns))


def _sides(caller: NDArray[np.int16], agent: NDArray[np.int16], rate_hz: int) -> Sides:
    treble = np.diff(caller, prepend=caller[:1])  # wraps only at full scale from one sample to the next
    return Sides(step_power(caller, rate_hz), step_power(treble, rate_hz), step_power(agent, rate_hz))


def _heard(turn: TurnRecord, following: TurnRecord | None, loud: NDArray[np.bool_]) -> int | None:
    """The step in which the first reply of this turn is first heard."""
    begin = _reply_expected(turn)
    if begin is None:
        return None
    end = None if following is None else _reply_expected(following)
    at = max(0, begin)
    window = loud[at:end]
    if len(window) and window[0]:  # the reply before is still heard: after it
        still = int(np.argmin(window))
        if window[still] or still > 2 * PLACED_MS // STEP_MS:
            return None if at else 0
        at, window = at + still, window[still:]
    spans = closed(runs(window), AGENT_GAP_MS // STEP_MS, AGENT_SHORTEST_MS // STEP_MS)
    return at + int(spans[0, 0]) if len(spans) else None


def _reply_expected(turn: TurnRecord) -> int | None:
    """The first step in which this turn's reply may sound."""
    if turn.first_played_us is not None:
        return _step(turn.first_played_us + (turn.silence_us or 0)) - PLACED_MS // STEP_MS
    return None if turn.first_sent_us is None else _step(turn.first_sent_us) - PLACED_MS // STEP_MS


class _Caller:
    """Where the caller's side sounds, and how far that stands out."""

    def __init__(self, sides: Sides) -> None:
        self._power = _smooth(sides.caller)
        self._floor = _floor(sides.caller, self._power)
        treble = _smooth(sides.treble)
        treble_floor = _floor(sides.treble, treble)
        loud = self._power >= np.maximum(self._floor * _ratio(MARGIN_DB), AUDIBLE_POWER)
        loud |= treble >= np.maximum(treble_floor * _ratio(TREBLE_MARGIN_DB), _TREBLE_POWER)
        # Smoothing spreads a sound by two steps to each side: what sounds by itself says where it ends.
        sharp = sides.caller >= np.maximum(self._floor, AUDIBLE_POWER)
        sharp |= sides.treble >= np.maximum(treble_floor, _TREBLE_POWER)
        found = closed(runs(loud & sharp), CALLER_GAP_MS // STEP_MS, 1)
        self._spans = found[_no_click(found)]

    def ended(self, turn: TurnRecord, heard: int | None) -> int | None:
        """The step in which the speech of this turn is last heard."""
        assert turn.speech_ended_us is not None
        told = _step(turn.speech_ended_us)
        began = _step(turn.began_us if turn.began_us is not None else turn.speech_ended_us) - EARLY_MS // STEP_MS
        until = told + TAIL_MS // STEP_MS
        if heard is not None:
            until = min(until, max(heard, told))  # what begins after the reply is its echo, or the next turn
        mine = self._spans[(self._spans[:, 1] > began) & (self._spans[:, 0] < until)]
        if not len(mine):
            return None
        first, last = max(int(mine[0, 0]), began, 0), int(mine[-1, 1])
        spoken = float(np.percentile(self._power[first:last], 75))
        floor = float(self._floor[first:last].mean())
        return last - 1 if spoken >= floor * _ratio(LEAST_SNR_DB) else None


def _ratio(db: float) -> float:
    return float(10 ** (db / 10))


def _no_click(spans: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Those that are long enough, or follow such a one closely."""
    long = spans[:, 1] - spans[:, 0] >= CALLER_SHORTEST_MS // STEP_MS
    follows = np.zeros_like(long)
    follows[1:] = long[:-1] & (spans[1:, 0] - spans[:-1, 1] <= CLOSURE_MS // STEP_MS)
    return long | follows


def _smooth(power: Levels) -> Levels:
    if not len(power):
        return power
    width = SMOOTH_MS // STEP_MS
    smooth: Levels = np.convolve(power, np.full(width, 1 / width, np.float32), "same")[: len(power)]
    return smooth.astype(np.float32)


def _floor(raw: Levels, smooth: Levels) -> Levels:
    """The noise of the line at each step: what a twentieth of the nine seconds around it does not exceed."""
    floors = np.zeros(len(raw) // _PER_S + 1, np.float32)
    for second in range(len(floors)):
        begin = max(0, (second - FLOOR_WINDOW_S // 2) * _PER_S)
        end = (second + FLOOR_WINDOW_S // 2 + 1) * _PER_S
        sounding = smooth[begin:end][raw[begin:end] > 0]
        if len(sounding) > (1 - GATED_SHARE) * len(raw[begin:end]):
            floors[second] = np.partition(sounding, at := int(FLOOR_SHARE * len(sounding)))[at]
    return np.repeat(floors, _PER_S)[: len(raw)]


def _step(instant_us: int) -> int:
    return instant_us // (1000 * STEP_MS)


def _middle_us(step: int | None) -> int | None:
    return None if step is None else step * 1000 * STEP_MS + 500 * STEP_MS
