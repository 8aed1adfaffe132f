"""Ramps: straight, and as long as the sound."""

import struct

from vivavoce.audio.fading import fade

LOUD = struct.pack("<6h", *(1000, -1000) * 3)


def values(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def test_a_ramp_down_ends_in_silence() -> None:
    assert values(fade(LOUD, 4, 4, rises=False)) == (750, -500, 250, 0, 0, 0)


def test_a_ramp_up_ends_as_it_was() -> None:
    assert values(fade(LOUD, 0, 4, rises=True)) == (250, -500, 750, -1000, 1000, -1000)


def test_a_ramp_goes_on_where_the_last_stretch_of_it_ended() -> None:
    whole = fade(LOUD, 8, 8, rises=False)
    assert fade(LOUD[:4], 8, 8, rises=False) + fade(LOUD[4:], 6, 8, rises=False) == whole


def test_nothing_fades_to_nothing() -> None:
    assert fade(b"", 4, 4, rises=True) == b""
