"""One sample rate to another: ``StreamResampler`` for talk, ``resample`` for whole recordings.

Why talk has a resampler of its own: libsoxr works in large blocks. Measured with soxr 1.1 at its "HQ" setting, it
holds back up to 115 ms between 8 and 16 kHz and 37 ms between 16 and 24 kHz, which a caller waits through at each turn.
The filter below holds back 32 samples of the lower rate: 4 ms at 8 kHz, 2 ms at 16 kHz.

It is a polyphase windowed sinc. Rates are reduced to ``up/down``; ``down`` samples in and ``up`` samples out make one
cycle. All samples of a cycle are linear in one window of the input, so that a push is one matrix product. Coefficients
are whole numbers and every sum stays far below 2**53, so float64 arithmetic is exact: the result depends neither on how
the stream was cut nor on the order in which a BLAS adds.

The passband reaches 84 % of half the lower rate (3.37 kHz at 8 kHz); from that half on, everything is 80 dB down.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.pcm import samples_in
from vivavoce.errors import UsageError

# Kaiser's formulas: 80 dB in the stopband over 64 taps need a transition (80 - 8) / (2.285 * 64) rad wide, which is
# 0.157 of the half rate; the cut-off lies in its middle, so that the transition ends at the half rate.
_HALF_TAPS = 32
_KAISER_BETA = 0.1102 * (80 - 8.7)
_CUTOFF = 1 - 0.157 / 2
# One in units of a coefficient. The sum of 2**15 * 2**30 * the largest gain stays below 2**49.
_ONE = 2**30
# Keeps the windows of a product in the cache, and the product too small for a BLAS to start threads: on two busy cores
# a block of 8192 took many times as long.
_BLOCK_SAMPLES = 1024
_LARGEST_TABLE = 2_000_000  # coefficients, 16 MB; all pairs of rates in use are far below


class StreamResampler:
    """PCM of one rate in, PCM of another out, aligned in time: sample ``n`` out is the sound at ``n / to_hz`` seconds.

    - Whatever the pieces pushed, the bytes that come out are the same.
    - After ``finish``, exactly ``resampled_length(samples in)`` samples have come out.
    - What comes out trails what went in by ``delay_ms`` until ``finish`` gives the rest.
    - Where both rates agree the bytes pass untouched.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz, self.to_hz = _checked(from_hz, to_hz)
        divisor = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._filter = None if from_hz == to_hz else _filter(self._up, self._down)
        self._received = 0
        self._produced = 0
        # The input that later output still needs, silence before the first sample included.
        self._held = np.zeros(self._filter.before if self._filter else 0)
        self._finished = False

    @property
    def delay_ms(self) -> float:
        """By how much the output trails the input."""
        return self._filter.after * 1000 / self.from_hz if self._filter else 0.0

    def push(self, pcm: bytes) -> bytes:
        """What can be said for certain now."""
        if self._finished:
            raise UsageError("audio pushed into a resampler that was finished", hint="make a new one for a new stream")
        count = samples_in(pcm)
        if self._filter is None:
            return pcm
        if count <= _BLOCK_SAMPLES:
            return self._push_block(to_array(pcm), self._filter)
        samples = to_array(pcm)
        blocks = (samples[at : at + _BLOCK_SAMPLES] for at in range(0, count, _BLOCK_SAMPLES))
        return b"".join(self._push_block(block, self._filter) for block in blocks)

    def finish(self) -> bytes:
        """What is left, as if silence followed. Nothing more may be pushed."""
        self._finished = True
        if self._filter is None:
            return b""
        total = resampled_length(self._received, self.from_hz, self.to_hz)
        return self._convolve(self._held, total, self._filter)

    def _push_block(self, samples: NDArray[np.int16], filter_: _Filter) -> bytes:
        self._received += len(samples)
        held = np.concatenate((self._held, samples), dtype=np.float64)
        # Sample n needs input up to floor(n * down / up) + after.
        certain = max(0, -((filter_.after - self._received) * self._up // self._down))
        first_cycle = self._produced // self._up
        pcm = self._convolve(held, certain, filter_)
        spent = (self._produced // self._up - first_cycle) * self._down
        self._held = held[spent:]
        return pcm

    def _convolve(self, held: NDArray[np.float64], until: int, filter_: _Filter) -> bytes:
        """Output samples ``produced .. until``; ``held`` begins where the window of the first one's cycle begins."""
        begin = self._produced % self._up
        count = until - self._produced
        if count <= 0:
            return b""
        cycles = ceil((begin + count) / self._up)
        width, _ = filter_.matrix.shape
        missing = (cycles - 1) * self._down + width - len(held)
        if missing > 0:
            # Only samples of the last cycle that are cut off below, or that finish asked for, look at this silence.
            held = np.concatenate((held, np.zeros(missing)))
        windows = np.ndarray((cycles, width), np.float64, held, 0, (self._down * held.itemsize, held.itemsize))
        exact = np.ascontiguousarray(windows) @ filter_.matrix
        self._produced = until
        return to_pcm(exact.reshape(-1)[begin : begin + count] / _ONE)


def resampled_length(samples: int, from_hz: int, to_hz: int) -> int:
    """How many samples so many become: to the nearest, halves up."""
    return (2 * samples * to_hz + from_hz) // (2 * from_hz)


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """A whole recording at another rate, between any two rates, by libsoxr at its "HQ" setting."""
    _checked(from_hz, to_hz)
    if from_hz == to_hz or not pcm:
        samples_in(pcm)
        return pcm
    # As float: to whole numbers libsoxr adds dither, even where the input is silent.
    samples = to_array(pcm).astype(np.float32)
    resampled = soxr.resample(samples, from_hz, to_hz)
    length = resampled_length(len(samples), from_hz, to_hz)
    return to_pcm(np.pad(resampled[:length], (0, max(0, length - len(resampled)))))


def _checked(from_hz: int, to_hz: int) -> tuple[int, int]:
    if from_hz <= 0 or to_hz <= 0:
        raise UsageError(f"no way from {from_hz} Hz to {to_hz} Hz", hint="a sample rate is more than 0")
    return from_hz, to_hz


class _Filter(NamedTuple):
    """``matrix`` turns a cycle's window into its output; the window begins ``before`` samples before the cycle does.

    Its first sample out needs ``after`` samples of input beyond its own place.
    """

    before: int
    after: int
    matrix: NDArray[np.float64]


@lru_cache(maxsize=16)
def _filter(up: int, down: int) -> _Filter:
    lower = min(1.0, up / down)  # the lower rate in units of the input's
    half = ceil(_HALF_TAPS / lower)
    width = (up - 1) * down // up + 2 * half
    if width * up > _LARGEST_TABLE:
        raise UsageError(
            f"a stream cannot be resampled by the ratio {up}/{down}", hint="use rates with a larger common divisor"
        )
    taps = np.arange(2 * half)[:, np.newaxis]
    phases = np.arange(up)
    base, rest = np.divmod(phases * down, up)
    distance = (taps - (half - 1) - rest / up) * lower
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0.0, 1 - (distance / _HALF_TAPS) ** 2)))
    weights = np.sinc(distance * _CUTOFF) * window
    whole = np.rint(weights / weights.sum(axis=0) * _ONE)
    whole[np.argmax(whole, axis=0), phases] += _ONE - whole.sum(axis=0)  # every phase passes a constant exactly
    matrix = np.zeros((width, up))
    matrix[base + taps, phases] = whole
    matrix.flags.writeable = False
    return _Filter(before=half - 1, after=half, matrix=matrix)
