"""One Realtime client at the door: its session by the protocol, the call that this led to, and what goes beside it.

The protocol (:class:`~vivavoce.wire.realtime.front.Front`) is fed from three sides: what the client sends, everything
on the call's timeline, and time. What it wants done is done here, in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import assert_never

from vivavoce.channel.client import ClientChannel
from vivavoce.engine.clock import now_us
from vivavoce.errors import VivavoceError
from vivavoce.events import (
    AgentAudio,
    CallerAudio,
    CallerHungUp,
    ChannelEffect,
    ChannelEvent,
    ChannelLost,
    CloseCall,
    Disposition,
    Effect,
    Event,
    ForwardAudio,
    Instant,
)
from vivavoce.server.desk import Desk, LiveCall, ServedAgent
from vivavoce.server.realtime.asides import Asides
from vivavoce.server.realtime.audience import NORMAL, Audience, Outlet
from vivavoce.server.realtime.client_call import ClientCall
from vivavoce.server.realtime.line import Line
from vivavoce.server.realtime.revisions import Revisions
from vivavoce.wire.realtime.actions import (
    Action,
    AnswerTool,
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

_log = logging.getLogger(__name__)


class Conversation:
    """Runs once. All methods are for the loop that runs it."""

    def __init__(
        self, desk: Desk, served: ServedAgent, front: Front, outlet: Outlet, line: Line, caller_name: str
    ) -> None:
        self.caller_name = caller_name
        self._new_call = partial(ClientCall, desk, served)
        self._front = front
        self._audience = Audience(outlet)
        self._line = line
        self._asides = Asides(front, self._do)
        self._call: ClientCall | None = None
        self._timer = _Timer(self._time_passed)
        self._began = asyncio.Event()
        self._over = asyncio.Event()
        self._tasks: asyncio.Future[asyncio.TaskGroup] = asyncio.get_running_loop().create_future()
        self._revisions = Revisions()

    @property
    def live(self) -> LiveCall | None:
        """The call, while there is one."""
        return self._call.live if self._call is not None else None

    async def answered(self) -> LiveCall | None:
        """The call, as soon as there is one; None if the session ends before."""
        await self._began.wait()
        return await self._call.made() if self._call is not None else None

    async def run(self) -> None:
        """Returns when the call is over, or the client went before there was one. Cancelled, it ends the call."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks.set_result(tasks)
            try:
                self._do(self._front.open(now_us()))
                await self._over.wait()
            finally:
                self._began.set()
                self._timer.stop()
                self._asides.cancel_all()

    async def opened(self) -> None:
        """Returns when it runs: before that nothing is received."""
        await asyncio.wait([self._tasks])

    def receive(self, message: str | bytes) -> None:
        """What the client sent. Nothing, once the session is over."""
        if not self._over.is_set():
            self._do(self._front.receive(message, now_us()))

    def too_large(self, size_bytes: int) -> None:
        """The client sent an event that nobody has read."""
        if not self._over.is_set():
            self._do(self._front.too_large(size_bytes))

    @property
    def full(self) -> bool:
        """Nobody else may join."""
        return self._audience.full

    def joined(self, outlet: Outlet) -> AbstractContextManager[None]:
        """Another client hears of this session while the block runs, and may take part (:meth:`receive`)."""
        return self._audience.joined(outlet, self._front.configuration.session)

    async def ended(self) -> None:
        """Returns when the session is over."""
        await self._over.wait()

    def hear(self, pcm: bytes) -> None:
        """The caller's sound, where it does not come in the client's events."""
        if not self._over.is_set():
            self._do(self._front.caller_audio(pcm, now_us()))

    def put(self, event: ChannelEvent) -> None:
        """A fact of whoever carries the client's sound. Before there is a call it is nobody's."""
        if self._call is not None:
            self._call.channel.put(event)

    @property
    def has_room(self) -> bool:
        """Whether more of the client's sound is welcome."""
        return not self._revisions.in_progress and (self._call is None or self._call.channel.has_room)

    async def room(self) -> None:
        """Returns when it is."""
        await self.revised()
        if self._call is not None:
            await self._call.channel.room()

    async def revised(self) -> None:
        """Returns when more of the client's events are welcome."""
        await self._revisions.done()

    def hang_up(self, reason: str) -> None:
        """The client is gone, or is to go. What it said before counts."""
        self._end(CallerHungUp(reason))

    def lose(self, message: str) -> None:
        """The wire to the client broke."""
        self._end(ChannelLost(message))

    def _end(self, event: CallerHungUp | ChannelLost) -> None:
        if self._call is None:
            self._over.set()
        else:
            self._do([Emit(event)])

    # -- what the protocol wants ---------------------------------------------------------------------------------------

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._audience.send(action.data)
            elif self._revisions.in_progress and not isinstance(action, Close):
                self._revisions.held.append(action)
            else:
                self._act(action)
        self._timer.arm(self._front.deadline)

    def _act(self, action: Action) -> None:
        match action:
            case Emit(event):
                self.put(event)
            case Send(data):
                self._audience.send(data)
            case Begin(rate_hz, configuration):
                self._begin(rate_hz, configuration)
            case Revise(configuration):
                self._revisions.begin()
                self._group.create_task(self._revise(configuration), name="revision")
            case AnswerTool(tool_call, output):
                self._begun.tools.answer(tool_call, output)
            case AskAside(aside):
                self._asides.ask(aside, self._begun, self._group)
            case CancelAside(aside_id):
                self._asides.cancel(aside_id)
            case Close(code, reason):
                self._audience.close(code, reason)
                self.hang_up(reason)
            case _:
                assert_never(action)

    def _time_passed(self) -> None:
        self._do(self._front.time_passed(now_us()))

    @property
    def _begun(self) -> ClientCall:
        assert self._call is not None  # the protocol begins before it wants anything of the call
        return self._call

    @property
    def _group(self) -> asyncio.TaskGroup:
        return self._tasks.result()  # it acts only while it runs

    # -- the call ------------------------------------------------------------------------------------------------------

    def _begin(self, rate_hz: int, configuration: Configuration) -> None:
        channel = ClientChannel(
            self._line.name, rate_hz, self._perform, fills=self._line.fills, abilities=self._front.abilities
        )
        self._call = self._new_call(channel, configuration)
        self._began.set()
        self._group.create_task(self._run(self._call), name="call")

    async def _run(self, call: ClientCall) -> None:
        try:
            await call.run(self._witness)
        except VivavoceError as fault:
            _log.error("a call could not be made, or failed: %s", type(fault).__name__)
            self._do(self._front.observe(CloseCall(Disposition.FAILED, str(fault)), now_us()))
        finally:
            self._audience.close(NORMAL, "the call is over")
            self._over.set()

    def _perform(self, effect: ChannelEffect) -> None:
        if (heard := self._line.perform(effect, self._front.speaks)) is not None:
            self.put(heard)

    def _witness(self, _at: Instant, value: Event | Effect) -> None:
        kind = type(value)
        if kind is CallerAudio or kind is AgentAudio:  # it came from there; what is made of it is an effect
            return
        actions = self._front.observe(value, now_us())
        if actions or kind is not ForwardAudio:  # which moves no deadline
            self._do(actions)

    async def _revise(self, configuration: Configuration) -> None:
        try:
            await self._revisions.turn()
            await self._begun.revise(configuration)
        except VivavoceError as fault:
            self._audience.complain(str(fault))
        held = self._revisions.end()
        if not self._over.is_set():
            self._do(held)


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
