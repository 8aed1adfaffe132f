"""Counting PCM16 mono: samples, bytes and milliseconds. Integers wherever an integer is the truth."""

from __future__ import annotations

from vivavoce.errors import UsageError

BYTES_PER_SAMPLE = 2


def samples_in(pcm: bytes) -> int:
    """How many samples these bytes hold. Half a sample is a mistake upstream, never rounded away."""
    samples, rest = divmod(len(pcm), BYTES_PER_SAMPLE)
    if rest:
        raise UsageError(
            f"{len(pcm)} bytes are not whole 16-bit samples", hint="cut PCM16 at even byte positions, or use a Framer"
        )
    return samples


def samples_for(ms: int, rate_hz: int) -> int:
    """How many whole samples fit into ``ms``; exact for every rate that is a multiple of 1000, else rounded down."""
    if ms < 0 or rate_hz <= 0:
        raise UsageError(f"no samples in {ms} ms at {rate_hz} Hz", hint="a duration is 0 or more, a rate more than 0")
    return ms * rate_hz // 1000


def duration_ms(samples: int, rate_hz: int) -> float:
    """How long so many samples last."""
    if rate_hz <= 0:
        raise UsageError(f"no duration at {rate_hz} Hz", hint="a sample rate is more than 0")
    return samples * 1000 / rate_hz


def silence(samples: int) -> bytes:
    """So many samples of digital silence."""
    if samples < 0:
        raise UsageError(f"{samples} samples of silence", hint="a count is 0 or more")
    return bytes(samples * BYTES_PER_SAMPLE)
