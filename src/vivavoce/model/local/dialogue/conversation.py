"""The form machine: which question is open, what was given, and what to do about what was just heard.

::

    OPEN ──a tool's intent──► ASKING ──all given──► CONFIRMING ──yes──► RUNNING ──result──► MORE
      ▲   (knowledge, greeting,  │ ▲                  │  no: CHANGING      │ error: RETRYING   │
      │    help stay here)       └─┘ one slot a time  └─ a correction      ▼                   └─ "no": goodbye
      └── cancel, start again ───────────────────────────────────────── OPEN        two failures anywhere: PERSON

It is plain and synchronous: words in, a list of acts out. It never says a fact that is not in the agent's knowledge,
in a tool's result or in the caller's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vivavoce.agent.control_tools import BUILT_IN
from vivavoce.agent.declaration import Agent
from vivavoce.events import SWITCH_AGENT, TRANSFER_CALL
from vivavoce.model.local.dialogue import builtins as builtin
from vivavoce.model.local.dialogue.extraction import CORRECTION, Extraction, is_yes
from vivavoce.model.local.dialogue.port import Act, CallTool, EndCall, Expecting, Heard, Say
from vivavoce.model.local.dialogue.slots import Kind, Slot
from vivavoce.model.local.dialogue.text import words
from vivavoce.model.local.dialogue.understanding import SURE, Understander, Understanding
from vivavoce.model.local.dialogue.whole_answers import whole_answers
from vivavoce.model.local.dialogue.wording import (
    Replies,
    ability,
    clauses,
    confirmation,
    listed,
    question,
    spoken_value,
)

_MORE: Final = ("Is there anything else?", "Anything else I can do?", "Can I help with anything else?")
_SORRY: Final = ("Sorry, I didn't understand that.", "I'm sorry, I didn't get that.")
_QUESTION_WORDS: Final = frozenset("what what's when where which who how why is are do does can could".split())
_POINTING: Final = frozenset("it that one this same".split())
_FOLLOWING: Final = frozenset("about instead and".split())
_HINTED: Final = 3
_TURNS_BETWEEN_OFFERS: Final = 3
_FAILURES_BEFORE_PERSON: Final = 2
# The order in which a bare correction is tried: "no, eleven" is rather a time than a day, and anything may be a name.
_GUESSED: Final = (Kind.CHOICE, Kind.TIME, Kind.DATE, Kind.INTEGER, Kind.NUMBER, Kind.DIGITS, Kind.NAME)
_EXPECTED: Final = {
    Kind.CHOICE: Expecting.CHOICE, Kind.DATE: Expecting.DATE_OR_TIME, Kind.TIME: Expecting.DATE_OR_TIME,
    Kind.MOMENT: Expecting.DATE_OR_TIME, Kind.DIGITS: Expecting.DIGITS, Kind.LETTERS: Expecting.DIGITS,
    Kind.NAME: Expecting.NAME, Kind.YES_NO: Expecting.YES_NO,
}  # fmt: skip


class Phase(StrEnum):
    """What the conversation waits for."""

    OPEN = "open"
    ASKING = "asking"
    CONFIRMING = "confirming"
    CHANGING = "changing"
    RUNNING = "running"
    MORE = "more"
    RETRYING = "retrying"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Form:
    """A tool being filled in. ``asked`` is the slot whose question is open."""

    tool: str
    values: Mapping[str, Any] = field(default_factory=dict)
    asked: str = ""


@dataclass(slots=True)
class State:
    """All that changes in a conversation."""

    phase: Phase = Phase.OPEN
    form: Form | None = None
    done: Form | None = None
    running: dict[str, Form] = field(default_factory=dict)
    late: Heard | None = None
    resumed: Phase = Phase.OPEN
    failures: int = 0
    turn: int = 0
    offered: int = -_TURNS_BETWEEN_OFFERS
    calls: int = 0
    said: tuple[str, ...] = ()


class Conversation:
    """One caller's conversation with one agent."""

    def __init__(self, agent: Agent, understander: Understander, now: Callable[[], datetime]) -> None:
        self._agent = agent
        self._understander = understander
        self._now = now
        self._replies = Replies()
        self.state = State(said=(agent.greeting,) if agent.greeting else ())
        self.understanding = Understanding(builtin.NONE)

    # What comes in

    def hear(self, heard: Heard) -> list[Act]:
        """The answer to an utterance."""
        self.state.turn += 1
        self.understanding = self._understander.understand(heard, self._now())
        acts = self._anywhere(heard) or self._by_phase(heard)
        said = tuple(act.text for act in acts if isinstance(act, Say))
        if said and self.understanding.intent != builtin.REPEAT:
            self.state.said = said
        return acts

    def await_result(self, tool_call: str, tool: str, values: Mapping[str, Any]) -> None:
        """Another conversation made this call; its result will come here."""
        if tool in self._understander.tools:
            self.state.running[tool_call] = Form(tool, values)
            self.state.phase, self.state.form = Phase.RUNNING, None

    def result(self, tool_call: str, result: str, ok: bool) -> list[Act]:
        """The answer to a tool's result; nothing when it is not ours or no longer wanted."""
        form = self.state.running.pop(tool_call, None)
        if form is None:
            return []
        state = self.state
        if not ok:
            state.phase, state.form = Phase.RETRYING, form
            acts = self._say("I'm sorry, that did not work. Shall I try again? You can also ask for a person.")
        else:
            state.phase, state.form, state.done, state.failures = Phase.MORE, None, form, 0
            tool = self._understander.tools[form.tool]
            acts = self._say(self._replies.spoken(tool, form.values, result, self._now().date()), self._more())
        late, state.late = state.late, None
        if late and ok and (again := self._correction_of_done(late)):
            acts = again
        state.said = tuple(act.text for act in acts if isinstance(act, Say))
        return acts

    def interrupted(self, heard_text: str) -> None:
        """An open question stays open. A closing question that was not heard was not asked: "no" must not end the
        call."""
        if self.state.phase is Phase.MORE and "else" not in words(heard_text):
            self.state.phase = Phase.OPEN

    @property
    def expecting(self) -> Expecting:
        phase, form = self.state.phase, self.state.form
        if phase in (Phase.CONFIRMING, Phase.PERSON, Phase.RETRYING):
            return Expecting.YES_NO
        if phase is Phase.ASKING and form:
            return _EXPECTED.get(self._slot(form).kind, Expecting.ANYTHING)
        return Expecting.ANYTHING

    @property
    def whole_answers(self) -> tuple[str, ...]:
        form = self.state.form
        return whole_answers(self._slot(form)) if self.state.phase is Phase.ASKING and form else ()

    # Valid at any point

    def _anywhere(self, heard: Heard) -> list[Act]:
        intent, sure = self.understanding.intent, self.understanding.confidence >= SURE
        form = self.state.form
        if (
            form
            and self.understanding.confidence < 1.0
            and self._understander.read(form.tool, heard, self._now()).values
        ):
            return []  # "Sorry, I mean Friday" sounds like "sorry, say that again".
        if intent == builtin.REPEAT and sure:
            return [Say(text) for text in self.state.said] or self._say("I haven't said anything yet. How can I help?")
        if intent == builtin.PERSON and sure:
            return self._person(heard)
        if (
            intent == builtin.GOODBYE
            and sure
            and not (self.state.phase is Phase.CONFIRMING and is_yes(words(heard.text)))
        ):
            return self._goodbye()
        if self.state.phase is Phase.RUNNING:
            return self._while_running(heard)
        if intent in (builtin.CANCEL, builtin.RESTART) and self.understanding.confidence == 1.0:
            return self._dropped(intent)
        return []

    def _while_running(self, heard: Heard) -> list[Act]:
        if self.understanding.intent == builtin.KNOWLEDGE and self.understanding.answer:
            return self._say(self.understanding.answer.text)
        self.state.late = heard
        return self._say("One moment, please.")

    def _dropped(self, intent: str) -> list[Act]:
        form = self.state.form
        self.state.form, self.state.phase, self.state.failures = None, Phase.OPEN, 0
        if intent == builtin.RESTART and form:
            return self._advance(Form(form.tool), "All right, from the start.")
        if form is None and self.state.done and intent == builtin.CANCEL:
            return self._say("That is already done, and I cannot take it back. Would you like to speak to a person?",
                             phase=Phase.PERSON)  # fmt: skip
        return self._say(
            "All right." if intent == builtin.RESTART else "All right, I'll leave that.", "How can I help?"
        )

    def _person(self, heard: Heard) -> list[Act]:
        """Whomever the caller names, or else who takes all transfers; where nobody does, the call is handed over."""
        tools, failed = self._understander.tools, self.state.phase is Phase.RETRYING
        for tool in (TRANSFER_CALL, SWITCH_AGENT):
            if tool in tools and (named := self._understander.read(tool, heard, self._now()).values):
                return self._advance(Form(tool, named))
        if TRANSFER_CALL in tools and not failed:
            slots = self._understander.slots[TRANSFER_CALL]
            return self._advance(
                Form(TRANSFER_CALL, {slot.name: slot.choices[0].value for slot in slots if len(slot.choices) == 1})
            )
        return [*self._say("All right, I'll get a person for you."), EndCall("person")]

    def _goodbye(self) -> list[Act]:
        return [*self._say(self._agent.farewell or "Goodbye."), EndCall("goodbye")]

    # By phase

    def _by_phase(self, heard: Heard) -> list[Act]:
        handlers = {
            Phase.OPEN: self._open, Phase.MORE: self._open, Phase.ASKING: self._asking, Phase.CHANGING: self._changing,
            Phase.CONFIRMING: self._confirming, Phase.RETRYING: self._retrying, Phase.PERSON: self._offered_person,
        }  # fmt: skip
        return handlers[self.state.phase](heard)

    def _open(self, heard: Heard) -> list[Act]:
        meant = self.understanding
        said = words(heard.text)
        if corrected := self._correction_of_done(heard):
            return corrected
        if meant.intent in self._understander.tools:
            return self._advance(Form(meant.intent, {**self._carried(meant.intent, said), **meant.slots}))
        if meant.intent == builtin.KNOWLEDGE and meant.answer:
            self.state.failures = 0
            return self._say(meant.answer.text, self._more(), phase=Phase.MORE)
        if meant.intent in (builtin.NO, builtin.GOODBYE) and self.state.phase is Phase.MORE:
            return self._goodbye()
        if courtesy := self._courtesy(meant.intent):
            return courtesy
        return self._failed("")

    def _courtesy(self, intent: str) -> list[Act]:
        replies = {
            builtin.GREETING: "Hello. How can I help?",
            builtin.HELP: self._abilities(),
            builtin.YES: "How can I help?",
            builtin.NO: "All right. How can I help?",
            builtin.CANCEL: "All right. How can I help?",
            builtin.RESTART: "All right. How can I help?",
        }
        if intent == builtin.THANKS:
            return self._say("You're welcome.", self._more(), phase=Phase.MORE)
        return self._say(replies[intent], phase=Phase.OPEN) if intent in replies else []

    def _asking(self, heard: Heard) -> list[Act]:
        form = self.state.form
        assert form is not None
        read = self._understander.read(form.tool, heard, self._now(), form.asked)
        said = words(heard.text)
        if aside := self._aside(form, said, answered=form.asked in read.values):
            return aside
        if CORRECTION & set(said) and not read.values:
            read = self._corrected(form, heard)
        if read.values or read.denied:
            self._take(form, read)
            return self._advance(self._changed(form, read), self._noted(form, read))
        if read.partial_digits:
            slot = self._slot(form)
            got = f"I got {len(read.partial_digits)} digits"
            needed = f", and I need {slot.length}." if slot.length else ", and that is not the right number."
            return self._failed(f"{got}{needed}")
        return self._failed("")

    def _confirming(self, heard: Heard) -> list[Act]:
        form = self.state.form
        assert form is not None
        said = words(heard.text)
        read = self._corrected(form, heard)
        changed = self._changed(form, read)
        if changed.values != form.values:
            self._take(form, read)
            return self._advance(changed, "Okay." if len(changed.values) >= len(form.values) else "")
        if aside := self._aside(form, said, answered=is_yes(said) is not None):
            return aside
        answer = is_yes(said)
        if answer is None and self.understanding.intent in (builtin.YES, builtin.NO):
            answer = self.understanding.intent == builtin.YES
        if (named := self._slot_named(form, said)) and answer is not True:
            return self._advance(Form(form.tool, {k: v for k, v in form.values.items() if k != named}))
        if answer is True:
            return self._call(form)
        if answer is False:
            return self._say("What should I change?", phase=Phase.CHANGING)
        return self._failed("")

    def _changing(self, heard: Heard) -> list[Act]:
        form = self.state.form
        assert form is not None
        said = words(heard.text)
        read = self._corrected(form, heard, every=True)
        if read.values or read.denied:
            self._take(form, read)
            return self._advance(self._changed(form, read), "Okay.")
        if named := self._slot_named(form, said):
            return self._advance(Form(form.tool, {k: v for k, v in form.values.items() if k != named}))
        if self.understanding.intent == builtin.NO or is_yes(said):
            return self._advance(form)
        if aside := self._aside(form, said, answered=False):
            return aside
        return self._failed("")

    def _retrying(self, heard: Heard) -> list[Act]:
        form = self.state.form
        assert form is not None
        said = words(heard.text)
        if is_yes(said) or {"again", "retry"} & set(said):
            return self._call(form)
        if is_yes(said) is False:
            self.state.form = None
            return self._say("All right.", self._more(), phase=Phase.MORE)
        read = self._corrected(form, heard)
        if read.values:
            return self._advance(self._changed(form, read))
        return self._aside(form, said, answered=False) or self._failed("")

    def _offered_person(self, heard: Heard) -> list[Act]:
        answer = is_yes(words(heard.text))
        if answer is True and self.understanding.intent not in self._understander.tools:
            return self._person(heard)
        self.state.phase, self.state.failures = self.state.resumed, 0
        if answer is False and len(words(heard.text)) <= 4:
            return self._say("All right.", self._pending() or "How can I help?")
        return self._by_phase(heard)

    # Steps

    def _advance(self, form: Form, lead: str = "") -> list[Act]:
        """Ask for what is missing; confirm; or call."""
        tool = self._understander.tools[form.tool]
        slots = self._understander.slots[form.tool]
        missing = next((slot for slot in slots if slot.required and slot.name not in form.values), None)
        if missing:
            self.state.form = replace(form, asked=missing.name)
            return self._say(lead, question(tool, missing), phase=Phase.ASKING)
        if tool.confirm:
            self.state.form = replace(form, asked="")
            return self._say(lead, confirmation(tool, slots, form.values, self._now().date()), phase=Phase.CONFIRMING)
        return self._call(form)

    def _call(self, form: Form) -> list[Act]:
        state = self.state
        state.calls += 1
        state.failures = 0
        tool_call = f"call_{state.calls}"
        state.running[tool_call] = form
        state.phase, state.form = Phase.RUNNING, None
        return [CallTool(tool_call, form.tool, dict(form.values))]

    def _failed(self, why: str) -> list[Act]:
        """Not understood: say so and ask again; the second time in a row, offer a person."""
        self.state.failures += 1
        if self.state.failures >= _FAILURES_BEFORE_PERSON:
            self.state.resumed = self.state.phase if self.state.phase is not Phase.PERSON else self.state.resumed
            return self._say(why or "I'm sorry, I still don't understand.", "Would you like to speak to a person?",
                             phase=Phase.PERSON)  # fmt: skip
        sorry = _SORRY[self.state.turn % len(_SORRY)]
        return self._say(why or sorry, self._pending() or self._abilities())

    def _aside(self, form: Form, said: tuple[str, ...], *, answered: bool) -> list[Act]:
        """A question or another wish in the middle of a form. The form waits for the first, and goes for the second."""
        meant = self.understanding
        asks = bool(said) and said[0] in _QUESTION_WORDS
        if meant.intent == builtin.KNOWLEDGE and meant.answer and (asks or not answered):
            self.state.failures = 0
            return self._say(meant.answer.text, self._pending())
        other = meant.intent in self._understander.tools and meant.intent != form.tool
        if other and not answered and meant.confidence >= SURE:
            return self._advance(Form(meant.intent, {**self._carried(meant.intent, said), **meant.slots}), "Okay.")
        if meant.intent in (builtin.HELP, builtin.THANKS, builtin.GREETING) and not answered:
            return self._say(self._pending())
        return []

    def _correction_of_done(self, heard: Heard) -> list[Act]:
        """ "No, the sixteenth" after the tool has run starts the form again with that changed."""
        done = self.state.done
        if done is None:
            return []
        said = words(heard.text)
        correcting = bool((CORRECTION | _FOLLOWING) & set(said[:4]))
        alike = self.understanding.intent in (done.tool, builtin.NONE, builtin.NO)
        if not (correcting or (alike and self.state.phase is Phase.MORE and self.understanding.intent != done.tool)):
            return []
        other = self.understanding.intent in self._understander.tools and self.understanding.intent != done.tool
        if other and self.understanding.confidence >= SURE:
            return []
        changed = self._changed(done, self._understander.read(done.tool, heard, self._now()))
        if changed.values == done.values or not changed.values:
            return []
        return self._advance(changed, "Okay.")

    def _corrected(self, form: Form, heard: Heard, *, every: bool = False) -> Extraction:
        """The new values in a correction. Where nothing is certain, each slot is tried in its own light."""
        read = self._understander.read(form.tool, heard, self._now())
        said = words(heard.text)
        fresh = {name: value for name, value in read.values.items() if form.values.get(name) != value}
        if fresh or read.denied or self._slot_named(form, said) or not (every or CORRECTION & set(said)):
            return read
        bare = Heard(" ".join(word for word in said if word not in CORRECTION), heard.alternatives, heard.confidence)
        given = [slot for slot in self._understander.slots[form.tool] if slot.name in form.values]
        for slot in sorted(
            (slot for slot in given if slot.kind in _GUESSED), key=lambda slot: _GUESSED.index(slot.kind)
        ):
            guess = self._understander.read(form.tool, bare, self._now(), slot.name)
            if slot.name in guess.values and guess.values[slot.name] != form.values[slot.name]:
                return guess
        return read

    def _changed(self, form: Form, read: Extraction) -> Form:
        kept = {name: value for name, value in form.values.items() if name not in read.denied}
        return Form(form.tool, {**kept, **read.values})

    def _noted(self, form: Form, read: Extraction) -> str:
        """ "Monday the 16th, then." where what was given before was changed and the open question was not answered."""
        if form.asked in read.values:
            return ""
        today = self._now().date()
        changed = [slot for slot in self._understander.slots[form.tool]
                   if slot.name in read.values and form.values.get(slot.name, read.values[slot.name])
                   != read.values[slot.name]]  # fmt: skip
        told = listed([spoken_value(slot, read.values[slot.name], today) for slot in changed])
        return f"{told[0].upper()}{told[1:]}, then." if told else ""

    def _take(self, form: Form, read: Extraction) -> None:
        """What was read is what was understood, and progress."""
        self.state.failures = 0
        self.understanding = Understanding(form.tool, dict(read.values), max(self.understanding.confidence, 0.5))

    def _carried(self, tool: str, said: tuple[str, ...]) -> dict[str, Any]:
        """ "I'd like to test drive that one": what the last tool was told about a slot that this one has too."""
        done = self.state.done
        if done is None or done.tool == tool or not _POINTING & set(said):
            return {}
        theirs = {slot.name: slot.choices for slot in self._understander.slots[done.tool]}
        shared = [
            slot for slot in self._understander.slots[tool] if slot.choices and theirs.get(slot.name) == slot.choices
        ]
        return {slot.name: done.values[slot.name] for slot in shared if slot.name in done.values}

    # Words

    def _say(self, *texts: str, phase: Phase | None = None) -> list[Act]:
        if phase:
            self.state.phase = phase
        return [Say(piece) for text in texts for piece in clauses(text)]

    def _pending(self) -> str:
        """The question that is open, to be asked again."""
        form, phase = self.state.form, self.state.phase
        if form is None:
            return ""
        tool, slots = self._understander.tools[form.tool], self._understander.slots[form.tool]
        if phase is Phase.ASKING:
            return question(tool, self._slot(form))
        if phase is Phase.CONFIRMING:
            return confirmation(tool, slots, form.values, self._now().date())
        return "What should I change?" if phase is Phase.CHANGING else "Shall I try again?"

    def _more(self) -> str:
        """An offer of more, but not turn after turn."""
        state = self.state
        if state.turn - state.offered < _TURNS_BETWEEN_OFFERS:
            return ""
        state.offered = state.turn
        return _MORE[state.turn % len(_MORE)]

    def _abilities(self) -> str:
        """Three things at most: longer lists are not remembered."""
        topics = dict.fromkeys(section.topic for section in self._understander.library.sections)
        about = [
            f"answer questions about {topic[0].lower()}{topic[1:]}"
            for topic in (topic.removeprefix("About ") for topic in topics)
        ][:1]
        own = [tool for tool in self._agent.tools if tool.name not in BUILT_IN]
        tools = [ability(tool.name, tool.description) for tool in own][: _HINTED - len(about)]
        return f"I can {listed(tools + about, 'or')}." if tools or about else "How can I help?"

    def _slot(self, form: Form) -> Slot:
        return next(slot for slot in self._understander.slots[form.tool] if slot.name == form.asked)

    def _slot_named(self, form: Form, said: tuple[str, ...]) -> str:
        """The slot the caller speaks of by its name: "the time is wrong"."""
        spoken = {slot.name: {*slot.label.split()} | ({"day"} if slot.kind is Kind.DATE else set())
                  for slot in self._understander.slots[form.tool] if slot.name in form.values}  # fmt: skip
        return next((name for name, labels in spoken.items() if labels & set(said)), "")
