"""Short ramps, so that sound which stops or starts in its middle does not click."""

from __future__ import annotations

import struct

from vivavoce.audio.pcm import samples_in


def fade(pcm: bytes, level: int, length: int, *, rises: bool) -> bytes:
    """The same samples on a straight ramp that takes ``length`` of them between silence and full: up or down from
    ``level`` of so many. Beyond its end they are as loud as its end.
    """
    count = samples_in(pcm)
    steps = range(1, count + 1)
    levels = (min(length, level + step) if rises else max(0, level - step) for step in steps)
    values = zip(struct.unpack(f"<{count}h", pcm), levels, strict=True)
    return struct.pack(f"<{count}h", *(int(value * gain / length) for value, gain in values))
