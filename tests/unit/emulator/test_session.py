"""A session as a whole: timers, tools, usage, generations, and what reaches the brain."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import pytest

from tests.unit.emulator.test_intake import AUDIO, LIVE, PRIMED, PROMPT, SESSION, block, tool_block
from vivavoce.emulator import complaints
from vivavoce.emulator.catalogue import V1, V2, Generation
from vivavoce.emulator.moves import End, Fail, Happened, HearAt, Move, Note, Occasion, OpenBrain, Send, Wish
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.session import CONNECTION, EmulatedSession
from vivavoce.errors import UsageError
from vivavoce.events import (
    END_CALL,
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerTranscribed,
    ForwardAudio,
    ForwardText,
    Instant,
    PastTurn,
    Recall,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    ReturnToolResult,
    Samples,
    Speak,
    Speaker,
    ToolCallId,
    ToolRequested,
    ToolStatus,
)
from vivavoce.model.nova.history import OPENING
from vivavoce.model.nova.instructions import SAY
from vivavoce.wire.nova_input import (
    AudioInput,
    InputEvent,
    PromptEnd,
    PromptStart,
    SessionEnd,
    ToolSpec,
    Unknown,
)
from vivavoce.wire.nova_output import CompletionEnd, ToolUse, Usage

C = CONNECTION
R = ResponseId("r")
SECOND = Instant(1_000_000)
FIND = ToolSpec(name="find", description="", input_schema='{"type":"object"}')
WITH_TOOL = PromptStart(prompt="p", voice="matthew", output_rate_hz=24_000, tools=(FIND,))
ASKED = ToolRequested(C, ToolCallId("call-1"), "find", "{}")


def session(generation: Generation = V2, **rules: object) -> EmulatedSession:
    numbers = count(1)
    return EmulatedSession(generation, Rules(**rules), lambda: f"id-{next(numbers)}", Instant(0))  # type: ignore[arg-type]


def feed(one: EmulatedSession, events: Iterable[InputEvent], now: int = 0) -> list[Move]:
    return [move for event in events for move in one.receive(event, Instant(now))]


def live(generation: Generation = V2, prompt: PromptStart = WITH_TOOL, **rules: object) -> EmulatedSession:
    one = session(generation, **rules)
    feed(one, [SESSION, prompt, *PRIMED[2:], AUDIO])
    return one


def sound(milliseconds: int) -> AudioInput:
    return AudioInput(prompt="p", content="a", pcm=bytes(16 * milliseconds * 2))


def wishes(moves: Iterable[Move]) -> list[object]:
    return [move.effect for move in moves if isinstance(move, Wish)]


def test_the_brain_opens_with_the_prompt_and_hears_with_the_audio() -> None:
    one = session()
    assert OpenBrain(PROMPT) in feed(one, [SESSION, PROMPT])
    moves = feed(one, [*PRIMED[2:], AUDIO])
    assert [move for move in moves if not isinstance(move, Send)] == [HearAt(16_000), Happened(Occasion.READY)]
    assert wishes(feed(one, [sound(20)])) == [ForwardAudio(C, Audio(bytes(640)))]


def test_history_is_recalled_before_the_first_sound() -> None:
    one = session()
    past = [*block("USER", "Hi.", name="1"), *block("ASSISTANT", "Hello.", name="2")]
    moves = feed(one, [*PRIMED, *past, AUDIO])
    assert wishes(moves) == [Recall(C, (PastTurn(Speaker.CALLER, "Hi."), PastTurn(Speaker.AGENT, "Hello.")))]


def test_typed_words_are_answered_and_some_are_said_as_they_stand() -> None:
    one = live()
    assert wishes(feed(one, block("USER", "What now?", interactive=True))) == [ForwardText(C, "What now?")]
    (wish,) = wishes(feed(one, block("USER", f"{SAY}Thank you for calling.", interactive=True)))
    assert isinstance(wish, Speak)
    assert wish.text == "Thank you for calling."


# -- timers ----------------------------------------------------------------------------------------------------------


def test_without_audio_or_text_it_ends() -> None:
    one = live()
    assert one.deadline == 55 * SECOND
    feed(one, [sound(20)], 30 * SECOND)
    assert one.deadline == 85 * SECOND
    assert one.time_passed(Instant(85 * SECOND - 1)) == []
    (failed,) = one.time_passed(Instant(85 * SECOND))
    assert isinstance(failed, Fail)
    assert failed.message.endswith("are less than 55 seconds.")
    assert one.over
    assert one.deadline is None


@pytest.mark.parametrize(
    "events", [block("USER", "x", interactive=True), block("SYSTEM", "x", interactive=True)[:1]], ids=["text", "block"]
)
def test_interactive_content_keeps_it_awake(events: list[InputEvent]) -> None:
    one = session()
    feed(one, [SESSION, PROMPT])
    feed(one, events, 50 * SECOND)
    assert one.deadline == 105 * SECOND


def test_what_our_own_client_puts_before_an_agent_who_spoke_first_is_nobodys_words() -> None:
    past = [*block("USER", OPENING, name="1"), *block("ASSISTANT", "Hello.", name="2")]
    moves = feed(session(), [*PRIMED, *past, AUDIO])
    assert wishes(moves) == [Recall(C, (PastTurn(Speaker.AGENT, "Hello."),))]


def test_history_and_tool_results_do_not() -> None:
    one = session()
    feed(one, PRIMED)
    feed(one, block("USER", "Hi."), 50 * SECOND)
    assert one.deadline == 55 * SECOND


def test_idle_limit_can_be_the_longer_one() -> None:
    (failed,) = live(idle_s=295.0).time_passed(Instant(295 * SECOND))
    assert isinstance(failed, Fail)
    assert "less than 295 seconds" in failed.message


def test_the_first_generation_says_so_in_its_own_words() -> None:
    (failed,) = live(V1).time_passed(Instant(55 * SECOND))
    assert failed == Fail(complaints.VALIDATION, complaints.IDLE_V1)


def test_lifetime_ends_it_whatever_happens() -> None:
    one = live(lifetime_s=60.0)
    for second in range(60):
        feed(one, [sound(20)], second * SECOND)
    assert one.receive(sound(20), Instant(60 * SECOND)) == [Fail(complaints.MODEL_TIMEOUT, complaints.LIFETIME)]
    assert one.receive(sound(20), Instant(61 * SECOND)) == []


def test_a_second_prompt_ends_it_without_a_word() -> None:
    one = live()
    feed(one, [PromptEnd(prompt="p"), PromptStart(prompt="q", voice="amy")], SECOND)
    assert one.deadline == SECOND + 200_000
    assert one.time_passed(Instant(SECOND + 200_000)) == [End()]


def test_rules_without_time_are_refused() -> None:
    for wrong in ({"idle_s": 0}, {"lifetime_s": -1.0}, {"concurrency": 0}):
        with pytest.raises(UsageError):
            Rules(**wrong)


# -- the end ---------------------------------------------------------------------------------------------------------


def test_completion_ends_once_and_only_after_the_client_did() -> None:
    one = live()
    moves = feed(one, [PromptEnd(prompt="p")])
    assert Send(CompletionEnd()) in moves
    assert End() not in moves
    assert feed(one, [SessionEnd()]) == [End()]
    one = live()
    moves = feed(one, [SessionEnd()])
    assert Send(CompletionEnd()) in moves
    assert moves[-1] == End()


def test_a_bare_end_of_input_is_an_end_too() -> None:
    one = live()
    moves = one.input_ended(Instant(0))
    assert Send(CompletionEnd()) in moves
    assert moves[-1] == End()
    assert one.input_ended(Instant(0)) == []


def test_a_complaint_is_the_end_and_the_last_word() -> None:
    one = live()
    assert feed(one, [Unknown(name="", why="x")]) == [Fail(complaints.VALIDATION, complaints.UNREADABLE)]
    assert feed(one, [sound(20)]) == []
    assert one.brain_says(ResponseStarted(C, R), Instant(0)) == []


def test_a_brain_that_fails_is_the_models_fault() -> None:
    one = live()
    assert one.brain_lost("no mouth") == [
        Note("the brain failed: no mouth"),
        Fail(complaints.MODEL_STREAM, complaints.UNEXPECTED),
    ]
    assert one.brain_lost("again") == []


# -- tools -----------------------------------------------------------------------------------------------------------


def asked(one: EmulatedSession, request: ToolRequested = ASKED) -> ToolUse:
    (use,) = [
        m.event for m in one.brain_says(request, Instant(0)) if isinstance(m, Send) and isinstance(m.event, ToolUse)
    ]
    return use


def test_a_tool_goes_out_and_its_result_comes_back() -> None:
    one = live()
    use = asked(one)
    assert (use.name, use.arguments) == ("find", "{}")
    assert wishes(feed(one, tool_block('{"n": 2}', use.tool_use))) == [
        ReturnToolResult(C, ToolCallId("call-1"), ToolStatus.OK, '{"n": 2}')
    ]
    assert isinstance(feed(one, tool_block("{}", use.tool_use))[-1], Fail), "once for each"


def test_results_come_in_any_order() -> None:
    one = live()
    first = asked(one)
    second = asked(one, ToolRequested(C, ToolCallId("call-2"), "find", "{}"))
    answers = wishes(feed(one, [*tool_block("{}", second.tool_use), *tool_block('{"error":"x"}', first.tool_use)]))
    assert answers == [
        ReturnToolResult(C, ToolCallId("call-2"), ToolStatus.OK, "{}"),
        ReturnToolResult(C, ToolCallId("call-1"), ToolStatus.FAILED, '{"error":"x"}'),
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_a_result_that_is_no_object(strict: bool) -> None:
    one = live(strict=strict)
    moves = feed(one, tool_block("[1]", asked(one).tool_use)[:2])
    assert moves[-1] == Fail(complaints.VALIDATION, complaints.TOOL_RESULT_UNREADABLE, fatal=strict)
    assert one.over is strict
    (answer,) = wishes(moves)
    assert isinstance(answer, ReturnToolResult)
    assert answer.status is ToolStatus.FAILED


def test_a_tool_that_the_client_does_not_declare_is_not_asked_for() -> None:
    one = live(prompt=PROMPT)
    note, wish = one.brain_says(ASKED, Instant(0))
    assert isinstance(note, Note)
    assert "wants the tool find, which the client's promptStart does not declare (it declares none at all)" in note.text
    assert isinstance(wish, Wish)
    assert isinstance(wish.effect, ReturnToolResult)
    assert wish.effect.status is ToolStatus.FAILED


def test_the_end_of_the_call_is_a_tool_where_it_is_declared() -> None:
    ending = ToolRequested(C, ToolCallId("end"), END_CALL, '{"reason":"goodbye"}')
    (note,) = live().brain_says(ending, Instant(0))
    assert isinstance(note, Note)
    declared = ToolSpec(name=END_CALL, description="", input_schema="{}")
    one = live(prompt=PromptStart(prompt="p", voice="amy", output_rate_hz=24_000, tools=(declared,)))
    use = asked(one, ending)
    assert wishes(feed(one, tool_block("{}", use.tool_use))) == [], "the brain asked for no answer"


def test_the_first_generation_does_not_listen_while_a_tool_runs() -> None:
    one = live(V1)
    use = asked(one)
    assert wishes(feed(one, [sound(20), sound(40)])) == []
    answered = wishes(feed(one, tool_block("{}", use.tool_use)))
    assert isinstance(answered[0], ReturnToolResult)
    assert answered[1:] == [ForwardAudio(C, Audio(bytes(1920)))]
    assert len(wishes(feed(one, [sound(20)]))) == 1


# -- talk and usage --------------------------------------------------------------------------------------------------


def usage(moves: Iterable[Move]) -> list[Usage]:
    return [move.event for move in moves if isinstance(move, Send) and isinstance(move.event, Usage)]


def test_usage_is_told_early_and_often() -> None:
    one = session()
    (first,) = usage(feed(one, LIVE))
    assert (first.total.text_in, first.total.speech_in) == (2, 0), "8 characters of SYSTEM prompt"
    told = usage(feed(one, [sound(20)] * 100))
    assert [each.delta.speech_in for each in told if each.delta] == [25, 25]
    assert told[-1].total.speech_in == 50


def test_usage_counts_what_is_said() -> None:
    one = live()
    moves: list[Move] = []
    for event in (
        ResponseStarted(C, R),
        AgentText(C, R, "Hello there.", Samples(0)),
        AgentAudio(C, R, Audio(bytes(48_000 * 2))),
        ResponseFinished(C, R),
    ):
        moves += one.brain_says(event, Instant(0))
    (told,) = usage(moves)
    assert (told.total.speech_out, told.total.text_out) == (50, 3)
    assert one.deadline == 2 * SECOND, "then its FINAL text is due"
    assert len(one.time_passed(Instant(2 * SECOND))) == 4


def test_a_caller_who_speaks_interrupts_unless_the_brain_decides_itself() -> None:
    for takes_turn in (True, False):
        one = live()
        one.brain_says(ResponseStarted(C, R), Instant(0))
        one.brain_says(AgentAudio(C, R, Audio(bytes(48_000))), Instant(0))
        moves = one.brain_says(CallerSpeechStarted(C, Samples(0), takes_turn), Instant(1000))
        assert moves[0] == Happened(Occasion.CALLER_SPEAKING)
        assert (Happened(Occasion.INTERRUPTED) in moves) is takes_turn


def test_only_final_transcripts_go_out() -> None:
    one = live()
    assert one.brain_says(CallerTranscribed(C, "what do", final=False), Instant(0)) == []
    assert len(one.brain_says(CallerTranscribed(C, "what do I owe", final=True), Instant(0))) == 4
