"""One connection to Nova Sonic: a thin shell that joins what is said to the service with what it says.

Four tasks. One reads the stream; two hand facts over, the reply's own apart from all others, since audio may have to
wait; one keeps the caller's audio flowing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vivavoce.audio.level_gate import Edge, SpeechDetector
from vivavoce.errors import ModelFault, ModelUnreachable, VivavoceError
from vivavoce.events import (
    Audio,
    AudioLost,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelEvent,
    ModelReady,
    PendingTool,
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
)
from vivavoce.model.bedrock.port import Bedrock, Stream
from vivavoce.model.nova.catalogue import NovaSonic
from vivavoce.model.nova.faults import classify
from vivavoce.model.nova.history import clean, history_blocks
from vivavoce.model.nova.instructions import CARRY_ON, SAY, prompt_for, result_as_text
from vivavoce.model.nova.line import CallerLine
from vivavoce.model.nova.outbox import Outbox
from vivavoce.model.nova.prompt import Opening, Prompt
from vivavoce.model.nova.reading import Reader
from vivavoce.model.port import EmitModelEvent
from vivavoce.wire.nova_output import Unknown, decode

AHEAD_S = 60
"""How much of the agent's audio may wait here for the caller to hear it: more than a long reply has, for while the
stream is not read, an interruption is not heard of either.
"""
CLOSING_S = 3.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What all sessions of a model have in common. ``system`` makes the system prompt, ``new_name`` the names of
    blocks, ``detector`` what hears whether the caller talks. ``lifetime_s`` is how long one may live.
    """

    model: NovaSonic
    model_id: str
    opening: Opening
    system: Callable[[], str]
    detector: Callable[[], SpeechDetector]
    new_name: Callable[[], str]
    now: Callable[[], datetime]
    lifetime_s: float
    reply_limit_s: float


class NovaSession:
    """Implements :class:`vivavoce.model.port.ModelSession` over a stream that ``bedrock`` opens. ``bedrock`` is the
    session's own to close.
    """

    def __init__(self, connection: ConnectionId, plan: SessionPlan, bedrock: Bedrock) -> None:
        self._connection = connection
        self._plan = plan
        self._bedrock = bedrock
        self._outbox = Outbox(AHEAD_S * plan.opening.output_rate_hz)
        self._reader = Reader(connection)
        self._wire: _Wire | None = None
        self._tools = _ToolCalls()
        self._speaks = _Speaks()
        self._talked = False

    async def run(self, emit: EmitModelEvent) -> None:
        try:
            prompt = Prompt(self._plan.opening, self._plan.new_name)
            stream = await self._bedrock.open(self._plan.model_id, prompt.begin(self._plan.system()))
            await self._run(stream, prompt, emit)
        finally:
            self._wire = None
            await self._bedrock.close()

    async def _run(self, stream: Stream, prompt: Prompt, emit: EmitModelEvent) -> None:
        try:
            wire = self._wire = _Wire(self._plan, stream, prompt)
            await emit(self._ready(stream))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(stream))
                tasks.create_task(self._outbox.deliver_reply(emit))
                tasks.create_task(self._outbox.deliver_others(emit))
                tasks.create_task(wire.line.keep_flowing(self._edges))
        except ExceptionGroup as group:
            raise _first(group) from None
        except asyncio.CancelledError:
            await self._close(stream)
            raise
        finally:
            stream.abort()

    def perform(self, effect: ModelEffect) -> None:  # noqa: C901 (only dispatches)
        if (wire := self._wire) is None:
            return
        match effect:
            case ForwardAudio(_, audio) if audio.samples:
                self._forward(wire, audio)
            case ReplayAudio(_, audio) if audio.samples:
                self._edges(wire.line.replay(audio))
            case Speak():
                self._speak(wire, effect)
            case ForwardText(_, text):
                self._ask(wire, text)
            case RequestReply(_, instructions):
                self._ask(wire, prompt_for(instructions))
            case ReturnToolResult():
                self._return(wire, effect)
            case Recall():
                self._recall(wire, effect)
            case CancelResponse(_, response):
                self._cancel(wire, response)
            case Truncate():
                pass  # the service cannot be told; the next session gets the words that were heard

    # -- what the service says -----------------------------------------------------------------------------------------

    async def _listen(self, stream: Stream) -> None:
        try:
            while True:
                await self._outbox.room()
                raw = await stream.receive()
                if raw is None:
                    raise ModelUnreachable("Nova Sonic ended the session")
                event = decode(raw)
                if isinstance(event, Unknown):
                    _log.debug("Nova Sonic sent an event that is not understood")
                for fact in self._reader.take(event):
                    self._take(fact)
        except VivavoceError as fault:
            await self._outbox.settle()
            if not isinstance(fault, ModelFault):
                raise
            raise classify(fault, talked=self._talked) from fault.__cause__

    def _take(self, fact: ModelEvent) -> None:
        self._outbox.put(fact)
        if isinstance(fact, ResponseStarted):
            self._talked = True
        elif isinstance(fact, ToolRequested):
            self._tools.requested(fact.tool_call)
        elif isinstance(fact, ResponseFinished | ResponseInterrupted) and self._wire is not None:
            self._speaks.over(fact.response)
            self._say_next(self._wire)

    def _edges(self, edges: list[Edge]) -> None:
        for edge in edges:
            at = Samples(edge.at)
            if edge.starts:
                self._outbox.put(CallerSpeechStarted(self._connection, at, takes_turn=False))
            else:
                self._outbox.put(CallerSpeechStopped(self._connection, at))

    # -- what the service is told --------------------------------------------------------------------------------------

    def _forward(self, wire: _Wire, audio: Audio) -> None:
        sent, edges = wire.line.forward(audio)
        self._edges(edges)
        if not sent:
            self._outbox.put(AudioLost(self._connection, audio.samples))

    def _ask(self, wire: _Wire, text: str) -> None:
        """Interactive text; a model that takes none goes without."""
        text = clean(text)
        if self._plan.model.text_input and text.strip():
            self._reader.told(text)
            wire.line.in_one_go(lambda: wire.prompt.text(text))

    def _speak(self, wire: _Wire, wish: Speak) -> None:
        if self._plan.model.text_input and wish.text.strip():
            self._speaks.ask(wish)
            self._say_next(wire)
        else:  # there is nothing to say, or no way to say it: a reply without sound, so that nobody waits for it
            self._outbox.put(ResponseStarted(self._connection, wish.response))
            self._outbox.put(ResponseFinished(self._connection, wish.response))

    def _say_next(self, wire: _Wire) -> None:
        if (wish := self._speaks.next()) is not None:
            self._reader.expect(wish.response)
            self._ask(wire, SAY + wish.text)

    def _return(self, wire: _Wire, answer: ReturnToolResult) -> None:
        if self._tools.answers(answer.tool_call):
            wire.line.in_one_go(lambda: wire.prompt.tool_result(answer.tool_call, answer.result, answer.status))
        elif (earlier := self._tools.earlier(answer.tool_call)) is not None:
            self._ask(wire, result_as_text(earlier, answer.result))

    def _recall(self, wire: _Wire, recall: Recall) -> None:
        if not wire.prompt.audio_open:
            blocks = history_blocks(recall.turns, self._plan.model)
            wire.line.in_one_go(lambda: wire.prompt.recall(blocks))
        self._tools.remember(recall.tools)
        if recall.carry_on:
            self._ask(wire, CARRY_ON)

    def _cancel(self, wire: _Wire, response: ResponseId) -> None:
        self._reader.cancel(response)
        self._outbox.drop_audio(response)
        self._speaks.over(response)
        self._say_next(wire)

    # -- opening and closing -------------------------------------------------------------------------------------------

    def _ready(self, stream: Stream) -> ModelReady:
        life = timedelta(seconds=self._plan.lifetime_s)
        if stream.credentials_expire is not None:
            life = min(life, stream.credentials_expire - self._plan.now())
        lifetime_us = max(1, life // timedelta(microseconds=1))  # 0 would be for ever
        return ModelReady(
            self._connection,
            lifetime_us,
            round(self._plan.reply_limit_s * 1_000_000),
            speaks=self._plan.model.text_input,
        )

    async def _close(self, stream: Stream) -> None:
        """In the order that the service wants, and not for long."""
        if self._wire is not None:
            self._wire.prompt.end()
        try:
            async with asyncio.timeout(CLOSING_S):
                await stream.finish()
        except (TimeoutError, VivavoceError):
            pass  # it is dropped next


class _Wire:
    """An open stream, and what is said over it."""

    def __init__(self, plan: SessionPlan, stream: Stream, prompt: Prompt) -> None:
        prompt.attach(stream.send)
        self.prompt = prompt
        self.line = CallerLine(prompt, lambda: stream.unsent_bytes, plan.detector(), plan.opening.input_rate_hz)


class _Speaks:
    """Texts to be spoken, one at a time: two at once the model may answer as one."""

    def __init__(self) -> None:
        self._waiting: deque[Speak] = deque()
        self._current: ResponseId | None = None

    def ask(self, wish: Speak) -> None:
        self._waiting.append(wish)

    def next(self) -> Speak | None:
        """What to ask for now."""
        if self._current is not None or not self._waiting:
            return None
        wish = self._waiting.popleft()
        self._current = wish.response
        return wish

    def over(self, response: ResponseId) -> None:
        """It was said, or is not wanted any more."""
        if response == self._current:
            self._current = None
        self._waiting = deque(wish for wish in self._waiting if wish.response != response)


class _ToolCalls:
    """Which tool calls this session asked for, which an earlier one, and that each is answered once."""

    def __init__(self) -> None:
        self._open: set[ToolCallId] = set()
        self._earlier: dict[ToolCallId, PendingTool] = {}

    def requested(self, tool_call: ToolCallId) -> None:
        self._open.add(tool_call)

    def remember(self, tools: tuple[PendingTool, ...]) -> None:
        self._earlier |= {tool.tool_call: tool for tool in tools}

    def answers(self, tool_call: ToolCallId) -> bool:
        """True once for each of this session's own."""
        if tool_call not in self._open:
            return False
        self._open.remove(tool_call)
        return True

    def earlier(self, tool_call: ToolCallId) -> PendingTool | None:
        """Once for each that an earlier session asked for."""
        return self._earlier.pop(tool_call, None)


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first fault in it, however deep."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
