"""One stream of a client: its session, its brain and its faults, joined on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb

from vivavoce.emulator.admission import Admitted
from vivavoce.emulator.brain import Brain, MakeBrain
from vivavoce.emulator.complaints import Decoration
from vivavoce.emulator.distortion import Distortion
from vivavoce.emulator.faults import DISTORTIONS, EXCEPTIONS, Fault, FaultKind
from vivavoce.emulator.ids import IdMaker
from vivavoce.emulator.moves import End, Fail, Happened, HearAt, Move, Note, OpenBrain, Send, Wish
from vivavoce.emulator.outlet import Outlet
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.session import OUTPUT_RATE_HZ, EmulatedSession
from vivavoce.emulator.watch import Watcher
from vivavoce.engine.clock import loop_time_s, now_us
from vivavoce.errors import VivavoceError
from vivavoce.events import Instant, ModelEvent
from vivavoce.wire import nova_input, nova_output
from vivavoce.wire.bedrock import InputFrame, RequestDecoder, encode_error, encode_event, encode_exception
from vivavoce.wire.eventstream import Malformed
from vivavoce.wire.nova_output import AudioOutput, AudioOutputEncoder

SLOW_CLIENT_S = 30.0
"""A client that takes nothing for so long is given up, as the service does with abandoned streams."""
MOST_QUEUED_BYTES = 4 * 1024 * 1024
_NO_ERROR = 0
_MALFORMED_EVENT = b'{"event":{"textOutput":'
_EXPIRED = ("ExpiredTokenException", "The security token included in the request is expired")
_UNMODELLED = ("InternalFailure", "An internal failure happened.")


@dataclass(slots=True)
class _Tasks:
    """What runs for a stream beside the loop's callbacks."""

    brain: asyncio.Task[None] | None = None
    deadline: asyncio.TimerHandle | None = None
    later: list[asyncio.TimerHandle] = field(default_factory=list)


class EmulatedStream:
    """Answers an admitted request. ``watcher`` is told of occasions and of what people should know."""

    def __init__(
        self, outlet: Outlet, admitted: Admitted, rules: Rules, ids: IdMaker, make_brain: MakeBrain, watcher: Watcher
    ) -> None:
        self._outlet = outlet
        self._admitted = admitted
        self._decoration: Decoration = rules.decoration
        self._ids = ids
        self._make_brain = make_brain
        self._watcher = watcher
        self._opened_s = loop_time_s()
        self._session = EmulatedSession(admitted.generation, rules, ids.new, Instant(0))
        self._decoder = RequestDecoder()
        self._line = _Line(outlet, self._session)
        self._brain: Brain | None = None
        self._tasks = _Tasks()

    # -- what the server tells -----------------------------------------------------------------------------------------

    def open(self, faults: Iterable[Fault]) -> None:
        """The response's headers are sent. ``faults`` are those of this moment."""
        self._arm()
        self._meet(faults)

    def receive(self, data: bytes) -> None:
        self._decoder.feed(data)
        while not self._session.over and (frame := self._decoder.next()) is not None:
            self._take(frame)
        self._arm()

    def input_ended(self) -> None:
        self._perform(self._session.input_ended(self._now()))

    def lost(self) -> None:
        self._close()

    # -- the client ----------------------------------------------------------------------------------------------------

    def _take(self, frame: InputFrame | Malformed) -> None:
        if isinstance(frame, Malformed):
            self._watcher.note(f"the client's bytes are no event stream: {frame.why}")
            self._fail(encode_exception("validationException", self._decorated("Invalid event bytes")))
            return
        if (error := self._unverified(frame)) is not None:
            self._fail(error)
        elif frame.event is None:
            self._perform(self._session.input_ended(self._now()))
        else:
            self._perform(self._session.receive(nova_input.decode(frame.event), self._now()))

    def _unverified(self, frame: InputFrame) -> bytes | None:
        """The error for an event that is not what its key signed."""
        verifier = self._admitted.verifier
        if verifier is None:
            return None
        if frame.instant_ms is None:
            return encode_error("MissingAuthenticationTokenException", "An event of a signed request is not signed.")
        refused = verifier.verify(frame.payload, frame.instant_ms, frame.signature)
        return encode_error(refused.error, refused.message) if refused is not None else None

    # -- time ----------------------------------------------------------------------------------------------------------

    def _now(self) -> Instant:
        return now_us(self._opened_s)

    def _arm(self) -> None:
        """One timer for the session's next deadline. It is left alone while it is early enough: audio, which moves the
        deadline fifty times a second, must not move it."""
        deadline = self._session.deadline
        timer = self._tasks.deadline
        if deadline is None:
            return
        at_s = self._opened_s + deadline / 1e6
        if timer is not None and not timer.cancelled() and timer.when() <= at_s:
            return
        if timer is not None:
            timer.cancel()
        self._tasks.deadline = asyncio.get_running_loop().call_at(at_s, self._deadline_came)

    def _deadline_came(self) -> None:
        self._tasks.deadline = None
        self._perform(self._session.time_passed(self._now()))

    # -- moves ---------------------------------------------------------------------------------------------------------

    def _perform(self, moves: Iterable[Move]) -> None:
        for move in moves:
            self._do(move)
        self._arm()
        if self._outlet.queued_bytes > MOST_QUEUED_BYTES:
            self._give_up("the client does not take what it is sent")

    def _do(self, move: Move) -> None:
        match move:
            case Send(event):
                self._line.send(event)
            case Wish(effect) if self._brain is not None:
                self._brain.perform(effect)
            case HearAt(rate_hz) if self._brain is not None:
                self._brain.hear_at(rate_hz)
            case OpenBrain(prompt):
                self._open_brain(prompt)
            case Happened(occasion):
                self._meet(self._watcher.happened(occasion))
            case Note(text):
                self._watcher.note(text)
            case Fail() | End():
                self._ends(move)

    def _ends(self, move: Fail | End) -> None:
        if isinstance(move, End):
            self._outlet.end()
            self._close()
            return
        frame = encode_exception(move.exception, self._decorated(move.message), **_originals(move.exception))
        if move.fatal:
            self._fail(frame)
        else:
            self._line.send_raw(frame)

    def _fail(self, frame: bytes) -> None:
        """An exception or error as the last message."""
        self._line.send_raw(frame)
        self._outlet.end()
        self._close()

    def _decorated(self, message: str) -> str:
        return self._decoration.around(message, self._ids.new())

    def _give_up(self, why: str) -> None:
        self._watcher.note(f"the stream is given up: {why}")
        self._outlet.reset(_NO_ERROR)
        self._close()

    def _close(self) -> None:
        self._session.over = True
        tasks = self._tasks
        for timer in (*tasks.later, tasks.deadline):
            if timer is not None:
                timer.cancel()
        if tasks.brain is not None:
            tasks.brain.cancel()
        self._watcher.closed()

    # -- the brain -----------------------------------------------------------------------------------------------------

    def _open_brain(self, prompt: nova_input.PromptStart) -> None:
        model = self._make_brain(prompt, self._ids.seed)
        rate_hz = prompt.output_rate_hz or OUTPUT_RATE_HZ
        self._brain = brain = Brain(model, rate_hz, self._brain_says, self._room)
        self._tasks.brain = asyncio.create_task(self._run(brain))

    async def _run(self, brain: Brain) -> None:
        try:
            await brain.run()
            why = "it ended by itself"
        except VivavoceError as fault:
            why = str(fault)
        except Exception as mistake:  # noqa: BLE001  # whatever it is: a client must not wait for ever
            why = f"a mistake in it: {type(mistake).__name__} in {_where(mistake)}"  # its text may hold what was said
        self._perform(self._session.brain_lost(why))

    def _brain_says(self, event: ModelEvent) -> None:
        self._perform(self._session.brain_says(event, self._now()))

    async def _room(self) -> None:
        try:
            async with asyncio.timeout(SLOW_CLIENT_S):
                await self._outlet.room()
        except TimeoutError:
            self._give_up(f"the client took nothing for {SLOW_CLIENT_S:.0f} s")

    # -- faults --------------------------------------------------------------------------------------------------------

    def _meet(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.inject(fault, fault.delay_s)

    def inject(self, fault: Fault, delay_s: float = 0.0) -> None:
        """Let it happen to this stream, ``delay_s`` from now."""
        if delay_s:
            later = asyncio.get_running_loop().call_later(delay_s, self.inject, fault)
            self._tasks.later.append(later)
            return
        if self._session.over:
            return
        self._watcher.note(f"fault: {fault}")
        self._happen(fault)

    def _happen(self, fault: Fault) -> None:
        match fault.kind:
            case kind if kind in EXCEPTIONS:
                exception, message = EXCEPTIONS[kind]
                self._ends(Fail(exception, message))
            case kind if kind in DISTORTIONS:
                self._line.distortion.active.add(kind)
            case FaultKind.CREDENTIALS_EXPIRED:
                self._fail(encode_error(*_EXPIRED))
            case FaultKind.UNMODELLED_ERROR:
                self._fail(encode_error(*_UNMODELLED))
            case FaultKind.STALLED_AUDIO:
                self._line.distortion.stall()
                self._tasks.later.append(asyncio.get_running_loop().call_later(fault.seconds, self._line.resume))
            case FaultKind.MUTE:
                self._line.muted = True
            case FaultKind.MALFORMED_EVENT:
                self._line.send_raw(encode_event(_MALFORMED_EVENT))
            case FaultKind.CORRUPT_FRAME:
                self._line.send_raw(_corrupt(encode_event(b"{}")))
            case _:
                self._break(fault)

    def _break(self, fault: Fault) -> None:
        """Faults of the transport."""
        match fault.kind:
            case FaultKind.RST_STREAM:
                self._outlet.reset(fault.reset_code)
            case FaultKind.END_OF_STREAM:
                self._outlet.end()
            case FaultKind.TCP_RESET:
                self._outlet.abort_connection()
            case FaultKind.HALF_OPEN:
                self._outlet.silence_connection()
                return  # nobody learns of it, so the session goes on, heard by nobody
        self._close()


class _Line:
    """From events to bytes, through what distorts them."""

    def __init__(self, outlet: Outlet, session: EmulatedSession) -> None:
        self._outlet = outlet
        self._session = session
        self._audio = ""
        self._encoder: AudioOutputEncoder | None = None
        self.distortion = Distortion()
        self.muted = False

    def send(self, event: nova_output.OutputEvent) -> None:
        for one in self.distortion.apply(event):
            self._write(one)

    def resume(self) -> None:
        """Audio was stalled and goes on."""
        for one in self.distortion.resume():
            self._write(one)

    def send_raw(self, frame: bytes) -> None:
        if not self.muted:
            self._outlet.send(frame)

    def _write(self, event: nova_output.OutputEvent) -> None:
        ids = self._session.ids
        if isinstance(event, AudioOutput):
            if self._encoder is None or event.content != self._audio:
                self._audio, self._encoder = event.content, AudioOutputEncoder(ids, event.content)
            self.send_raw(encode_event(self._encoder.encode(event.pcm)))
        else:
            self.send_raw(encode_event(nova_output.encode(event, ids)))


def _where(mistake: Exception) -> str:
    *_, last = extract_tb(mistake.__traceback__)
    return f"{Path(last.filename).name}, line {last.lineno}"


def _originals(exception: str) -> dict[str, object]:
    if exception != "modelStreamErrorException":
        return {}
    return {"originalStatusCode": 500, "originalMessage": "The model failed."}


def _corrupt(frame: bytes) -> bytes:
    """The same frame with one bit of its last checksum turned."""
    return frame[:-1] + bytes((frame[-1] ^ 1,))
