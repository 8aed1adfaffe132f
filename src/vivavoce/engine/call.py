"""One call, from answer to hang-up: all the concurrency there is, and none of the rules.

Pumps put facts into one inbox; one loop takes them out, shows each to the witnesses (the timeline first), steps the
core, and shows and performs what the core wishes. Performing never waits: every port has its own bounded outbox. One
task group owns every task of the call, so a call that is over has left nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from vivavoce.audio.pcm import samples_for
from vivavoce.channel.port import Channel
from vivavoce.core.session import Session
from vivavoce.engine.audible import FirstSound
from vivavoce.engine.clock import loop_time_s, now_us
from vivavoce.engine.inbox import Inbox, InboxStatistics
from vivavoce.engine.listening import Listening
from vivavoce.engine.mistakes import log_mistake
from vivavoce.engine.rates import RateBridge
from vivavoce.errors import ProgrammingError, VivavoceError
from vivavoce.events import (
    AgentAudio,
    AgentRevised,
    AgentText,
    AskApproval,
    Audio,
    AudioLost,
    BudgetReached,
    CallEffect,
    CallerAudio,
    CallerHungUp,
    CallPlan,
    CallStarted,
    CancelTool,
    ChannelEffect,
    ChannelLost,
    CloseCall,
    CloseModel,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    FloorDecided,
    ForwardAudio,
    HoldChanged,
    Ignore,
    Instant,
    ListenForDigits,
    ModelEffect,
    ModelEvent,
    ModelLost,
    Muted,
    OpenModel,
    PlayClip,
    ResponseFinished,
    ResponseStarted,
    RunTool,
    Samples,
    StopRequested,
    StoreFailed,
    SwapModel,
    TimePassed,
    ToolApproved,
    ToolCallId,
    ToolDenied,
    ToolEffect,
    ToolFinished,
    ToolPlan,
    ToolStatus,
)
from vivavoce.model.port import AnyRateModel, Model, ModelSession
from vivavoce.voice.port import Ear

INBOX_LIMIT_MS = 2_000
"""Audio of one side that may wait for the core. The core takes microseconds, so this is only reached if the loop
stalls.
"""
PLAYOUT_LIMIT_MS = 10_000
"""Agent audio that may be queued towards the caller before the model is asked to wait."""
CLIP_FRAME_MS = 100
WIND_DOWN_S = 5.0
"""What ports have for closing politely once the call is closed."""

Witness = Callable[[Instant, Event | Effect], None]
"""Sees every fact before it is applied and every effect before it is performed. Must not block or raise."""

_log = logging.getLogger(__name__)


class ToolOutcome(Protocol):
    """``result`` is JSON text."""

    @property
    def status(self) -> ToolStatus: ...

    @property
    def result(self) -> str: ...


class Tools(Protocol):
    """Runs a tool and never raises for the tool's faults."""

    async def run(self, tool_call: ToolCallId, name: str, arguments: str) -> ToolOutcome: ...


class Clips(Protocol):
    """Speech that no model of the call makes."""

    async def render(self, text: str, rate_hz: int) -> bytes:
        """``text`` as PCM16 mono. Raises :class:`~vivavoce.errors.VivavoceError` where it cannot be spoken."""
        ...


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended, and how its queue fared."""

    disposition: Disposition
    reason: str
    inbox: InboxStatistics


class Call:
    """Runs once. ``models`` are in the plan's order of preference."""

    def __init__(  # what a call is made of
        self,
        plan: CallPlan,
        channel: Channel,
        models: Sequence[Model],
        tools: Tools,
        witnesses: Sequence[Witness],
        *,
        ear: Ear | None = None,
        clips: Clips | None = None,
    ) -> None:
        """``ear`` hears the caller beside the model; ``clips`` speaks for a model that cannot be told what to say."""
        self._plan = plan
        self._channel = channel
        self._models = models
        self._tools = tools
        self._listening = Listening(ear)
        self._clips = clips
        self._witnesses = (*witnesses, self._listening.observe)
        self._session = Session()
        self._inbox = Inbox(INBOX_LIMIT_MS * channel.rate_hz // 1000)
        self._clock = _CallClock(self._inbox)
        self._ports = _Ports()
        self._end: CloseCall | None = None

    async def run(self) -> CallResult:
        """Returns once the call is closed and everything it used is gone. Cancelling it ends the call as stopped."""
        self._clock.open()
        async with asyncio.TaskGroup() as tasks:
            self._ports.tasks = tasks
            self._step(CallStarted(self._plan))
            self._ports.channel = tasks.create_task(self._pump_channel(), name="channel")
            try:
                await self._talk()
                await self._ports.wind_down()
            except asyncio.CancelledError:
                if not self._session.closed:
                    self._step(StopRequested("interrupted"))
                raise
            except Exception as error:  # a mistake of ours; the timeline is closed all the same
                log_mistake(_log, "a call failed", error)
                self._show(self._clock.now(), CloseCall(Disposition.FAILED, f"internal error: {type(error).__name__}"))
                raise
            finally:
                self._clock.close()
                self._ports.cancel_all()
        assert self._end is not None  # the last effect of a closed session
        return CallResult(self._end.disposition, self._end.reason, self._inbox.statistics)

    def stop(self, reason: str) -> None:
        """End the call now. Safe to call at any time, from the call's own loop."""
        self._inbox.put_now(StopRequested(reason))

    def revise(
        self, models: Sequence[Model], interruption: str, tools: tuple[ToolPlan, ...] = (), ear: Ear | None = None
    ) -> None:
        """The agent is another from now on. ``models`` are those of the plan, in its order, made for the new one; a
        session of them takes over at the next pause. ``ear`` is needed where the new policy wants one and the old one
        did not. From the call's own loop.
        """
        if len(models) != len(self._plan.models):
            raise ProgrammingError(f"{len(models)} models for a plan of {len(self._plan.models)}")
        self._models = models
        if ear is not None:
            self._listening.begin(ear)
        self._inbox.put_now(AgentRevised(interruption, tools))

    def tell(self, fact: HoldChanged | ToolApproved | ToolDenied | BudgetReached) -> None:
        """What somebody beside the call decided. From the call's own loop."""
        self._inbox.put_now(fact)

    @property
    def hears(self) -> bool:
        """Whether an ear is there."""
        return self._listening.hears

    def store_failed(self, message: str) -> None:
        """What has to be kept cannot be kept. From the call's own loop."""
        self._inbox.put_now(StoreFailed(message))

    async def _talk(self) -> None:
        while not self._session.closed:
            event = self._inbox.take()
            if event is None:
                await self._inbox.arrival()
            elif isinstance(event, CallerAudio):
                self._step(event)
                audible = self._listening.hears and self._session.talk.playouts.unplayed > 0
                for heard in self._listening.hear(event.audio, agent_audible=audible):
                    self._step(self._listening.seen(heard, self._session.digits))
            else:
                self._step(self._listening.seen(event, self._session.digits))

    def _step(self, event: Event) -> None:
        now = self._clock.now()
        self._show(now, event)
        for effect in self._session.receive(event, now):
            self._show(now, effect)
            self._perform(effect)
        if isinstance(event, TimePassed) and (due := self._session.deadline) is not None and due <= now:
            raise ProgrammingError(f"the deadline {due} did not move when its time had passed")
        self._clock.arm(self._session.deadline)
        unplayed = self._session.talk.playouts.unplayed
        self._inbox.hold_agent_audio(unplayed > PLAYOUT_LIMIT_MS * self._channel.rate_hz // 1000)

    def _show(self, now: Instant, value: Event | Effect) -> None:
        for witness in self._witnesses:
            witness(now, value)

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, ChannelEffect):
            self._perform_on_channel(effect)
        elif isinstance(effect, ModelEffect):
            self._perform_on_model(effect)
        else:
            self._perform_here(effect)

    def _perform_here(self, effect: ToolEffect | CallEffect) -> None:
        match effect:
            case OpenModel(connection, model):
                self._ports.start_model(connection, self._pump_model(connection, self._models[model]))
            case CloseModel(connection):
                self._ports.close_model(connection)
            case RunTool(tool_call, name, arguments):
                self._ports.start_tool(tool_call, self._run_tool(tool_call, name, arguments))
            case CancelTool(tool_call):
                self._ports.cancel_tool(tool_call)
            case CloseCall():
                self._end = effect
            case PlayClip():
                self._ports.start_clip(self._play_clip(effect))
            case SwapModel() | Ignore() | AskApproval() | ListenForDigits() | FloorDecided() | Muted():
                pass  # for the record, and for witnesses

    def _perform_on_model(self, effect: ModelEffect) -> None:
        connection = effect.connection
        connected = self._ports.sessions.get(connection)
        if connected is None:  # it has just died, and the core does not know yet
            if isinstance(effect, ForwardAudio):
                self._inbox.put_now(AudioLost(connection, effect.audio.samples))
        else:
            session, bridge = connected
            try:
                session.perform(bridge.to_model(effect))
            except Exception as error:  # noqa: BLE001  # an adapter's mistake must end in a closed session, not a dead loop
                self._ports.drop_model(connection)
                self._inbox.put_now(ModelLost(connection, _why(error), _is_retryable(error)))

    def _perform_on_channel(self, effect: ChannelEffect) -> None:
        """A port that cannot perform is a port that is gone."""
        try:
            self._channel.perform(effect)
        except Exception as error:  # noqa: BLE001  # as above
            self._inbox.put_now(ChannelLost(_why(error)))

    # -- pumps: each puts facts into the inbox and turns its port's end into one ---------------------------------------

    async def _pump_channel(self) -> None:
        try:
            await self._channel.run(self._inbox.put)
        except Exception as error:  # noqa: BLE001  # as above
            self._inbox.put_now(ChannelLost(_why(error)))
        else:
            self._inbox.put_now(CallerHungUp())

    async def _pump_model(self, connection: ConnectionId, model: Model) -> None:
        try:
            if isinstance(model, AnyRateModel):
                model = model.at_rate(self._channel.rate_hz)
            session = model.session(connection)
            profile = model.profile
            bridge = RateBridge(self._channel.rate_hz, profile.input_rate_hz, profile.output_rate_hz)
            first_sound = FirstSound(self._channel.rate_hz)
            self._ports.sessions[connection] = (session, bridge)

            async def emit(event: ModelEvent) -> None:
                for converted in bridge.from_model(event):
                    await self._put(converted, first_sound)

            await session.run(emit)
        except Exception as error:  # noqa: BLE001  # as above
            self._inbox.put_now(ModelLost(connection, _why(error), _is_retryable(error)))
        else:
            self._inbox.put_now(ModelLost(connection, "the model ended the session"))
        finally:
            self._ports.sessions.pop(connection, None)

    async def _put(self, event: ModelEvent, first_sound: FirstSound) -> None:
        if (audible := first_sound.seen(event)) is not None:
            self._inbox.put_now(audible)
        await self._inbox.put(event)

    async def _run_tool(self, tool_call: ToolCallId, name: str, arguments: str) -> None:
        try:
            outcome = await self._tools.run(tool_call, name, self._listening.vault.fill(arguments))
        except Exception as error:  # noqa: BLE001  # as above; a tool is never fatal to a call
            failure = msgspec.json.encode({"error": {"message": _why(error)}}).decode()
            self._inbox.put_now(ToolFinished(tool_call, ToolStatus.FAILED, self._listening.vault.hide(failure)))
        else:
            self._inbox.put_now(ToolFinished(tool_call, outcome.status, self._listening.vault.hide(outcome.result)))

    async def _play_clip(self, clip: PlayClip) -> None:
        """In the place of the model. Without anybody to speak for it, the response has no sound, and so it is over."""
        connection, response = clip.connection, clip.response
        first_sound = FirstSound(self._channel.rate_hz)
        await self._put(ResponseStarted(connection, response), first_sound)
        try:
            if self._clips is not None:
                pcm = await self._clips.render(clip.text, self._channel.rate_hz)
                await self._inbox.put(AgentText(connection, response, clip.text, Samples(0)))
                frame = 2 * samples_for(CLIP_FRAME_MS, self._channel.rate_hz)
                for begin in range(0, len(pcm), frame):
                    audio = Audio(pcm[begin : begin + frame])
                    await self._put(AgentAudio(connection, response, audio), first_sound)
        except Exception as error:  # noqa: BLE001  # as above
            _log.warning("a clip could not be made: %s", type(error).__name__)
            _why(error)
        await self._inbox.put(ResponseFinished(connection, response))


def _is_retryable(error: Exception) -> bool:
    return isinstance(error, VivavoceError) and error.retryable


def _why(error: Exception) -> str:
    if isinstance(error, VivavoceError):
        return str(error)
    log_mistake(_log, "a port failed", error)
    return f"unexpected {type(error).__name__}"


class _CallClock:
    """Time since the call was opened, and the one timer that says :class:`TimePassed`."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._opened_s = 0.0
        self._last = Instant(0)
        self._armed: Instant | None = None
        self._handle: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._opened_s = loop_time_s()

    def now(self) -> Instant:
        self._last = max(self._last, now_us(self._opened_s))
        return self._last

    def arm(self, deadline: Instant | None) -> None:
        if deadline == self._armed:
            return
        self.close()
        self._armed = deadline
        if deadline is not None:
            due_s = self._opened_s + deadline / 1_000_000
            self._handle = asyncio.get_running_loop().call_at(due_s, self._due)

    def _due(self) -> None:
        self._armed = None
        self._inbox.put_now(TimePassed())

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._armed = None


class _Ports:
    """The tasks of a call, each with its owner."""

    def __init__(self) -> None:
        self.tasks: asyncio.TaskGroup | None = None
        self.channel: asyncio.Task[None] | None = None
        self.sessions: dict[ConnectionId, tuple[ModelSession, RateBridge]] = {}
        self._models: dict[ConnectionId, asyncio.Task[None]] = {}
        self._tools: dict[ToolCallId, asyncio.Task[None]] = {}
        self._clips: set[asyncio.Task[None]] = set()

    def start_model(self, connection: ConnectionId, pump: Coroutine[None, None, None]) -> None:
        task = self._models[connection] = self._start(pump, "model")
        task.add_done_callback(lambda _: self._models.pop(connection, None))

    def close_model(self, connection: ConnectionId) -> None:
        """One that is over already, and the core does not know yet, needs none."""
        if connection in self._models:
            self._models[connection].cancel()

    def drop_model(self, connection: ConnectionId) -> None:
        """It does not work any more; what it still holds is let go of."""
        del self.sessions[connection]
        self.close_model(connection)

    def start_tool(self, tool_call: ToolCallId, running: Coroutine[None, None, None]) -> None:
        task = self._tools[tool_call] = self._start(running, "tool")
        task.add_done_callback(lambda _: self._tools.pop(tool_call, None))

    def start_clip(self, playing: Coroutine[None, None, None]) -> None:
        task = self._start(playing, "clip")
        self._clips.add(task)
        task.add_done_callback(self._clips.discard)

    def cancel_tool(self, tool_call: ToolCallId) -> None:
        if tool_call in self._tools:
            self._tools[tool_call].cancel()

    async def wind_down(self) -> None:
        """Let the channel carry out its hang-up and the models their closing."""
        live = [task for task in (self.channel, *self._models.values()) if task is not None and not task.done()]
        if live:
            await asyncio.wait(live, timeout=WIND_DOWN_S)

    def cancel_all(self) -> None:
        for task in (self.channel, *self._models.values(), *self._tools.values(), *self._clips):
            if task is not None:
                task.cancel()

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        assert self.tasks is not None  # the group is open while the call steps
        return self.tasks.create_task(work, name=name)
