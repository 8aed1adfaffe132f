"""The agent's own voice, coming back from the caller's loudspeaker or from the network.

What comes back is late by 0 to 600 ms, softer, coloured by a room, and never sample for sample what was sent. So bands
of both are compared, in dB, over a second and a half: at the right lag they rise and fall together. Once that is known,
each moment of the line is either what the agent's voice would have left there or more than that.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vivavoce.audio.arrays import to_array
from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_for
from vivavoce.voice.sound import BANDS, FLOOR_DB, WINDOW_MS, Moment, band_powers, level_dbfs, powers

LATEST_FRAMES = 44
"""704 ms: 600 of a telephone network and a loudspeaker, and what reports of playing may be late by."""
COMPARED_FRAMES = 96
"""A second and a half."""
LEAST_FRAMES = 24
"""Of the agent's voice, before anything is said about its echo."""
ONSET_FRAMES = 8
"""That both begin to sound is no likeness: what is compared begins so much later."""
EVERY_FRAMES = 6
ALIKE = 0.62
"""The correlation that an echo has at least."""
UNLIKE = 0.52
"""Other speech stays below, at every lag (``benchmarks/voice_detector.py``)."""
MARGIN_DB = 6.0
"""A band is more than echo if it is so much louder than what is expected."""
MOST = 0.5
"""A moment is more than echo if so much of its power lies in such bands."""
FADE_DB = 3.0
"""A room lets 16 ms fade by so much: 60 dB in a third of a second."""
ENOUGH_FRAMES = 36
"""After so many of sound an echo would have been known."""
LOUDEST_DB = -3.0
"""An echo comes back softer than the agent was sent, by that at least."""
ACTIVE_DB = -50.0
"""So loud the agent's voice is heard back, if anything of it is."""
_SOFT_DB = -72.0
_NO_GAIN_DB = -40.0
_LENGTH = COMPARED_FRAMES + LATEST_FRAMES + 1


class EchoState(Enum):
    """What is known of the line."""

    UNKNOWN = auto()  # the agent has not spoken for long enough
    NONE = auto()  # it spoke, and nothing came back
    KNOWN = auto()  # it comes back, in a known way


class EchoPath:
    """Compares the two voices frame by frame. ``likeness``: the correlation at the best lag, when last looked."""

    def __init__(self, rate_hz: int) -> None:
        self.state = EchoState.UNKNOWN
        self.likeness = 0.0
        self._both = _Both(rate_hz)
        self._lag = 0
        self._gain_db: NDArray[np.float32] = np.zeros(BANDS, np.float32)
        self._frames = 0
        self._active = 0  # frames of the agent's voice so far, up to what is needed
        self._quiet = 0  # of them, with nothing on the line since

    @property
    def spoke(self) -> bool:
        """The agent has."""
        return self._active > 0

    def hear(self, played: bytes, sound: Moment | None) -> None:
        """The next frame of both; ``sound`` is None where the line is soft: then it costs next to nothing."""
        self._frames += 1
        played = self._both.add(played)
        if played and level_dbfs(played) > ACTIVE_DB:
            self._active += 1
            self._quiet = self._quiet + 1 if sound is None else 0
        if self._quiet >= LATEST_FRAMES + LEAST_FRAMES:
            self.state = EchoState.NONE
        if sound is None:
            return
        self._both.catch_up(sound)
        if self._active >= LEAST_FRAMES and self._frames % EVERY_FRAMES == 0:
            self._compare()

    def explains(self, sound: Moment) -> bool:
        """Whether the newest moment is nothing but the agent's own voice."""
        if self.state is not EchoState.KNOWN:
            return False
        sent = self._both.sent
        at = len(sent) - 1 - self._lag
        near = sent[max(0, at - 2) : at + 3].max(axis=0)
        more = sound.bands_db > np.maximum(near + self._gain_db + MARGIN_DB, _SOFT_DB)
        power = np.power(10, sound.bands_db / 10)
        return float(power[more].sum()) < MOST * float(power.sum())

    def _compare(self) -> None:
        heard = self._both.heard[LATEST_FRAMES:]
        sounds = heard.max(axis=1) > _SOFT_DB
        first = int(sounds.argmax()) + ONSET_FRAMES
        if sounds[first:].sum() < LEAST_FRAMES:
            return
        windows = sliding_window_view(self._both.sent, COMPARED_FRAMES, axis=0)  # lag from the latest, bands, frames
        alike = _correlations(windows[:, :, first:], heard[first:].T)
        best = int(alike.argmax())
        self.likeness = float(alike[best])
        if self.likeness >= ALIKE and self._learn(windows[best].T, heard):
            self._lag = LATEST_FRAMES - best
            self.state = EchoState.KNOWN
        elif self.state is EchoState.UNKNOWN and (self.likeness < UNLIKE or sounds[first:].sum() >= ENOUGH_FRAMES):
            self.state = EchoState.NONE

    def _learn(self, sent: NDArray[np.float32], heard: NDArray[np.float32]) -> bool:
        """How much softer each band comes back. False where it would be too loud for an echo."""
        both = (heard > _SOFT_DB) & (sent > ACTIVE_DB - 10)
        gain = np.array(
            [
                np.median(row[mask]) if mask.any() else _NO_GAIN_DB
                for row, mask in zip((heard - sent).T, both.T, strict=True)
            ]
        )
        if np.median(gain) > LOUDEST_DB:
            return False
        self._gain_db = gain.astype(np.float32)
        return True


class _Both:
    """Bands of both voices up to the newest frame, in which the line was not soft."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame_bytes = samples_for(WINDOW_MS, rate_hz) * BYTES_PER_SAMPLE // 2
        self._waiting = deque([b""], maxlen=_LENGTH)  # played since then, and the frame before
        self.sent = np.full((_LENGTH - 1, BANDS), FLOOR_DB, np.float32)
        self.heard = np.full((_LENGTH - 1, BANDS), _SOFT_DB, np.float32)

    def add(self, played: bytes) -> bytes:
        """What is played in the next frame; it may end within it. The frame, whole."""
        frame = played.ljust(self._frame_bytes, b"\0") if played else b""
        self._waiting.append(frame)
        return frame

    def catch_up(self, sound: Moment) -> None:
        """The line was soft since the last time, and now there is this."""
        frames = [frame.ljust(self._frame_bytes, b"\0") for frame in self._waiting]
        new = len(frames) - 1
        pcm = np.stack([to_array(first + second) for first, second in pairwise(frames)])
        self.sent = np.concatenate((self.sent[new:], band_powers(powers(pcm, self._rate_hz))))
        for at in range(len(self.sent) - new, len(self.sent)):
            np.maximum(self.sent[at], self.sent[at - 1] - FADE_DB, out=self.sent[at])
        self.heard = np.concatenate((self.heard[new:], np.full((new, BANDS), _SOFT_DB, np.float32)))
        self.heard[-1] = np.maximum(sound.bands_db, _SOFT_DB)
        self._waiting = deque(frames[-1:], maxlen=_LENGTH)


def _correlations(windows: NDArray[np.float32], heard: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each lag: of both voices' bands over time, all bands taken together."""
    centred = heard - heard.mean(axis=1, keepdims=True)
    sent = np.maximum(windows, ACTIVE_DB - 20)
    sent = sent - sent.mean(axis=2, keepdims=True)
    both = np.einsum("lbt,bt->l", sent, centred)
    norms = np.sqrt(np.einsum("lbt,lbt->l", sent, sent) * float(np.square(centred).sum())) + 1e-6
    alike: NDArray[np.float32] = both / norms
    return alike
