"""What a call and the program that writes digits down say to each other: pieces of talk, and digits, each with the
number of its question. And what words mean in digits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEADER = struct.Struct("<II")
DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
REPEATS = {"double": 2, "triple": 3}


def grammar() -> str:
    """JSGF: digits, some doubled. Other words would be heard instead of digits more often than in place of noise."""
    digit, repeats = "|".join(DIGITS), "|".join(REPEATS)
    return f"#JSGF V1.0;\ngrammar digits;\npublic <said> = ([{repeats}] ({digit}))+;\n"


def digits_of(words: str) -> str:
    """``double`` and ``triple`` taken for what they mean; other words left out."""
    digits, times = "", 1
    for word in words.split():
        if word in REPEATS:
            times = REPEATS[word]
            continue
        digits += DIGITS.get(word, "") * times
        times = 1
    return digits


def pack(number: int, payload: bytes) -> bytes:
    return _HEADER.pack(number, len(payload)) + payload


class Frames:
    """Bytes as they come to whole frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._held += data
        while len(self._held) >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._held)
            if len(self._held) < _HEADER.size + length:
                return
            payload = bytes(self._held[_HEADER.size : _HEADER.size + length])
            del self._held[: _HEADER.size + length]
            yield number, payload
