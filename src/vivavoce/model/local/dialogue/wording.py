"""How the embedded dialogue puts things: questions, read-backs, replies from results. All text is for a voice."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from jinja2 import ChainableUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from vivavoce.agent.declaration import Tool
from vivavoce.model.local.dialogue.slots import PLACEHOLDER, Kind, Slot
from vivavoce.model.local.dialogue.spelling import say_date, say_time
from vivavoce.model.local.dialogue.text import plain, words

_DOING: Final = frozenset("book order open request schedule reserve create make set add send arrange".split())
_PREPOSITIONS: Final = frozenset("in at to for of from on under about".split())
_ARTICLES: Final = frozenset("the a an my your number".split())
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_CLAUSE: Final = re.compile(r"(?<=[,;:])\s+")
_LONG_CHARACTERS: Final = 90
# "Open a ticket for something that ...", "Find cars in stock, the cheapest first": what comes after is detail.
_ABILITY_END: Final = re.compile(r"[.,;:(]| (?:for|that|which|in one of|so|when|if) ")
_BRIEF_CHARACTERS: Final = 40
_ASKING: Final = {
    Kind.DATE: "For which day?",
    Kind.TIME: "At what time?",
    Kind.MOMENT: "For which day and time?",
    Kind.NAME: "What name, please?",
    Kind.EMAIL: "What is the email address, please?",
}


def question(tool: Tool, slot: Slot) -> str:
    """The agent file's question for ``slot``, or a plain one."""
    if slot.name in tool.questions:
        return tool.questions[slot.name]
    if slot.kind is Kind.CHOICE and len(slot.choices) <= 6:
        return f"Which {slot.label}: {listed([choice.spoken[0] for choice in slot.choices], 'or')}?"
    if slot.kind is Kind.DIGITS and slot.length:
        return f"Please say the {slot.length} digits of the {slot.label}."
    return _ASKING.get(slot.kind, f"What is the {slot.label}, please?")


def listed(items: Sequence[str], joint: str = "and") -> str:
    """``a, b and c``."""
    return f" {joint} ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def spoken_value(slot: Slot, value: Any, today: date) -> str:
    """A value in JSON form as one says it back."""
    if slot.kind is Kind.DATE:
        return spoken_date(value, today)
    if slot.kind is Kind.TIME:
        return spoken_time(value)
    if slot.kind is Kind.MOMENT:
        moment = datetime.fromisoformat(value)
        return f"{say_date(moment.date(), today)} at {say_time(moment.time())}"
    if slot.kind in (Kind.DIGITS, Kind.LETTERS):
        return " ".join(value)
    if slot.kind is Kind.YES_NO:
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def spoken_date(value: str | date, today: date) -> str:
    """ "today", "tomorrow", "Saturday the 16th"."""
    day = value if isinstance(value, date) else date.fromisoformat(value[:10])
    ahead = (day - today).days
    return ("today", "tomorrow")[ahead] if ahead in (0, 1) else say_date(day, today)


def spoken_time(value: str | time) -> str:
    """ "ten thirty", "seven o'clock in the morning"."""
    return say_time(value if isinstance(value, time) else time.fromisoformat(value))


def confirmation(tool: Tool, slots: Iterable[Slot], given: Mapping[str, Any], today: date) -> str:
    """ "A test drive of the Aurora on Saturday the 16th at ten o'clock for Alice. Is that right?" """
    name = plain(tool.name).split()
    doing = name[0] in _DOING and len(name) > 1
    thing = " ".join(name[1:] if doing else name)
    head = f"{'An' if thing[0] in 'aeiou' else 'A'} {thing}"
    # A name goes last: "... at ten for Alice".
    told = sorted((slot for slot in slots if slot.name in given), key=lambda slot: slot.kind is Kind.NAME)
    parts = [_phrase(tool, slot, spoken_value(slot, given[slot.name], today)) for slot in told]
    return f"{head}{''.join(parts)}. Is that right?"


def _phrase(tool: Tool, slot: Slot, value: str) -> str:
    if slot.kind is Kind.DATE:
        return f" {value}" if value in ("today", "tomorrow") else f" on {value}"
    if slot.kind in (Kind.TIME, Kind.NAME):
        return f" {'at' if slot.kind is Kind.TIME else 'for'} {value}"
    lead = _lead(tool.examples, slot)
    if not lead:
        return f", {slot.label} {value}"
    return f" {lead} {value}" + (f" {slot.label}" if slot.label in slot.after else "")


def _lead(examples: Sequence[str], slot: Slot) -> str:
    """The preposition, and what goes with it, that callers put before this value in the examples; the commonest one."""
    allowed = _PREPOSITIONS | _ARTICLES | set(slot.label.split())
    found: Counter[str] = Counter()
    for example in examples:
        for match in PLACEHOLDER.finditer(example):
            before = [*words(example[: match.start()])] if match[1] == slot.name else []
            lead: list[str] = []
            while before and before[-1] in allowed:
                lead.insert(0, before.pop())
                if lead[0] in _PREPOSITIONS:
                    found[" ".join("your" if word == "my" else word for word in lead)] += 1
                    break
    return found.most_common(1)[0][0] if found else ""


class Replies:
    """Turns tools' results into speech: the tool's template, else its ``message``, else its values read out."""

    def __init__(self) -> None:
        self._templates = SandboxedEnvironment(undefined=ChainableUndefined, autoescape=False)

    def spoken(self, tool: Tool, arguments: Mapping[str, Any], result: str, today: date) -> str:
        try:
            value = json.loads(result)
        except ValueError:
            value = result
        if tool.reply:
            filters = {"spoken_date": lambda day: spoken_date(day, today), "spoken_time": spoken_time}
            self._templates.filters.update(filters, spoken_digits=" ".join, spoken_list=listed)
            try:
                text = self._templates.from_string(tool.reply).render({**_defaults(tool), **arguments, "result": value})
            except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError):
                text = ""  # The template does not fit this result; what came back can still be read out.
            if text.strip():
                return " ".join(text.split())
        return read_out(value)


def _defaults(tool: Tool) -> dict[str, Any]:
    properties = tool.parameters.get("properties", {})
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema}


def read_out(value: Any) -> str:
    """A result without a template, as speech."""
    if isinstance(value, dict):
        if isinstance(value.get("message"), str):
            return str(value["message"])
        told = [f"{plain(str(key)).capitalize()}: {_scalar(item)}." for key, item in value.items() if _scalar(item)]
        return " ".join(told[:6]) or "That is done."
    if isinstance(value, list):
        items = [text for item in value[:5] if (text := _scalar(item))]
        return f"{listed(items).capitalize()}." if items else "There is nothing."
    return f"{_scalar(value)}." if _scalar(value) else "That is done."


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return listed([text for item in value.values() if (text := _scalar(item))])
    return str(value).strip().rstrip(".") if isinstance(value, str | int | float) else ""


def ability(name: str, description: str) -> str:
    """A tool as something one can do: the head of its description's first sentence when that is brief, else its
    name."""
    head = _ABILITY_END.split(description.strip())[0].strip()
    return head[0].lower() + head[1:] if 0 < len(head) <= _BRIEF_CHARACTERS else plain(name)


def clauses(text: str) -> list[str]:
    """``text`` cut at sentence ends, and a long sentence at its commas: synthesis can start on the first piece."""
    pieces = []
    for sentence in _SENTENCE.split(text.strip()):
        pieces += _CLAUSE.split(sentence) if len(sentence) > _LONG_CHARACTERS else [sentence]
    return [piece for piece in pieces if piece]
