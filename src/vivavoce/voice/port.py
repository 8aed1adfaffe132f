"""What an ear is: it hears one caller beside the model, and says what it hears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vivavoce.events import EarEvent, ResponseId


class Ear(Protocol):
    """One for each call. No method blocks, and each costs microseconds while nobody talks into the agent's speech.

    ``VoiceStarted`` comes as soon as it is sure enough that a voice begins (about 100 ms after its first sample), with
    the kind that it is taken for by then; ``VoiceJudged`` when more is known, any number of times; ``VoiceStopped``
    when it has ended. They alternate, and positions grow.
    """

    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        """The caller's next samples, at the call's rate, none left out. ``agent_audible``: the agent is being heard
        just now, so that a voice is one into its speech.
        """
        ...

    def queue(self, response: ResponseId, pcm: bytes) -> None:
        """The agent will say this, after what was queued before: for telling its echo."""
        ...

    def played(self, response: ResponseId, samples: int) -> None:
        """So much of a response has been played by now."""
        ...

    def flushed(self, response: ResponseId) -> None:
        """What is queued of it will not be played."""
        ...

    def listen_for_digits(self, listens: bool) -> None:
        """Write down the digits that the caller says (:class:`~vivavoce.events.DigitsHeard`), or stop that."""
        ...
