"""How a call ends: why is settled once, last words are said to their end, and then everything is closed."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.hearing import Hearing
from vivavoce.core.links import Link, LinkMove
from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.phase import PhaseMove
from vivavoce.core.timers import Timer
from vivavoce.core.tools import ToolState
from vivavoce.events import (
    FAREWELL,
    CancelTool,
    CloseCall,
    CloseModel,
    Disposition,
    Effect,
    HangUp,
    Ignore,
    Instant,
    PlayClip,
    Speak,
)

ENDING_LIMIT_US = 20_000_000
"""Last words have this long: a model that never finishes them must not hold a line open."""


class Ending:
    """Why the call ends, once that is settled."""

    __slots__ = ("_clip", "_hearing", "_model", "_parts", "_verdict")

    def __init__(self, parts: Parts, model: ModelSide, hearing: Hearing) -> None:
        self._parts = parts
        self._hearing = hearing
        self._model = model
        self._verdict: tuple[Disposition, str] | None = None
        self._clip: PlayClip | None = None  # last words that wait for the end of a reply

    def settle(self) -> Iterator[Effect]:
        """Close once the last words are over. Those that somebody else speaks for the model would cut off its reply."""
        if self._clip is not None and self._parts.models.live and self._parts.talk.response is None:
            clip, self._clip = self._clip, None
            yield clip
        if self._verdict is not None and self._last_words_over():
            yield from self.close(*self._verdict)

    def end(
        self, disposition: Disposition, reason: str, now: Instant, *, farewell: bool = False, last_words: str = ""
    ) -> Iterator[Effect]:
        """Settle why the call ends and let what is being said be said to its end, and then ``last_words``, or the
        agent's ``farewell``.
        """
        if self._verdict is not None:
            return  # settled by a limit that passed in the same step
        if not self._parts.phase.can(PhaseMove.END):
            yield from self.close(disposition, reason)
            return
        self._parts.phase.move(PhaseMove.END)
        self._verdict = (disposition, reason)
        self._parts.timers.clear_all()
        self._parts.timers.set(Timer.ENDING, now + ENDING_LIMIT_US)
        yield from self._model.stop()
        words = last_words or (self._parts.plan.farewell if farewell else "")
        if words and self._parts.models.live:
            self._parts.talk.awaited = FAREWELL
            if self._parts.models.speaks:
                yield Speak(self._parts.models.current, FAREWELL, words)
            else:
                self._clip = PlayClip(self._parts.models.current, FAREWELL, words)

    def run_out(self) -> Iterator[Effect]:
        """The last words had their time."""
        yield from self.close(*(self._verdict or (Disposition.FAILED, "the call did not end in time")))

    def _last_words_over(self) -> bool:
        return self._parts.talk.agent_quiet and (self._parts.talk.awaited is None or not self._parts.models.live)

    def channel_gone(self, disposition: Disposition, reason: str) -> Iterator[Effect]:
        if self._parts.channel.state is not Link.GONE:
            self._parts.channel.move(LinkMove.LOSE)
        yield from self.close(*(self._verdict or (disposition, reason)))

    def close(self, disposition: Disposition, reason: str) -> Iterator[Effect]:
        """End the call now, whatever state it is in."""
        self._parts.phase.move(PhaseMove.CLOSE)
        parts = self._parts
        parts.timers.clear_all()
        yield from self._model.stop()
        for tool_call in parts.tools.running:
            was_run = parts.tools.state(tool_call) is ToolState.RUNNING
            parts.tools.cancel(tool_call)
            if was_run:
                yield CancelTool(tool_call)
        yield from self._hearing.close()
        discarded = parts.intake.discard()
        if discarded:
            yield Ignore("CallerAudio", "the call closed before a model listened", discarded)
        if parts.models.state is not Link.GONE:
            parts.models.move(LinkMove.CLOSE)
            yield CloseModel(parts.models.current)
        if parts.channel.state is not Link.GONE:
            parts.channel.move(LinkMove.CLOSE)
            yield HangUp(reason)
        yield CloseCall(disposition, reason)
