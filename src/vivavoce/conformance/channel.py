"""What any :class:`~vivavoce.channel.port.Channel` must do, checked rule by rule.

::

    async def test_mine() -> None:
        await check_channel(lambda: ChannelUnderTest(MyChannel(...)))

Time is the running loop's: a channel that lives on the loop alone is checked in no time on a virtual one
(:func:`vivavoce.engine.clock.run`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from vivavoce.audio.pcm import samples_for, samples_in
from vivavoce.channel.port import Channel
from vivavoce.conformance.watching import Surroundings, Watch, performed, require
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    ChannelEffect,
    ChannelEvent,
    Evidence,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
)

LONGEST_FRAME_MS = 100
HUSH_LIMIT_S = 0.5
"""A flush is answered, and a hang-up carried out, within this; so long a pause may take until all is quiet."""
SOFT_MS = 40
"""So much around a pause may be faded."""
_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class ChannelUnderTest:
    """A channel with somebody on its line, who stays at least 10 s.

    ``hang_up`` lets that somebody hang up; ``heard`` gives all that was played to them so far, without filling. What
    cannot be had is None, and the rules about it are not checked.
    """

    channel: Channel
    hang_up: Callable[[], Awaitable[None]] | None = None
    heard: Callable[[], bytes] | None = None


Make = Callable[[], ChannelUnderTest]


async def check_channel(make: Make) -> None:
    """Raises :class:`~vivavoce.conformance.watching.ConformanceFailure` at the first broken rule.

    ``make`` gives a new line each time. About 20 s of the loop's time.
    """
    for check in _CHECKS:
        around = Surroundings()
        await check(make())
        await around.unchanged("a channel that has ended leaves nothing behind")


class _Line:
    """One channel being run, and its wishes performed."""

    def __init__(self, under_test: ChannelUnderTest) -> None:
        self.under_test = under_test
        self.channel = under_test.channel
        self.watch: Watch[ChannelEvent] = Watch(self.channel.run)

    def pcm(self, ms: int, first: int = 0) -> bytes:
        """Loud, and no two samples alike for a while, so that what is heard can be compared."""
        count = samples_for(ms, self.channel.rate_hz)
        return b"".join(((first + n) * 37 % 20_000 - 10_000).to_bytes(2, "little", signed=True) for n in range(count))

    def perform(self, effect: ChannelEffect) -> None:
        performed(self.channel.perform, effect)

    def play(self, response: ResponseId, pcm: bytes) -> None:
        """As an engine does: in pieces of 100 ms."""
        size = samples_for(100, self.channel.rate_hz) * 2
        for at in range(0, len(pcm), size):
            self.perform(Play(response, Audio(pcm[at : at + size])))

    async def connected(self) -> None:
        await self.watch.until(lambda: bool(self.watch.facts), _LIMIT_S, "a channel connects and says so")

    @property
    def can_pause(self) -> bool:
        connected = self.watch.facts[0]
        return isinstance(connected, CallerConnected) and Ability.PAUSE in connected.abilities

    def reach(self, response: ResponseId) -> tuple[int, int]:
        """How far it is, as reported and as heard."""
        heard = self.under_test.heard() if self.under_test.heard is not None else b""
        return max((report.played for report in self.reports(response)), default=0), samples_in(heard)

    async def quiet(self, response: ResponseId) -> None:
        """For a second nothing is played."""
        before = self.reach(response)
        await asyncio.sleep(1.0)
        after = self.reach(response)
        require(after == before, "nothing is played while playing is paused", f"{before} samples, then {after}")

    async def played(self, response: ResponseId, samples: int, limit_s: float) -> None:
        await self.watch.until(
            lambda: any(report.played == samples for report in self.reports(response)),
            limit_s,
            "after FinishPlaying the last PlayoutProgress says that all of the response was played",
        )

    async def stopped(self, response: ResponseId) -> PlayoutStopped:
        def answers() -> list[PlayoutStopped]:
            return [answer for answer in self.watch.all(PlayoutStopped) if answer.response == response]

        await self.watch.until(lambda: bool(answers()), HUSH_LIMIT_S, "Flush is always answered with PlayoutStopped")
        return answers()[0]

    def reports(self, response: ResponseId) -> list[PlayoutProgress]:
        return [report for report in self.watch.all(PlayoutProgress) if report.response == response]

    def require_heard(self, expected: bytes) -> None:
        if self.under_test.heard is not None:
            heard = self.under_test.heard()
            require(heard == expected, "what is played is what the caller hears", f"{len(heard)} bytes came out")

    def require_heard_softly(self, expected: bytes) -> None:
        """But for a short fade."""
        if self.under_test.heard is None:
            return
        heard = self.under_test.heard()
        pairs = [
            (_value(heard, at), _value(expected, at)) for at in range(min(samples_in(heard), samples_in(expected)))
        ]
        require(
            len(heard) == len(expected), "a pause loses nothing and repeats nothing", f"{len(heard)} bytes came out"
        )
        others = [(got, sent) for got, sent in pairs if got != sent]
        softer = all(abs(got) <= abs(sent) and got * sent >= 0 for got, sent in others)
        few = len(others) <= samples_for(SOFT_MS, self.channel.rate_hz)
        require(softer and few, "after a pause it goes on exactly where it was", f"{len(others)} samples differ")


def _value(pcm: bytes, at: int) -> int:
    return int.from_bytes(pcm[2 * at : 2 * at + 2], "little", signed=True)


async def _connects(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    rate_hz = line.channel.rate_hz
    require(bool(line.channel.name), "a channel has a name")
    require(8000 <= rate_hz <= 48_000, "a call's rate is 8000 to 48000 Hz", rate_hz)
    async with line.watch as watch:
        await line.connected()
        first = watch.facts[0]
        require(isinstance(first, CallerConnected), "the first fact is CallerConnected", first)
        assert isinstance(first, CallerConnected)
        require(first.rate_hz == rate_hz, "CallerConnected names the channel's rate", first)
        await watch.until(lambda: len(watch.all(CallerAudio)) >= 10, _LIMIT_S, "the caller's audio is emitted")
        require(len(watch.all(CallerConnected)) == 1, "CallerConnected is emitted once")
        longest = samples_for(LONGEST_FRAME_MS, rate_hz)
        for frame in watch.all(CallerAudio):
            require(0 < frame.audio.samples <= longest, "frames are more than 0 and at most 100 ms", frame)
            require(samples_in(frame.audio.pcm) == frame.audio.samples, "a frame has the samples that it says", frame)


async def _plays(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    response = ResponseId("plays")
    async with line.watch as watch:
        await line.connected()
        pcm = line.pcm(1000)
        samples = samples_in(pcm)
        began = len(watch.facts)
        line.play(response, pcm)
        line.perform(FinishPlaying(response))
        await line.played(response, samples, _LIMIT_S)
        reports = line.reports(response)
        positions = [report.played for report in reports]
        require(positions == sorted(positions), "reported positions never go back", positions)
        require(positions[-1] <= samples, "no more is played than was sent", positions)
        require(len(positions) >= 2, "progress is reported while a response is played", positions)
        require(len({report.evidence for report in reports}) == 1, "a channel has one kind of evidence")
        if reports[0].evidence is not Evidence.ASSUMED:
            took_s = watch.instants_s[watch.facts.index(reports[-1])] - watch.instants_s[began - 1]
            require(took_s > 0.8, "what is said to be played took its time", f"a second in {took_s:.2f} s")
        line.require_heard(pcm)
        empty = ResponseId("empty")
        line.perform(FinishPlaying(empty))
        await line.played(empty, 0, _LIMIT_S)


async def _plays_in_order(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    first, second = ResponseId("first"), ResponseId("second")
    async with line.watch as watch:
        await line.connected()
        one, two = line.pcm(300), line.pcm(300, first=7919)
        for response, pcm in ((first, one), (second, two)):
            line.play(response, pcm)
            line.perform(FinishPlaying(response))
        await line.played(second, samples_in(two), _LIMIT_S)
        ends = [
            watch.facts.index(PlayoutProgress(response, Samples(samples_in(pcm)), line.reports(response)[-1].evidence))
            for response, pcm in ((first, one), (second, two))
            if line.reports(response)
        ]
        require(len(ends) == 2 and ends[0] < ends[1], "responses are played in the order in which they were queued")
        line.require_heard(one + two)


async def _hushes(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    cut, next_one, unknown = ResponseId("cut"), ResponseId("next"), ResponseId("unknown")
    async with line.watch as watch:
        await line.connected()
        pcm, after = line.pcm(3000), line.pcm(200, first=7919)
        line.play(cut, pcm)
        await watch.until(lambda: bool(line.reports(cut)), _LIMIT_S, "progress is reported while a response is played")
        line.play(next_one, after)
        line.perform(FinishPlaying(next_one))
        line.perform(Flush(cut))
        answer = await line.stopped(cut)
        require(answer.played < samples_in(pcm), "Flush drops what was queued", answer)
        require(
            answer.played >= max(report.played for report in line.reports(cut)),
            "PlayoutStopped is not behind what was already reported",
            answer,
        )
        before = len(line.reports(cut))
        line.play(cut, pcm)  # too late
        await line.played(next_one, samples_in(after), _LIMIT_S)
        late = [report for report in line.reports(cut)[before:] if report.played > answer.played]
        require(not late, "nothing of a flushed response is played beyond what PlayoutStopped said", late[:1])
        line.require_heard(pcm[: answer.played * 2] + after)
        line.perform(Flush(unknown))
        require((await line.stopped(unknown)).played == 0, "nothing was played of a response that never came")
        line.perform(Flush(next_one))
        whole = await line.stopped(next_one)
        require(whole.played == samples_in(after), "flushing what was played to its end takes nothing back", whole)


async def _pauses(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    response = ResponseId("pauses")
    async with line.watch as watch:
        await line.connected()
        if not line.can_pause:
            return
        pcm = line.pcm(2000)
        line.play(response, pcm)
        line.perform(FinishPlaying(response))
        await watch.until(lambda: bool(line.reports(response)), _LIMIT_S, "progress is reported while it is played")
        line.perform(PausePlaying())
        line.perform(PausePlaying())  # twice is once
        await asyncio.sleep(HUSH_LIMIT_S)
        await line.quiet(response)
        require(line.reach(response)[0] < samples_in(pcm), "a pause stops in the middle", line.reach(response))
        line.perform(ResumePlaying())
        line.perform(ResumePlaying())
        await line.played(response, samples_in(pcm), _LIMIT_S)
        line.require_heard_softly(pcm)


async def _hushes_in_a_pause(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    cut, next_one = ResponseId("cut"), ResponseId("next")
    async with line.watch as watch:
        await line.connected()
        if not line.can_pause:
            return
        pcm, after = line.pcm(3000), line.pcm(300, first=7919)
        line.play(cut, pcm)
        await watch.until(lambda: bool(line.reports(cut)), _LIMIT_S, "progress is reported while it is played")
        line.perform(PausePlaying())
        await asyncio.sleep(HUSH_LIMIT_S)
        line.perform(Flush(cut))
        answer = await line.stopped(cut)
        require(answer.played < samples_in(pcm), "Flush in a pause drops what was queued", answer)
        line.play(next_one, after)
        line.perform(FinishPlaying(next_one))
        await line.quiet(next_one)
        line.perform(ResumePlaying())
        await line.played(next_one, samples_in(after), _LIMIT_S)
        line.require_heard_softly(pcm[: answer.played * 2] + after)


async def _waits(under_test: ChannelUnderTest) -> None:
    """The call is behind: ``emit`` waits, and so does the source."""
    line = _Line(under_test)
    response = ResponseId("waits")
    async with line.watch as watch:
        await line.connected()
        line.play(response, line.pcm(2000))
        watch.gate.clear()
        await asyncio.sleep(0.5)
        line.perform(Flush(response))
        held = len(watch.facts)
        await asyncio.sleep(0.1)
        require(len(watch.facts) == held, "a channel emits one fact after the other, and waits while emit waits")
        watch.gate.set()
        answer = await line.stopped(response)
        seconds = answer.played / line.channel.rate_hz
        require(seconds < 1.0, "a flush takes effect at once, even while emit waits", answer)


async def _hangs_up(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    async with line.watch as watch:
        await line.connected()
        line.play(ResponseId("last"), line.pcm(3000))
        await asyncio.sleep(0.1)
        line.perform(HangUp("the check is over"))
        await watch.ended(HUSH_LIMIT_S, "a performed HangUp ends run")
        for effect in (Flush(ResponseId("last")), FinishPlaying(ResponseId("x")), HangUp("again")):
            line.perform(effect)  # the engine may be a step behind


async def _caller_hangs_up(under_test: ChannelUnderTest) -> None:
    if under_test.hang_up is None:
        return
    line = _Line(under_test)
    async with line.watch as watch:
        await line.connected()
        await under_test.hang_up()
        await watch.ended(_LIMIT_S, "run returns when the caller has hung up")
        require(isinstance(watch.facts[-1], CallerHungUp), "CallerHungUp is the last fact", watch.facts[-1])
        require(len(watch.all(CallerHungUp)) == 1, "CallerHungUp is emitted once")


async def _is_cancelled(under_test: ChannelUnderTest) -> None:
    line = _Line(under_test)
    async with line.watch as watch:
        await line.connected()
        line.play(ResponseId("last"), line.pcm(3000))
        await asyncio.sleep(0.1)
        await watch.cancelled(_LIMIT_S, "cancelling run ends it")


_CHECKS = (
    _connects,
    _plays,
    _plays_in_order,
    _hushes,
    _pauses,
    _hushes_in_a_pause,
    _waits,
    _hangs_up,
    _caller_hangs_up,
    _is_cancelled,
)
