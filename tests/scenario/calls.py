"""Whole calls on a virtual loop, and what must be true of every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from vivavoce.channel.port import Channel
from vivavoce.engine.call import Call, CallResult, Clips
from vivavoce.engine.clock import run
from vivavoce.events import (
    Audio,
    AudioLost,
    CallerAudio,
    CallPlan,
    CloseCall,
    Effect,
    Event,
    ForwardAudio,
    Ignore,
    Instant,
    ToolStatus,
)
from vivavoce.model.port import Model
from vivavoce.timeline.read import Timeline, parse_timeline
from vivavoce.timeline.replay import replay
from vivavoce.timeline.schema import VERSION, Header, encode_header, encode_line
from vivavoce.voice.port import Ear

Seen = list[tuple[Instant, Event | Effect]]
DEADLINE_S = 7200.0
"""Virtual. A call that takes longer hangs."""


@dataclass(frozen=True)
class Outcome:
    """A :class:`~vivavoce.engine.call.ToolOutcome`."""

    status: ToolStatus
    result: str


@dataclass
class Tools:
    """Every tool takes ``takes_s`` and gives ``result``."""

    takes_s: float = 0.0
    result: str = "{}"
    called: list[tuple[str, str]] = field(default_factory=list)
    cancelled: int = 0

    async def run(self, _tool_call: str, name: str, arguments: str) -> Outcome:
        self.called.append((name, arguments))
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Outcome(ToolStatus.OK, self.result)


@dataclass(frozen=True)
class Beside:
    """Who hears the caller beside the model, and who speaks for it."""

    ear: Ear | None = None
    clips: Clips | None = None


@dataclass
class Ran:
    """A call that is over: how it ended, all that was seen of it, and at which instant it returned."""

    result: CallResult | None  # None if it was cancelled
    seen: Seen
    returned: Instant

    @property
    def close(self) -> CloseCall:
        """The last effect."""
        (close,) = [value for _, value in self.seen if isinstance(value, CloseCall)]
        return close

    def when(self, *values: Event | Effect) -> list[float]:
        """At how many milliseconds each of these was first seen."""
        return [next(at / 1000 for at, value in self.seen if value == wanted) for wanted in values]

    def all(self, *kinds: type) -> list[tuple[float, Event | Effect]]:
        """Everything of these kinds, with milliseconds."""
        return [(at / 1000, value) for at, value in self.seen if isinstance(value, kinds)]

    def story(self) -> list[tuple[float, str]]:
        """Everything but audio and progress, by name."""
        dull = {"CallerAudio", "ForwardAudio", "AgentAudio", "Play", "PlayoutProgress", "TimePassed", "AgentText"}
        dull |= {"ResponseAudible"}
        named = [(at / 1000, type(value).__name__) for at, value in self.seen]
        return [(at, name) for at, name in named if name not in dull]

    @property
    def timeline(self) -> Timeline:
        """As a file would give it back."""
        header = Header(
            vivavoce_timeline=VERSION, call="c", opened="2026-03-02T09:15:00+00:00", agent="a", vivavoce="0"
        )
        lines = (encode_line(number, at, value) for number, (at, value) in enumerate(self.seen))
        return parse_timeline(encode_header(header) + b"".join(lines))


def hold(
    plan: CallPlan,
    channel: Callable[[], Channel],
    models: Callable[[], Sequence[Model]],
    tools: Tools | None = None,
    *,
    cancel_at_ms: int | None = None,
    during: Callable[[Call], None] | None = None,
    beside: Beside | None = None,
) -> Ran:
    """One call to its end, proved: closed once and last, replayed alike, every sample accounted for, nothing left.

    ``during`` is called once the call runs, on its loop.
    """
    around = (cancel_at_ms, during, beside or Beside())
    ran = run(_hold(plan, channel(), models(), tools or Tools(), *around), virtual=True)
    prove(ran)
    return ran


async def _hold(
    plan: CallPlan,
    channel: Channel,
    models: Sequence[Model],
    tools: Tools,
    cancel_at_ms: int | None,
    during: Callable[[Call], None] | None,
    beside: Beside,
) -> Ran:
    loop = asyncio.get_running_loop()
    seen: Seen = []

    def witness(at: Instant, value: Event | Effect) -> None:
        seen.append((at, value))

    call = Call(plan, channel, models, tools, [witness], ear=beside.ear, clips=beside.clips)
    task = loop.create_task(call.run())
    if during is not None:
        loop.call_soon(during, call)
    if cancel_at_ms is not None:
        loop.call_at(cancel_at_ms / 1000, task.cancel)
    done, _ = await asyncio.wait([task], timeout=DEADLINE_S)
    assert done, "the call hangs"
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"
    return Ran(None if task.cancelled() else task.result(), seen, Instant(round(loop.time() * 1_000_000)))


def prove(ran: Ran) -> None:
    """What holds for every call, however it went."""
    assert isinstance(ran.seen[-1][1], CloseCall)
    assert ran.close == ran.seen[-1][1]
    if ran.result is not None:
        assert (ran.result.disposition, ran.result.reason) == (ran.close.disposition, ran.close.reason)
    instants = [at for at, _ in ran.seen]
    assert instants == sorted(instants)
    proof = replay(ran.timeline)
    assert proof.identical, proof.difference
    assert _samples(CallerAudio, ran) == _samples(ForwardAudio, ran) + sum(_dropped(value for _, value in ran.seen))


def _samples(kind: type, ran: Ran) -> int:
    audio: list[Audio] = [value.audio for _, value in ran.seen if isinstance(value, kind)]  # type: ignore[union-attr]
    return sum(piece.samples for piece in audio)


def _dropped(values: Iterable[Event | Effect]) -> Iterable[int]:
    for value in values:
        match value:
            case Ignore("CallerAudio", _, samples):
                yield samples
            case AudioLost(_, samples):
                yield -samples  # was forwarded before it was lost
