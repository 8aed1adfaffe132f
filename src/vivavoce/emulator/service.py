"""The emulated service: all its streams, its quota, its faults. One object for a server, a test or a benchmark.

In memory, on virtual time::

    emulator = Emulator(EmulatorSettings(brain=fixed(ScriptedModel(script)), access=Access(now)))
    network = MemoryNetwork(emulator.protocol)
    emulator.plan.add(parse_fault("tcp-reset@agent-speaking"))
    emulator.inject(parse_fault("half-open"))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from vivavoce.emulator.admission import Access, Admitted, Refusal, admit, fault_refusal
from vivavoce.emulator.brain import MakeBrain
from vivavoce.emulator.control import ROOT, ControlStream
from vivavoce.emulator.faults import BEFORE_STREAM, Fault, FaultKind, FaultPlan
from vivavoce.emulator.ids import IdMaker
from vivavoce.emulator.moves import Occasion
from vivavoce.emulator.outlet import Handler, Outlet
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.server import EmulatorConnection
from vivavoce.emulator.stream import EmulatedStream
from vivavoce.model.port import Model
from vivavoce.wire.bedrock import CONTENT_TYPE
from vivavoce.wire.nova_input import PromptStart
from vivavoce.wire.sigv4 import HeaderList

SIMULATED = ("x-vivavoce-emulator", "simulated")
"""On every answer: nobody shall take it for the service's."""

Notice = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """``seed`` makes ids and whatever is left to chance the same each time. ``notice`` is given lines for people, which
    hold nothing of what was said."""

    brain: MakeBrain
    access: Access
    rules: Rules = field(default_factory=Rules)
    seed: int | None = None
    notice: Notice = lambda _: None


def fixed(model: Model) -> MakeBrain:
    """The same model for every session, whatever the client asks for."""

    def make(prompt: PromptStart, seed: int) -> Model:
        del prompt, seed
        return model

    return make


class Emulator:
    """:meth:`protocol` makes the server's side of a connection, for any transport."""

    def __init__(self, settings: EmulatorSettings, faults: Iterable[Fault] = ()) -> None:
        self.settings = settings
        self.plan = FaultPlan(faults)
        self.connections: set[EmulatorConnection] = set()
        self._streams: dict[int, _Place] = {}
        self._asked = 0

    @property
    def open_streams(self) -> int:
        return len(self._streams)

    def protocol(self) -> EmulatorConnection:
        return EmulatorConnection(self, self.connections)

    def close(self) -> None:
        """Close every connection in order."""
        for connection in list(self.connections):
            connection.close()

    def inject(self, fault: Fault) -> int:
        """A fault without an occasion happens to all streams that are open, one before the stream to the next; others
        are planned. Gives how many streams it happened to now."""
        if fault.occasion is not None or fault.kind in BEFORE_STREAM:
            self.plan.add(fault)
            return 0
        streams = [place.stream for place in self._streams.values() if place.stream is not None]
        for stream in streams:
            stream.inject(fault)
        return len(streams)

    def status(self) -> dict[str, object]:
        rules = self.settings.rules
        return {
            "simulated": True,
            "streams": self.open_streams,
            "asked": self._asked,
            "concurrency": rules.concurrency,
            "strict": rules.strict,
            "models": sorted(rules.models),
            "faults": [str(fault) for fault in self.plan.pending],
        }

    # -- requests ------------------------------------------------------------------------------------------------------

    def answer(self, headers: HeaderList, outlet: Outlet) -> Handler:
        if dict(headers).get(":path", "").startswith(ROOT):
            return ControlStream(headers, outlet, self)
        self._asked += 1
        number = self._asked
        ids = IdMaker(self.settings.seed, number)
        opening = _Opening(outlet, ids, number)
        faults = self.plan.happened(Occasion.OPEN)
        before = [fault for fault in faults if fault.kind in BEFORE_STREAM]
        opening.faults = [fault for fault in faults if fault.kind not in BEFORE_STREAM]
        delay_s = sum(fault.seconds for fault in before if fault.kind is FaultKind.SLOW_OPEN)
        for fault in before:
            self.settings.notice(f"stream {number}: fault: {fault}")
            refusal = fault_refusal(fault.kind, self.settings.access.now())
            if refusal is not None:
                return self._refuse(opening, refusal)
        admitted = admit(headers, self.settings.access, self.settings.rules, self.open_streams)
        if isinstance(admitted, Refusal):
            return self._refuse(opening, admitted)
        return self._admit(opening, admitted, delay_s)

    def _refuse(self, opening: _Opening, refusal: Refusal) -> Handler:
        self.settings.notice(f"stream {opening.number}: refused with {refusal.status} {refusal.error}")
        opening.outlet.respond([*refusal.headers(), ("x-amzn-requestid", opening.ids.new()), SIMULATED], refusal.body())
        return _Refused()

    def _admit(self, opening: _Opening, admitted: Admitted, delay_s: float) -> Handler:
        place = _Place(self, opening)
        self._streams[opening.number] = place
        settings = self.settings
        place.stream = stream = EmulatedStream(
            opening.outlet, admitted, settings.rules, opening.ids, settings.brain, place
        )
        headers = [
            (":status", "200"),
            ("content-type", CONTENT_TYPE),
            ("x-amzn-requestid", opening.ids.new()),
            SIMULATED,
        ]

        def open_now() -> None:
            opening.outlet.respond(headers)
            stream.open(opening.faults)

        if delay_s:
            return _Late(stream, open_now, delay_s)
        open_now()
        return stream

    def leave(self, number: int) -> None:
        """A stream is over and its place free."""
        if self._streams.pop(number, None) is not None:
            self.settings.notice(f"stream {number}: closed")


class _Opening:
    """A request that is being answered."""

    def __init__(self, outlet: Outlet, ids: IdMaker, number: int) -> None:
        self.outlet = outlet
        self.ids = ids
        self.number = number
        self.faults: list[Fault] = []


class _Place:
    """What a stream tells goes through here, with its number."""

    def __init__(self, emulator: Emulator, opening: _Opening) -> None:
        self._emulator = emulator
        self._number = opening.number
        self.stream: EmulatedStream | None = None

    def happened(self, occasion: Occasion) -> Sequence[Fault]:
        return self._emulator.plan.happened(occasion)

    def note(self, text: str) -> None:
        self._emulator.settings.notice(f"stream {self._number}: {text}")

    def closed(self) -> None:
        self._emulator.leave(self._number)


class _Late:
    """A stream that opens after ``delay_s``. What the client sends meanwhile is kept: an answer to it would come before
    the response's headers."""

    def __init__(self, stream: Handler, open_now: Callable[[], None], delay_s: float) -> None:
        self._stream = stream
        self._open_now = open_now
        self._kept: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(delay_s, self._open)

    def receive(self, data: bytes) -> None:
        self._do(lambda: self._stream.receive(data))

    def input_ended(self) -> None:
        self._do(self._stream.input_ended)

    def lost(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._stream.lost()

    def _do(self, action: Callable[[], None]) -> None:
        if self._timer is None:
            action()
        else:
            self._kept.append(action)

    def _open(self) -> None:
        self._timer = None
        self._open_now()
        for action in self._kept:
            action()
        self._kept.clear()


class _Refused:
    """The rest of a request that was answered already."""

    def receive(self, data: bytes) -> None: ...

    def input_ended(self) -> None: ...

    def lost(self) -> None: ...
