"""A session against the service in memory, on virtual time: what it sends upon which wish, and what it tells."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.unit.model.nova.service import (
    AGENT,
    NOW,
    C,
    FakeBedrock,
    FakeStream,
    Step,
    audio,
    caller_said,
    final,
    interrupted,
    nova,
    play,
    reply,
    speculative,
    tool,
)
from vivavoce.engine.clock import run
from vivavoce.errors import AccessFault, ModelExpired, ModelFault, ModelRefused, ModelUnreachable
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
    ForwardAudio,
    ForwardText,
    ModelReady,
    PastTurn,
    PendingTool,
    Recall,
    ReplayAudio,
    RequestReply,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    Speaker,
    ToolCallId,
    ToolRequested,
    ToolStatus,
    Truncate,
)
from vivavoce.model.nova.instructions import CARRY_ON, SAY, prompt_for
from vivavoce.model.nova.session import AHEAD_S
from vivavoce.model.scripted import tone
from vivavoce.wire.nova_input import (
    AudioInput,
    ContentEnd,
    ContentStart,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResult,
)
from vivavoce.wire.nova_output import CompletionEnd, CompletionStart, Tokens, Usage

QUIET = ForwardAudio(C, Audio(bytes(640)))
LOUD = ForwardAudio(C, Audio(tone(0, 320, 16_000)))
FIRST, SECOND = ResponseId("nova-4-1"), ResponseId("nova-4-2")
T1 = ToolCallId("t1")
SPEAK = Speak(C, GREETING, "Good morning.")


def talk(milliseconds: range, effect: Any = QUIET) -> dict[int, list[Step]]:
    return {ms: [effect] for ms in milliseconds}


# -- opening and closing ----------------------------------------------------------------------------------------------


def test_opens_with_settings_voice_tools_and_system_prompt_and_nothing_else() -> None:
    played = play({}, for_ms=100)
    start, prompt, system, *_ = [event for _, event in played.stream.sent]
    assert start == SessionStart(max_tokens=1024, top_p=0.9, temperature=0.7)
    assert isinstance(prompt, PromptStart)
    assert (prompt.voice, prompt.output_rate_hz) == ("matthew", 24_000)
    assert [spec.name for spec in prompt.tools or ()] == [END_CALL]
    assert isinstance(system, ContentStart)
    assert (system.role, system.interactive) == ("SYSTEM", False)
    ((role, text),) = played.stream.blocks()
    assert role == "SYSTEM"
    assert text.startswith("You help at the desk.\n\n")
    assert "Wednesday, 01 July 2026" in text


def test_is_ready_for_as_long_as_the_provider_keeps_it() -> None:
    assert play({}, for_ms=1).facts == [ModelReady(C, 480_000_000, 10_000_000)]
    assert play({}, settings={"lifetime_s": 30, "reply_limit_s": 0}, for_ms=1).facts == [ModelReady(C, 30_000_000, 0)]


def test_is_ready_for_no_longer_than_its_credentials_last() -> None:
    def expiring(after: timedelta) -> list[Any]:
        def make() -> FakeStream:
            stream = FakeStream()
            stream.credentials_expire = NOW + after
            return stream

        return play({}, make=make, for_ms=1).facts

    assert expiring(timedelta(seconds=90)) == [ModelReady(C, 90_000_000, 10_000_000)]
    assert expiring(timedelta(hours=1)) == [ModelReady(C, 480_000_000, 10_000_000)]
    assert expiring(timedelta(seconds=-5)) == [ModelReady(C, 1, 10_000_000)]  # at once, not never


def test_a_session_in_reserve_sends_nothing_more() -> None:
    played = play({}, for_ms=60_000)
    assert played.stream.heard(AudioInput) == []
    assert [start.type for start in played.stream.heard(ContentStart)] == ["TEXT"]


def test_closes_in_the_order_that_the_service_wants() -> None:
    played = play({10: [QUIET]}, for_ms=50)
    audio_block = next(start for start in played.stream.heard(ContentStart) if start.type == "AUDIO")
    last = [event for _, event in played.stream.sent][-3:]
    assert last == [
        ContentEnd(prompt=audio_block.prompt, content=audio_block.content),
        PromptEnd(prompt=audio_block.prompt),
        SessionEnd(),
    ]
    assert (played.error, played.stream.finished, played.stream.aborted) == (None, True, True)


def test_closes_a_session_without_audio() -> None:
    played = play({}, for_ms=50)
    assert [type(event) for _, event in played.stream.sent][-2:] == [PromptEnd, SessionEnd]


def test_does_not_wait_long_for_the_service_to_close() -> None:
    def make() -> FakeStream:
        stream = FakeStream()
        stream.finish_s = 60
        return stream

    async def main() -> float:
        bedrock = FakeBedrock(make)
        task = asyncio.create_task(nova(bedrock=bedrock).session(C).run(_ignore))
        await asyncio.sleep(1)
        task.cancel()
        began_s = asyncio.get_running_loop().time()
        await asyncio.wait([task])
        assert bedrock.streams[0].aborted
        return asyncio.get_running_loop().time() - began_s

    assert run(main(), virtual=True) == pytest.approx(3.0)


async def _ignore(_: object) -> None:
    pass


def test_does_not_open_what_cannot_be_opened() -> None:
    async def main() -> None:
        bedrock = FakeBedrock()
        bedrock.fault = AccessFault("no")
        await nova(bedrock=bedrock).session(C).run(_ignore)

    with pytest.raises(AccessFault):
        run(main(), virtual=True)


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        (None, ModelUnreachable),
        (ModelExpired("Model has timed out"), ModelExpired),
        (ModelRefused("Received invalid voiceId"), ModelRefused),
        (ModelRefused("Error 1: This request has been blocked by our content filters."), ModelFault),
        (ModelRefused("Invalid input request, please fix your input and try again."), ModelRefused),
        (AccessFault("no"), AccessFault),
    ],
)
def test_what_ends_the_stream_ends_the_session_as_what_it_is(said: Exception | None, raised: type[Exception]) -> None:
    played = play({10: [said]})
    assert type(played.error) is raised
    assert played.stream.aborted
    assert not played.stream.finished


@pytest.mark.parametrize("fault", [ModelUnreachable("gone"), AccessFault("not for you any more")])
def test_what_was_said_before_a_fault_is_told_before_it(fault: Exception) -> None:
    said = [*caller_said("Is it open?"), *reply("I will look."), *tool("look_up"), *reply("One moment."), fault]
    played = play({10: said})
    assert type(played.error) is type(fault)
    assert len(played.all(CallerTranscribed)) == len(played.all(ToolRequested)) == 1
    assert len(played.all(ResponseFinished)) == 2


def test_a_refusal_in_the_midst_of_talk_is_a_passing_one() -> None:
    refused = ModelRefused("Invalid input request, please fix your input and try again.")
    played = play({10: [*reply("Hello."), refused]})
    assert type(played.error) is ModelFault
    assert ResponseFinished(C, FIRST) in played.facts  # what came before is told first


# -- the caller's audio -----------------------------------------------------------------------------------------------


def test_forwards_audio_as_it_comes_in_one_block() -> None:
    played = play(talk(range(0, 100, 20), LOUD), for_ms=100)
    (block,) = [start for start in played.stream.heard(ContentStart) if start.type == "AUDIO"]
    assert (block.role, block.interactive, block.rate_hz) == ("USER", True, 16_000)
    assert {piece.content for piece in played.stream.heard(AudioInput)} == {block.content}
    assert b"".join(piece.pcm for piece in played.stream.heard(AudioInput)) == LOUD.audio.pcm * 5


def test_tells_who_talks_without_taking_the_turn() -> None:
    steps = talk(range(0, 500, 20)) | talk(range(500, 1500, 20), LOUD) | talk(range(1500, 2500, 20))
    facts = play(steps, for_ms=2500).facts
    assert facts[1:] == [
        CallerSpeechStarted(C, Samples(8000), takes_turn=False),
        CallerSpeechStopped(C, Samples(24_000)),
    ]


def test_replayed_audio_counts_and_is_heard() -> None:
    replayed: list[Step] = [*[ReplayAudio(C, Audio(bytes(640)))] * 25, *[ReplayAudio(C, LOUD.audio)] * 50]
    facts = play({10: replayed} | talk(range(20, 1000, 20)), for_ms=1000).facts
    assert facts[1:] == [
        CallerSpeechStarted(C, Samples(8000), takes_turn=False),
        CallerSpeechStopped(C, Samples(24_000)),
    ]


def test_silence_flows_while_the_caller_sends_nothing() -> None:
    played = play({10: [SPEAK]}, for_ms=1000)
    instants = [ms for ms, event in played.stream.sent if isinstance(event, AudioInput)]
    assert instants == [110 + 100 * index for index in range(9)]
    assert all(not any(piece.pcm) and len(piece.pcm) == 3200 for piece in played.stream.heard(AudioInput))


def test_silence_comes_only_after_a_real_gap_and_stops_with_the_caller() -> None:
    steps = talk(range(0, 400, 20), LOUD) | talk(range(4000, 4400, 20), LOUD)
    sent = play(steps, for_ms=5000).stream.sent
    silent = [ms for ms, event in sent if isinstance(event, AudioInput) and not any(event.pcm)]
    assert silent
    assert all(1000 < ms < 4200 for ms in silent)


def test_a_caller_who_is_muted_in_the_middle_of_a_word_has_stopped() -> None:
    facts = play(talk(range(0, 400, 20)) | talk(range(400, 800, 20), LOUD), for_ms=5000).facts
    assert facts[1:] == [
        CallerSpeechStarted(C, Samples(6400), takes_turn=False),
        CallerSpeechStopped(C, Samples(12_800)),
    ]


def test_gives_up_audio_rather_than_pile_it_up() -> None:
    steps: dict[int, list[Step]] = {0: [_stall], 5000: [_release]}
    played = play(steps | talk(range(10, 10_000, 20), LOUD), for_ms=10_000)
    lost = sum(fact.samples for fact in played.all(AudioLost))
    sent = sum(len(piece.pcm) // 2 for piece in played.stream.heard(AudioInput) if any(piece.pcm))
    assert sent + lost == 500 * 320
    assert 16_000 * 2 < lost < 16_000 * 4  # of the five seconds about two wait
    assert played.emitted[-1][0] < 5010


def _stall(stream: FakeStream) -> None:
    stream.stalled = True


def _release(stream: FakeStream) -> None:
    stream.stalled, stream.unsent_bytes = False, 0


def test_what_is_sent_in_one_go_is_no_backlog() -> None:
    turns = tuple(PastTurn(Speaker.CALLER, "word " * 5000) for _ in range(4))
    replayed: list[Step] = [ReplayAudio(C, LOUD.audio)] * 1000
    steps: dict[int, list[Step]] = {0: [_stall], 10: [Recall(C, turns), *replayed, *[LOUD] * 25]}
    played = play(steps, for_ms=100)
    assert played.all(AudioLost) == []
    assert len(played.stream.heard(AudioInput)) == 1025


# -- speaking ---------------------------------------------------------------------------------------------------------


def test_asks_for_words_and_gives_the_reply_their_id() -> None:
    played = play({10: [SPEAK], 50: reply("Good morning.", 4800)}, for_ms=300)
    assert played.stream.blocks()[1:] == [("USER!", f"{SAY}Good morning.")]
    assert played.facts[1:] == [
        ResponseStarted(C, GREETING),
        AgentText(C, GREETING, "Good morning.", Samples(0)),
        AgentAudio(C, GREETING, Audio(bytes(9600))),
        ResponseFinished(C, GREETING),
    ]


def test_several_texts_are_asked_for_one_after_the_other() -> None:
    other = Speak(C, ResponseId("other"), "And goodbye.")
    played = play({10: [SPEAK, other], 500: reply("Good morning."), 900: reply("And goodbye.")}, for_ms=1000)
    asked = [ms for ms, event in played.stream.sent if isinstance(event, ContentStart) and event.interactive]
    assert asked[-1] == 500
    assert [fact.response for fact in played.all(ResponseFinished)] == [GREETING, "other"]


def test_what_is_not_wanted_any_more_is_not_told_any_further() -> None:
    other = Speak(C, ResponseId("other"), "Later.")
    begins, *rest = reply("A long story.", 2400)
    steps: dict[int, list[Step]] = {
        10: [SPEAK],
        50: [begins, *rest[:3]],
        60: [CancelResponse(C, GREETING), other],
        70: [*rest[3:]],
        200: [*reply("Later.")],
    }
    played = play(steps, for_ms=300)
    assert [fact.response for fact in played.all(AgentAudio)] == ["other"]
    assert [fact.response for fact in played.all(ResponseFinished)] == [GREETING, "other"]
    assert played.stream.blocks()[-1] == ("USER!", f"{SAY}Later.")


def test_a_text_that_was_cancelled_before_it_was_asked_for_is_not_asked_for() -> None:
    other = Speak(C, ResponseId("other"), "Never.")
    played = play({10: [SPEAK, other, CancelResponse(C, other.response)], 50: reply("Good morning.")}, for_ms=300)
    assert len(played.stream.blocks()) == 2


def test_no_words_are_spoken_at_once() -> None:
    played = play({10: [Speak(C, GREETING, " ")]}, for_ms=100)
    assert played.facts[1:] == [ResponseStarted(C, GREETING), ResponseFinished(C, GREETING)]


def test_typed_words_are_answered_by_voice_and_not_told_as_heard() -> None:
    played = play({10: [ForwardText(C, "my number is 12")], 50: caller_said("my number is 12")}, for_ms=100)
    assert played.stream.blocks()[1:] == [("USER!", "my number is 12")]
    assert played.all(CallerTranscribed) == []


def test_half_a_character_that_was_typed_does_no_harm() -> None:
    played = play({10: [ForwardText(C, "a\ud800b"), ForwardText(C, "")]}, for_ms=100)
    assert played.stream.blocks()[1:] == [("USER!", "a?b")]


def test_truncation_says_nothing_to_the_service() -> None:
    before = len(play({10: [QUIET]}, for_ms=50).stream.sent)
    assert len(play({10: [QUIET, Truncate(C, FIRST, Samples(3), "a")]}, for_ms=50).stream.sent) == before


# -- tools ------------------------------------------------------------------------------------------------------------


def result(text: str, status: ToolStatus = ToolStatus.OK, tool_call: ToolCallId = T1) -> ReturnToolResult:
    return ReturnToolResult(C, tool_call, status, text)


def test_answers_a_tool_call_natively_and_once() -> None:
    steps: dict[int, Any] = {10: [QUIET], 20: tool("look_up", '{"a": 1}'), 30: [result('{"b":2}'), result('{"b":3}')]}
    played = play(steps, for_ms=100)
    assert played.all(ToolRequested) == [ToolRequested(C, T1, "look_up", '{"a": 1}')]
    (block,) = [start for start in played.stream.heard(ContentStart) if start.type == "TOOL"]
    assert (block.tool_use, block.role, block.interactive) == ("t1", "TOOL", False)
    assert played.stream.heard(ToolResult) == [ToolResult(prompt=block.prompt, content=block.content, result='{"b":2}')]
    assert ContentEnd(prompt=block.prompt, content=block.content) in played.stream.heard(ContentEnd)


def test_results_go_out_in_the_order_they_come() -> None:
    steps: dict[int, Any] = {
        10: [QUIET, *tool("look_up"), *tool("look_up", tool_use="t2")],
        30: [result('{"b":2}', tool_call=ToolCallId("t2")), result('{"b":1}')],
    }
    assert [said.result for said in play(steps, for_ms=100).stream.heard(ToolResult)] == ['{"b":2}', '{"b":1}']


@pytest.mark.parametrize(
    ("text", "status", "sent"),
    [
        ("[1,2]", ToolStatus.OK, {"result": [1, 2]}),
        ('"yes"', ToolStatus.OK, {"result": "yes"}),
        ("null", ToolStatus.OK, {"result": None}),
        ("not json", ToolStatus.OK, {"result": "not json"}),
        ('{"error": "no"}', ToolStatus.FAILED, {"error": "no"}),
        ('{"why": "no"}', ToolStatus.TIMED_OUT, {"error": {"why": "no"}}),
        ('"no"', ToolStatus.REFUSED, {"error": "no"}),
        ("null", ToolStatus.FAILED, {"error": "failed"}),
    ],
)
def test_every_result_is_an_object(text: str, status: ToolStatus, sent: dict[str, Any]) -> None:
    played = play({10: [QUIET, *tool("look_up")], 30: [result(text, status)]}, for_ms=100)
    assert msgspec.json.decode(played.stream.heard(ToolResult)[0].result) == sent


def test_a_result_that_nobody_asked_for_is_not_sent() -> None:
    assert play({10: [QUIET, result("{}")]}, for_ms=100).stream.heard(ToolResult) == []


# -- taking over ------------------------------------------------------------------------------------------------------

PAST = (PastTurn(Speaker.AGENT, "Hello."), PastTurn(Speaker.CALLER, "What is in stock?"))
PENDING = PendingTool(T1, "find_cars", '{"model":"Aurora"}')


def test_history_goes_before_the_audio() -> None:
    played = play({10: [Recall(C, PAST), QUIET]}, for_ms=100)
    assert played.stream.blocks()[1:] == [
        ("USER", "(The call begins.)"),
        ("ASSISTANT", "Hello."),
        ("USER", "What is in stock?"),
    ]
    kinds = [start.type for start in played.stream.heard(ContentStart)]
    assert kinds == ["TEXT", "TEXT", "TEXT", "TEXT", "AUDIO"]


def test_history_alone_opens_no_audio() -> None:
    played = play({10: [Recall(C, PAST)]}, for_ms=3000)
    assert all(start.type == "TEXT" for start in played.stream.heard(ContentStart))


def test_a_reply_that_was_broken_off_is_taken_up_unasked() -> None:
    played = play({10: [Recall(C, PAST, carry_on=True)]}, for_ms=100)
    assert played.stream.blocks()[-1] == ("USER!", CARRY_ON)


def test_a_reply_that_is_wanted_is_asked_for_in_words() -> None:
    played = play({10: [RequestReply(C, "Greet Ann."), RequestReply(C, "")]}, for_ms=100)
    (role, first), (_, second) = played.stream.blocks()[-2:]
    assert role == "USER!"
    assert first == prompt_for("Greet Ann.") != second == prompt_for("")
    assert "Greet Ann." in first


def test_a_tool_call_of_an_earlier_session_is_answered_in_words_and_once() -> None:
    recall = Recall(C, PAST, (PENDING,))
    played = play({10: [recall, QUIET, result('{"count":3}'), result('{"count":3}')]}, for_ms=100)
    assert played.stream.heard(ToolResult) == []
    told = [text for role, text in played.stream.blocks() if role == "USER!"]
    assert len(told) == 1
    assert all(part in told[0] for part in ("find_cars", '{"model":"Aurora"}', '{"count":3}'))


# -- what the service says --------------------------------------------------------------------------------------------


def test_a_turn_from_first_to_last() -> None:
    said = (
        CompletionStart(),
        Usage(delta=Tokens(speech_in=50, text_in=3), total=Tokens(speech_in=50, text_in=3)),
        *caller_said("What time is it?"),
        *speculative("It is noon."),
        *audio(2400),
        *speculative("Anything else?"),
        *audio(4800, "END_TURN", pieces=2),
        *final("It is noon."),
        *final("Anything else?", "END_TURN"),
        CompletionEnd(),
    )
    facts = [type(fact).__name__ for fact in play({10: said}, for_ms=100).facts]
    assert (
        facts
        == (
            "ModelReady UsageReported CallerTranscribed ResponseStarted AgentText AgentAudio AgentText AgentAudio "
            "AgentAudio ResponseFinished AgentText AgentText"
        ).split()
    )


def test_what_is_not_understood_is_passed_over() -> None:
    played = play({10: [b"\xff", b'{"event":{"somethingNew":{}}}', *reply("Hello.")]}, for_ms=100)
    assert ResponseFinished(C, FIRST) in played.facts


def test_facts_pass_by_audio_that_waits() -> None:
    said = (*reply("One.", 2400), *reply("Two.", 2400), *tool("look_up"), *caller_said("Hm."))
    played = play({10: said}, hold_audio=lambda _: 1.0, for_ms=3000)
    told = {type(fact): ms for ms, fact in played.emitted}
    assert told[ToolRequested] == told[CallerTranscribed] == 10
    assert [ms for ms, fact in played.emitted if isinstance(fact, ResponseFinished)] == [1010, 2010]


def test_an_interruption_takes_away_what_waits() -> None:
    said = (*speculative("One."), *audio(24_000, "END_TURN", pieces=10))
    played = play({10: said, 1500: interrupted(), 1600: reply("Yes?")}, hold_audio=lambda _: 1.0, for_ms=9000)
    assert (1500, ResponseInterrupted(C, FIRST)) in played.emitted
    assert len([fact for fact in played.all(AgentAudio) if fact.response == FIRST]) == 2  # and one was on its way
    assert ResponseFinished(C, SECOND) in played.facts


def test_an_interruption_of_what_has_not_begun_to_go_begins_it() -> None:
    said = (*reply("One.", 2400), *reply("Two.", 2400), *interrupted())
    played = play({10: said}, hold_audio=lambda _: 1.0, for_ms=3000)
    second = [fact for fact in played.facts if getattr(fact, "response", None) == SECOND]
    assert second == [ResponseStarted(C, SECOND), ResponseInterrupted(C, SECOND)]


def test_the_end_of_the_call_does_not_overtake_the_goodbye() -> None:
    said = (*reply("Goodbye.", 2400), *tool(END_CALL, '{"reason":"goodbye"}'))
    played = play({10: said}, hold_audio=lambda _: 1.0, for_ms=3000)
    assert isinstance(played.facts[-1], ToolRequested)


def test_without_waiting_facts_keep_their_order() -> None:
    said = (*caller_said("Hm."), *speculative("Let me see."), *audio(2400), *tool("look_up"), *reply("Three."))
    facts = [type(fact).__name__ for fact in play({10: said}, for_ms=100).facts[1:]]
    assert (
        facts
        == (
            "CallerTranscribed ResponseStarted AgentText AgentAudio ResponseFinished ToolRequested "
            "ResponseStarted AgentText AgentAudio ResponseFinished"
        ).split()
    )


def test_stops_reading_when_more_than_enough_waits() -> None:
    second = audio(24_000, pieces=1)
    said = [event for _ in range(2 * AHEAD_S) for event in second]
    played = play({10: said}, hold_audio=lambda _: 10_000.0, for_ms=5000)
    assert played.stream.reads == AHEAD_S * 3 - 1  # but for the end of the last block


def test_the_first_model_takes_no_text() -> None:
    settings = {"model_id": "amazon.nova-sonic-v1:0"}
    steps: dict[int, list[Step]] = {10: [SPEAK, ForwardText(C, "hello"), Recall(C, (), (PENDING,), carry_on=True)]}
    played = play(steps, settings=settings, for_ms=100)
    assert played.facts[1:] == [ResponseStarted(C, GREETING), ResponseFinished(C, GREETING)]
    assert len(played.stream.blocks()) == 1


def test_knowledge_and_long_prompts_go_in_pieces() -> None:
    agent = replace(AGENT, instructions="word " * 4000)
    played = play({}, agent=agent, for_ms=10)
    sizes = [len(text.text.encode()) for text in played.stream.heard(TextInput)]
    assert len(sizes) > 4
    assert max(sizes) <= 4096
