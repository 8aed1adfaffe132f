"""The model that follows a script: what it says upon what, at which instant, and which scripts it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from vivavoce.audio.level import peak_dbfs
from vivavoce.audio.pcm import silence
from vivavoce.engine.clock import run
from vivavoce.errors import AgentFileError, ModelFault
from vivavoce.events import (
    END_CALL,
    GREETING,
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelEvent,
    ModelReady,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    ToolCallId,
    ToolRequested,
    ToolStatus,
    Truncate,
    UsageReported,
)
from vivavoce.model.scripted import (
    End,
    Hear,
    Lose,
    Say,
    Script,
    ScriptedModel,
    Step,
    Usage,
    UseTool,
    When,
    read_script,
    tone,
)

C = ConnectionId(3)
FIRST, SECOND = ResponseId("response-3-1"), ResponseId("response-3-2")
LOUD, QUIET = ForwardAudio(C, Audio(tone(0, 320, 16_000))), ForwardAudio(C, Audio(silence(320)))

Emitted = list[tuple[float, ModelEvent]]


def follow(
    *steps: Step, wishes: Mapping[int, Iterable[ModelEffect]] | None = None, hold_audio_ms: int = 0, for_ms: int = 5000
) -> Emitted:
    """One session of these steps with wishes at their milliseconds; audio is taken ``hold_audio_ms`` late."""

    async def main() -> Emitted:
        loop = asyncio.get_running_loop()
        session = ScriptedModel(Script(step=steps)).session(C)
        emitted: Emitted = []

        async def emit(event: ModelEvent) -> None:
            if isinstance(event, AgentAudio) and hold_audio_ms:
                await asyncio.sleep(hold_audio_ms / 1000)
            emitted.append((round(loop.time() * 1000, 3), event))

        def perform(effects: Iterable[ModelEffect]) -> None:
            for effect in effects:
                session.perform(effect)

        for ms, effects in (wishes or {}).items():
            loop.call_at(ms / 1000, perform, effects)
        task = loop.create_task(session.run(emit))
        await asyncio.wait([task], timeout=for_ms / 1000)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        elif error := task.exception():
            raise error
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return emitted

    return run(main(), virtual=True)


def shape(emitted: Emitted) -> list[tuple[float, str]]:
    return [(at, type(event).__name__) for at, event in emitted]


def test_is_ready_at_once_without_a_step_for_it() -> None:
    assert follow() == [(0, ModelReady(C))]


def test_opens_when_the_script_says_so() -> None:
    assert follow(Step(wait_ms=120, ready=True)) == [(120, ModelReady(C))]


def test_says_a_response_in_chunks_faster_than_it_is_spoken() -> None:
    emitted = follow(Step(ready=True), Step(wait_ms=100, say=Say(text="hello there", ms=250, chunk_ms=100, pace=4)))
    assert emitted[1:3] == [(100, ResponseStarted(C, FIRST)), (100, AgentText(C, FIRST, "hello there", Samples(0)))]
    chunks = [(at, event.audio.samples) for at, event in emitted if isinstance(event, AgentAudio)]
    assert chunks == [(100, 1600), (125, 1600), (150, 800)]
    assert emitted[-1] == (150, ResponseFinished(C, FIRST))


def test_its_voice_is_a_quiet_tone_without_a_seam() -> None:
    emitted = follow(Step(say=Say(ms=300, chunk_ms=30)))
    pcm = b"".join(event.audio.pcm for _, event in emitted if isinstance(event, AgentAudio))
    assert pcm == tone(0, 4800, 16_000)
    assert peak_dbfs(pcm) == pytest.approx(-30, abs=0.1)


def test_says_the_calls_words_under_the_calls_id() -> None:
    emitted = follow(
        Step(when=When.SPEAK, wait_ms=50, say=Say(ms=100)),
        Step(say=Say(ms=100, text="and this")),
        wishes={1000: [Speak(C, GREETING, "Good morning.")]},
    )
    assert (1050, ResponseStarted(C, GREETING)) in emitted
    assert (1050, AgentText(C, GREETING, "Good morning.", Samples(0))) in emitted
    assert (1050, AgentText(C, FIRST, "and this", Samples(0))) in emitted


def test_says_the_calls_words_even_when_the_script_has_no_step_for_them() -> None:
    emitted = follow(wishes={1000: [Speak(C, GREETING, "0123456789")]})
    audio = [event.audio.samples for _, event in emitted if isinstance(event, AgentAudio)]
    assert sum(audio) == 600 * 16
    assert emitted[-1][1] == ResponseFinished(C, GREETING)


def test_hears_when_the_caller_starts_and_stops() -> None:
    wishes = {20 * n: [LOUD if 10 <= n < 30 else QUIET] for n in range(60)}
    emitted = follow(Step(when=When.CALLER_STARTS, hear=Hear(text="uh", final=False)), wishes=wishes)
    assert emitted[1:] == [
        (200, CallerSpeechStarted(C, Samples(3200))),
        (200, CallerTranscribed(C, "uh", False)),
        (880, CallerSpeechStopped(C, Samples(9600))),
    ]


def test_a_short_pause_is_not_the_end_of_speech() -> None:
    wishes = {20 * n: [QUIET if 10 <= n < 24 else LOUD] for n in range(1, 40)}
    assert shape(follow(wishes=wishes)) == [(0, "ModelReady"), (20, "CallerSpeechStarted")]


def test_each_occurrence_takes_the_next_group() -> None:
    emitted = follow(
        Step(when=When.TEXT, hear=Hear(text="one")),
        Step(wait_ms=10, usage=Usage(text_in=3)),
        Step(when=When.TEXT, hear=Hear(text="two")),
        wishes={ms: [ForwardText(C, "x")] for ms in (100, 200, 300)},
    )
    assert emitted[1:] == [
        (100, CallerTranscribed(C, "one", True)),
        (110, UsageReported(C, text_in=3)),
        (200, CallerTranscribed(C, "two", True)),
    ]


def test_calls_a_tool_and_goes_on_with_its_result() -> None:
    emitted = follow(
        Step(tool=UseTool(name="balance", arguments={"account": 7})),
        Step(when=When.TOOL_RESULT, wait_ms=250, end=End(reason="person")),
        wishes={500: [ReturnToolResult(C, ToolCallId("tool-3-1"), ToolStatus.OK, "12")]},
    )
    assert emitted == [
        (0, ToolRequested(C, ToolCallId("tool-3-1"), "balance", '{"account":7}')),
        (750, ToolRequested(C, ToolCallId("tool-3-2"), END_CALL, '{"reason":"person"}')),
    ]


def test_a_cancelled_response_stops_and_ends_its_group() -> None:
    emitted = follow(
        Step(say=Say(ms=1000, pace=1)),
        Step(end=End()),
        Step(when=When.CANCEL, wait_ms=30, hear=Hear(text="stop")),
        wishes={250: [CancelResponse(C, FIRST), Truncate(C, FIRST, Samples(0), "")]},
    )
    assert shape(emitted) == [
        (0, "ResponseStarted"),
        (0, "AgentAudio"),
        (100, "AgentAudio"),
        (200, "AgentAudio"),
        (280, "CallerTranscribed"),
    ]


def test_interrupts_itself() -> None:
    emitted = follow(
        Step(say=Say(ms=1000, pace=1)),
        Step(when=When.TEXT, interrupt=True),
        Step(say=Say(ms=100)),
        wishes={150: [ForwardText(C, "x")]},
    )
    assert (150, ResponseInterrupted(C, FIRST)) in emitted
    assert [at for at, event in emitted if isinstance(event, AgentAudio) and event.response == FIRST] == [0, 100]
    assert emitted[-1] == (150, ResponseFinished(C, SECOND))


def test_its_other_facts_do_not_wait_behind_audio() -> None:
    emitted = follow(
        Step(say=Say(ms=300, pace=1000)),
        wishes={40: [LOUD]},
        hold_audio_ms=1000,
    )
    assert shape(emitted)[:3] == [(0, "ResponseStarted"), (40, "CallerSpeechStarted"), (1000, "AgentAudio")]


def test_fails_when_the_script_says_so() -> None:
    with pytest.raises(ModelFault, match="the wire broke") as raised:
        follow(Step(ready=True), Step(wait_ms=100, lose=Lose(message="the wire broke")))
    assert raised.value.retryable


def test_says_what_it_is() -> None:
    model = ScriptedModel(Script(name="x", input_rate_hz=8000, output_rate_hz=24_000))
    assert model.profile.simulated
    assert (model.profile.input_rate_hz, model.profile.output_rate_hz) == (8000, 24_000)
    assert model.why_not_here() == ""


# -- the file ------------------------------------------------------------------------------------------------------

TOML = """
name = "x"
[[step]]
wait_ms = 20
ready = true
[[step]]
when = "speak"
say = { ms = 500, pace = 2 }
"""
JSON = '{"name": "x", "step": [{"wait_ms": 20, "ready": true}, {"when": "speak", "say": {"ms": 500, "pace": 2}}]}'
SCRIPT = Script(name="x", step=(Step(wait_ms=20, ready=True), Step(when=When.SPEAK, say=Say(ms=500, pace=2))))


@pytest.mark.parametrize(("name", "text"), [("x.toml", TOML), ("x.json", JSON)])
def test_reads_a_script(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_script(path) == SCRIPT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[step]]\nready = true\n[[step]]\nwait_ms = 3\n", r"x\.toml:3: step\[1\]: a step has one of .* has none"),
        ("[[step]]\nready = true\nhear = {text='x'}\n", r"x\.toml:1: step\[0\]: .* this one has ready and hear"),
        ("[[step]]\nsay = {ms = -1}\n", r"x\.toml:2: step\[0\]\.say\.ms: .*>= 0"),
        ("[[step]]\nsay = {text = 'x'}\n", r"x\.toml:2: step\[0\]\.say: .*missing required field `ms`"),
        ("[[step]]\nwhen = 'lunch'\nready = true\n", r"x\.toml:2: step\[0\]\.when: Invalid enum value 'lunch'"),
        ("[[step]]\nready = true\nwiat_ms = 2\n", r"x\.toml:1: step\[0\]: .*unknown field `wiat_ms`"),
        ("input_rate_hz = 7\n", r"x\.toml:1: input_rate_hz: .*>= 8000"),
        ("[[step\n", r"x\.toml: the script is malformed: .*line 1"),
    ],
)
def test_points_at_a_mistake(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(AgentFileError, match=message):
        read_script(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"step": [{"ready": 1}]}', r"x\.json: step\[0\]\.ready: "), ('{"step"', r"x\.json: the script is malformed")],
)
def test_points_at_a_mistake_in_json(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(AgentFileError, match=message):
        read_script(path)


def test_a_script_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match=r"nothing\.toml cannot be read: No such file"):
        read_script(tmp_path / "nothing.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(AgentFileError, match="not UTF-8"):
        read_script(path)


def test_the_documented_script_is_a_script(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "scripted-model.md"
    text = page.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    path = tmp_path / "x.toml"
    path.write_text(text, "utf-8")
    assert read_script(path).name == "slow-tool"
