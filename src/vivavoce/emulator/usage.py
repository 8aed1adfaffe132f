"""Tokens, as the service counts them: 25 a second of audio in each direction, and text by its length."""

from __future__ import annotations

from vivavoce.wire.nova_output import Tokens, Usage

SPEECH_TOKENS_PER_SECOND = 25
CHARACTERS_PER_TEXT_TOKEN = 4
"""A rule of thumb for European languages; the service does not say how it counts text."""


class Meter:
    """Counts one session. Audio is counted in samples and converted once, so that no fraction of a token is lost."""

    def __init__(self) -> None:
        self._heard: dict[int, int] = {}
        """Samples by their rate."""
        self._spoken: dict[int, int] = {}
        self._text_in = 0
        self._text_out = 0
        self._told = Tokens()

    def heard(self, samples: int, rate_hz: int) -> None:
        self._heard[rate_hz] = self._heard.get(rate_hz, 0) + samples

    def spoke(self, samples: int, rate_hz: int) -> None:
        self._spoken[rate_hz] = self._spoken.get(rate_hz, 0) + samples

    def read(self, text: str) -> None:
        self._text_in += text_tokens(text)

    def wrote(self, text: str) -> None:
        self._text_out += text_tokens(text)

    @property
    def speech_in_since(self) -> int:
        """Speech tokens heard since the last report."""
        return _speech_tokens(self._heard) - self._told.speech_in

    def report(self) -> Usage | None:
        """What came on top since the last report; None if nothing did."""
        total = Tokens(
            speech_in=_speech_tokens(self._heard),
            speech_out=_speech_tokens(self._spoken),
            text_in=self._text_in,
            text_out=self._text_out,
        )
        told, self._told = self._told, total
        delta = Tokens(
            speech_in=total.speech_in - told.speech_in,
            speech_out=total.speech_out - told.speech_out,
            text_in=total.text_in - told.text_in,
            text_out=total.text_out - told.text_out,
        )
        return None if delta == Tokens() else Usage(delta=delta, total=total)


def text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TEXT_TOKEN)


def _speech_tokens(samples: dict[int, int]) -> int:
    return sum(count * SPEECH_TOKENS_PER_SECOND // rate_hz for rate_hz, count in samples.items())
