"""What was said so far, as the caller heard it: what a session that takes over must know.

The agent's words are looked up when they are asked for, since only playout knows how much of them was heard.
"""

from __future__ import annotations

from collections import deque

from vivavoce.core.playout import Playouts
from vivavoce.events import PastTurn, ResponseId, Speaker

LIMIT_CHARACTERS = 200_000
"""What is kept of a call's words; the oldest go first. A model that takes less cuts again."""


class History:
    """The words of both sides, in order."""

    __slots__ = ("_answered", "_characters", "_said")

    def __init__(self) -> None:
        self._said: deque[PastTurn | ResponseId] = deque()
        self._characters = 0
        self._answered = 0  # so many of the entries are answered

    def caller_said(self, text: str) -> None:
        if text:
            self._characters += len(text)
            self._said.append(PastTurn(Speaker.CALLER, text))

    def agent_begins(self, response: ResponseId) -> None:
        self._said.append(response)

    def agent_said(self, text: str) -> None:
        """Only counted here; the words are the playout's."""
        self._characters += len(text)
        while self._characters > LIMIT_CHARACTERS and len(self._said) > 1:
            self._forget()

    def answered(self) -> None:
        """What the caller has said so far needs no other answer."""
        self._answered = len(self._said)

    def turns(self, playouts: Playouts, *, without_unanswered: bool) -> tuple[PastTurn, ...]:
        """Oldest first; without the caller's words since the last answer, where their sound is replayed instead."""
        turns: list[PastTurn] = []
        for index, said in enumerate(self._said):
            if isinstance(said, PastTurn):
                if not (without_unanswered and index >= self._answered):
                    turns.append(said)
            elif (playout := playouts.get(said)) is not None and (text := playout.text_for_memory()):
                turns.append(PastTurn(Speaker.AGENT, text))
        return tuple(turns)

    def _forget(self) -> None:
        oldest = self._said.popleft()
        self._answered = max(0, self._answered - 1)
        self._characters -= len(oldest.text) if isinstance(oldest, PastTurn) else 0
