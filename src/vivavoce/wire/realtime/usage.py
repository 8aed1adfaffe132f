"""Tokens that the model reported and no response has told of yet."""

from __future__ import annotations

from typing import Any

from vivavoce.events import UsageReported


class Usage:
    """Sums up between two responses."""

    __slots__ = ("_speech_in", "_speech_out", "_text_in", "_text_out")

    def __init__(self) -> None:
        self._speech_in = self._speech_out = self._text_in = self._text_out = 0

    def add(self, fact: UsageReported) -> None:
        self._speech_in += fact.speech_in
        self._speech_out += fact.speech_out
        self._text_in += fact.text_in
        self._text_out += fact.text_out

    def take(self) -> dict[str, Any]:
        """As a response shows it. Nothing reported is nothing used, in figures: the protocol has ``null`` for it, but
        an SDK (pipecat 1.14, ``_handle_evt_response_done``) dies of that, and others of a figure that is missing.
        """
        heard, read, spoken, written = self._speech_in, self._text_in, self._speech_out, self._text_out
        self._speech_in = self._speech_out = self._text_in = self._text_out = 0
        return usage_of(heard, read, spoken, written)


def usage_of(speech_in: int, text_in: int, speech_out: int, text_out: int) -> dict[str, Any]:
    """The usage of one response."""
    cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    heard = {"text_tokens": text_in, "audio_tokens": speech_in, "image_tokens": 0, "cached_tokens": 0}
    return {
        "total_tokens": speech_in + text_in + speech_out + text_out,
        "input_tokens": speech_in + text_in,
        "output_tokens": speech_out + text_out,
        "input_token_details": {**heard, "cached_tokens_details": cached},
        "output_token_details": {"text_tokens": text_out, "audio_tokens": speech_out},
    }
