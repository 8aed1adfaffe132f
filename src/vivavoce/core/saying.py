"""What the agent is to say by the way, as soon as nobody talks: that a tool takes its time, that a call is nearly over.

Each text is a response of its own, and answers nothing that the caller said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vivavoce.core.parts import Parts
from vivavoce.events import Effect, Ignore, Instant, PlayClip, ResponseId, ResponseStarted, Speak

_ASIDE = "aside-"


def is_aside(response: ResponseId) -> bool:
    return response.startswith(_ASIDE)


def spoken(wish: Speak, *, by_model: bool) -> Speak | PlayClip:
    """A model that cannot be told what to say is spoken for."""
    return wish if by_model else PlayClip(wish.connection, wish.response, wish.text)


class Sayings:
    """Texts that wait for a quiet moment, in order."""

    __slots__ = ("_parts", "_said", "waiting")

    def __init__(self, parts: Parts) -> None:
        self.waiting: deque[str] = deque()
        self._parts = parts
        self._said = 0

    def add(self, text: str) -> None:
        if text and text not in self.waiting:
            self.waiting.append(text)

    def drop(self, text: str) -> None:
        """It does not hold any more."""
        if text in self.waiting:
            self.waiting.remove(text)
        asked = [ask for ask in self._parts.owed.asks if isinstance(ask, Speak) and is_aside(ask.response)]
        self._parts.owed.withdrawn.update(ask.response for ask in asked if ask.text == text)

    def settle(self, now: Instant) -> Iterator[Effect]:
        """Say the next one, if this is the moment."""
        parts = self._parts
        awaited = parts.owed.awaits_words(now) or self._is_said()
        if self.waiting and parts.talk.quiet and parts.models.live and not awaited:
            yield from self.say(self.waiting.popleft(), now)

    def say(self, text: str, now: Instant) -> Iterator[Effect]:
        """At once, whoever talks."""
        parts = self._parts
        self._said += 1
        response = ResponseId(f"{_ASIDE}{self._said}")
        wish = Speak(parts.models.current, response, text)
        parts.owed.ask(wish, now)
        yield spoken(wish, by_model=parts.models.speaks)

    def started(self, event: ResponseStarted) -> Iterator[Effect]:
        """A response begins. A clip was asked for when it was quiet, and takes a moment to be made: by then the model
        may have begun a reply, of which it would cut off the rest.
        """
        parts = self._parts
        if is_aside(event.response) and not (parts.models.speaks or parts.talk.quiet):
            if (wish := parts.owed.speak_of(event.response)) is not None:
                parts.owed.answered(wish)
            yield Ignore("ResponseStarted", "somebody talks")
        else:
            yield from parts.talk.response_started(event)

    def _is_said(self) -> bool:
        """The last one was asked for and has not been begun."""
        return any(isinstance(ask, Speak) and is_aside(ask.response) for ask in self._parts.owed.asks)
