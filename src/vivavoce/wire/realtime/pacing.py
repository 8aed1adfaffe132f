"""What a client is told of the agent's replies, in order and not too far ahead of the ear.

A client that plays by itself plays what it has. So that the agent can stop in the middle of a word and go on from
there, such a client is given sound :data:`LEAD_MS` ahead of what it is taken to have played, and the rest stays here.
What is told besides sound stays in its place: to the client it is a model that talks no faster than it is heard.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import NamedTuple

from vivavoce.audio.pcm import samples_for
from vivavoce.events import AgentText, FinishPlaying, Play, ResponseFinished, ResponseId, ResponseStarted
from vivavoce.wire.realtime.responses import Outcome

LEAD_MS = 300
"""Shorter than a voice is in doubt (400 ms unless the agent file says otherwise), so that a pause is heard before it is
decided; longer than what a connection without losses makes a packet wait, so that no reply has holes.
"""
STEP_MS = 100
"""Sent at a time once the client is so far ahead."""
ALL = sys.maxsize


class BrokenOff(NamedTuple):
    """A reply of which no more comes. ``samples`` of it were made and never sent."""

    response: ResponseId
    outcome: Outcome
    samples: int = 0


OfAReply = ResponseStarted | AgentText | Play | ResponseFinished | FinishPlaying
"""What the call says of replies."""
Told = OfAReply | BrokenOff


class Pacer:
    """First in, first out. ``paused``: no sound is given out."""

    __slots__ = ("_step", "_waiting", "paused")

    def __init__(self) -> None:
        self.paused = False
        self._waiting: deque[Told] = deque()
        self._step = 0

    def begin(self, rate_hz: int) -> None:
        """The call's rate is known."""
        self._step = samples_for(STEP_MS, rate_hz)

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def next_starts(self) -> bool:
        """The next is the beginning of a reply."""
        return bool(self._waiting) and isinstance(self._waiting[0], ResponseStarted)

    @property
    def wanted(self) -> int | None:
        """The room that the next needs; None if nothing may come at all."""
        if not self._waiting:
            return None
        head = self._waiting[0]
        if not isinstance(head, Play):
            return 0
        return None if self.paused else min(self._step, head.audio.samples)

    def hold(self, value: Told) -> None:
        self._waiting.append(value)

    def next(self, room: int) -> Told | None:
        """What may be told now if ``room`` samples may be sent."""
        wanted = self.wanted
        if wanted is None or room < wanted:
            return None
        head = self._waiting.popleft()
        if isinstance(head, Play) and head.audio.samples > room:
            samples = head.audio.samples
            self._waiting.appendleft(Play(head.response, head.audio.part(room, samples)))
            return Play(head.response, head.audio.part(0, room))
        return head

    def break_off(self, response: ResponseId, outcome: Outcome) -> None:
        """No more of its sound is sent. All its words are told, as those of a reply that was cut; one whose sound was
        all sent is as whole as it was.
        """
        mine = [value for value in self._waiting if value.response == response]
        unsent = [value.audio.samples for value in mine if isinstance(value, Play)]
        over = ResponseFinished | FinishPlaying
        told: list[Told] = [value for value in mine if not isinstance(value, over | Play)]
        whole: list[Told] = [] if unsent else [value for value in mine if isinstance(value, over)]
        told += [*whole, BrokenOff(response, outcome, sum(unsent))]
        place = next((at for at, value in enumerate(self._waiting) if value.response == response), len(self._waiting))
        rest = [value for value in self._waiting if value.response != response]
        self._waiting = deque([*rest[:place], *told, *rest[place:]])

    def let_go(self) -> None:
        """No more sound is sent of anything."""
        self._waiting = deque(value for value in self._waiting if not isinstance(value, Play))
