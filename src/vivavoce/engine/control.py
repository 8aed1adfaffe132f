"""Runs the built-in tools that are not the core's own: transfer, keys, another agent or language, notes.

A fault is an outcome with JSON, as with every tool: the model is told, and the call goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from vivavoce.agent.control_tools import DIGITS, SWITCH_MS, TRANSFER_MS, control_tools
from vivavoce.agent.declaration import Agent, Destination
from vivavoce.channel.port import Orderable, Orders
from vivavoce.engine.mistakes import log_mistake
from vivavoce.engine.webhook import order
from vivavoce.errors import ChannelFault, SetupFault, VivavoceError
from vivavoce.events import (
    LEAVE_NOTE,
    SEND_DIGITS,
    SWITCH_AGENT,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    ToolCallId,
    ToolStatus,
)
from vivavoce.tools.runner import ToolOutcome

_log = logging.getLogger(__name__)

T = TypeVar("T")
Answer = Mapping[str, object]

Revise = Callable[[Agent], Awaitable[None]]
"""Makes the call go on as this agent, by a new model session. Raises :class:`~vivavoce.errors.SetupFault` where no
model can be this agent; then nothing has changed."""
LoadAgent = Callable[[Path], Agent]
"""Reads another agent file. Blocks; raises :class:`~vivavoce.errors.AgentFileError`."""

LIMITS_S: Mapping[str, float] = {
    TRANSFER_CALL: TRANSFER_MS / 1000,
    SEND_DIGITS: 30.0,
    SWITCH_AGENT: SWITCH_MS / 1000,
    SWITCH_LANGUAGE: SWITCH_MS / 1000,
    LEAVE_NOTE: 1.0,
}
"""For how long each may run."""


class _Transfer(msgspec.Struct, frozen=True):
    destination: str
    summary: str = ""


class _Keys(msgspec.Struct, frozen=True):
    digits: str


class _SwitchAgent(msgspec.Struct, frozen=True):
    agent: str


class _SwitchLanguage(msgspec.Struct, frozen=True):
    language: str


class _Note(msgspec.Struct, frozen=True):
    text: str


class _Impossible(Exception):
    """What was asked for cannot be done, and why: in words for the model."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What call control acts upon. ``orders`` is what the channel can do now, None if nothing."""

    call: str
    orders: Callable[[], Orders | None]
    revise: Revise
    load_agent: LoadAgent


def orders_of(channel: object) -> Orders | None:
    """What a channel can do with its connection."""
    return channel.orders if isinstance(channel, Orderable) else None


class ControlTools:
    """Those of one call. ``agent`` is whoever speaks for it now."""

    def __init__(self, agent: Agent, around: Surroundings) -> None:
        self.agent = agent
        self._asked_to_speak = ""
        self._around = around
        self._switching = asyncio.Lock()
        self._run: Mapping[str, Callable[[ToolCallId, str], Awaitable[Answer]]] = {
            TRANSFER_CALL: self._transfer,
            SEND_DIGITS: self._press,
            SWITCH_AGENT: self._become,
            SWITCH_LANGUAGE: self._speak,
            LEAVE_NOTE: self._note,
        }

    def knows(self, name: str) -> bool:
        """Whether it is run here: only what the agent's file allows is."""
        declared = control_tools(self.agent.control, self.agent.language)
        return name in self._run and any(tool.name == name for tool in declared)

    async def run(self, tool_call: ToolCallId, name: str, arguments: str) -> ToolOutcome:
        """Runs one. Raises nothing but :class:`asyncio.CancelledError`."""
        if not self.knows(name):
            return _refused(f"There is no tool {name} in this call.")
        try:
            async with asyncio.timeout(LIMITS_S[name]):
                return ToolOutcome(ToolStatus.OK, _json(await self._run[name](tool_call, arguments or "{}")))
        except TimeoutError:
            return ToolOutcome(ToolStatus.TIMED_OUT, _error(f"{name} took too long and was given up."))
        except msgspec.DecodeError as fault:
            return _refused(f"The arguments do not fit: {fault}.")
        except _Impossible as fault:
            return _refused(str(fault))
        except VivavoceError as fault:
            return ToolOutcome(ToolStatus.FAILED, _error(fault.message))
        except Exception as fault:  # noqa: BLE001  # a channel's mistake must not end the call
            log_mistake(_log, "a tool of call control failed", fault)
            return ToolOutcome(ToolStatus.FAILED, _error("This did not work."))

    async def _note(self, _tool_call: ToolCallId, arguments: str) -> Answer:
        """The timeline has it, as the tool's arguments."""
        if not msgspec.json.decode(arguments, type=_Note).text.strip():
            raise _Impossible("The note is empty.")
        return {"kept": True}

    async def _transfer(self, tool_call: ToolCallId, arguments: str) -> Answer:
        wanted = msgspec.json.decode(arguments, type=_Transfer)
        destination = _chosen("destination", wanted.destination, {one.name: one for one in self.agent.control.transfer})
        if not await self._by_the_channel(destination, wanted.summary):
            await self._order_transfer(tool_call, destination, wanted.summary)
        return {"transferred": True, "destination": destination.name}

    async def _by_the_channel(self, destination: Destination, summary: str) -> bool:
        """Whether that is done; if not, there is a webhook."""
        orders, has_webhook = self._around.orders(), self.agent.control.transfer_webhook is not None
        if orders is None and not has_webhook:
            raise _Impossible("The caller cannot be transferred on this line. Say so, and offer to take a message.")
        if orders is None:
            return False
        try:
            await orders.transfer(destination.to, self._introduction(destination, summary))
        except ChannelFault:
            if has_webhook:
                return False
            raise
        return True

    def _introduction(self, destination: Destination, summary: str) -> str:
        """Empty for a blind transfer. A model that has no summary does not make a warm one blind."""
        return (summary or f"A caller of {self.agent.name}.") if destination.warm else ""

    async def _order_transfer(self, tool_call: ToolCallId, destination: Destination, summary: str) -> None:
        webhook = self.agent.control.transfer_webhook
        assert webhook is not None  # looked at before
        what = {
            "call": self._around.call,
            "agent": self.agent.name,
            "to": destination.to,
            "destination": destination.name,
            "summary": summary,
        }
        await order(webhook, what, idempotency_key=f"{self._around.call}/{tool_call}")

    async def _press(self, _tool_call: ToolCallId, arguments: str) -> Answer:
        keys = msgspec.json.decode(arguments, type=_Keys).digits.replace(" ", "")
        if not keys or not set(keys) <= set(DIGITS):
            raise _Impossible(f"The digits may be {DIGITS}, and at least one of them.")
        orders = self._around.orders()
        if orders is None:
            raise _Impossible("No keys can be pressed on this line.")
        await orders.send_digits(keys)
        return {"pressed": len(keys) - keys.count("w")}

    async def _become(self, _tool_call: ToolCallId, arguments: str) -> Answer:
        name = msgspec.json.decode(arguments, type=_SwitchAgent).agent
        other = _chosen("agent", name, {one.name: one for one in self.agent.control.agents})
        async with self._switching:
            try:
                agent = await asyncio.to_thread(self._around.load_agent, other.file)
                await self._around.revise(agent)
            except SetupFault as fault:
                _log.warning("an agent to switch to cannot be used: %s", fault.message)
                raise _Impossible(f"{name} is not available now. Say so, and go on yourself.") from fault
            self.agent = agent
        return {"now": agent.name, "do": f"You are now {agent.name}. Greet the caller briefly and go on."}

    async def _speak(self, _tool_call: ToolCallId, arguments: str) -> Answer:
        language = msgspec.json.decode(arguments, type=_SwitchLanguage).language
        known = dict.fromkeys((self.agent.language, *self.agent.control.languages))
        _chosen("language", language, known)
        if language == self.agent.language:
            return {"language": language, "do": "You speak it already. Go on."}
        async with self._switching:
            try:
                spoken = await self._revised(self._in_language(language, tuple(known)))
            except SetupFault as fault:
                _log.warning("a language cannot be spoken: %s", fault.message)
                raise _Impossible(f"{language} cannot be spoken here. Say so, and go on as before.") from fault
            self.agent = spoken
        return {"language": language, "do": f"Go on in {language}."}

    async def _revised(self, spoken: Agent) -> Agent:
        """With its voice, or another one where that cannot speak the language."""
        try:
            await self._around.revise(spoken)
        except SetupFault:
            if not spoken.voice:
                raise
            spoken = replace(spoken, voice="")
            await self._around.revise(spoken)
        return spoken

    def _in_language(self, language: str, known: tuple[str, ...]) -> Agent:
        """``known`` stays what it was, so that the talk can go back."""
        instructions = self.agent.instructions.removesuffix(self._asked_to_speak)
        self._asked_to_speak = f"\n\nSpeak {language} from now on, whatever was spoken before."
        return replace(
            self.agent,
            language=language,
            control=replace(self.agent.control, languages=known),
            instructions=instructions + self._asked_to_speak,
        )


def _chosen(kind: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise _Impossible(f"There is no {kind} {name!r}. There are: {', '.join(known)}.")
    return known[name]


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()


def _error(message: str) -> str:
    return _json({"error": {"message": message}})


def _refused(message: str) -> ToolOutcome:
    return ToolOutcome(ToolStatus.REFUSED, _error(message))
