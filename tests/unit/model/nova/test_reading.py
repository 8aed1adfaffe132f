"""What Nova says, as facts: whatever the order of its blocks, every reply begins once and is never left open."""

from __future__ import annotations

import pytest

from tests.unit.model.nova.service import C, audio, caller_said, final, interrupted, reply, speculative, tool
from vivavoce.events import (
    GREETING,
    AgentAudio,
    AgentText,
    Audio,
    CallerTranscribed,
    ModelEvent,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    ToolCallId,
    ToolRequested,
    UsageReported,
)
from vivavoce.model.nova.reading import Reader
from vivavoce.wire.nova_output import (
    INTERRUPTED_MARK,
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnd,
    ContentStart,
    OutputEvent,
    TextOutput,
    Tokens,
    Unknown,
    Usage,
)

ONE, TWO = ResponseId("nova-4-1"), ResponseId("nova-4-2")


def read(*events: OutputEvent, reader: Reader | None = None) -> list[ModelEvent]:
    reader = reader or Reader(C)
    return [fact for event in events for fact in reader.take(event)]


def sound(response: ResponseId, samples: int) -> AgentAudio:
    return AgentAudio(C, response, Audio(bytes(2 * samples)))


def test_a_reply_of_two_segments_has_words_where_their_sound_begins() -> None:
    assert read(*speculative("It is noon."), *audio(100), *speculative("Anything else?"), *audio(50, "END_TURN")) == [
        ResponseStarted(C, ONE),
        AgentText(C, ONE, "It is noon.", Samples(0)),
        sound(ONE, 100),
        AgentText(C, ONE, "Anything else?", Samples(100)),
        sound(ONE, 50),
        ResponseFinished(C, ONE),
    ]


def test_final_words_take_the_place_of_their_segment_long_after_the_end() -> None:
    reader = Reader(C)
    read(*speculative("It's noon."), *audio(100), *speculative("Well?"), *audio(50, "END_TURN"), reader=reader)
    read(*speculative("Next."), reader=reader)
    assert read(*final("It is noon."), *final("Well?"), *final("Next one."), reader=reader) == [
        AgentText(C, ONE, "It is noon.", Samples(0), final=True),
        AgentText(C, ONE, "Well?", Samples(100), final=True),
        AgentText(C, TWO, "Next one.", Samples(0), final=True),
    ]


def test_a_final_that_was_left_out_does_not_move_the_others() -> None:
    reader = Reader(C)
    read(*speculative("One."), *audio(10), *speculative("Two."), *audio(10, "END_TURN"), reader=reader)
    assert read(*final("Two."), reader=reader) == [AgentText(C, ONE, "Two.", Samples(10), final=True)]


def test_a_final_that_breaks_off_says_less_than_the_channel_knows() -> None:
    reader = Reader(C)
    read(*speculative("It is noon and all is well."), *audio(100), reader=reader)
    assert read(*final("It is noon"), reader=reader) == []


def test_a_final_without_a_segment_is_nothing() -> None:
    assert read(*final("It is noon.")) == []


def test_text_in_pieces_is_told_as_it_comes_and_matched_as_a_whole() -> None:
    reader = Reader(C)
    begin, text, end = speculative("It is")
    assert isinstance(text, TextOutput)
    more = TextOutput(content=text.content, role=text.role, text="noon.")
    facts = read(begin, text, more, end, reader=reader)
    assert facts[1:] == [AgentText(C, ONE, "It is", Samples(0)), AgentText(C, ONE, "noon.", Samples(0))]
    assert read(*audio(10), *final("It is noon."), reader=reader)[-1] == AgentText(
        C, ONE, "It is noon.", Samples(0), final=True
    )


@pytest.mark.parametrize("ending", [tool("look_up"), caller_said("And then?"), (CompletionEnd(),)])
def test_no_reply_is_left_open(ending: tuple[OutputEvent, ...]) -> None:
    facts = read(*speculative("Let me see."), *audio(10), *ending, *ending, *reply("There."))
    assert facts.count(ResponseFinished(C, ONE)) == 1
    assert facts.index(ResponseFinished(C, ONE)) == 3
    assert ResponseStarted(C, TWO) in facts


def test_the_frame_of_the_session_is_no_frame_of_a_reply() -> None:
    assert read(CompletionStart(), *reply("Hello."), *reply("Yes?"))[-1] == ResponseFinished(C, TWO)


def test_audio_without_words_is_a_reply() -> None:
    assert read(*audio(10, "END_TURN")) == [ResponseStarted(C, ONE), sound(ONE, 10), ResponseFinished(C, ONE)]


def test_audio_of_a_block_that_never_began_is_a_reply() -> None:
    assert read(AudioOutput(content="x", pcm=bytes(2))) == [ResponseStarted(C, ONE), sound(ONE, 1)]


def test_audio_after_the_end_of_its_reply_is_dropped() -> None:
    start, piece, end = audio(10, "END_TURN")
    assert read(start, piece, *caller_said("Wait."), piece, end)[-1] == CallerTranscribed(C, "Wait.", final=True)


def test_audio_after_the_end_of_its_block_begins_no_reply() -> None:
    start, piece, end = audio(10, "END_TURN")
    assert read(start, piece, end, piece)[-1] == ResponseFinished(C, ONE)


# -- interruptions ---------------------------------------------------------------------------------------------------

INTERRUPTED = ResponseInterrupted(C, ONE)


def audio_broken_off() -> tuple[OutputEvent, ...]:
    return audio(10, "INTERRUPTED")


def text_broken_off() -> tuple[OutputEvent, ...]:
    return final("It is", "INTERRUPTED")


@pytest.mark.parametrize(
    "signals",
    [
        (interrupted(),),
        (text_broken_off(),),
        (audio_broken_off(), interrupted()),
        (audio(10, "END_TURN"), interrupted(), interrupted()),
        (audio_broken_off(), text_broken_off(), interrupted()),
    ],
)
def test_an_interruption_is_told_once_however_often_it_is_signalled(
    signals: tuple[tuple[OutputEvent, ...], ...],
) -> None:
    facts = read(*speculative("It is noon."), *audio(10), *(event for signal in signals for event in signal))
    assert facts.count(INTERRUPTED) == 1
    assert not any(isinstance(fact, AgentText) and fact.final for fact in facts)


def test_what_was_broken_off_sounds_no_more_and_ends_no_more() -> None:
    start, piece, end = audio(10, "END_TURN")
    facts = read(*speculative("It is noon."), start, piece, *interrupted(), piece, end)
    assert facts[-2:] == [sound(ONE, 10), INTERRUPTED]


def test_after_an_interruption_the_next_reply_is_another() -> None:
    reader = Reader(C)
    read(*speculative("It is noon."), *audio(10), *interrupted(), reader=reader)
    assert read(*reply("Yes?"), *final("Yes?"), reader=reader) == [
        ResponseStarted(C, TWO),
        AgentText(C, TWO, "Yes?", Samples(0)),
        sound(TWO, 2400),
        ResponseFinished(C, TWO),
        AgentText(C, TWO, "Yes?", Samples(0), final=True),
    ]


def test_every_reply_that_is_not_yet_heard_is_broken_off() -> None:
    facts = read(*reply("Let me see."), *tool("look_up"), *reply("It is noon."), *interrupted())
    assert facts[-2:] == [INTERRUPTED, ResponseInterrupted(C, TWO)]


def test_what_was_heard_to_its_end_is_not() -> None:
    facts = read(*reply("Let me see."), *final("Let me see."), *reply("It is noon."), *interrupted())
    assert INTERRUPTED not in facts
    assert facts[-1] == ResponseInterrupted(C, TWO)


def test_an_interruption_of_nothing_is_nothing() -> None:
    assert read(*interrupted()) == []


@pytest.mark.parametrize("mark", [INTERRUPTED_MARK, '{"interrupted":true}', f"{INTERRUPTED_MARK} and old words"])
def test_the_mark_is_known_in_its_forms_and_is_nobodys_words(mark: str) -> None:
    facts = read(*reply("It is noon."), *final(mark), *caller_said(f"{INTERRUPTED_MARK} Stop."))
    assert facts[-2:] == [INTERRUPTED, CallerTranscribed(C, "Stop.", final=True)]


# -- ids, cancellations, tools, usage ----------------------------------------------------------------------------------


def test_expected_replies_have_the_ids_that_were_asked_for() -> None:
    reader = Reader(C)
    reader.expect(GREETING)
    reader.expect(GREETING)  # the same once more is no second reply of that name
    facts = read(*reply("Good morning."), *reply("Yes?"), reader=reader)
    assert [fact.response for fact in facts if isinstance(fact, ResponseStarted)] == [GREETING, TWO]


def test_a_cancelled_reply_begins_and_ends_without_a_sound() -> None:
    reader = Reader(C)
    reader.expect(GREETING)
    reader.cancel(GREETING)
    assert read(*reply("Good morning."), *final("Good morning."), reader=reader) == [
        ResponseStarted(C, GREETING),
        ResponseFinished(C, GREETING),
    ]


def test_a_reply_that_is_cancelled_on_its_way_falls_silent() -> None:
    reader = Reader(C)
    start, piece, end = audio(10, "END_TURN")
    read(start, piece, reader=reader)
    reader.cancel(ONE)
    assert read(piece, end, reader=reader) == [ResponseFinished(C, ONE)]


def test_a_tool_call_that_is_told_twice_is_made_once() -> None:
    wanted = tool("look_up", '{"a":1}')
    assert read(*wanted, *wanted) == [ToolRequested(C, ToolCallId("t1"), "look_up", '{"a":1}')]


def test_tokens_are_what_came_on_top() -> None:
    told = Usage(delta=Tokens(speech_in=5), total=Tokens(speech_in=5))
    nothing = Usage(delta=Tokens(), total=Tokens(speech_in=5))
    untold = Usage(delta=None, total=Tokens(speech_in=8, speech_out=1, text_in=2, text_out=3))
    backwards = Usage(delta=None, total=Tokens(speech_in=7, text_out=4))
    assert read(told, nothing, untold, backwards) == [
        UsageReported(C, speech_in=5),
        UsageReported(C, speech_in=3, speech_out=1, text_in=2, text_out=3),
        UsageReported(C, text_out=1),
    ]


def test_the_callers_words_may_come_in_several_blocks_and_as_a_guess_first() -> None:
    guess = (
        ContentStart(content="g", type="TEXT", role="USER", stage="SPECULATIVE"),
        TextOutput(content="g", role="USER", text=" What "),
    )
    assert read(*guess, *caller_said("What time"), *caller_said("is it?"), *caller_said(" ")) == [
        CallerTranscribed(C, "What", final=False),
        CallerTranscribed(C, "What time", final=True),
        CallerTranscribed(C, "is it?", final=True),
    ]


def test_words_that_were_typed_come_back_as_nobodys() -> None:
    reader = Reader(C)
    reader.told("hello ")
    assert read(*caller_said("hello"), *caller_said("hello"), reader=reader) == [
        CallerTranscribed(C, "hello", final=True)
    ]


def test_text_without_a_block_goes_by_its_own_role() -> None:
    assert read(TextOutput(content="x", role="USER", text="Hi.")) == [CallerTranscribed(C, "Hi.", final=True)]
    assert read(TextOutput(content="x", role="ASSISTANT", text="Hi.")) == []


def test_unknown_events_and_ends_of_unknown_blocks_change_nothing() -> None:
    assert read(Unknown(name="new", why=""), ContentEnd(content="x", type="TEXT", stop_reason="END_TURN")) == []


def test_blocks_that_never_end_do_not_pile_up() -> None:
    reader = Reader(C)
    for number in range(1000):
        read(ContentStart(content=str(number), type="TEXT", role="USER", stage="FINAL"), reader=reader)
    assert len(reader._blocks) <= 64
