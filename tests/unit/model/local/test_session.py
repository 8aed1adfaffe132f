"""The embedded model's session over an ear, a mouth and a dialogue made of data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, cast

import pytest

from vivavoce.engine import clock
from vivavoce.errors import ModelFault
from vivavoce.events import (
    END_CALL,
    GREETING,
    AgentAudio,
    AgentText,
    Audio,
    AudioLost,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEvent,
    ModelReady,
    PastTurn,
    PendingTool,
    Recall,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    ToolCallId,
    ToolRequested,
    ToolStatus,
    Truncate,
)
from vivavoce.model.local.dialogue.port import Act, CallTool, Dialogue, EndCall, Expecting, Heard, Say
from vivavoce.model.local.ear import (
    Ear,
    EarEvent,
    EarFailed,
    PartialText,
    SpeechStarted,
    SpeechStopped,
    Utterance,
)
from vivavoce.model.local.mouth import Mouth, MouthFailed, Spoken, SpokenAudio, SpokenEnd
from vivavoce.model.local.session import LocalSession, Parts

ONE = ConnectionId(1)
R1, R2 = ResponseId("r1.1"), ResponseId("r1.2")
SAMPLES_PER_LETTER = 100


class FakeEar:
    def __init__(self) -> None:
        self.dropped_samples = 0
        self.drops = False
        self.heard = 0
        self.agent: list[bool] = []
        self.expected: list[tuple[Expecting, tuple[str, ...]]] = []
        self.closed = False
        self.queue: asyncio.Queue[EarEvent | None] = asyncio.Queue()

    def hear(self, pcm: bytes) -> None:
        if self.drops:
            self.dropped_samples += len(pcm) // 2
        self.heard += len(pcm) // 2

    def expect(self, expecting: Expecting, complete: tuple[str, ...]) -> None:
        self.expected.append((expecting, complete))

    def agent_speaking(self, speaking: bool) -> None:
        self.agent.append(speaking)

    async def events(self) -> AsyncIterator[EarEvent]:
        while (event := await self.queue.get()) is not None:
            yield event

    async def close(self) -> None:
        self.closed = True


class FakeMouth:
    """Speaks a letter in 100 samples, two letters a chunk, as fast as it is asked; ``silent`` holds its tongue."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Spoken | None] = asyncio.Queue()
        self.silent = False
        self.stops = 0
        self.closed = False

    def speak(self, utterance: int, text: str) -> None:
        for at in range(0, len(text), 2):
            self.queue.put_nowait(SpokenAudio(utterance, bytes(2 * SAMPLES_PER_LETTER * len(text[at : at + 2]))))
        if not self.silent:
            self.queue.put_nowait(SpokenEnd(utterance))

    def stop(self) -> None:
        self.stops += 1
        self.queue = asyncio.Queue()

    async def audio(self) -> AsyncIterator[Spoken]:
        while True:
            try:
                async with asyncio.timeout(0.001):
                    spoken = await self.queue.get()
            except TimeoutError:
                continue
            if spoken is None:
                return
            yield spoken

    async def close(self) -> None:
        self.closed = True


class FakeDialogue:
    """Answers what ``answers`` say for the words heard."""

    expecting = Expecting.YES_NO
    whole_answers = ("yes$",)

    def __init__(self, answers: dict[str, list[Act]]) -> None:
        self.answers = answers
        self.results: list[tuple[str, str, bool]] = []
        self.interruptions: list[str] = []
        self.thinking_s = 0.0
        self.recalled: tuple[PastTurn, ...] = ()
        self.pending: tuple[PendingTool, ...] = ()
        self.prompts: list[str] = []
        self.closed = False

    async def reply(self, heard: Heard) -> AsyncGenerator[Act, None]:
        await asyncio.sleep(self.thinking_s)
        for act in self.answers.get(heard.text, [Say("what")]):
            yield act

    async def tool_result(self, tool_call: str, result: str, *, ok: bool) -> AsyncGenerator[Act, None]:
        self.results.append((tool_call, result, ok))
        yield Say("done")

    def interrupted(self, heard_text: str) -> None:
        self.interruptions.append(heard_text)

    async def recall(self, turns: Sequence[PastTurn], tools: Sequence[PendingTool] = ()) -> None:
        self.recalled = tuple(turns)
        self.pending = tuple(tools)

    async def prompted(self, instructions: str) -> AsyncGenerator[Act, None]:
        self.prompts.append(instructions)
        yield Say("Still there?")

    async def carry_on(self) -> AsyncGenerator[Act, None]:
        yield Say("as I said")

    async def aclose(self) -> None:
        self.closed = True


class Stage:
    """A session on its loop, with everything it emitted."""

    def __init__(self, answers: dict[str, list[Act]]) -> None:
        self.ear, self.mouth, self.dialogue = FakeEar(), FakeMouth(), FakeDialogue(answers)
        self.emitted: list[ModelEvent] = []
        parts = Parts(cast("Ear", self.ear), cast("Mouth", self.mouth), cast("Dialogue", self.dialogue))

        async def open_parts() -> Parts:
            return parts

        self.session = LocalSession(ONE, cast("Callable[[], Awaitable[Parts]]", open_parts))

    async def emit(self, event: ModelEvent) -> None:
        self.emitted.append(event)

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.emitted if not isinstance(event, AgentAudio)]

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.emitted if isinstance(event, kind)]

    def spoken(self, response: ResponseId) -> int:
        return sum(event.audio.samples for event in self.all(AgentAudio) if event.response == response)

    def hears(self, *events: EarEvent) -> None:
        for event in events:
            self.ear.queue.put_nowait(event)

    def says(self, text: str, at: int = 16_000) -> None:
        self.hears(SpeechStarted(at - 8000), SpeechStopped(at), Utterance(Heard(text), at - 8000, at))


def on_stage(answers: dict[str, list[Act]], play: Callable[[Stage], Coroutine[None, None, None]]) -> Stage:
    async def run() -> Stage:
        stage = Stage(answers)
        running = asyncio.create_task(stage.session.run(stage.emit))
        await asyncio.sleep(0.1)
        await play(stage)
        await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()
        return stage

    return clock.run(run(), virtual=True)


async def nothing(stage: Stage) -> None:
    del stage


def test_it_is_ready_and_leaves_nothing_behind() -> None:
    stage = on_stage({}, nothing)
    assert stage.emitted == [ModelReady(ONE)]
    assert stage.ear.closed
    assert stage.mouth.closed
    assert stage.dialogue.closed


def test_a_greeting_is_spoken_under_the_id_it_was_given() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(Speak(ONE, GREETING, "Hello."))

    stage = on_stage({}, play)
    assert stage.kinds() == ["ModelReady", "ResponseStarted", "AgentText", "ResponseFinished"]
    assert stage.all(AgentText) == [AgentText(ONE, GREETING, "Hello.", Samples(0))]
    assert stage.spoken(GREETING) == 6 * SAMPLES_PER_LETTER
    assert stage.ear.expected == [(Expecting.YES_NO, ("yes$",))]


def test_what_is_heard_is_told_and_answered() -> None:
    async def play(stage: Stage) -> None:
        stage.hears(SpeechStarted(100), PartialText("when"), SpeechStopped(9000))
        stage.hears(Utterance(Heard("when do you open"), 100, 9000))

    stage = on_stage({"when do you open": [Say("At nine."), Say("On Sunday at ten.")]}, play)
    assert stage.emitted[1:5] == [
        CallerSpeechStarted(ONE, Samples(100)),
        CallerTranscribed(ONE, "when", final=False),
        CallerSpeechStopped(ONE, Samples(9000)),
        CallerTranscribed(ONE, "when do you open", final=True),
    ]
    assert stage.all(AgentText) == [
        AgentText(ONE, R1, "At nine.", Samples(0)),
        AgentText(ONE, R1, "On Sunday at ten.", Samples(8 * SAMPLES_PER_LETTER)),
    ]
    assert stage.emitted[-1] == ResponseFinished(ONE, R1)


def test_a_tool_is_asked_for_and_its_result_is_a_response_of_its_own() -> None:
    async def play(stage: Stage) -> None:
        stage.says("book it")
        await asyncio.sleep(0.1)
        stage.session.perform(ReturnToolResult(ONE, ToolCallId("s1_t1"), ToolStatus.FAILED, '{"error": {}}'))

    stage = on_stage({"book it": [CallTool("t1", "book", {"day": "monday"}), Say("One moment.")]}, play)
    requested = stage.all(ToolRequested)
    assert [(request.tool_call, request.name, json.loads(request.arguments)) for request in requested] == [
        ("s1_t1", "book", {"day": "monday"})
    ], "another session of the call may use the same name again"
    assert stage.dialogue.results == [("t1", '{"error": {}}', False)]
    assert [event.response for event in stage.all(ResponseFinished)] == [R1, R2]


def test_goodbye_ends_the_call_after_it_was_begun_to_be_said() -> None:
    async def play(stage: Stage) -> None:
        stage.says("bye")

    stage = on_stage({"bye": [Say("Goodbye."), EndCall("goodbye")]}, play)
    kinds = stage.kinds()
    assert kinds.index("ResponseStarted") < kinds.index("ToolRequested")
    ending = stage.all(ToolRequested)[0]
    assert (ending.name, json.loads(ending.arguments)) == (END_CALL, {"reason": "goodbye"})


def test_a_cut_response_is_silent_at_once_and_the_next_is_spoken() -> None:
    async def play(stage: Stage) -> None:
        stage.mouth.silent = True
        stage.says("tell me")
        await asyncio.sleep(0.05)
        stage.session.perform(CancelResponse(ONE, R1))
        stage.session.perform(Truncate(ONE, R1, Samples(300), "A long"))
        before = len(stage.emitted)
        stage.mouth.silent = False
        await asyncio.sleep(0.05)
        assert stage.emitted[before:] == []
        stage.says("and now", 32_000)

    stage = on_stage({"tell me": [Say("A long story.")], "and now": [Say("Short.")]}, play)
    assert stage.mouth.stops == 1
    assert stage.dialogue.interruptions == ["A long"]
    assert stage.all(ResponseFinished) == [ResponseFinished(ONE, R2)]
    assert stage.spoken(R2) == 6 * SAMPLES_PER_LETTER
    assert stage.ear.agent[-2:] == [False, True]


def test_cancelling_a_response_that_is_over_changes_nothing() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(Speak(ONE, GREETING, "Hello."))
        await asyncio.sleep(0.1)
        stage.session.perform(CancelResponse(ONE, GREETING))

    assert on_stage({}, play).mouth.stops == 0


def test_an_answer_is_withdrawn_when_the_caller_goes_on_before_a_word_of_it() -> None:
    async def play(stage: Stage) -> None:
        stage.dialogue.thinking_s = 1.0
        stage.says("the fifteenth")
        await asyncio.sleep(0.5)
        stage.dialogue.thinking_s = 0.0
        stage.says("no the sixteenth", 48_000)

    stage = on_stage({"the fifteenth": [Say("Fifteen.")], "no the sixteenth": [Say("Sixteen.")]}, play)
    assert [event.text for event in stage.all(AgentText)] == ["Sixteen."]


def test_what_an_earlier_session_asked_for_is_known_by_its_own_name() -> None:
    asked = PendingTool(ToolCallId("s7_t1"), "book", "{}")

    async def play(stage: Stage) -> None:
        stage.session.perform(Recall(ONE, (), (asked,)))
        stage.session.perform(ReturnToolResult(ONE, ToolCallId("s7_t1"), ToolStatus.OK, "{}"))

    stage = on_stage({}, play)
    assert stage.dialogue.pending == (asked,)
    assert stage.dialogue.results == [("s7_t1", "{}", True)]


@pytest.mark.parametrize("broken_off", [True, False])
def test_a_reply_that_was_broken_off_is_taken_up_again(broken_off: bool) -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(Recall(ONE, (), (), broken_off))

    assert [event.text for event in on_stage({}, play).all(AgentText)] == ["as I said"] * broken_off


def test_a_tools_result_is_never_withdrawn() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(ReturnToolResult(ONE, ToolCallId("t1"), ToolStatus.OK, "{}"))
        stage.hears(SpeechStarted(100))

    stage = on_stage({}, play)
    assert stage.dialogue.results == [("t1", "{}", True)]
    assert [event.text for event in stage.all(AgentText)] == ["done"]


@pytest.mark.parametrize(("samples", "answers"), [(4_000, 0), (9_600, 1)])
def test_a_long_mumble_is_answered_and_a_noise_is_not(samples: int, answers: int) -> None:
    async def play(stage: Stage) -> None:
        stage.hears(SpeechStarted(0), SpeechStopped(samples), Utterance(Heard(""), 0, samples))

    assert len(on_stage({}, play).all(ResponseStarted)) == answers


def test_typed_words_are_answered() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(ForwardText(ONE, "hi"))

    assert [event.text for event in on_stage({"hi": [Say("Hey.")]}, play).all(AgentText)] == ["Hey."]


def test_the_ear_knows_while_the_agent_is_audible() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(Speak(ONE, GREETING, "Hello."))
        await asyncio.sleep(0.1)
        assert stage.ear.agent == [True]
        stage.session.perform(ForwardAudio(ONE, Audio(bytes(2 * 599))))
        assert stage.ear.agent == [True], "600 samples were said, 599 may have been played"
        stage.session.perform(ForwardAudio(ONE, Audio(bytes(2))))

    assert on_stage({}, play).ear.agent == [True, False]


def test_the_ear_knows_that_a_response_made_long_ago_was_cut() -> None:
    """It was made whole, so there was nothing left to cancel; only how much of it was heard is said."""

    async def play(stage: Stage) -> None:
        stage.session.perform(Speak(ONE, GREETING, "Hello."))
        await asyncio.sleep(0.1)
        stage.session.perform(ForwardAudio(ONE, Audio(bytes(2 * 100))))
        stage.session.perform(Truncate(ONE, GREETING, Samples(100), "H"))

    stage = on_stage({}, play)
    assert stage.ear.agent == [True, False]
    assert stage.dialogue.interruptions == ["H"]


def test_cutting_an_older_response_leaves_the_newer_one_audible() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(Speak(ONE, GREETING, "Hello."))
        await asyncio.sleep(0.1)
        stage.says("hi")
        await asyncio.sleep(0.1)
        stage.session.perform(Truncate(ONE, GREETING, Samples(100), "H"))

    assert on_stage({"hi": [Say("Hey there.")]}, play).ear.agent == [True]


def test_what_the_ear_drops_is_said() -> None:
    async def play(stage: Stage) -> None:
        stage.session.perform(ForwardAudio(ONE, Audio(bytes(640))))
        stage.ear.drops = True
        stage.session.perform(ForwardAudio(ONE, Audio(bytes(640))))
        stage.session.perform(ForwardAudio(ONE, Audio(bytes(640))))

    assert on_stage({}, play).all(AudioLost) == [AudioLost(ONE, Samples(640))]


@pytest.mark.parametrize("what", ["ear", "mouth"])
def test_a_lost_worker_is_a_fault_and_leaves_nothing_behind(what: str) -> None:
    async def play(stage: Stage) -> None:
        if what == "ear":
            stage.hears(EarFailed("the recogniser died"))
        else:
            stage.mouth.queue.put_nowait(MouthFailed("the voice died"))

    with pytest.raises(ModelFault, match="died"):
        on_stage({}, play)


def test_wishes_before_it_is_open_are_nobodys() -> None:
    async def never() -> Parts:
        raise AssertionError

    LocalSession(ONE, never).perform(ForwardAudio(ONE, Audio(b"")))
