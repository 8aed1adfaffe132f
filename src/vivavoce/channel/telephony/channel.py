"""One caller on the telephone, at the carrier's rate, through any carrier's codec."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from vivavoce.channel.port import EmitChannelEvent
from vivavoce.channel.telephony.intake import Intake
from vivavoce.channel.telephony.keys import KeyRow
from vivavoce.channel.telephony.line import CallControl, Transport
from vivavoce.channel.telephony.orders import LineOrders
from vivavoce.channel.telephony.playout import PacedPlayout, Playout, QueuedPlayout
from vivavoce.errors import ChannelFault, VivavoceError
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerPressed,
    ChannelEffect,
    ChannelEvent,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    ResponseId,
    ResumePlaying,
)
from vivavoce.wire.telephony.line import (
    Cleared,
    Codec,
    HangUpLine,
    Key,
    LineFact,
    MalformedFrame,
    MarkReached,
    Media,
    Message,
    Paused,
    Resumed,
    Started,
    Stopped,
    Trouble,
)

LONGEST_WAIT_MS = 1_000
"""Caller audio that may wait for the call before the carrier is read no further."""
MALFORMED_LIMIT = 100
"""So many malformed messages and the line is given up."""
FAREWELL_S = 3.0
"""What the closing messages and the carrier's REST interface have for ending a call."""
HANDOVER_S = 5.0
"""So long after a call was handed over its stream may have ended before that counts as the caller's hanging up."""

_log = logging.getLogger(__name__)


class TelephonyChannel:
    """A :class:`~vivavoce.channel.port.Channel`. ``codec`` has read ``started``, the beginning of the stream, from
    ``transport``. ``control`` ends the call where closing the stream does not, and hands it over.
    """

    def __init__(
        self,
        codec: Codec,
        transport: Transport,
        started: Started,
        clock_s: Callable[[], float],
        control: CallControl | None = None,
    ) -> None:
        self.name = codec.name
        self.rate_hz = started.rate_hz
        self._codec = codec
        self._transport = transport
        self._clock_s = clock_s
        self._facts = _Facts(LONGEST_WAIT_MS * started.rate_hz // 1000)
        self._keys = KeyRow()
        self._outgoing = asyncio.Event()  # there may be something to send
        self._pressed = asyncio.Event()  # the times to wait for have changed
        self._playout: Playout = PacedPlayout(self.rate_hz)
        if codec.queues:
            self._playout = QueuedPlayout(self.rate_hz, codec.frames_per_message)
        self._hung_up = False
        self.orders = LineOrders(self.rate_hz, control, self._say, self._take_back)

    async def run(self, emit: EmitChannelEvent) -> None:
        intake = Intake(self.rate_hz, self._clock_s())
        self._facts.put(CallerConnected(self.name, self.rate_hz, (Ability.PAUSE,)))
        try:
            await _first_of(self._emit(emit), self._read(intake), self._keep_time(intake), self._write())
        finally:
            await self._close()

    def perform(self, effect: ChannelEffect) -> None:
        match effect:
            case Play(response, audio):
                self._playout.play(response, audio.pcm)
            case FinishPlaying(response):
                self._playout.finish(response)
            case Flush(response):
                self._playout.flush(response, self._clock_s())
            case PausePlaying():
                self._playout.pause(self._clock_s())
            case ResumePlaying():
                self._playout.resume()
            case HangUp():
                self._hung_up = True
        self._tell_reports()
        self._outgoing.set()

    def _say(self, response: ResponseId, pcm: bytes) -> None:
        self._playout.play(response, pcm)
        self._playout.finish(response)
        self._outgoing.set()

    def _take_back(self, response: ResponseId) -> None:
        self.perform(Flush(response))

    # -- the tasks of a line; the first to return ends it -------------------------------------------------------------

    async def _emit(self, emit: EmitChannelEvent) -> None:
        """All facts go through here, one after the other. Returns after the caller's hang-up."""
        while True:
            fact = await self._facts.next()
            await emit(fact)
            if isinstance(fact, CallerHungUp):
                return

    async def _read(self, intake: Intake) -> None:
        """Ends only by breaking: what came last is still to be emitted."""
        malformed = 0
        while (message := await self._transport.receive()) is not None:
            try:
                facts = self._codec.receive(message)
            except MalformedFrame:
                malformed += 1
                if malformed == 1:
                    _log.warning("a malformed message came from a carrier and is left out")
                if malformed > MALFORMED_LIMIT:
                    raise
                continue
            for fact in facts:
                if isinstance(fact, Stopped):
                    return await self._end()
                self._hear(fact, intake)
            await self._facts.room()
        return await self._end()

    async def _end(self) -> None:
        self._tell_row(self._keys.end())
        if self.orders.handed_over:
            self._transport = _Closed()
            await asyncio.sleep(HANDOVER_S)  # whoever had it handed over hangs up meanwhile
        self._facts.put(CallerHungUp())
        await asyncio.Event().wait()

    async def _keep_time(self, intake: Intake) -> None:
        """Silence while nothing comes, and the end of a row of keys."""
        while True:
            times_s = (intake.quiet_at_s, self._keys.ends_at_s)
            await _until(min(time_s for time_s in times_s if time_s is not None), self._pressed)
            now_s = self._clock_s()
            self._tell_row(self._keys.pass_time(now_s))
            if self._facts.has_room:
                self._tell_audio(intake.pass_time(now_s))
            else:
                await self._facts.room()

    async def _write(self) -> None:
        """Returns when the line is to be hung up."""
        while not self._hung_up:
            wish = self._playout.next(self._clock_s())
            self._tell_reports()
            if wish is None:
                await _until(self._playout.due_s, self._outgoing)
                continue
            for message in self._codec.send(wish):
                await self._transport.send(message)

    # -- what came ---------------------------------------------------------------------------------------------------

    def _hear(self, fact: LineFact, intake: Intake) -> None:
        match fact:
            case Media():
                self._tell_audio(intake.receive(fact, self._clock_s()))
            case Key(digit):
                self._tell_row(self._keys.press(digit, self._clock_s()))
                self._pressed.set()
            case MarkReached(name):
                self._playout.mark_reached(name, self._clock_s())
                self._tell_reports()
            case Cleared():
                self._playout.cleared(self._clock_s())
                self._tell_reports()
            case Paused() | Resumed():
                self._playout.hold(isinstance(fact, Paused))
                self._outgoing.set()
            case Trouble():
                _log.warning("a carrier reports trouble with a media stream")
            case _:
                pass  # a start that is repeated changes nothing

    def _tell_audio(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._facts.put(CallerAudio(Audio(piece)))

    def _tell_row(self, digits: str) -> None:
        if digits:
            self._facts.put(CallerPressed(digits))

    def _tell_reports(self) -> None:
        while self._playout.reports:
            report = self._playout.reports.popleft()
            if not self.orders.takes(report):
                self._facts.put(report)

    # -- the end -----------------------------------------------------------------------------------------------------

    async def _close(self) -> None:
        """Says goodbye to the carrier, within a limit, whoever ended the call."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                if self._hung_up and not self.orders.handed_over:
                    await self._hang_up_line()
                await self._transport.close()
                if self._hung_up:
                    await self.orders.hang_up()
        except (VivavoceError, TimeoutError):
            _log.warning("a carrier could not be told that the call is over")

    async def _hang_up_line(self) -> None:
        messages: list[Message] = [*self._codec.send(HangUpLine())]
        for message in messages:
            await self._transport.send(message)


class _Closed:
    """What is left of a transport whose other side has closed in order. Nothing arrives anywhere."""

    async def receive(self) -> Message | None:
        return None

    async def send(self, message: Message) -> None:
        del message

    async def close(self) -> None:
        """It is."""


class _Facts:
    """What is still to be emitted. Reports are few and always taken; audio asks for room."""

    def __init__(self, limit: int) -> None:
        self._waiting: deque[ChannelEvent] = deque()
        self._limit = limit
        self._samples = 0
        self._arrival = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def has_room(self) -> bool:
        return self._samples < self._limit

    async def room(self) -> None:
        """Returns when there is room for more audio."""
        while not self.has_room:
            self._taken.clear()
            await self._taken.wait()

    def put(self, fact: ChannelEvent) -> None:
        self._waiting.append(fact)
        self._samples += fact.audio.samples if isinstance(fact, CallerAudio) else 0
        self._arrival.set()

    async def next(self) -> ChannelEvent:
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()
        fact = self._waiting.popleft()
        self._samples -= fact.audio.samples if isinstance(fact, CallerAudio) else 0
        self._taken.set()
        return fact


async def _until(time_s: float | None, changed: asyncio.Event) -> None:
    """Returns at ``time_s``, or when ``changed`` is set, which it then is no more."""
    try:
        async with asyncio.timeout_at(time_s):
            await changed.wait()
    except TimeoutError:
        pass
    changed.clear()


async def _first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Runs all until one returns, then ends the others. The first fault is raised as itself."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                task.cancel()
    except ExceptionGroup as group:
        raise _fault(group) from None


def _fault(group: ExceptionGroup[Exception]) -> Exception:
    faults = [error for error in group.exceptions if isinstance(error, ChannelFault)]
    return faults[0] if faults else group.exceptions[0]
