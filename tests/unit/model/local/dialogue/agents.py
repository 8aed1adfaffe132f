"""Small agents for the dialogue's tests, and a caller who types."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from vivavoce.agent.declaration import Agent, Knowledge, Tool
from vivavoce.model.local.dialogue.conversation import Conversation
from vivavoce.model.local.dialogue.port import Act, CallTool, EndCall, Heard, Say
from vivavoce.model.local.dialogue.understanding import Understander

NOW = datetime.fromisoformat("2026-03-11T09:40")  # a Wednesday
DATE, TIME, INTEGER = {"type": "string", "format": "date"}, {"type": "string", "format": "time"}, {"type": "integer"}
NAME = {"type": "string", "x-spoken": "name"}


def choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def optional(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(schema), {"type": "null"}], "default": None}


def digits(length: int) -> dict[str, Any]:
    return {"type": "string", "x-spoken": "digits", "minLength": length, "maxLength": length}


def nothing(**_: Any) -> None:
    return None


def tool(name: str, properties: Mapping[str, Any], required: str = "", **more: Any) -> Tool:
    parameters = {"type": "object", "properties": dict(properties), "required": required.split()}
    return Tool(name, more.pop("description", ""), parameters, nothing, **more)


BIKES = choice("Falcon", "Aurora", "Beacon")
FIND = tool(
    "find_bikes",
    {"style": optional(choice("tandem", "folding")), "model": optional(BIKES), "max_price": optional(INTEGER)},
    examples=(
        "do you have any {style} bikes", "what bikes do you have", "how much is the {model}", "i want to buy a bike",
        "show me bikes under {max_price} dollars", "i'm looking for a {style} bike for less than {max_price}",
    ),
    reply="{% if result.count %}We have {{ result.count }}, from {{ result.price }} dollars."
    "{% else %}We have none.{% endif %}",
)  # fmt: skip
RIDE = tool(
    "book_test_ride",
    {"model": BIKES, "date": DATE, "time": TIME, "name": NAME},
    "model date time name",
    confirm=True,
    examples=(
        "i'd like to book a test ride", "can i try the {model}", "book a test ride on the {model} on {date} at {time}",
        "i want to test ride the {model} {date}", "my name is {name} and i want to book a test ride",
        "can i come in {date} at {time} for a test ride",
    ),
    questions={"model": "Which model would you like to ride?", "name": "What name shall I put it under?"},
    reply="Booked, {{ name }}, {{ date | spoken_date }} at {{ time | spoken_time }}.",
)  # fmt: skip
LOAN = tool(
    "borrow_helmets",
    {"locker": INTEGER, "quantity": {**INTEGER, "default": 1}},
    "locker",
    examples=(
        "can i borrow {quantity} helmets",
        "i need a helmet for locker {locker}",
        "helmets to locker {locker} please",
    ),
)
UNLOCK = tool(
    "unlock_account",
    {"member_number": digits(5), "code": digits(4)},
    "member_number code",
    examples=("i'm locked out", "please unlock my account", "i forgot my password"),
    questions={
        "member_number": "Please say your five digit member number.",
        "code": "And the four digit code, please.",
    },
)
HOURS = Knowledge(
    "hours.md",
    """# Opening hours

## Weekday hours
We are open Monday to Friday from 9 in the morning to 6 in the evening.

## Saturday hours
On Saturday we are open from 10 to 4.

## Parking
Parking is **free**, behind the [shop](http://example.com). Enter from Mill Street.

## Repairs
- A small service costs £40.
- A full service costs £95 & takes two days.
""",
)
SHOP = Agent(
    "Wheels", "You sell bikes.", greeting="Wheels, hello.", farewell="Thanks for calling Wheels. Goodbye.",
    knowledge=(HOURS,), tools=(FIND, RIDE, LOAN, UNLOCK), vocabulary={"tandem": ("two seater",), "name": ("Alice",
    "Bob")},
)  # fmt: skip


@cache
def understander() -> Understander:
    return Understander(SHOP, NOW)


def conversation() -> Conversation:
    return Conversation(SHOP, understander(), lambda: NOW)


class Caller:
    """Talks with a conversation; ``calls`` are the tools called so far, answered from ``results`` at once."""

    def __init__(self, talk: Conversation, results: Mapping[str, Any] | None = None) -> None:
        self.talk = talk
        self.results = results or {}
        self.calls: list[CallTool] = []
        self.ended = ""

    def say(self, text: str, *alternatives: str) -> str:
        return self.take(self.talk.hear(Heard(text, alternatives)))

    def take(self, acts: list[Act]) -> str:
        said = []
        for act in acts:
            if isinstance(act, Say):
                said.append(act.text)
            elif isinstance(act, EndCall):
                self.ended = act.reason
            else:
                self.calls.append(act)
                if act.name in self.results:
                    result = self.results[act.name]
                    failed = isinstance(result, dict) and "error" in result
                    said.append(self.take(self.talk.result(act.tool_call, json.dumps(result), not failed)))
        return " ".join(said)


async def gathered(acts: AsyncIterator[Act]) -> list[Act]:
    return [act async for act in acts]
