"""One Realtime client at the door: its session by the protocol, the call that this led to, and what goes beside it.

The protocol (:class:`~vivavoce.wire.realtime.front.Front`) is fed from three sides: what the client sends, everything
on the call's timeline, and time. What it wants done is done here, in order.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, assert_never

import msgspec

from vivavoce.channel.client import ClientChannel
from vivavoce.engine.clock import now_us
from vivavoce.errors import VivavoceError
from vivavoce.events import (
    AgentAudio,
    Audio,
    CallerAudio,
    CallerHungUp,
    ChannelEffect,
    ChannelEvent,
    ChannelLost,
    CloseCall,
    Disposition,
    Effect,
    Event,
    Evidence,
    ForwardAudio,
    Instant,
    Play,
    PlayoutProgress,
    ResponseId,
    Samples,
    UsageReported,
)
from vivavoce.server.desk import Desk, LiveCall, ServedAgent
from vivavoce.server.realtime.asides import answer_aside
from vivavoce.server.realtime.client_call import ClientCall
from vivavoce.server.realtime.client_tools import ClientTools
from vivavoce.server.realtime.ids import new_id
from vivavoce.wire.realtime.actions import (
    Action,
    AnswerTool,
    Aside,
    AskAside,
    Begin,
    CancelAside,
    Close,
    Emit,
    Revise,
    Send,
)
from vivavoce.wire.realtime.configuration import Configuration
from vivavoce.wire.realtime.front import Front

NORMAL = 1000
_SOUND = b'{"type":"response.output_audio.delta",'
_MOVES_NO_DEADLINE = (ForwardAudio, AgentAudio)  # fifty times a second, each


class Outlet(Protocol):
    """Where the session's events go."""

    def send(self, message: str) -> None:
        """Never blocks; once closed, does nothing."""
        ...

    def close(self, code: int = ..., reason: str = ...) -> None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """How the client's sound is carried. ``name`` is the channel's. ``carrier`` takes the call's wishes where the sound
    goes beside the protocol (WebRTC), and then never stops; without one it is in the client's events, and may.
    """

    name: str
    carrier: Callable[[ChannelEffect], None] | None = None


class Conversation:
    """Runs once. All methods are for the loop that runs it."""

    def __init__(
        self, desk: Desk, served: ServedAgent, front: Front, outlet: Outlet, line: Line, caller_name: str
    ) -> None:
        self.caller_name = caller_name
        self._desk = desk
        self._served = served
        self._front = front
        self._outlet = outlet
        self._beside: list[Outlet] = []  # who joined, and hears of everything but the sound
        self._line = line
        self._tools = ClientTools()
        self._asides: dict[str, asyncio.Task[None]] = {}
        self._call: ClientCall | None = None
        self._timer = _Timer(self._time_passed)
        self._over = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._unspoken: Counter[ResponseId] = Counter()
        self._held: list[Action] | None = None  # what comes after a revision waits until that is done

    @property
    def live(self) -> LiveCall | None:
        """The call, while there is one."""
        return self._call.live if self._call is not None else None

    async def run(self) -> None:
        """Returns when the call is over, or the client went before there was one. Cancelled, it ends the call."""
        async with asyncio.TaskGroup() as self._tasks:
            try:
                self._do(self._front.open(now_us()))
                await self._over.wait()
            finally:
                self._timer.stop()
                for aside in self._asides.values():
                    aside.cancel()

    def receive(self, message: str | bytes) -> None:
        """What the client sent."""
        self._do(self._front.receive(message, now_us()))

    @contextmanager
    def joined(self, outlet: Outlet) -> Iterator[None]:
        """Another client hears of this session while the block runs, and may take part (:meth:`receive`)."""
        created = {"type": "session.created", "event_id": new_id("event"), "session": self._front.configuration.session}
        outlet.send(msgspec.json.encode(created).decode())
        self._beside.append(outlet)
        try:
            yield
        finally:
            self._beside.remove(outlet)

    async def ended(self) -> None:
        """Returns when the session is over."""
        await self._over.wait()

    def hear(self, pcm: bytes) -> None:
        """The caller's sound, where it does not come in the client's events."""
        self._do(self._front.caller_audio(pcm, now_us()))

    def put(self, event: ChannelEvent) -> None:
        """A fact of whoever carries the client's sound. Before there is a call it is nobody's."""
        if self._call is not None:
            self._call.channel.put(event)

    async def room(self) -> None:
        """Returns when more of the client's sound is welcome."""
        if self._call is not None:
            await self._call.channel.room()

    def hang_up(self, reason: str) -> None:
        """The client is gone, or is to go."""
        if self._call is None:
            self._over.set()
        else:
            self._call.channel.put(CallerHungUp(reason))

    def lose(self, message: str) -> None:
        """The wire to the client broke."""
        if self._call is None:
            self._over.set()
        else:
            self._call.channel.put(ChannelLost(message))

    # -- what the protocol wants ---------------------------------------------------------------------------------------

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._send(action.data)
            elif self._held is not None:
                self._held.append(action)
            else:
                self._act(action)
        self._timer.arm(self._front.deadline)

    def _act(self, action: Action) -> None:
        match action:
            case Emit(event):
                self.put(event)
            case Send(data):
                self._send(data)
            case Begin(rate_hz, configuration):
                self._begin(rate_hz, configuration)
            case Revise(configuration):
                self._held = []
                self._start(self._revise(configuration))
            case AnswerTool(tool_call, output):
                self._tools.answer(tool_call, output)
            case AskAside(aside):
                self._ask_aside(aside)
            case CancelAside(aside_id):
                if aside_id in self._asides:
                    self._asides[aside_id].cancel()
            case Close(code, reason):
                self._outlet.close(code, reason)
                self.hang_up(reason)
            case _:
                assert_never(action)

    def _send(self, data: bytes) -> None:
        message = data.decode()
        self._outlet.send(message)
        if self._beside and not data.startswith(_SOUND):
            for outlet in self._beside:
                outlet.send(message)

    def _time_passed(self) -> None:
        self._do(self._front.time_passed(now_us()))

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        assert self._tasks is not None  # it acts only while it runs
        return self._tasks.create_task(work)

    # -- the call ------------------------------------------------------------------------------------------------------

    def _begin(self, rate_hz: int, configuration: Configuration) -> None:
        channel = ClientChannel(self._line.name, rate_hz, self._perform, fills=self._line.carrier is None)
        self._call = ClientCall(self._desk, self._served, channel, self._tools, configuration)
        self._start(self._run(self._call))

    async def _run(self, call: ClientCall) -> None:
        try:
            await call.run(self._witness)
        except VivavoceError as fault:
            self._do(self._front.observe(CloseCall(Disposition.FAILED, str(fault)), now_us()))
        finally:
            self._outlet.close(NORMAL, "the call is over")
            self._over.set()

    def _perform(self, effect: ChannelEffect) -> None:
        """The protocol sees all wishes as a witness; here is what a carrier does. A reply in words only is not carried,
        and counts as heard at once.
        """
        if self._line.carrier is None:
            return
        match effect:
            case Play(response, audio) if not self._front.speaks(response):
                self._unspoken[response] += audio.samples
                self.put(PlayoutProgress(response, Samples(self._unspoken[response]), Evidence.ASSUMED))
            case _:
                self._line.carrier(effect)

    def _witness(self, _at: Instant, value: Event | Effect) -> None:
        kind = type(value)
        if kind is CallerAudio:  # it came from there
            return
        actions = self._front.observe(value, now_us())
        if actions or kind not in _MOVES_NO_DEADLINE:
            self._do(actions)

    async def _revise(self, configuration: Configuration) -> None:
        assert self._call is not None  # the protocol revises after it began
        try:
            await self._call.revise(configuration)
        except VivavoceError as fault:
            self._outlet.send(_complaint(str(fault)))
        held, self._held = self._held or [], None
        self._do(held)

    # -- beside the call -----------------------------------------------------------------------------------------------

    def _ask_aside(self, aside: Aside) -> None:
        told = _AsideTold(self, aside.id)
        assert self._call is not None  # the protocol asks after it began
        call, rate_hz = self._call, self._call.channel.rate_hz
        task = self._start(answer_aside(aside, lambda: call.make_models_aside(aside.instructions), rate_hz, told))
        self._asides[aside.id] = task
        task.add_done_callback(lambda _: self._asides.pop(aside.id, None))

    def aside_text(self, aside_id: str, text: str) -> None:
        self._do(self._front.aside_text(aside_id, text, now_us()))

    def aside_audio(self, aside_id: str, audio: Audio) -> None:
        self._do(self._front.aside_audio(aside_id, audio, now_us()))

    def aside_done(self, aside_id: str, usage: UsageReported) -> None:
        self._do(self._front.aside_done(aside_id, usage, now_us()))

    def aside_failed(self, aside_id: str, message: str) -> None:
        self._do(self._front.aside_failed(aside_id, message, now_us()))


@dataclass(frozen=True, slots=True)
class _AsideTold:
    """Implements :class:`~vivavoce.server.realtime.asides.Told`."""

    conversation: Conversation
    aside: str

    def text(self, text: str) -> None:
        self.conversation.aside_text(self.aside, text)

    def audio(self, audio: Audio) -> None:
        self.conversation.aside_audio(self.aside, audio)

    def done(self, usage: UsageReported) -> None:
        self.conversation.aside_done(self.aside, usage)

    def failed(self, message: str) -> None:
        self.conversation.aside_failed(self.aside, message)


def _complaint(message: str) -> str:
    told = {"type": "invalid_request_error", "code": "invalid_value", "message": message, "param": "session"}
    event = {"type": "error", "event_id": new_id("event"), "error": {**told, "event_id": None}}
    return msgspec.json.encode(event).decode()


class _Timer:
    """Calls ``due`` at the instant it was last armed for."""

    def __init__(self, due: Callable[[], None]) -> None:
        self._due = due
        self._armed: Instant | None = None
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, deadline: Instant | None) -> None:
        if deadline == self._armed:
            return
        self.stop()
        self._armed = deadline
        if deadline is not None:
            self._handle = asyncio.get_running_loop().call_at(deadline / 1_000_000, self._fire)

    def stop(self) -> None:
        self._armed = None
        if self._handle is not None:
            self._handle.cancel()

    def _fire(self) -> None:
        self._armed = None
        self._due()
