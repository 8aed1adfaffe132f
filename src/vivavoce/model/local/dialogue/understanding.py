"""What an utterance means: its intent and its slot values, without changing anything.

The classifier ranks the intents; three rules correct it, because a caller's own words outweigh statistics: a plain
built-in phrase is what it is, a question that the knowledge answers well is one, and a weak guess is no guess
(``none``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.model.local.dialogue.builtins import GREETING, HELP, KNOWLEDGE, NONE, PHRASES, plain_intent, unwrapped
from vivavoce.model.local.dialogue.extraction import CORRECTION, Extraction, Setting, choices_named, extract
from vivavoce.model.local.dialogue.intents import IntentClassifier, Ranked
from vivavoce.model.local.dialogue.knowledge import Answer, Library, telling
from vivavoce.model.local.dialogue.moments import Leaning
from vivavoce.model.local.dialogue.phrases import intent_sentences
from vivavoce.model.local.dialogue.port import Heard
from vivavoce.model.local.dialogue.slots import PLACEHOLDER, Slot, leaning_of, slots_of
from vivavoce.model.local.dialogue.text import words

BELIEVED: Final = 0.25
SURE: Final = 0.6
ANSWER_FLOOR: Final = 0.45
_ANSWER_GAIN: Final = 2.0
_ANSWER_EVEN: Final = 0.7
_OTHER_READING_LOSS: Final = 0.15
_DOUBTED: Final = 0.4
# Intents that have no object: "help me" is a call for help, "help me with my taxes" is not ours.
_WHOLE: Final = {
    intent: frozenset(word for phrase in PHRASES[intent] for word in telling(phrase)) for intent in (HELP, GREETING)
}
_BEST_FIT: Final = 1.5
_QUESTION_FIT: Final = 0.6
_STATEMENT_FIT: Final = 0.9
# Words that a tool can use speak for a tool: much against "not ours", a little against a mere question.
_NAMED_LOSS: Final = 2.0
_NAMED_ANSWER_LOSS: Final = 0.5
# The second and third value that a tool can take are evidence for it; the first is one of the classifier's features.
_VALUE_GAIN: Final = 0.6
_MOST_VALUES: Final = 3
_ASKING: Final = frozenset(
    "what what's when where which who how why is are do does can could may am tell would".split()
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """``intent``: a tool's name, ``knowledge``, a built-in intent, or ``none``. ``slots`` in JSON form."""

    intent: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 0.0
    answer: Answer | None = None


class Understander:
    """All that was learned about an agent at load. Immutable afterwards; shared by nothing but cheap to keep."""

    def __init__(self, agent: Agent, now: datetime) -> None:
        self.tools: dict[str, Tool] = {tool.name: tool for tool in agent.tools}
        self.slots: dict[str, tuple[Slot, ...]] = {tool.name: slots_of(tool, agent.vocabulary) for tool in agent.tools}
        self.library = Library(agent.knowledge)
        self._leanings: dict[str, Leaning] = {tool.name: leaning_of(tool) for tool in agent.tools}
        every = {(slot.name, slot.choices): slot for slots in self.slots.values() for slot in slots if slot.choices}
        self._choosing = tuple(every.values())
        self._classifier = IntentClassifier(
            intent_sentences(agent, now), lambda text: choices_named(words(text), self._choosing, exactly=True)
        )
        self._ordinary = frozenset(
            word for tool in agent.tools for example in tool.examples for word in words(PLACEHOLDER.sub(" ", example))
        )

    def understand(self, heard: Heard, now: datetime) -> Understanding:
        """The intent of ``heard`` by itself, outside any conversation, with the slots it gives."""
        said = words(heard.text)
        plain = plain_intent(said)
        if plain:
            return Understanding(plain, {}, 1.0)
        if not said:
            return Understanding(NONE)
        wanted = " ".join(unwrapped(said))
        others = [" ".join(unwrapped(words(other))) for other in heard.alternatives]
        answer = self._answer(wanted, others)
        fit = min(answer.score, _BEST_FIT) if answer else 0.0
        named = choices_named(said, self._choosing, exactly=False)
        # A question that names what a tool can use must be answered all the better to be no wish for the tool.
        asks = bool(_ASKING & set(said[:2])) and not named
        answering = _ANSWER_GAIN * (fit - _ANSWER_EVEN) - _NAMED_ANSWER_LOSS * bool(named)
        given = {tool: self.read(tool, heard, now).values for tool in self.tools}
        evidence = {
            tool: _VALUE_GAIN * (min(len(values), _MOST_VALUES) - 1) for tool, values in given.items() if values
        }
        evidence |= {KNOWLEDGE: answering, NONE: -_NAMED_LOSS * bool(named)}
        best = self._settled(self._classifier.rank(wanted, others, named, evidence), asks, fit)
        if best.name in _WHOLE and set(telling(wanted)) - _WHOLE[best.name]:
            best = Ranked(NONE, 0.5)
        if best.name in self.tools:
            return Understanding(best.name, given[best.name], best.probability, answer)
        return Understanding(best.name, {}, best.probability, answer)

    def _answer(self, wanted: str, others: Sequence[str]) -> Answer | None:
        """The best answer to any reading; another than the first must be better to be believed."""
        found = [self.library.answer(wanted), *(self.library.answer(other) for other in others)]
        answers = [
            replace(answer, score=answer.score - _OTHER_READING_LOSS * bool(at))
            for at, answer in enumerate(found) if answer
        ]  # fmt: skip
        return max(answers, key=lambda answer: answer.score, default=None)

    def _settled(self, ranked: Sequence[Ranked], asks: bool, fit: float) -> Ranked:
        """The intent to believe, from the ranking and how well the knowledge answers."""
        best = ranked[0]
        if best.name == KNOWLEDGE and fit < ANSWER_FLOOR:
            # A question about the service that nothing known answers: the other intents share its probability.
            rest = 1 - best.probability
            ranked = [one._replace(probability=one.probability / rest) for one in ranked[1:]]
            best = ranked[0]
        answered = fit >= (_QUESTION_FIT if asks else _STATEMENT_FIT)
        if answered and (best.name == NONE or best.probability < _DOUBTED):
            return Ranked(KNOWLEDGE, BELIEVED)
        if best.probability < (BELIEVED if best.name in self.tools or best.name == KNOWLEDGE else SURE):
            return Ranked(NONE, 1 - best.probability)
        return best

    def read(self, tool: str, heard: Heard, now: datetime, asked: str | None = None) -> Extraction:
        """The slots of ``tool`` in ``heard``. Other readings of the recogniser fill what the first one leaves open."""
        setting = Setting(now, self._leanings[tool], self._ordinary)
        first = extract(words(heard.text), self.slots[tool], setting, asked)
        if asked is None or asked in first.values or asked in first.denied:
            return first
        if first.values and CORRECTION & set(words(heard.text)):
            return first  # "No, sorry, the sixteenth" is no answer, though another reading may have "sixteen" in it
        for other in heard.alternatives[:3]:
            second = extract(words(other), self.slots[tool], setting, asked)
            if asked in second.values:
                return Extraction({**second.values, **first.values}, first.denied, "", first.rest)
        return first
