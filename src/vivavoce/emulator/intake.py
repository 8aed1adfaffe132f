"""The client's side of a session: which events may come in which order, and what they mean together.

:meth:`Intake.take` gives what an event completes, or raises :class:`Complaint` with the service's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from vivavoce.emulator import complaints
from vivavoce.emulator.catalogue import SENSITIVITIES, SYSTEM_TEXT_BYTES, Generation
from vivavoce.emulator.complaints import Complaint
from vivavoce.emulator.moves import Note
from vivavoce.emulator.schemas import schema_problem
from vivavoce.events import PastTurn, Speaker
from vivavoce.model.nova.catalogue import RATES_HZ
from vivavoce.wire.nova_input import (
    AudioInput,
    ContentEnd,
    ContentStart,
    InputEvent,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResult,
    Unknown,
)

_KNOWN = frozenset(
    "sessionStart promptStart contentStart textInput audioInput toolResult contentEnd promptEnd sessionEnd".split()
)
_ROLES = frozenset("SYSTEM USER ASSISTANT TOOL SYSTEM_SPEECH".split())


class PromptOpened(msgspec.Struct, frozen=True):
    """Voice, rate and tools are known."""

    prompt: PromptStart


class Instructed(msgspec.Struct, frozen=True):
    """A SYSTEM or SYSTEM_SPEECH block is complete."""

    text: str


class Remembered(msgspec.Struct, frozen=True):
    """A turn of an earlier conversation is complete."""

    turn: PastTurn


class AudioOpened(msgspec.Struct, frozen=True):
    """The caller's audio begins, and with it the conversation."""

    rate_hz: int


class CallerSaid(msgspec.Struct, frozen=True):
    """Audio of the caller; ``heard`` is false where the block was opened such that the service does not listen."""

    pcm: bytes
    heard: bool


class Typed(msgspec.Struct, frozen=True):
    """Text to be answered."""

    text: str


class ToolAnswered(msgspec.Struct, frozen=True):
    """The result of a tool: JSON text of an object, or what could not be read as one."""

    tool_use: str
    result: str
    readable: bool


class Interaction(msgspec.Struct, frozen=True):
    """Something came that keeps the session awake."""


class PromptClosed(msgspec.Struct, frozen=True):
    """No further content."""


class Reopened(msgspec.Struct, frozen=True):
    """A prompt after the last: the service ends such a stream soon, and says nothing."""


class SessionClosed(msgspec.Struct, frozen=True):
    """The client is through."""


Meaning = (
    PromptOpened
    | Instructed
    | Remembered
    | AudioOpened
    | CallerSaid
    | Typed
    | ToolAnswered
    | Interaction
    | PromptClosed
    | Reopened
    | SessionClosed
    | Note
)


@dataclass(slots=True)
class _Block:
    start: ContentStart
    role: str | None
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _History:
    """How much was replayed, and who spoke last."""

    messages: int = 0
    bytes: int = 0
    last: str = ""


class Intake:
    """One session's input. ``strict`` as in :class:`~vivavoce.emulator.rules.Rules`; ``awaited`` knows the tool uses
    that have no result yet."""

    def __init__(self, generation: Generation, awaited: Callable[[str], bool], *, strict: bool) -> None:
        self._generation = generation
        self._awaited = awaited
        self._strict = strict
        self._started = False
        self._prompt: str | None = None
        self._prompt_over = False
        self._instructed = False
        self._listening = False
        self._over = False
        self._blocks: dict[str, _Block] = {}
        self._history = _History()

    def take(self, event: InputEvent) -> Iterator[Meaning]:
        """Raises :class:`Complaint`."""
        if self._over:
            return iter(())
        if not self._started and not isinstance(event, SessionStart | SessionEnd | Unknown):
            raise Complaint(complaints.INVALID)
        return self._dispatch(event)

    def _dispatch(self, event: InputEvent) -> Iterator[Meaning]:  # noqa: C901, PLR0911  # a table
        match event:
            case AudioInput():
                return self._audio(event)
            case SessionStart():
                return self._session_start(event)
            case PromptStart():
                return self._prompt_start(event)
            case ContentStart():
                return self._content_start(event)
            case TextInput():
                return self._text(event)
            case ToolResult():
                return self._tool_result(event)
            case ContentEnd():
                return self._content_end(event)
            case PromptEnd():
                return self._prompt_end(event)
            case SessionEnd():
                return self._session_end()
            case Unknown():
                return self._unknown(event)

    def _unknown(self, event: Unknown) -> Iterator[Meaning]:
        if self._strict or not event.name or event.name in _KNOWN:
            raise Complaint(complaints.UNREADABLE)
        yield Note(f"an event that is not known, {event.name[:40]!r}, was passed over")

    # -- session and prompt --------------------------------------------------------------------------------------------

    def _session_start(self, event: SessionStart) -> Iterator[Meaning]:
        if self._started:
            raise Complaint(complaints.INVALID)
        self._started = True
        if event.endpointing_sensitivity is not None:
            if event.endpointing_sensitivity not in SENSITIVITIES:
                raise Complaint(complaints.UNREADABLE)
            nested = self._generation.model.endpointing == "nested"
            # The newer generations were seen to refuse the older form; the other way round nothing is known.
            if event.flat and nested:
                raise Complaint(complaints.INVALID)
            if not event.flat and not nested:
                yield from self._lenient(complaints.INVALID, "turn detection set in the way of a newer model")
        in_bounds = (
            (event.max_tokens is None or event.max_tokens > 0)
            and (event.top_p is None or 0 <= event.top_p <= 1)
            and (event.temperature is None or 0 <= event.temperature <= 1)
        )
        if not in_bounds:
            raise Complaint(complaints.INVALID)

    def _prompt_start(self, event: PromptStart) -> Iterator[Meaning]:
        if self._prompt_over:
            return iter((Reopened(),))
        if self._prompt is not None:
            duplicate = complaints.DUPLICATE_PROMPT.format(name=event.prompt)
            raise Complaint(duplicate if event.prompt == self._prompt else complaints.INVALID)
        if not event.voice:
            raise Complaint(complaints.VOICE_MISSING)
        if event.voice not in self._generation.voices:
            raise Complaint(complaints.VOICE_UNKNOWN)
        if event.output_rate_hz is None and self._strict:
            raise Complaint(complaints.UNREADABLE)
        if event.output_rate_hz not in (None, *RATES_HZ):
            raise Complaint(complaints.INVALID)
        self._prompt = event.prompt
        return self._tools_checked(event)

    def _tools_checked(self, event: PromptStart) -> Iterator[Meaning]:
        tools = event.tools or ()
        if len({tool.name for tool in tools}) < len(tools):
            raise Complaint(complaints.INVALID)
        for tool in tools:
            if tool.as_object:
                yield from self._lenient(complaints.UNREADABLE, f"the schema of {tool.name} is an object and no string")
            problem = schema_problem(tool.input_schema)
            if problem.fatal:
                raise Complaint(complaints.INVALID)
            if problem.why:
                yield from self._lenient(complaints.INVALID, f"the schema of {tool.name} {problem.why}")
        choice, _, chosen = (event.tool_choice or "").partition(":")
        if choice == "tool" and chosen not in {tool.name for tool in tools}:
            raise Complaint(complaints.INVALID)
        yield PromptOpened(event)

    def _prompt_end(self, event: PromptEnd) -> Iterator[Meaning]:
        if event.prompt != self._prompt:
            yield from self._lenient(complaints.INVALID, "the end of a prompt that was not opened")
        if any(block.start.type == "AUDIO" for block in self._blocks.values()):
            yield from self._lenient(complaints.INVALID, "the prompt ended with its audio block open")
        self._blocks.clear()
        self._prompt_over = True
        yield PromptClosed()

    def _session_end(self) -> Iterator[Meaning]:
        self._over = True
        yield SessionClosed()

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _content_start(self, event: ContentStart) -> Iterator[Meaning]:
        if self._prompt_over or event.prompt != self._prompt or event.content in self._blocks:
            raise Complaint(complaints.INVALID)
        if event.role is not None and event.role not in _ROLES:
            raise Complaint(complaints.UNREADABLE)
        self._blocks[event.content] = _Block(event, event.role)
        match event.type:
            case "TEXT":
                return self._text_opens(event)
            case "AUDIO":
                return self._audio_opens(event)
            case "TOOL":
                return self._tool_opens(event)
        raise Complaint(complaints.UNREADABLE)

    def _text_opens(self, event: ContentStart) -> Iterator[Meaning]:
        if event.role is None:
            yield from self._lenient(complaints.UNREADABLE, "a TEXT block without a role")
        if event.interactive is None:
            yield from self._lenient(complaints.UNREADABLE, "a TEXT block that does not say whether it is interactive")
        if event.role == "SYSTEM":
            self._instruct()
        if event.interactive:
            yield Interaction()

    def _audio_opens(self, event: ContentStart) -> Iterator[Meaning]:
        if event.rate_hz not in RATES_HZ:
            raise Complaint(complaints.INVALID)
        if not self._instructed:
            yield from self._lenient(complaints.INVALID, "audio before a SYSTEM block")
        if sum(block.start.type == "AUDIO" for block in self._blocks.values()) > 1:
            yield from self._lenient(complaints.INVALID, "a second audio block beside the first")
        if not event.interactive:
            yield Note("the audio block is not interactive: the service hears nothing of it, and does not say so")
        if event.interactive is None and self._strict:
            raise Complaint(complaints.UNREADABLE)
        self._listening = True
        yield AudioOpened(event.rate_hz)

    def _tool_opens(self, event: ContentStart) -> Iterator[Meaning]:
        if event.tool_use is None:
            raise Complaint(complaints.UNREADABLE)
        if not self._awaited(event.tool_use):
            raise Complaint(complaints.INVALID)
        return iter(())

    def _block(self, name: str, type_: str) -> _Block:
        block = self._blocks.get(name)
        if block is None:
            raise Complaint(complaints.NO_OPEN_CONTENT.format(name=name))
        if block.start.type != type_:
            raise Complaint(complaints.INVALID)
        return block

    def _audio(self, event: AudioInput) -> Iterator[Meaning]:
        block = self._block(event.content, "AUDIO")
        return iter((CallerSaid(event.pcm, bool(block.start.interactive)),))

    def _text(self, event: TextInput) -> Iterator[Meaning]:
        block = self._block(event.content, "TEXT")
        if block.role is None and event.role is not None:
            if event.role not in _ROLES:
                raise Complaint(complaints.UNREADABLE)
            block.role = event.role
            if event.role == "SYSTEM":
                self._instruct()
        if block.role == "SYSTEM" and len(event.text.encode()) >= SYSTEM_TEXT_BYTES:
            raise Complaint(complaints.INVALID)
        block.parts.append(event.text)
        return iter((Interaction(),) if block.start.interactive else ())

    def _tool_result(self, event: ToolResult) -> Iterator[Meaning]:
        block = self._block(event.content, "TOOL")
        assert block.start.tool_use is not None  # checked when it was opened
        if not self._awaited(block.start.tool_use):
            raise Complaint(complaints.INVALID)
        return iter((ToolAnswered(block.start.tool_use, event.result, is_object(event.result)),))

    def _content_end(self, event: ContentEnd) -> Iterator[Meaning]:
        block = self._blocks.pop(event.content, None)
        if block is None:
            return self._lenient(complaints.NO_OPEN_CONTENT.format(name=event.content), "the end of a block not open")
        return self._text_complete(block) if block.start.type == "TEXT" else iter(())

    def _text_complete(self, block: _Block) -> Iterator[Meaning]:
        text = "".join(block.parts)
        match block.role, bool(block.start.interactive):
            case "SYSTEM" | "SYSTEM_SPEECH", _:
                yield Instructed(text)
            case "USER", True:
                yield from self._typed(text)
            case "USER" | "ASSISTANT" as role, _:
                yield from self._past(role, text)
            case _:
                yield from self._lenient(complaints.INVALID, "a TEXT block of nobody's")

    def _typed(self, text: str) -> Iterator[Meaning]:
        if self._generation.model.text_input:
            yield Typed(text)
        else:
            yield from self._lenient(complaints.INVALID, "this generation of the model does not answer text")

    def _past(self, role: str, text: str) -> Iterator[Meaning]:
        history, limits = self._history, self._generation.model
        if self._listening:
            yield from self._lenient(complaints.HISTORY_TOO_LATE, "history after the audio began was not taken in")
            return
        if role == "ASSISTANT" and not history.messages:
            raise Complaint(complaints.INVALID)
        if role == history.last:
            yield from self._lenient(complaints.INVALID, f"two turns of {role} in a row in the history")
        size = len(text.encode())
        history.messages += 1
        history.bytes += size
        history.last = role
        too_many = limits.history_messages and history.messages > limits.history_messages
        if too_many or size > limits.history_message_bytes or history.bytes > limits.history_bytes:
            raise Complaint(complaints.HISTORY_TOO_LONG)
        yield Remembered(PastTurn(Speaker.CALLER if role == "USER" else Speaker.AGENT, text))

    def _instruct(self) -> None:
        if self._instructed:
            raise Complaint(complaints.DUPLICATE_SYSTEM)
        self._instructed = True

    def _lenient(self, message: str, what: str) -> Iterator[Meaning]:
        """Refused where strict, else noted."""
        if self._strict:
            raise Complaint(message)
        yield Note(f"{what}; let pass (a strict service: {message})")


def is_object(text: str) -> bool:
    """Whether this is JSON text of an object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
