"""A model that follows a script: what it does, upon what, and when. For tests, and for showing how a call is timed.

It understands nothing: it hears only whether somebody speaks, and its voice is a tone of 220 Hz at -30 dBFS. Its
figures are the script's and say nothing of any provider. The script's format is ``docs/reference/scripted-model.md``.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np

from vivavoce.agent.toml_lines import KeyPath, find_lines, line_of
from vivavoce.audio.arrays import FULL_SCALE, to_pcm
from vivavoce.audio.framing import Framer
from vivavoce.audio.level import rms_dbfs
from vivavoce.audio.pcm import samples_for, samples_in
from vivavoce.errors import AgentFileError, ModelFault
from vivavoce.events import (
    END_CALL,
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelReady,
    Recall,
    ReplayAudio,
    RequestReply,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    ToolCallId,
    ToolRequested,
    Truncate,
    UsageReported,
)
from vivavoce.model.port import EmitModelEvent, ModelProfile, ModelSession

TONE_HZ = 220
TONE_DBFS = -30.0
SPEECH_DBFS = -40.0
"""A frame of caller audio with at least this RMS is speech."""
HANGOVER_MS = 300
"""Speech is over after so much of none."""
MS_PER_CHARACTER = 60
"""How long words are spoken that the call asks for and the script has no step for: about 1000 characters a minute."""
_FRAME_MS = 20

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_RateHz = Annotated[int, msgspec.Meta(ge=8000, le=48000)]


class When(StrEnum):
    """What a group of steps waits for."""

    OPEN = "open"
    SPEAK = "speak"  # the call wants its own words said
    CALLER_STARTS = "caller_starts"
    CALLER_STOPS = "caller_stops"
    TEXT = "text"
    TOOL_RESULT = "tool_result"
    CANCEL = "cancel"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Say(_Table, frozen=True):
    """A response of ``ms``, made in chunks, ``pace`` times as fast as it is spoken."""

    ms: _Count
    text: str = ""
    chunk_ms: _Positive = 100
    pace: Annotated[float, msgspec.Meta(gt=0)] = 4.0


class Hear(_Table, frozen=True):
    """What the caller is said to have said."""

    text: str
    final: bool = True


class UseTool(_Table, frozen=True):
    """A tool call."""

    name: str
    arguments: dict[str, Any] = {}


class Usage(_Table, frozen=True):
    """A report of tokens."""

    speech_in: _Count = 0
    speech_out: _Count = 0
    text_in: _Count = 0
    text_out: _Count = 0


class Lose(_Table, frozen=True):
    """The session fails."""

    message: str = "the script says so"


class End(_Table, frozen=True):
    """The model ends the call."""

    reason: Literal["goodbye", "person"] = "goodbye"


Action = Say | Hear | UseTool | Usage | Lose | End | Literal["ready", "interrupt"]
_ACTIONS = ("ready", "interrupt", "say", "hear", "tool", "usage", "lose", "end")


class Step(_Table, frozen=True):
    """One action, ``wait_ms`` after what ``when`` names, or after the step before."""

    when: When | None = None
    wait_ms: _Count = 0
    ready: Literal[True] | None = None
    interrupt: Literal[True] | None = None
    say: Say | None = None
    hear: Hear | None = None
    tool: UseTool | None = None
    usage: Usage | None = None
    lose: Lose | None = None
    end: End | None = None

    def __post_init__(self) -> None:
        named = [name for name in _ACTIONS if getattr(self, name) is not None]
        if len(named) != 1:
            found = " and ".join(named) if named else "none"
            raise ValueError(f"a step has one of {', '.join(_ACTIONS)}; this one has {found}")

    @property
    def action(self) -> Action:
        if self.ready or self.interrupt:
            return "ready" if self.ready else "interrupt"
        action = self.say or self.hear or self.tool or self.usage or self.lose or self.end
        assert action is not None  # checked when it was made
        return action


class Script(_Table, frozen=True):
    """The whole of a script. Without a step for ``open`` the model is ready at once. Without ``speaks`` it cannot be
    told what to say.
    """

    name: str = "scripted"
    description: str = "follows a script; its figures say nothing of any provider"
    input_rate_hz: _RateHz = 16_000
    output_rate_hz: _RateHz = 16_000
    speaks: bool = True
    step: tuple[Step, ...] = ()

    def groups(self) -> dict[When, deque[list[Step]]]:
        """Steps by what they wait for, in order; a step without ``when`` belongs to the group before it."""
        groups: dict[When, deque[list[Step]]] = {when: deque() for when in When}
        group: list[Step] = []
        for index, step in enumerate(self.step):
            if step.when is not None or index == 0:
                group = []
                groups[step.when or When.OPEN].append(group)
            group.append(step)
        return groups


def read_script(path: Path) -> Script:
    """A script from a ``.toml`` or ``.json`` file. Raises :class:`AgentFileError`, pointing at the line where TOML
    allows.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise AgentFileError(
            f"{path} cannot be read: {error.strerror}", hint="name a script of .toml or .json"
        ) from error
    except UnicodeDecodeError as error:
        raise AgentFileError(f"{path} is not UTF-8 text", hint="name a script of .toml or .json") from error
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(text, type=Script)
        return msgspec.convert(tomllib.loads(text), Script)
    except msgspec.ValidationError as error:
        raise _invalid(path, "" if path.suffix == ".json" else text, error) from error
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        raise AgentFileError(f"the script is malformed: {error}", where=str(path)) from error


def _invalid(path: Path, toml: str, error: msgspec.ValidationError) -> AgentFileError:
    """msgspec ends its message with the place, as in ``- at `$.step[3].say.ms```."""
    message, _, place = str(error).partition(" - at `$")
    place = place.rstrip("`").removeprefix(".")
    line = f":{line_of(find_lines(toml), _key_path(place))}" if toml else ""
    return AgentFileError(f"{place}: {message}" if place else message, where=f"{path}{line}")


def _key_path(place: str) -> KeyPath:
    parts = place.replace("[", ".").replace("]", "").split(".")
    return tuple(int(part) if part.isdigit() else part for part in parts if part)


class ScriptedModel:
    """Every session begins the script anew."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.profile = ModelProfile(
            script.name,
            script.description,
            script.input_rate_hz,
            script.output_rate_hz,
            simulated=True,
            speaks=script.speaks,
        )

    def why_not_here(self) -> str:
        return ""

    def session(self, connection: ConnectionId) -> ModelSession:
        return _ScriptedSession(self.script, connection)


class _Occurrence(NamedTuple):
    when: When
    fact: CallerSpeechStarted | CallerSpeechStopped | None = None
    speak: Speak | None = None


class _ScriptedSession:
    """Each occurrence starts the next unused group of its kind, as a task: groups may overlap, the steps of one do not.

    A group ends when its response is cut off.
    """

    def __init__(self, script: Script, connection: ConnectionId) -> None:
        self._rate_hz = script.output_rate_hz
        self._connection = connection
        self._speaks = script.speaks
        self._groups = script.groups()
        self._occurrences: asyncio.Queue[_Occurrence] = asyncio.Queue()
        self._ear = LoudnessEar(script.input_rate_hz)
        self._making: set[ResponseId] = set()
        self._newest: ResponseId | None = None
        self._made = 0  # ids handed out

    async def run(self, emit: EmitModelEvent) -> None:
        fault: ModelFault | None = None
        if not self._groups[When.OPEN]:
            self._groups[When.OPEN].append([Step(ready=True)])
        self._occurrences.put_nowait(_Occurrence(When.OPEN))
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    occurrence = await self._occurrences.get()
                    if occurrence.fact is not None:
                        await emit(occurrence.fact)
                    if group := self._next_group(occurrence):
                        tasks.create_task(self._follow(group, occurrence.speak, emit))
        except* ModelFault as faults:
            fault = next(error for error in faults.exceptions if isinstance(error, ModelFault))
        if fault is not None:
            raise fault

    def perform(self, effect: ModelEffect) -> None:
        match effect:
            case ForwardAudio(_, audio) | ReplayAudio(_, audio):
                for when, at in self._ear.hear(audio.pcm):
                    kind = CallerSpeechStarted if when is When.CALLER_STARTS else CallerSpeechStopped
                    self._occurrences.put_nowait(_Occurrence(when, kind(self._connection, Samples(at))))
            case Speak():
                self._occurrences.put_nowait(_Occurrence(When.SPEAK, speak=effect))
            case ForwardText() | RequestReply():
                self._occurrences.put_nowait(_Occurrence(When.TEXT))
            case ReturnToolResult():
                self._occurrences.put_nowait(_Occurrence(When.TOOL_RESULT))
            case CancelResponse(_, response):
                self._making.discard(response)
                self._occurrences.put_nowait(_Occurrence(When.CANCEL))
            case Truncate() | Recall():
                pass  # it remembers nothing

    def _next_group(self, occurrence: _Occurrence) -> Sequence[Step]:
        groups = self._groups[occurrence.when]
        if groups:
            return groups.popleft()
        if occurrence.speak is not None:  # its words must be said, script or not
            return [Step(say=Say(ms=MS_PER_CHARACTER * len(occurrence.speak.text)))]
        return ()

    async def _follow(self, group: Sequence[Step], speak: Speak | None, emit: EmitModelEvent) -> None:
        for step in group:
            await asyncio.sleep(step.wait_ms / 1000)
            action = step.action
            if isinstance(action, Say):
                response = speak.response if speak else ResponseId(self._next_id("response"))
                if not await self._say(action, response, action.text or (speak.text if speak else ""), emit):
                    return
                speak = None  # its words are said by the first response of the group
            else:
                await self._act(action, emit)

    async def _act(self, action: Action, emit: EmitModelEvent) -> None:
        match action:
            case "ready":
                await emit(ModelReady(self._connection, speaks=self._speaks))
            case "interrupt":
                if self._newest is not None:
                    self._making.discard(self._newest)
                    await emit(ResponseInterrupted(self._connection, self._newest))
            case Hear(text=text, final=final):
                await emit(CallerTranscribed(self._connection, text, final))
            case UseTool(name=name, arguments=arguments):
                await self._call_tool(name, arguments, emit)
            case End(reason=reason):
                await self._call_tool(END_CALL, {"reason": reason}, emit)
            case Usage():
                await emit(UsageReported(self._connection, **msgspec.structs.asdict(action)))
            case Lose(message=message):
                raise ModelFault(message)

    async def _call_tool(self, name: str, arguments: Mapping[str, Any], emit: EmitModelEvent) -> None:
        tool_call = ToolCallId(self._next_id("tool"))
        await emit(ToolRequested(self._connection, tool_call, name, msgspec.json.encode(arguments).decode()))

    async def _say(self, say: Say, response: ResponseId, text: str, emit: EmitModelEvent) -> bool:
        """False if it was cut off."""
        self._newest = response
        self._making.add(response)
        await emit(ResponseStarted(self._connection, response))
        if text:
            await emit(AgentText(self._connection, response, text, Samples(0)))
        for begin_ms in range(0, say.ms, say.chunk_ms):
            if begin_ms:
                await asyncio.sleep(say.chunk_ms / 1000 / say.pace)
            if response not in self._making:
                return False
            end_ms = min(begin_ms + say.chunk_ms, say.ms)
            pcm = tone(samples_for(begin_ms, self._rate_hz), samples_for(end_ms, self._rate_hz), self._rate_hz)
            await emit(AgentAudio(self._connection, response, Audio(pcm)))
        if response not in self._making:
            return False
        self._making.discard(response)
        await emit(ResponseFinished(self._connection, response))
        return True

    def _next_id(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._connection}-{self._made}"


class LoudnessEar:
    """Speech is what is loud: enough for a script."""

    def __init__(self, rate_hz: int) -> None:
        self._framer = Framer(samples_for(_FRAME_MS, rate_hz))
        self._hangover = samples_for(HANGOVER_MS, rate_hz)
        self._at = 0
        self._speech_until: int | None = None  # None while nobody speaks

    def hear(self, pcm: bytes) -> list[tuple[When, int]]:
        """What begins or ends in this stretch, and where."""
        found: list[tuple[When, int]] = []
        for frame in self._framer.push(pcm):
            begin, self._at = self._at, self._at + samples_in(frame)
            if rms_dbfs(frame) >= SPEECH_DBFS:
                if self._speech_until is None:
                    found.append((When.CALLER_STARTS, begin))
                self._speech_until = self._at
            elif self._speech_until is not None and self._at - self._speech_until >= self._hangover:
                found.append((When.CALLER_STOPS, self._speech_until))
                self._speech_until = None
        return found


def tone(begin: int, end: int, rate_hz: int) -> bytes:
    """The model's voice, from sample ``begin`` to ``end`` of a response."""
    amplitude = FULL_SCALE * 10 ** (TONE_DBFS / 20)
    return to_pcm(amplitude * np.sin(2 * np.pi * TONE_HZ / rate_hz * np.arange(begin, end)))
