"""How the turns of one call came out, by tau-voice's definitions (``docs/reference/scores.md`` has each formula).

Everything is judged on one clock by what the caller said and when the agent was heard; nothing here knows what the
server thought of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vivavoce.rehearsal.marks import Marks
from vivavoce.rehearsal.spans import Span, at
from vivavoce.rehearsal.truth import Said, SaidKind

YIELD_WINDOW_US = {
    SaidKind.INTERRUPTION: 2_000_000,
    SaidKind.BACKCHANNEL: 1_000_000,
    SaidKind.TIC: 1_000_000,
    SaidKind.OTHERS: 1_000_000,
}
RESPONSE_WINDOW_US = 2_000_000
EARLY_START_US = 200_000
"""An answer that begins sooner after the caller's end than this is an early start (EVA-Bench)."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One call: what the caller said, and when the agent was heard (gaps merged). ``marks`` if there is a timeline."""

    call: str
    said: tuple[Said, ...]
    agent: tuple[Span, ...]
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What followed a turn of the caller's. ``latency_us`` is signed, and None if nothing came before the caller had to
    speak again. ``early``: the agent began before the caller's end, or hardly after it.
    """

    said: Said
    latency_us: int | None
    early: bool


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the agent did when something was said into its speech. ``stop_us`` is how long after its beginning the agent
    fell silent, None if not within the window. ``moot``: the reply came to its own end within the window.
    """

    said: Said
    stop_us: int | None
    moot: bool = False

    @property
    def yielded(self) -> bool:
        return self.stop_us is not None


@dataclass(slots=True)
class Outcomes:
    """Everything of one call. ``turns`` is how many of the caller's are to be answered; ``intrusions`` how often the
    agent began to talk while the caller spoke; ``responded`` says of each tic and each talk of others' in silence
    whether the agent took it for a turn.
    """

    call: str
    answers: list[Answer] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    responded: list[tuple[SaidKind, bool]] = field(default_factory=list)
    turns: int = 0
    intrusions: int = 0

    def reactions_to(self, kind: SaidKind) -> list[Reaction]:
        """Those that count."""
        return [reaction for reaction in self.reactions if reaction.said.kind is kind and not reaction.moot]


def judge(conversation: Conversation) -> Outcomes:
    outcomes = Outcomes(conversation.call)
    yielded: set[int] = set()
    for index, said in enumerate(conversation.said):
        over = at(conversation.agent, said.span.begin_us)
        if said.kind in YIELD_WINDOW_US and over is not None:
            reaction = _reaction(conversation, said, over)
            outcomes.reactions.append(reaction)
            if reaction.yielded and not reaction.moot:
                yielded.add(index)
        elif said.kind in (SaidKind.TIC, SaidKind.OTHERS):
            outcomes.responded.append((said.kind, _responds(conversation.agent, said)))
    outcomes.answers = list(_answers(conversation, yielded))
    outcomes.turns = sum(_is_turn(said, index in yielded) for index, said in enumerate(conversation.said))
    own = [span for said in conversation.said if said.kind is not SaidKind.OTHERS for span in said.sounds]
    outcomes.intrusions = sum(any(_begins_in(agent, span) for span in own) for agent in conversation.agent)
    return outcomes


def _begins_in(agent: Span, span: Span) -> bool:
    return span.begin_us < agent.begin_us < span.end_us


def _reaction(conversation: Conversation, said: Said, over: Span) -> Reaction:
    window_us = YIELD_WINDOW_US[said.kind]
    begin_us = said.span.begin_us
    stop_us = over.end_us - begin_us
    if stop_us > window_us:
        return Reaction(said, None)
    marks = conversation.marks
    # The channel tells up to 100 ms later that the last sample was played.
    moot = marks is not None and marks.ended_by_itself(over.end_us - 150_000, over.end_us + 150_000)
    return Reaction(said, stop_us, moot)


def _responds(agent: Sequence[Span], said: Said) -> bool:
    until_us = said.span.end_us + RESPONSE_WINDOW_US
    return any(said.span.begin_us < span.begin_us <= until_us for span in agent)


def _is_turn(said: Said, yielded: bool) -> bool:
    """Whether it is to be answered: an interruption only if the agent stopped for it."""
    return said.kind.is_for_agent and (said.kind is not SaidKind.INTERRUPTION or yielded)


def _answers(conversation: Conversation, yielded: set[int]) -> Iterator[Answer]:
    """Of every turn that ended while the agent was silent."""
    for index, said in enumerate(conversation.said):
        if not _is_turn(said, index in yielded):
            continue
        end_us = said.span.end_us
        if at(conversation.agent, end_us) is not None:
            continue
        later = (other for other in conversation.said[index + 1 :] if other.kind.is_for_agent)
        again_us = next((other.span.begin_us for other in later), None)
        begins = [span.begin_us for span in conversation.agent if span.begin_us > said.span.begin_us]
        began_early = any(begin_us < end_us + EARLY_START_US for begin_us in begins)
        answered_us = next((begin_us for begin_us in begins if begin_us >= end_us), None)
        if answered_us is None or (again_us is not None and answered_us > again_us):
            yield Answer(said, None, began_early)
        else:
            yield Answer(said, answered_us - end_us, began_early)
