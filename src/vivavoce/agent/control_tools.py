"""What the agent may do with the call itself, as tools that any model can be told of.

They are declared like the tools of the file, examples, questions and replies included, so that a model that is no
language model can use them too. Who runs them is not said here: the call does, or :mod:`vivavoce.engine.control`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from vivavoce.agent.declaration import CallControl, Tool
from vivavoce.errors import ProgrammingError
from vivavoce.events import (
    COLLECT_DIGITS,
    END_CALL,
    HOLD_CALL,
    LEAVE_NOTE,
    SEND_DIGITS,
    SWITCH_AGENT,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
)

BUILT_IN: Final = frozenset(
    {END_CALL, TRANSFER_CALL, SEND_DIGITS, COLLECT_DIGITS, HOLD_CALL, SWITCH_AGENT, SWITCH_LANGUAGE, LEAVE_NOTE}
)
"""Names that no tool of an agent file's own may have: the call knows them."""
TRANSFER_MS: Final = 60_000
"""A telephone rings for half a minute, and whoever answers is told first what the call is about."""
SWITCH_MS: Final = 20_000
"""Reading another agent file, its MCP servers included, and opening what it needs."""
DIGITS: Final = "0123456789*#ABCDw"
"""What can be pressed; ``w`` waits for half a second."""


def control_tools(control: CallControl, language: str) -> tuple[Tool, ...]:
    """The tools for all that ``control`` allows. ``language`` is the agent's own, so that it can go back to it."""
    return (
        *([_transfer(control, language)] if control.transfer else ()),
        *([_collect()] if control.collect_digits else ()),
        *([_send()] if control.send_digits else ()),
        *([_hold(control)] if control.hold else ()),
        *([_agents(control)] if control.agents else ()),
        *([_languages(control, language)] if control.languages else ()),
        *([_note()] if control.notes else ()),
    )


def run_by_the_call(**_arguments: Any) -> None:
    """Stands where a tool's function does."""
    raise ProgrammingError("a tool of call control was run as if it were a function")


def _transfer(control: CallControl, language: str) -> Tool:
    who = _named((one.name, one.description) for one in control.transfer)
    spoken = "{destination}"
    about = "What the call is about and what was said so far, in one or two sentences, for whoever takes it."
    spoken = "{destination}"
    return Tool(
        TRANSFER_CALL,
        "Connect the caller with somebody else. First tell the caller that you do. Afterwards the call is over for you "
        f"and cannot be taken back. The destinations: {who}",
        _object(
            destination={"type": "string", "enum": [one.name for one in control.transfer], "description": "To whom."},
            summary={"type": "string", "description": about},
            required=("destination",),
        ),
        run_by_the_call,
        timeout_ms=TRANSFER_MS,
        examples=(
            f"please transfer me to the {spoken}",
            f"can you put me through to the {spoken}",
            f"i want to speak to the {spoken}",
            f"connect me with the {spoken}",
            "can i talk to somebody else about this",
            "is there a colleague of yours who can help me",
        ),
        questions={"destination": _which("Whom may I put you through to", (one.name for one in control.transfer))},
        reply="I am putting you through. One moment, please.",
        lead_in="One moment, I am putting you through." if language.startswith("en") else "",
    )


def _collect() -> Tool:
    return Tool(
        COLLECT_DIGITS,
        "Wait for the caller to press a row of keys, or to say a row of digits. Ask for them first; then call this and "
        "say nothing until it is answered. With private you never learn the digits: the answer has a text that stands "
        "for them, which other tools take as it is. Use that for card numbers, PINs and whatever else is secret.",
        _object(
            purpose={"type": "string", "description": "What the digits are, in a few words.", "default": ""},
            count={
                "type": "integer",
                "minimum": 0,
                "maximum": 64,
                "default": 0,
                "description": "How many there are. 0: nobody knows, and the finish key ends the row.",
            },
            finish_key={"type": "string", "default": "#", "description": "The key that ends the row early: # or *."},
            private={"type": "boolean", "default": False, "description": "Neither heard, seen nor kept."},
        ),
        run_by_the_call,
        examples=(
            "can i type it in instead",
            "i would rather use the keypad",
            "i'd prefer to key it in",
            "may i press the digits",
            "i'll punch in the digits",
        ),
        reply="{% if result.complete %}Thank you, I have {{ result.count }} digits."
        "{% else %}I'm sorry, I did not get all the digits.{% endif %}",
    )


def _send() -> Tool:
    return Tool(
        SEND_DIGITS,
        "Press keys towards the other side, for a menu or an extension. w waits for half a second.",
        _object(
            digits={
                "type": "string",
                "pattern": f"^[{DIGITS}]+$",
                "minLength": 1,
                "maxLength": 64,
                "x-spoken": "digits",
                "description": "The keys in order.",
            },
            required=("digits",),
        ),
        run_by_the_call,
        examples=("press {digits}", "please dial {digits}", "enter {digits} on the keypad", "choose option {digits}"),
        questions={"digits": "Which keys shall I press?"},
        reply="I have pressed {{ digits | spoken_digits }}.",
    )


def _hold(control: CallControl) -> Tool:
    return Tool(
        HOLD_CALL,
        "Let the caller wait: you hear nothing and say nothing until somebody takes the call off hold or the time is "
        "over. First tell the caller that you do.",
        _object(
            seconds={
                "type": "integer",
                "minimum": 1,
                "maximum": max(1, control.hold_ms // 1000),
                "description": "The longest wait. Left out: as long as it may be.",
            }
        ),
        run_by_the_call,
        examples=(
            "can you hold on for a moment",
            "please hold the line",
            "hang on a minute",
            "give me a moment to find it",
            "wait a second i have to get my papers",
        ),
        reply="Thank you for waiting. How can I help?",
    )


def _agents(control: CallControl) -> Tool:
    who = _named((one.name, one.description) for one in control.agents)
    return Tool(
        SWITCH_AGENT,
        "Become another agent, with other knowledge and other tools, in the middle of the call. First tell the caller. "
        f"The agents: {who}",
        _object(
            agent={"type": "string", "enum": [one.name for one in control.agents], "description": "Which one."},
            required=("agent",),
        ),
        run_by_the_call,
        timeout_ms=SWITCH_MS,
        examples=(
            "i want the {agent} instead",
            "can i have the {agent}",
            "please switch to the {agent}",
            "i have a question for the {agent}",
            "the {agent} please",
        ),
        questions={"agent": _which("Whom would you like", (one.name for one in control.agents))},
        reply="How can I help?",
    )


def _languages(control: CallControl, language: str) -> Tool:
    known = list(dict.fromkeys((language, *control.languages)))
    return Tool(
        SWITCH_LANGUAGE,
        "Go over to another language, when the caller speaks it or asks for it.",
        _object(
            language={"type": "string", "enum": known, "description": "As a BCP 47 tag."},
            required=("language",),
        ),
        run_by_the_call,
        timeout_ms=SWITCH_MS,
        examples=("can we speak {language}", "do you speak {language}", "i would prefer {language}"),
        questions={"language": _which("Which language", known)},
        reply="How can I help?",
    )


def _note() -> Tool:
    return Tool(
        LEAVE_NOTE,
        "Keep a note with this call, for whoever reads it later: a message to pass on, or something to do.",
        _object(
            text={"type": "string", "minLength": 1, "description": "The note, in whole sentences.", "x-spoken": "free"},
            required=("text",),
        ),
        run_by_the_call,
        examples=(
            "can i leave a message",
            "please take a note",
            "could you write something down for me",
            "i'd like to leave a note for somebody",
            "can you pass on a message",
            "please tell them something from me",
        ),
        questions={"text": "What shall I write down?"},
        reply="I have written that down.",
    )


def _object(*, required: Iterable[str] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _named(entries: Iterable[tuple[str, str]]) -> str:
    """ "front_desk (anything else), manager"."""
    return "; ".join(f"{name} ({description.rstrip('.')})" if description else name for name, description in entries)


def _which(question: str, names: Iterable[str]) -> str:
    spoken = [name.replace("_", " ") for name in names]
    return f"{question}: {' or '.join(filter(None, [', '.join(spoken[:-1]), spoken[-1]]))}?"
