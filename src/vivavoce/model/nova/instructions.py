"""What Nova is told before a call: the system prompt, and how it is asked for things in the middle of one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.errors import SetupFault
from vivavoce.events import END_CALL, PendingTool
from vivavoce.model.local.dialogue.textmodel import END_CALL_DESCRIPTION, END_CALL_PARAMETERS
from vivavoce.model.nova.catalogue import NovaSonic
from vivavoce.model.nova.history import clean
from vivavoce.model.nova.schema import tool_spec
from vivavoce.wire.nova_input import ToolSpec

SAY: Final = "Say exactly the following, word for word, and nothing else: "
"""Followed by the words: how the model is made to speak a text as it stands."""
CARRY_ON: Final = (
    "(Not the caller: the line was disturbed and your last answer was broken off. Go on from there, without greeting "
    "and without repeating what you had said.)"
)
_MANNER: Final = (
    "You are on the telephone. Answer in one or two short spoken sentences, without lists, markup or emoji. Say "
    "numbers, dates and times as people say them. If you do not know something, say so. Text that begins with "
    f'"{SAY.strip()}" comes from the system and not from the caller: speak those words and nothing else.'
)


def system_text(agent: Agent, now: datetime) -> str:
    """The agent's instructions, the manner of the telephone, what day it is, and all its knowledge."""
    parts = [agent.instructions, _MANNER, f"It is {now:%A, %d %B %Y, %H:%M}. You speak {agent.language}."]
    parts += [f"# Knowledge: {known.name}\n{known.text}" for known in agent.knowledge]
    return clean("\n\n".join(part for part in parts if part.strip()))


def check_system_text(agent: Agent, model: NovaSonic, now: datetime) -> None:
    """Raises :class:`SetupFault` for a prompt that is too long, naming the longest part of it."""
    size = len(system_text(agent, now).encode())
    if size <= model.system_bytes:
        return
    parts = {"the instructions": agent.instructions} | {f"knowledge/{one.name}": one.text for one in agent.knowledge}
    longest = max(parts, key=lambda name: len(parts[name].encode()))
    raise SetupFault(
        f"instructions and knowledge come to {size} bytes, and {model.name} is given {model.system_bytes} at most",
        hint=f"shorten {longest}, which has {len(parts[longest].encode())}",
    )


def tool_specs(agent: Agent, model: NovaSonic) -> tuple[ToolSpec, ...]:
    """The agent's tools, and the one that ends the call. Raises :class:`SetupFault`."""
    ending = Tool(END_CALL, END_CALL_DESCRIPTION, END_CALL_PARAMETERS, lambda: None)
    specs = tuple(tool_spec(tool) for tool in (*agent.tools, ending))
    sizes = {spec.name: len((spec.name + spec.description + spec.input_schema).encode()) for spec in specs}
    if sum(sizes.values()) > model.tools_bytes:
        largest = max(sizes, key=lambda name: sizes[name])
        raise SetupFault(
            f"the tools come to {sum(sizes.values())} bytes, and {model.name} is given {model.tools_bytes} at most",
            hint=f"describe {largest!r} in fewer words: it has {sizes[largest]}",
        )
    return specs


def prompt_for(instructions: str) -> str:
    """Makes the model speak without anybody having spoken to it."""
    wanted = clean(instructions).strip() or "Go on by what was said so far."
    return f"(Not the caller: say something to the caller now, without waiting for them. {wanted})"


def result_as_text(tool: PendingTool, result: str) -> str:
    """The answer to a tool call that another session made: this one may not answer it as its own."""
    return (
        f"(Not the caller: earlier in this call you used the tool {tool.name} with {tool.arguments}. Its result is "
        f"{result}. Answer the caller by it.)"
    )
