"""What is done when a machine answers a call that we made."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.ending import Ending
from vivavoce.core.hearing import Hearing
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.core.timers import Timer
from vivavoce.events import Answerer, AnswererJudged, Disposition, Effect, Ignore, Instant

BEEP_LIMIT_US = 30_000_000
"""A machine that has not beeped by then records all the same, or never will."""


class Voicemail:
    """The rules for it."""

    __slots__ = ("_ending", "_hearing", "_parts", "machine")

    def __init__(self, parts: Parts, ending: Ending, hearing: Hearing) -> None:
        self.machine = False
        self._parts = parts
        self._ending = ending
        self._hearing = hearing

    def judged(self, event: AnswererJudged, now: Instant) -> Iterator[Effect]:
        plan = self._parts.plan
        if self._parts.phase.state is not Phase.TALKING or plan.voicemail == "ignore":
            yield Ignore("AnswererJudged", "nothing follows from it")
        elif event.answerer is Answerer.PERSON:
            return
        elif plan.voicemail == "hang_up":
            yield from self._ending.close(Disposition.VOICEMAIL, "a machine answered")
        else:
            if not self.machine:
                yield from self._be_silent(now)
            if event.answerer is Answerer.BEEP:
                yield from self.leave_message(now)

    def leave_message(self, now: Instant) -> Iterator[Effect]:
        """After the beep, or when none comes."""
        if self.machine and self._parts.phase.state is Phase.TALKING:
            self._parts.timers.clear(Timer.BEEP)
            reason = "a machine answered and was left a message"
            message = self._parts.plan.voicemail_message
            yield from self._ending.end(Disposition.VOICEMAIL, reason, now, last_words=message)

    def _be_silent(self, now: Instant) -> Iterator[Effect]:
        """The model is not to talk with a machine."""
        self.machine = True
        self._parts.timers.set(Timer.BEEP, now + BEEP_LIMIT_US)
        yield from self._hearing.mute("a machine answered")
        yield from self._parts.talk.yield_turn(self._parts.models.current)
