"""What the shell of a call does by itself: holds back a fast model, keeps deadlines, tells its witnesses first."""

from __future__ import annotations

import asyncio

import pytest

from tests.scenario.calls import Ran, Tools, hold
from tests.scenario.test_talk import PLAN as TALK_PLAN
from tests.scenario.test_talk import caller, models
from vivavoce.channel.memory import MemoryChannel
from vivavoce.engine.call import INBOX_LIMIT_MS, PLAYOUT_LIMIT_MS, Call
from vivavoce.engine.clock import VirtualLoop, run
from vivavoce.events import (
    AgentAudio,
    CallerSpeechStarted,
    CallPlan,
    CancelResponse,
    ChannelEffect,
    CloseCall,
    Disposition,
    Effect,
    Event,
    Flush,
    Instant,
    Play,
    PlayoutProgress,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
)
from vivavoce.model.scripted import Say, Script, ScriptedModel, Step, When, tone

pytestmark = pytest.mark.timeout(20)

RATE_HZ = 8000
PLAN = CallPlan(agent="test", models=("fast",))
SAMPLES_PER_MS = RATE_HZ // 1000


def fast_model(*more: Step) -> ScriptedModel:
    """Makes a minute of speech in no time."""
    say = Say(text="A long story.", ms=60_000, pace=1e9)
    return ScriptedModel(
        Script(step=(Step(ready=True), Step(say=say), *more), input_rate_hz=RATE_HZ, output_rate_hz=RATE_HZ)
    )


def unplayed_ms(ran: Ran) -> list[float]:
    """Agent audio on its way to the caller, after each thing seen."""
    sent = played = 0
    waiting: list[float] = []
    for _, value in ran.seen:
        if isinstance(value, Play):
            sent += value.audio.samples
        elif isinstance(value, PlayoutProgress):
            played = value.played
        waiting.append((sent - played) / SAMPLES_PER_MS)
    return waiting


def test_a_model_faster_than_speech_is_held_at_ten_seconds() -> None:
    channel = MemoryChannel(RATE_HZ)

    def during(_: Call) -> None:
        asyncio.get_running_loop().call_at(61.0, channel.hang_up)

    ran = hold(PLAN, lambda: channel, lambda: [fast_model()], during=during)
    assert PLAYOUT_LIMIT_MS <= max(unplayed_ms(ran)) <= PLAYOUT_LIMIT_MS + INBOX_LIMIT_MS
    assert channel.heard_pcm == tone(0, 60_000 * SAMPLES_PER_MS, RATE_HZ)
    (made,) = [at for at, value in ran.all(ResponseFinished)]
    assert 60_000 - PLAYOUT_LIMIT_MS - INBOX_LIMIT_MS < made < 60_000
    assert ran.result is not None
    assert ran.result.inbox.peak_audio_samples <= INBOX_LIMIT_MS * SAMPLES_PER_MS + RATE_HZ // 10


def test_a_held_model_is_still_interrupted_at_once() -> None:
    channel = MemoryChannel(RATE_HZ)
    next_reply = Step(when=When.CALLER_STOPS, wait_ms=100, say=Say(ms=500))

    def during(_: Call) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(5.0, channel.say, tone(0, RATE_HZ, RATE_HZ))
        loop.call_at(9.0, channel.hang_up)

    ran = hold(PLAN, lambda: channel, lambda: [fast_model(next_reply)], during=during)
    (heard_at, _), *_ = ran.all(CallerSpeechStarted)
    assert [at for at, _ in ran.all(Flush, CancelResponse)] == [heard_at, heard_at]
    assert 5000 <= heard_at <= 5020
    late = [at for at, value in ran.all(AgentAudio) if at > heard_at + 40]
    (second,) = [at for at, value in ran.all(ResponseStarted) if at > heard_at]
    assert min(late) == second
    assert len(channel.heard_pcm) // 2 < (5060 + 500) * SAMPLES_PER_MS


def stall(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Something on the loop takes this long."""
    assert isinstance(loop, VirtualLoop)
    loop._virtual.now_s += seconds


def test_a_deadline_that_passed_during_a_stall_is_kept_once() -> None:
    plan = CallPlan(agent="test", models=("quiet",), silence_limit_us=5_000_000)

    def during(_: Call) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(3.0, stall, loop, 10.0)

    ran = hold(plan, lambda: MemoryChannel(RATE_HZ), lambda: [ScriptedModel(Script())], during=during)
    assert ran.when(ran.close) == [13_000]
    assert ran.close == CloseCall(Disposition.SILENCE, "nobody spoke")


def test_a_stall_loses_nothing() -> None:
    channel = MemoryChannel(RATE_HZ)

    def during(_: Call) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(1.0, stall, loop, 30.0)  # longer than the inbox is deep
        loop.call_at(32.0, channel.hang_up)

    ran = hold(PLAN, lambda: channel, lambda: [fast_model()], during=during)
    assert ran.returned >= 32_000_000
    assert len(channel.heard_pcm) // 2 == pytest.approx(32 * RATE_HZ, abs=RATE_HZ // 10)


def test_witnesses_see_everything_before_it_is_done() -> None:
    order: list[str] = []

    class Telling(MemoryChannel):
        def perform(self, effect: ChannelEffect) -> None:
            order.append(f"done {type(effect).__name__}")
            super().perform(effect)

    def witness(_: Instant, value: Event | Effect) -> None:
        order.append(f"seen {type(value).__name__}")

    async def main() -> None:
        call = Call(PLAN, Telling(RATE_HZ), [ScriptedModel(Script())], Tools(), [witness])
        asyncio.get_running_loop().call_later(0.1, call.stop, "enough")
        await call.run()

    run(main(), virtual=True)
    assert order[-3:] == ["seen HangUp", "done HangUp", "seen CloseCall"]


def test_what_a_faster_loop_runs_ends_alike() -> None:
    async def main() -> tuple[CloseCall, list[ResponseId]]:
        seen: list[Event | Effect] = []
        call = Call(TALK_PLAN, caller(), models(), Tools(takes_s=0.7), [lambda _, value: seen.append(value)])
        result = await call.run()
        return CloseCall(result.disposition, result.reason), [
            value.response for value in seen if isinstance(value, ResponseStarted)
        ]

    close, responses = run(main(), speed=40)
    assert close == CloseCall(Disposition.COMPLETED, "the agent ended the call")
    assert len(responses) == 4
