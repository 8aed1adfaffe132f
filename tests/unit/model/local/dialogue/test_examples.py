"""The example agents, by text, from the first wish to the farewell, with their real tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import NOW
from tests.unit.model.local.dialogue.phrases_by_agent import ANYWHERE, MEANT
from vivavoce.agent.declaration import Agent
from vivavoce.agent.file import load_agent
from vivavoce.model.local.dialogue.embedded import EmbeddedDialogue
from vivavoce.model.local.dialogue.phrases import training_sentences
from vivavoce.model.local.dialogue.port import CallTool, EndCall, Heard, Say

EXAMPLES = Path(__file__).parents[5] / "examples"
PARSERS: dict[str, Callable[[str], Any]] = {"date": date.fromisoformat, "time": time.fromisoformat}
pytestmark = pytest.mark.slow


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Agent]:
    monkeypatch.setenv("VIVAVOCE_EXAMPLE_DATA", str(tmp_path))
    return lambda name: load_agent(EXAMPLES / name / "agent.toml")


def run_tool(agent: Agent, call: CallTool) -> str:
    tool = next(tool for tool in agent.tools if tool.name == call.name)
    made: dict[str, Any] = {}
    for name, value in call.arguments.items():
        form = tool.parameters["properties"][name].get("format")
        made[name] = PARSERS[form](value) if form in PARSERS else value
    assert callable(tool.function)
    return json.dumps(tool.function(**made), default=str)


def talk(agent: Agent, *lines: str) -> tuple[list[CallTool], str, str]:
    """The calls made, all that was said, and how the call ended."""
    one = EmbeddedDialogue(agent, now=lambda: NOW)
    calls: list[CallTool] = []
    said: list[str] = []
    ended = ""

    async def run() -> None:
        nonlocal ended
        for line in lines:
            acts = [act async for act in one.reply(Heard(line))]
            while acts:
                act = acts.pop(0)
                if isinstance(act, CallTool):
                    calls.append(act)
                    acts += [act async for act in one.tool_result(act.tool_call, run_tool(agent, act), ok=True)]
                elif isinstance(act, EndCall):
                    ended = act.reason
                else:
                    assert isinstance(act, Say)
                    said.append(act.text)

    asyncio.run(run())
    return calls, " ".join(said), ended


def test_dealership(example: Callable[[str], Agent]) -> None:
    calls, said, ended = talk(
        example("dealership"),
        "hello", "do you have a hatchback for under thirty thousand dollars", "i'd like to test drive the aurora",
        "on friday", "what time do you close on saturday", "at ten", "alice", "no the sixteenth", "yes please",
        "that's all thank you goodbye",
    )  # fmt: skip
    assert [call.name for call in calls] == ["find_cars", "book_test_drive"]
    assert calls[0].arguments == {"body_style": "hatchback", "max_price": 30_000}
    assert calls[1].arguments == {"model": "Aurora", "date": "2026-03-16", "time": "10:00", "name": "Alice"}
    assert "Saturday" in said
    assert ended == "goodbye"


def test_hotel(example: Callable[[str], Agent]) -> None:
    calls, said, ended = talk(
        example("hotel"),
        "could i get two extra towels", "room two fourteen",
        "book a table for four in the garden restaurant tomorrow at seven",
        "make it eight", "yes", "what time is breakfast",
        "wake me up at half past six", "two fourteen", "yes", "no thanks",
    )  # fmt: skip
    assert [call.name for call in calls] == ["request_item", "book_table", "wake_up_call"]
    assert calls[0].arguments == {"item": "towels", "quantity": 2, "room": 214}
    assert calls[1].arguments == {"restaurant": "garden", "party_size": 4, "date": "2026-03-12", "time": "20:00"}
    assert calls[2].arguments == {"room": 214, "time": "06:30"}
    assert "Breakfast" in said
    assert ended == "goodbye"


def test_helpdesk(example: Callable[[str], Agent]) -> None:
    calls, said, ended = talk(
        example("helpdesk"),
        "i forgot my password", "four seven two nine", "four seven two nine one", "one two three four",
        "how do i connect to the v p n", "my printer is broken and it's urgent", "yes", "i want to speak to a person",
    )  # fmt: skip
    assert [call.name for call in calls] == ["reset_password", "open_ticket"]
    assert calls[0].arguments == {"employee_number": "47291", "security_code": "1234"}
    assert calls[1].arguments == {"category": "printer", "urgency": "high"}
    assert "Secure Connect" in said
    assert ended == "person"


@pytest.mark.parametrize("name", ["dealership", "hotel", "helpdesk"])
def test_the_recogniser_gets_enough_to_listen_for(example: Callable[[str], Agent], name: str) -> None:
    assert 3_000 <= len(training_sentences(example(name), NOW)) <= 12_000


def test_intents_of_phrases_that_no_example_holds(example: Callable[[str], Agent]) -> None:
    """A floor, not a goal: what was meant is understood, and what is not ours is mostly refused."""
    understood = {True: [0, 0], False: [0, 0]}
    for name, meant in MEANT.items():
        one = EmbeddedDialogue(example(name), now=lambda: NOW)
        for intent, phrases in {**meant, **ANYWHERE}.items():
            for phrase in phrases:
                count = understood[intent == "none"]
                count[0] += one.understand(Heard(phrase)).intent == intent
                count[1] += 1
    assert understood[False][0] / understood[False][1] >= 0.95
    assert understood[True][0] / understood[True][1] >= 0.9
