"""A call from greeting to goodbye, to the microsecond."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from tests.scenario.calls import Ran, Tools, hold
from vivavoce.channel.memory import MemoryChannel
from vivavoce.channel.port import Channel
from vivavoce.channel.wav import CallerUtterance, wav_channel
from vivavoce.engine.call import Call
from vivavoce.events import (
    FAREWELL,
    GREETING,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallPlan,
    CloseCall,
    ConnectionId,
    Disposition,
    Evidence,
    Flush,
    ForwardText,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    Samples,
    Speak,
    Truncate,
)
from vivavoce.model.port import Model
from vivavoce.model.scripted import End, Hear, Say, Script, ScriptedModel, Step, UseTool, When, tone

pytestmark = pytest.mark.timeout(10)

PLAN = CallPlan(agent="test", models=("scripted",), greeting="Hello, how can I help?", farewell="Goodbye.")


def speech(ms: int) -> bytes:
    return tone(0, ms * 16, 16_000)


def caller() -> Channel:
    return wav_channel(
        [
            CallerUtterance(speech(1000)),
            CallerUtterance(speech(600), barge_in_after_ms=800),
            CallerUtterance(speech(400)),
        ]
    )


def models() -> Sequence[Model]:
    steps = (
        Step(wait_ms=120, ready=True),
        Step(when=When.SPEAK, wait_ms=200, say=Say(ms=1500)),
        Step(when=When.CALLER_STOPS, wait_ms=100, hear=Hear(text="what do I owe")),
        Step(tool=UseTool(name="balance", arguments={"account": 7})),
        Step(when=When.TOOL_RESULT, wait_ms=250, say=Say(text="You owe twelve euros and ninety cents.", ms=4000)),
        Step(when=When.CALLER_STOPS, wait_ms=300, say=Say(text="As you like.", ms=700)),
        Step(when=When.CALLER_STOPS, wait_ms=300, say=Say(text="Goodbye.", ms=500)),
        Step(end=End()),
    )
    return [ScriptedModel(Script(step=steps, output_rate_hz=24_000))]


def talk() -> Ran:
    return hold(PLAN, caller, models, Tools(takes_s=0.7, result='{"euros": 12.9}'))


def test_from_greeting_to_goodbye() -> None:
    ran = talk()
    # The caller's frames come each 20 ms and the model hears a stop 300 ms late; all else is in the script.
    assert [entry for entry in ran.story() if entry[1] != "Ignore"] == [
        (0, "CallStarted"),
        (0, "OpenModel"),
        (0, "CallerConnected"),
        (120, "ModelReady"),
        (120, "Speak"),
        (320, "ResponseStarted"),
        (670, "ResponseFinished"),
        (670, "FinishPlaying"),
        (2720, "CallerSpeechStarted"),
        (4000, "CallerSpeechStopped"),
        (4100, "CallerTranscribed"),
        (4100, "ToolRequested"),
        (4100, "RunTool"),
        (4800, "ToolFinished"),
        (4800, "ReturnToolResult"),
        (5050, "ResponseStarted"),
        (5840, "CallerSpeechStarted"),
        (5840, "Flush"),
        (5840, "CancelResponse"),
        (5860, "PlayoutStopped"),
        (5860, "Truncate"),
        (6720, "CallerSpeechStopped"),
        (7020, "ResponseStarted"),
        (7170, "ResponseFinished"),
        (7170, "FinishPlaying"),
        (8620, "CallerSpeechStarted"),
        (9300, "CallerSpeechStopped"),
        (9600, "ResponseStarted"),
        (9700, "ResponseFinished"),
        (9700, "FinishPlaying"),
        (9700, "ToolRequested"),
        (10_100, "CloseModel"),
        (10_100, "HangUp"),
        (10_100, "CloseCall"),
    ]
    assert ran.close == CloseCall(Disposition.COMPLETED, "the agent ended the call")
    assert ran.returned == 10_120_000


def test_the_model_is_told_what_was_heard() -> None:
    ran = talk()
    reply = ResponseId("response-1-2")
    assert ran.all(PlayoutStopped) == [(5860, PlayoutStopped(reply, Samples(800 * 16), Evidence.PACED))]
    assert ran.all(Truncate) == [(5860, Truncate(ConnectionId(1), reply, Samples(800 * 16), "You owe"))]


def test_speech_is_placed_where_it_was_spoken() -> None:
    began = [value.at // 16 for _, value in talk().all(CallerSpeechStarted) if isinstance(value, CallerSpeechStarted)]
    ended = [value.at // 16 for _, value in talk().all(CallerSpeechStopped) if isinstance(value, CallerSpeechStopped)]
    assert began == [2700, 5820, 8600]
    assert ended == [3700, 6420, 9000]


def test_two_runs_are_one_and_the_same() -> None:
    assert talk().seen == talk().seen


def test_another_rate_at_the_channel_tells_the_same_story() -> None:
    def caller_8k() -> Channel:
        return wav_channel([CallerUtterance(tone(0, 8000, 8000))], 8000)

    ran = hold(PLAN, caller_8k, models)
    # A frame later than at 16 kHz: the resampler holds back 4 ms.
    assert ran.all(CallerSpeechStarted) == [(2740, CallerSpeechStarted(ConnectionId(1), Samples(2700 * 8)))]
    assert ran.close.disposition is Disposition.COMPLETED


def test_the_farewell_is_said_to_its_end_when_nobody_speaks() -> None:
    def silent() -> Channel:
        return MemoryChannel()

    plan = msgspec.structs.replace(PLAN, silence_limit_us=5_000_000)
    ran = hold(plan, silent, lambda: [ScriptedModel(Script())])
    said = ran.all(PlayoutProgress)
    silence_began = next(at for at, value in said if value == progress(GREETING, 22 * 60 * 16))
    (farewell,) = [at for at, value in ran.all(Speak) if value == Speak(ConnectionId(1), FAREWELL, "Goodbye.")]
    assert farewell == silence_began + 5000
    assert said[-1][1] == progress(FAREWELL, 8 * 60 * 16)
    assert ran.close == CloseCall(Disposition.SILENCE, "nobody spoke")


def test_typing_takes_the_turn() -> None:
    channel = MemoryChannel()

    def during(_: Call) -> None:
        asyncio.get_running_loop().call_at(1.0, channel.type, "hello")
        asyncio.get_running_loop().call_at(4.0, channel.hang_up)

    steps = (Step(when=When.TEXT, wait_ms=100, say=Say(text="Hello to you.", ms=500)),)
    ran = hold(PLAN, lambda: channel, lambda: [ScriptedModel(Script(step=steps))], during=during)
    assert ran.when(CallerText("hello"), ForwardText(ConnectionId(1), "hello"), Flush(GREETING)) == [1000, 1000, 1000]
    assert ran.close == CloseCall(Disposition.COMPLETED, "the caller hung up")


def progress(response: ResponseId, samples: int) -> PlayoutProgress:
    return PlayoutProgress(response, Samples(samples), Evidence.PACED)
