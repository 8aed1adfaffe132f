"""Whole calls in which a voice is heard into the agent's speech, and in which somebody speaks for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.scenario.calls import Beside, Ran, Tools, hold
from vivavoce.channel.memory import MemoryChannel
from vivavoce.engine.call import Call
from vivavoce.events import (
    COLLECT_DIGITS,
    Audio,
    CallerPressed,
    CallerSpeechStarted,
    CallPlan,
    Disposition,
    EarEvent,
    FloorDecided,
    FloorVerdict,
    Flush,
    ForwardAudio,
    ListenForDigits,
    PausePlaying,
    PlayClip,
    ResponseId,
    ResumePlaying,
    Samples,
    ToolPlan,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.model.scripted import Say, Script, ScriptedModel, Step, UseTool, When, tone
from vivavoce.timeline.schema import encode_line

pytestmark = pytest.mark.timeout(20)

RATE_HZ = 8000
PER_MS = RATE_HZ // 1000
PLAN = CallPlan(agent="test", models=("scripted",), interruption="hybrid")
SPEECH_MS = 5_000


class ScriptedEar:
    """Says what it is told to when so many milliseconds of the caller's audio have come."""

    def __init__(self, *facts: tuple[int, EarEvent]) -> None:
        self.told: list[tuple[str, object]] = []
        self._facts = list(facts)
        self._heard = 0

    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        self._heard += len(pcm) // 2
        due = [fact for at_ms, fact in self._facts if at_ms * PER_MS <= self._heard]
        self._facts = self._facts[len(due) :]
        if due:
            self.told.append(("audible", agent_audible))
        return due

    def queue(self, response: ResponseId, pcm: bytes) -> None:
        del response, pcm

    def played(self, response: ResponseId, samples: int) -> None:
        self.told.append(("played", (response, samples)))

    def flushed(self, response: ResponseId) -> None:
        self.told.append(("flushed", response))

    def listen_for_digits(self, listens: bool) -> None:  # as the port has it
        self.told.append(("digits", listens))


def model(*more: Step) -> ScriptedModel:
    say = Step(say=Say(text="A long story that takes a while.", ms=SPEECH_MS, pace=10))
    return ScriptedModel(Script(step=(Step(ready=True), say, *more), input_rate_hz=RATE_HZ, output_rate_hz=RATE_HZ))


def talk_into(ear: ScriptedEar, voice_ms: int, plan: CallPlan = PLAN) -> tuple[Ran, MemoryChannel]:
    """The agent speaks for five seconds; after one the caller does."""
    channel = MemoryChannel(RATE_HZ)

    def during(_: Call) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(1.0, channel.say, tone(0, voice_ms * PER_MS, RATE_HZ))
        loop.call_at(9.0, channel.hang_up)

    ran = hold(plan, lambda: channel, lambda: [model()], during=during, beside=Beside(ear))
    return ran, channel


def voice(at_ms: int, *more: tuple[int, EarEvent]) -> ScriptedEar:
    return ScriptedEar((at_ms + 100, VoiceStarted(Samples(at_ms * PER_MS))), *more)


def verdicts(ran: Ran) -> list[FloorVerdict]:
    return [value.verdict for _, value in ran.all(FloorDecided) if isinstance(value, FloorDecided)]


def test_after_a_backchannel_the_caller_has_heard_everything_and_the_model_nothing() -> None:
    ran, channel = talk_into(voice(1_000, (1_400, VoiceStopped(Samples(1_300 * PER_MS)))), 300)
    assert verdicts(ran) == [FloorVerdict.KEPT]
    ((paused, _),) = ran.all(PausePlaying)
    ((resumed, _),) = ran.all(ResumePlaying)
    assert resumed - paused == pytest.approx(300, abs=20)
    assert len(channel.heard_pcm) == 2 * SPEECH_MS * PER_MS
    assert not ran.all(Flush)
    assert not ran.all(CallerSpeechStarted), "the model heard silence"


def test_under_the_models_own_policy_it_would_have_yielded() -> None:
    ran, channel = talk_into(ScriptedEar(), 300, CallPlan(agent="test", models=("scripted",)))
    assert ran.all(Flush)
    assert len(channel.heard_pcm) < 2 * 1_200 * PER_MS


def test_an_interruption_is_flushed_and_all_of_it_is_heard() -> None:
    ran, channel = talk_into(voice(1_000), 2_000)
    assert verdicts(ran) == [FloorVerdict.TAKEN]
    assert len(channel.heard_pcm) < 2 * 1_200 * PER_MS
    ((at, started),) = ran.all(CallerSpeechStarted)
    assert isinstance(started, CallerSpeechStarted)
    assert started.at == 980 * PER_MS, "from its first frame on"
    assert at == pytest.approx(1_500, abs=40)


def test_the_ear_knows_when_the_agent_is_heard() -> None:
    ear = voice(1_000, (7_000, VoiceStopped(Samples(6_000 * PER_MS))))
    talk_into(ear, 2_000)
    assert [value for what, value in ear.told if what == "audible"] == [True, False]
    assert any(what == "flushed" for what, _ in ear.told)


def test_somebody_else_does_not_pause_the_agent() -> None:
    facts: list[tuple[int, EarEvent]] = [
        (1_100, VoiceStarted(Samples(1_000 * PER_MS), VoiceKind.OTHERS)),
        (1_300, VoiceJudged(VoiceKind.OTHERS)),
    ]
    ran, channel = talk_into(ScriptedEar(*facts), 2_000)
    assert verdicts(ran) == [FloorVerdict.KEPT]
    assert not ran.all(PausePlaying)
    assert len(channel.heard_pcm) == 2 * SPEECH_MS * PER_MS


# -- digits that nobody is to see --------------------------------------------------------------------------------------


class Keypad(MemoryChannel):
    def press(self, keys: str) -> None:
        self._answers.append(CallerPressed(keys))


def test_private_digits_reach_the_tool_and_nothing_else() -> None:
    channel = Keypad(RATE_HZ)
    tools = Tools(result='{"charged": true, "card": "4111"}')
    ask = Step(tool=UseTool(name=COLLECT_DIGITS, arguments={"count": 4, "private": True}))
    reference = "{digits:tool-1-1}"
    pay = Step(when=When.TOOL_RESULT, tool=UseTool(name="pay", arguments={"card": reference}))
    ear = ScriptedEar()

    def during(_: Call) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(1.0, channel.press, "41")
        loop.call_at(2.0, channel.press, "119#")
        loop.call_at(5.0, channel.hang_up)

    script = Script(step=(Step(ready=True), ask, pay), input_rate_hz=RATE_HZ, output_rate_hz=RATE_HZ)
    ran = hold(PLAN, lambda: channel, lambda: [ScriptedModel(script)], tools, during=during, beside=Beside(ear))
    assert tools.called == [("pay", '{"card":"4111"}')]
    written = b"".join(encode_line(number, at, value) for number, (at, value) in enumerate(ran.seen))
    assert b"4111" not in written
    assert b'"41"' not in written
    assert b'"digits":"xx"' in written
    assert [value for what, value in ear.told if what == "digits"] == [True, False]
    assert [type(value) for _, value in ran.all(ListenForDigits)] == [ListenForDigits] * 2
    heard = b"".join(value.audio.pcm for _, value in ran.all(ForwardAudio) if isinstance(value, ForwardAudio))
    assert not any(heard), "and the model heard nothing meanwhile"


# -- somebody speaks for the model -------------------------------------------------------------------------------------


class Voice:
    async def render(self, text: str, rate_hz: int) -> bytes:
        return tone(0, rate_hz * len(text) // 20, rate_hz)


class BrokenVoice:
    async def render(self, text: str, rate_hz: int) -> bytes:
        raise ValueError(f"{text} at {rate_hz}")


def test_a_voice_that_breaks_does_not_end_the_call() -> None:
    slow = ToolPlan(name="look_up", lead_in="One moment.", lead_in_us=500_000)
    channel = MemoryChannel(RATE_HZ)
    use = Step(tool=UseTool(name="look_up", arguments={}))
    script = Script(step=(Step(ready=True), use), input_rate_hz=RATE_HZ, output_rate_hz=RATE_HZ, speaks=False)

    def during(_: Call) -> None:
        asyncio.get_running_loop().call_at(5.0, channel.hang_up)

    ran = hold(
        CallPlan(agent="test", models=("mute",), tools=(slow,)),
        lambda: channel,
        lambda: [ScriptedModel(script)],
        Tools(takes_s=3.0),
        during=during,
        beside=Beside(clips=BrokenVoice()),
    )
    assert ran.close.disposition is Disposition.COMPLETED
    assert not channel.heard_pcm


def test_a_slow_tool_is_talked_over_by_a_clip() -> None:
    slow = ToolPlan(name="look_up", lead_in="One moment.", lead_in_us=500_000)
    plan = CallPlan(agent="test", models=("mute",), tools=(slow,))
    channel = MemoryChannel(RATE_HZ)
    use = Step(tool=UseTool(name="look_up", arguments={}))
    script = Script(step=(Step(ready=True), use), input_rate_hz=RATE_HZ, output_rate_hz=RATE_HZ, speaks=False)

    def during(_: Call) -> None:
        asyncio.get_running_loop().call_at(5.0, channel.hang_up)

    ran = hold(
        plan,
        lambda: channel,
        lambda: [ScriptedModel(script)],
        Tools(takes_s=3.0),
        during=during,
        beside=Beside(clips=Voice()),
    )
    assert len(ran.all(PlayClip)) == 1
    assert channel.heard_pcm == tone(0, RATE_HZ * len("One moment.") // 20, RATE_HZ)
    assert Audio(channel.heard_pcm).samples
