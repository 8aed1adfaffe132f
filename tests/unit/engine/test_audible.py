"""The first sound of a response is told once, right before the audio that holds it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from tests.scenario.calls import Beside, Ran, Tools, hold
from vivavoce.audio.pcm import silence
from vivavoce.channel.memory import MemoryChannel
from vivavoce.engine.audible import REMEMBERED, FirstSound
from vivavoce.engine.call import Call
from vivavoce.events import (
    AgentAudio,
    Audio,
    CallPlan,
    ConnectionId,
    Effect,
    Event,
    Instant,
    ResponseAudible,
    ResponseId,
    ResponseStarted,
    Samples,
    ToolPlan,
)
from vivavoce.model.scripted import Say, Script, ScriptedModel, Step, UseTool, tone

RATE_HZ = 8000
ONE = ConnectionId(1)
REPLY, NEXT = ResponseId("reply"), ResponseId("next")
CLICK = np.array([9000] * 8, np.int16).tobytes()


def told(*pieces: bytes, response: ResponseId = REPLY, first_sound: FirstSound | None = None) -> list[int | None]:
    """Before each piece: where the first sound is said to be."""
    first_sound = first_sound or FirstSound(RATE_HZ)
    assert first_sound.seen(ResponseStarted(ONE, response)) is None
    facts = [first_sound.seen(AgentAudio(ONE, response, Audio(pcm))) for pcm in pieces]
    return [None if fact is None else fact.at for fact in facts]


def voice(ms: int) -> bytes:
    return np.full(ms * 8, 3000, np.int16).tobytes()


def test_it_is_told_to_the_sample_and_once() -> None:
    assert told(silence(160), silence(77) + voice(20), voice(20)) == [None, 237, None]
    assert told(voice(20)) == [0]


def test_silence_a_soft_hiss_and_a_lone_click_are_no_sound() -> None:
    hiss = (np.arange(1600) % 2 * 120 - 60).astype(np.int16).tobytes()  # -55 dBFS
    assert told(silence(1600), hiss, b"") == [None, None, None]
    assert told(silence(80) + CLICK + silence(400), voice(20)) == [None, 488]


def test_what_ends_a_chunk_is_believed() -> None:
    assert told(silence(80) + CLICK, voice(20)) == [80, None]
    assert told(silence(1595) + CLICK[:10]) == [1595]


def test_each_response_has_its_own() -> None:
    first_sound = FirstSound(RATE_HZ)
    assert told(silence(160), first_sound=first_sound) == [None]
    assert told(silence(80), voice(10), response=NEXT, first_sound=first_sound) == [None, 80]
    assert first_sound.seen(AgentAudio(ONE, REPLY, Audio(voice(10)))) == ResponseAudible(ONE, REPLY, Samples(160))
    assert first_sound.seen(AgentAudio(ONE, ResponseId("never begun"), Audio(voice(10)))) is None


def test_only_so_many_are_remembered() -> None:
    first_sound = FirstSound(RATE_HZ)
    told(silence(160), first_sound=first_sound)
    for number in range(REMEMBERED):
        told(silence(160), response=ResponseId(str(number)), first_sound=first_sound)
    assert first_sound.seen(AgentAudio(ONE, REPLY, Audio(voice(10)))) is None
    assert first_sound.seen(AgentAudio(ONE, ResponseId("0"), Audio(voice(10)))) is not None


class Padded:
    """A voice that begins after 300 ms."""

    async def render(self, _text: str, rate_hz: int) -> bytes:
        return silence(300 * rate_hz // 1000) + tone(0, rate_hz // 2, rate_hz)


def models_words(seen: list[tuple[Instant, Event | Effect]]) -> list[str]:
    kinds = ResponseStarted | ResponseAudible | AgentAudio
    return [type(value).__name__ for _, value in seen if isinstance(value, kinds)]


def call(step: Step, plan: CallPlan, **script: Any) -> Ran:
    channel = MemoryChannel(RATE_HZ)

    def during(_: Call) -> None:
        asyncio.get_running_loop().call_at(4.0, channel.hang_up)

    steps = (Step(ready=True), step)
    models = [ScriptedModel(Script(step=steps, input_rate_hz=RATE_HZ, **script))]
    return hold(plan, lambda: channel, lambda: models, Tools(3.0), during=during, beside=Beside(clips=Padded()))


def test_a_call_hears_its_model_at_its_own_rate() -> None:
    ran = call(Step(say=Say(ms=300)), CallPlan(agent="test", models=("one",)), output_rate_hz=24_000)
    (heard,) = [value for _, value in ran.seen if isinstance(value, ResponseAudible)]
    assert 0 <= heard.at <= RATE_HZ // 1000
    assert models_words(ran.seen)[:3] == ["ResponseStarted", "ResponseAudible", "AgentAudio"]


def test_a_clip_tells_its_own() -> None:
    slow = ToolPlan(name="look_up", lead_in="One moment.", lead_in_us=500_000)
    plan = CallPlan(agent="test", models=("mute",), tools=(slow,))
    ran = call(Step(tool=UseTool(name="look_up", arguments={})), plan, speaks=False)
    (heard,) = [value for _, value in ran.seen if isinstance(value, ResponseAudible)]
    assert 2400 <= heard.at <= 2408
    assert models_words(ran.seen)[:5] == ["ResponseStarted", *["AgentAudio"] * 3, "ResponseAudible"]
