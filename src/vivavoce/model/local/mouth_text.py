"""What happens to text on its way to a synthesiser, and to silence on its way back. Pure; used in the worker
process."""

from __future__ import annotations

import array
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

RATE_HZ: Final = 16_000
# A synthesiser works on one piece at a time and cannot be stopped before its first samples, so pieces bound the
# latency of the first sound and of a stop. flite's statistical voices need 3 to 5 ms per second of speech for that
# first step.
PIECE_CHARACTERS: Final = 240

_LEAD_SAMPLES: Final = RATE_HZ * 30 // 1000
_TRAIL_SAMPLES: Final = RATE_HZ * 90 // 1000
_BLOCK_SAMPLES: Final = RATE_HZ * 5 // 1000
_SILENCE_PEAK: Final = 160  # −46 dBFS; the noise of the packaged voices around words peaks at 121

_SENTENCE_END: Final = re.compile(r"(?<=[.!?;:…。！？])\s+")
_CLAUSE_END: Final = re.compile(r"(?<=[,–—)、，])\s*")
_TYPOGRAPHY: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": ", ", "—": ", ", "…": ". ", "•": ", "})
_CURRENCY: Final = {"£": "pounds", "€": "euros"}
_PRICE: Final = re.compile(r"([£€])\s?(\d[\d,]*)(?:\.(\d\d))?(?!\d)")
_SHOUTED: Final = "ALL AND ANY ARE BUT CAN FOR IF IS MAY NEW NO NOT NOW OF ON ONE OR OUT THE TO TWO WE YES YOU".replace(
    " ", "|"
)
_ACRONYM: Final = re.compile(rf"\b(?!(?:{_SHOUTED})\b)([A-Z]{{2,3}})(s?)\b")


def clean(text: str) -> str:
    """``text`` without what no synthesiser can say: control characters (U+0001 begins a command of espeak-ng's), lone
    surrogates, private use, emoji and other pictures. White space becomes single spaces."""
    kept = (" " if unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn", "So", "Sk", "Zl", "Zp"} else c for c in text)
    return " ".join("".join(kept).split())


def plain_english(text: str) -> str:
    """Cleaned text as flite reads it well: ASCII only, prices in words' order, short acronyms letter by letter."""
    text = _PRICE.sub(_price, text.translate(_TYPOGRAPHY))
    text = _ACRONYM.sub(_letters, text)
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return " ".join(ascii_text.split())


def _price(match: re.Match[str]) -> str:
    sign, whole, hundredths = match.groups()
    return f"{whole} {_CURRENCY[sign]}" + (f" {hundredths}" if hundredths and hundredths != "00" else "")


def _letters(match: re.Match[str]) -> str:
    return " ".join(match[1]) + match[2]


def pieces(text: str, limit: int = PIECE_CHARACTERS) -> Iterator[str]:
    """``text`` in order, a sentence at a time; a sentence over ``limit`` characters by clauses, then words, then
    anywhere."""
    for sentence in _SENTENCE_END.split(text):
        piece = ""
        for part in _parts(sentence, limit):
            if piece and len(piece) + 1 + len(part) > limit:
                yield piece
                piece = part
            else:
                piece = f"{piece} {part}" if piece else part
        if piece:
            yield piece


def _parts(sentence: str, limit: int) -> Iterator[str]:
    if len(sentence) <= limit:
        yield from filter(None, [sentence.strip()])
        return
    for clause in _CLAUSE_END.split(sentence):
        if len(clause) <= limit:
            yield from filter(None, [clause.strip()])
            continue
        for word in clause.split():
            yield from (word[start : start + limit] for start in range(0, len(word), limit))


class SilenceTrimmer:
    """Cuts the silence before and after one piece of speech down to 30 and 90 ms: what comes before the first word is
    latency (110 to 215 ms of it in flite's voices), and two pieces then join with the pause of a clause, 120 ms. Pauses
    inside stay."""

    def __init__(self) -> None:
        self._unjudged = array.array("h")
        self._silence = array.array("h")
        self._speaking = False

    def feed(self, samples: array.array[int]) -> array.array[int]:
        """The samples that are now known to belong to the speech; silence waits until speech follows it."""
        self._unjudged.extend(samples)
        speech = array.array("h")
        whole = len(self._unjudged) - len(self._unjudged) % _BLOCK_SAMPLES
        for start in range(0, whole, _BLOCK_SAMPLES):
            block = self._unjudged[start : start + _BLOCK_SAMPLES]
            self._silence.extend(block)
            if max(block) > _SILENCE_PEAK or min(block) < -_SILENCE_PEAK:
                speech.extend(self._silence)
                del self._silence[:]
                self._speaking = True
            elif not self._speaking:
                del self._silence[:-_LEAD_SAMPLES]
        del self._unjudged[:whole]
        return speech

    def end(self) -> array.array[int]:
        """What is left after the last ``feed``; nothing where there was no speech at all."""
        if not self._speaking:
            return array.array("h")
        return (self._silence + self._unjudged)[:_TRAIL_SAMPLES]
