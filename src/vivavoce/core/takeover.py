"""What a model session is told when it takes over from another one, so that the caller notices nothing.

In this order: that it speaks from now on; what was said so far, as the caller heard it; an apology, where one is due;
the caller's sound that nobody has answered; what else waits for an answer, a tool's result among it; then what the
caller said meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.parts import Parts
from vivavoce.core.saying import is_aside, spoken
from vivavoce.events import (
    APOLOGY,
    ConnectionId,
    Effect,
    ForwardAudio,
    Instant,
    PendingTool,
    Recall,
    ReplayAudio,
    ReturnToolResult,
    Samples,
    Speak,
    SwapModel,
)
from vivavoce.events import SwapMoment as Moment


def take_over(
    parts: Parts,
    old: ConnectionId,
    moment: Moment,
    now: Instant,
    *,
    reason: str = "",
    broken_off: bool = False,
    apologise: bool = False,
) -> Iterator[Effect]:
    """The current connection takes over from ``old``. ``broken_off``: the agent's last reply was not made to its
    end.
    """
    new, owed = parts.models.current, parts.owed
    owed.pass_on(new)
    is_owed = owed.is_owed_by_dead() if moment is Moment.RECOVERY else owed.is_owed(now)
    if owed.speech and not is_owed:  # words that were ignored need no second hearing
        owed.ignored()
    replayed = Samples(owed.ring.held)
    yield SwapModel(new, old, moment, replayed, Samples(owed.ring.outrun), reason)
    yield Recall(
        new,
        parts.history.turns(parts.talk.playouts, without_unanswered=owed.speech and not owed.ring.outrun),
        _pending_tools(parts),
        carry_on=broken_off and not is_owed and not apologise,
    )
    parts.talk.hand_over()
    if apologise:
        parts.talk.awaited = APOLOGY
        owed.asks.insert(0, Speak(new, APOLOGY, parts.plan.apology))
    apologies = [ask for ask in owed.asks if isinstance(ask, Speak) and ask.response == APOLOGY]
    yield from apologies  # of this session, or of one that did not live to say it
    for audio in owed.ring:
        yield ReplayAudio(new, audio)
    owed.taken_over(now)
    for ask in owed.asks:
        if isinstance(ask, Speak) and is_aside(ask.response):
            yield spoken(ask, by_model=parts.models.speaks)
        elif ask not in apologies:
            yield ask
    for audio in parts.intake.release():
        owed.forward(audio)
        yield ForwardAudio(new, audio)


def _pending_tools(parts: Parts) -> tuple[PendingTool, ...]:
    """Those that run, and those whose result no response has followed."""
    answered = [ask.tool_call for ask in parts.owed.asks if isinstance(ask, ReturnToolResult)]
    return tuple(parts.tools.described(tool_call) for tool_call in (*answered, *parts.tools.running))
