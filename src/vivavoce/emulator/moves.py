"""What an emulated session wants done: for the client, for the brain behind it, and for whoever looks on."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from vivavoce.events import ModelEffect
from vivavoce.wire.nova_input import PromptStart
from vivavoce.wire.nova_output import OutputEvent


class Occasion(StrEnum):
    """A moment of a call that a fault can wait for."""

    OPEN = "open"  # a stream was asked for
    READY = "ready"  # the client's audio begins: system prompt and history are told
    CALLER_SPEAKING = "caller-speaking"
    AGENT_SPEAKING = "agent-speaking"  # the first audio of a reply
    TOOL_RUNNING = "tool-running"  # the client was asked to call a tool
    INTERRUPTED = "interrupted"  # the caller cut a reply off and is still talking
    LISTENING = "listening"  # a reply was wholly said


class Send(msgspec.Struct, frozen=True):
    """An event for the client."""

    event: OutputEvent


class Fail(msgspec.Struct, frozen=True):
    """An exception for the client; it ends the stream if it is ``fatal``."""

    exception: str
    message: str
    fatal: bool = True


class End(msgspec.Struct, frozen=True):
    """The stream is over, in order."""


class OpenBrain(msgspec.Struct, frozen=True):
    """The client said what it wants: voice, rate and tools."""

    prompt: PromptStart


class HearAt(msgspec.Struct, frozen=True):
    """The caller's audio will come at this rate."""

    rate_hz: int


class Wish(msgspec.Struct, frozen=True):
    """For the brain."""

    effect: ModelEffect


class Happened(msgspec.Struct, frozen=True):
    """For the faults."""

    occasion: Occasion


class Note(msgspec.Struct, frozen=True):
    """For people: what the emulator let pass, or could not do. Holds nothing of what was said."""

    text: str


Move = Send | Fail | End | OpenBrain | HearAt | Wish | Happened | Note
