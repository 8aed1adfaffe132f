"""The program that recognises a few words: ``python -m vivavoce.voice.recogniser_worker``; :mod:`.recogniser` starts
it.

It reads pieces of talk at 16 kHz from its standard input in their order, writes what is listened for in each to its
standard output, and ends when its input ends. Nothing of it is written anywhere else.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from vivavoce.voice.digit_words import digits_of, grammar
from vivavoce.voice.recogniser import Kind, read_question
from vivavoce.voice.words import PRONUNCIATIONS, cleaned, is_order
from vivavoce.voice.words import grammar as words_grammar
from vivavoce.voice.worker_frames import Frames, pack

_READ_BYTES = 65_536
_SILENCE = bytes(3_200)  # 100 ms


class Decoders:
    """PocketSphinx with each grammar, made when it is needed first."""

    def __init__(self) -> None:
        self._made: dict[Kind, Any] = {}

    def answer(self, kind: Kind, pcm: bytes, before: bytes) -> str:
        """The digits of it, or the order that it is; empty if there are none, or it is none."""
        if kind is Kind.DIGITS:
            return digits_of(_words_in(self._decoder(kind), pcm))
        words = _words_in(self._decoder(kind), cleaned(pcm, before))
        return words if is_order(words) else ""

    def _decoder(self, kind: Kind) -> Any:
        if kind not in self._made:
            self._made[kind] = _digits_decoder() if kind is Kind.DIGITS else _words_decoder()
        return self._made[kind]


class InlineRecogniser:
    """In this process, and at once: for clocks that do not wait. A :class:`~vivavoce.voice.recogniser.Recogniser`."""

    def __init__(self) -> None:
        self._decoders = Decoders()
        self._answers: dict[int, str] = {}

    def submit(self, pcm: bytes, kind: Kind = Kind.DIGITS, before: bytes = b"") -> int | None:
        number = len(self._answers) + 1
        self._answers[number] = self._decoders.answer(kind, pcm, before)
        return number

    def answer(self, number: int) -> str | None:
        return self._answers[number]


def _digits_decoder() -> Any:
    from pocketsphinx import Decoder

    # At the usual weights a digit falls into two, "five eight" for "five", and hardly a string is right.
    decoder = Decoder(lm=None, loglevel="FATAL", lw=1, wip=1e-15, beam=1e-60, wbeam=1e-40, pbeam=1e-60)
    decoder.add_jsgf_string("digits", grammar())
    decoder.activate_search("digits")
    return decoder


def _words_decoder() -> Any:
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, loglevel="FATAL")
    for word, phones in PRONUNCIATIONS.items():
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, phones, True)
    decoder.add_jsgf_string("words", words_grammar())
    decoder.activate_search("words")
    return decoder


def _words_in(decoder: Any, pcm: bytes) -> str:
    decoder.start_utt()
    decoder.process_raw(_SILENCE + pcm + _SILENCE, full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return str(heard.hypstr) if heard is not None else ""


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its parent
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    frames = Frames()
    decoders = Decoders()
    decoders.answer(Kind.WORDS, b"", b"")  # be ready for the first: words are waited for no longer than 160 ms
    try:
        while data := os.read(source, _READ_BYTES):
            for number, payload in frames.feed(data):
                answer = pack(number, decoders.answer(*read_question(payload)).encode())
                while answer:
                    answer = answer[os.write(target, answer) :]
    except BrokenPipeError:
        return 0  # nobody is left to tell
    return 0


if __name__ == "__main__":
    sys.exit(main())
