"""What words mean in digits, and the grammar of those."""

from __future__ import annotations

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
