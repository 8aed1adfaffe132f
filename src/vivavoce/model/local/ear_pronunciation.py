"""A pronunciation for words that the dictionary lacks, in the phones of the CMU dictionary. Pure.

Plain letter-to-sound rules: right often enough that a name of the agent's can be heard at all. A word without a vowel
is spelt out (VPN). Never fails.
"""

from __future__ import annotations

from typing import Final

_LETTERS: Final = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip

# Longest first at each place; "" is a silent letter.
_SOUNDS: Final = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO", "eigh": "EY", "tch": "CH", "igh": "AY",
    "sch": "SH", "dge": "JH", "ck": "K", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W", "qu": "K W",
    "kn": "N", "wr": "R", "ng": "NG", "gh": "G", "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW",
    "oa": "OW", "oi": "OY", "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ie": "IY", "ei": "IY",
    "ey": "IY", "ew": "Y UW", "ue": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER", "x": "K S",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "y": "Y", "z": "Z",
}  # fmt: skip
_LONGEST: Final = max(map(len, _SOUNDS))

_VOWELS: Final = frozenset("aeiouy")
_LONG_VOWELS: Final = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_FINAL_VOWELS: Final = {"a": "AH", "i": "IY", "o": "OW", "u": "UW", "y": "IY"}
_SOFTENING: Final = frozenset("eiy")


def pronunciation(word: str) -> str:
    """The phones of ``word``, which is of letters ``a`` to ``z`` and apostrophes with at least one letter."""
    letters = word.replace("'", "")
    if _VOWELS.isdisjoint(letters):
        return " ".join(_LETTERS[letter] for letter in letters)
    phones = []
    at = 0
    while at < len(letters):
        length, sound = _sound_at(letters, at)
        phones.append(sound)
        at += length
    return " ".join(filter(None, phones))


def _sound_at(letters: str, at: int) -> tuple[int, str]:
    """How many letters are read together from here, and as what."""
    if at and letters[at] == letters[at - 1] and letters[at] not in _VOWELS:
        return 1, ""
    for length in range(_LONGEST, 1, -1):
        chunk = letters[at : at + length]
        if len(chunk) == length and chunk in _SOUNDS:
            return length, _SOUNDS[chunk]
    return 1, _single(letters, at)


def _single(letters: str, at: int) -> str:
    letter, rest = letters[at], letters[at + 1 :]
    if letter in _VOWELS and at:
        return _vowel_inside(letter, rest, letters[:at])
    if letter in "cg" and rest[:1] and rest[0] in _SOFTENING:
        return "S" if letter == "c" else "JH"
    return _SOUNDS[letter]


def _vowel_inside(letter: str, rest: str, before: str) -> str:
    if not rest:
        silent = letter == "e" and not _VOWELS.isdisjoint(before)
        return "" if silent else _FINAL_VOWELS.get(letter, "IY")
    if len(rest) == 2 and rest[1] == "e" and rest[0] not in _VOWELS:
        return _LONG_VOWELS[letter]  # "-ate", "-ine", "-ode"
    return "IH" if letter == "y" else _SOUNDS[letter]
