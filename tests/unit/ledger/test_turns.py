"""Turns folded from timelines whose figures were worked out by hand. The rate is 8000 Hz: 8 samples a millisecond."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    R2,
    T1,
    T2,
    TWO,
    audio,
    plan,
    played,
    said,
    samples,
    stopped,
    whole,
)
from tests.unit.timeline.recorded import RecordedCall, busy_call
from vivavoce.events import (
    END_CALL,
    GREETING,
    AgentAudio,
    AgentText,
    Audio,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    CallStarted,
    Event,
    ModelLost,
    ModelReady,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseStarted,
    Samples,
    StopRequested,
    ToolCallId,
    ToolFinished,
    ToolRequested,
    ToolStatus,
)
from vivavoce.ledger.turns import CANCELLED, Turn, fold_turns


def talking(call_plan: CallPlan | None = None) -> RecordedCall:
    call = RecordedCall()
    call.at(0, CallStarted(call_plan or plan()), CONNECTED, ModelReady(ONE))
    return call


def talks(call: RecordedCall, from_ms: int, to_ms: int, noticed_ms: int | None = None) -> None:
    """The caller talks in this stretch, and the model notices the end at ``noticed_ms``."""
    call.at(from_ms + 60, CallerSpeechStarted(ONE, samples(from_ms)))
    call.at(noticed_ms or to_ms + 300, CallerSpeechStopped(ONE, samples(to_ms)))


def test_a_plain_turn() -> None:
    call = talking()
    call.hear(0, 1000)
    call.at(1000, CallerSpeechStarted(ONE, samples(500)))
    call.hear(1000, 2300)
    call.at(2300, CallerSpeechStopped(ONE, samples(2000)), CallerTranscribed(ONE, "Hello?", final=True))
    call.at(2500, ResponseStarted(ONE, R1), AgentText(ONE, R1, "Hello.", Samples(0)))
    call.at(2550, said(R1, 600), ResponseFinished(ONE, R1))
    call.at(3200, played(R1, 600))
    greeting, turn = fold_turns(call.lines)
    assert (turn.number, turn.caller, turn.agent) == (1, ["Hello?"], ["Hello."])
    assert (turn.speech_ended_us, turn.first_audio_us) == (2_000_000, 2_550_000)
    assert turn.first_audio_ms == 550.0
    assert turn.reply_ms == 600.0
    assert (turn.generated, turn.played, turn.heard_share, turn.interrupted) == (4800, 4800, 1.0, False)
    assert (turn.tools, turn.tool_ms) == ([], 0.0)
    assert greeting == Turn(0, 8000)


@pytest.mark.parametrize(
    ("stopped_at", "ended_ms"), [(0, 20), (1, 20), (160, 20), (161, 40), (320, 40), (330, 60), (481, 75)]
)
def test_speech_ends_when_the_frame_with_its_last_sample_arrives(stopped_at: int, ended_ms: int) -> None:
    """And, for a position beyond all that arrived, when the model said so."""
    call = talking()
    call.hear(0, 60)
    call.at(70, CallerSpeechStarted(ONE, Samples(0)))
    call.at(75, CallerSpeechStopped(ONE, Samples(stopped_at)))
    assert fold_turns(call.lines)[1].speech_ended_us == ended_ms * 1000


def test_audio_that_waited_for_the_model_counts_from_its_own_arrival() -> None:
    call = RecordedCall()
    call.at(0, CallStarted(plan()), CONNECTED)
    call.hear(0, 500)
    call.at(500, ModelReady(ONE), CallerSpeechStarted(ONE, Samples(0)), CallerSpeechStopped(ONE, samples(300)))
    call.at(520, *whole(R1, 100))
    assert fold_turns(call.lines)[1].first_audio_ms == 220.0


def test_a_model_counts_from_the_first_sample_that_was_kept_for_it() -> None:
    """Twelve seconds without a model, all of which are kept: its first sample is the very first."""
    call = RecordedCall()
    call.at(0, CallStarted(plan()), CONNECTED)
    call.hear(0, 12_000)
    call.at(12_000, ModelReady(ONE))
    call.hear(12_000, 13_000)
    call.at(13_000, CallerSpeechStarted(ONE, samples(1_000)), CallerSpeechStopped(ONE, samples(9_000)))
    assert fold_turns(call.lines)[1].speech_ended_us == 9_000_000
    call.at(13_000, CallerSpeechStarted(ONE, samples(10_000)), CallerSpeechStopped(ONE, samples(10_500)))
    assert fold_turns(call.lines)[1].speech_ended_us == 10_500_000


def test_the_next_model_counts_anew() -> None:
    call = RecordedCall()
    call.at(0, CallStarted(plan()), CONNECTED)
    call.hear(0, 200)
    call.at(200, ModelLost(ONE, "no"), ModelReady(TWO))
    call.hear(200, 400)
    call.at(400, CallerSpeechStarted(TWO, Samples(0)), CallerSpeechStopped(TWO, samples(300)))
    assert fold_turns(call.lines)[1].speech_ended_us == 300_000


def test_a_turn_with_a_tool_waits_for_it() -> None:
    call = talking()
    call.hear(0, 1300)
    talks(call, 500, 1000, 1300)
    call.at(1400, ToolRequested(ONE, T1, "find_cars", '{"model":"Aurora"}'))
    call.at(1650, ToolFinished(T1, ToolStatus.OK, "[]"))
    call.at(1900, *whole(R1, 200))
    (turn,) = fold_turns(call.lines)[1:]
    (use,) = turn.tools
    assert (use.name, use.arguments, use.status, use.result) == ("find_cars", '{"model":"Aurora"}', "ok", "[]")
    assert use.duration_ms == turn.tool_ms == 250.0
    assert turn.first_audio_ms == 900.0


@pytest.mark.parametrize(
    ("spans", "tool_ms"),
    [
        ([(1000, 1200), (1100, 1300)], 300.0),  # in part
        ([(1000, 1500), (1100, 1200)], 500.0),  # one within the other
        ([(1000, 1100), (1300, 1350)], 150.0),  # apart
        ([(1000, 1100), (1100, 1200)], 200.0),  # end to end
        ([(1000, None), (1100, 1200)], 100.0),  # one never ends
        ([(1000, None)], 0.0),
    ],
)
def test_tools_that_overlap_count_once(spans: list[tuple[int, int | None]], tool_ms: float) -> None:
    call = talking()
    facts: list[tuple[int, int, Event]] = []
    for number, (begin, end) in enumerate(spans):
        facts.append((begin, 0, ToolRequested(ONE, ToolCallId(f"t{number}"), "any", "{}")))
        if end is not None:
            facts.append((end, 1, ToolFinished(ToolCallId(f"t{number}"), ToolStatus.OK, "1")))
    for ms, _, fact in sorted(facts, key=lambda fact: fact[:2]):
        call.at(ms, fact)
    assert fold_turns(call.lines)[0].tool_ms == tool_ms


def test_tools_that_nobody_waits_for_any_more() -> None:
    call = talking()
    call.at(100, ToolRequested(ONE, T1, "slow", "{}"), ToolRequested(ONE, T2, "slower", "{}"))
    call.at(300, ToolRequested(ONE, ToolCallId("end"), END_CALL, "{}"))
    call.at(400, ToolFinished(T1, ToolStatus.OK, "1"))
    one, two = fold_turns(call.lines)[0].tools
    assert (one.status, one.duration_ms, one.result) == (CANCELLED, 200.0, "")
    assert (two.status, two.duration_ms) == (CANCELLED, 200.0)
    running = talking()
    running.at(100, ToolRequested(ONE, T1, "slow", "{}"))
    (use,) = fold_turns(running.lines)[0].tools
    assert (use.status, use.duration_ms) == ("", None)


def test_an_interrupted_turn_and_the_stale_audio_after_it() -> None:
    """Stale audio was generated, though the core ignores it."""
    call = talking()
    call.hear(0, 1300)
    talks(call, 500, 1000, 1300)
    call.at(1400, ResponseStarted(ONE, R1), said(R1, 1000))
    call.at(1900, played(R1, 400), CallerSpeechStarted(ONE, samples(1850)), said(R1, 100))
    call.at(1910, stopped(R1, 410), said(R1, 100))
    call.at(1950, played(R1, 1000))  # ignored: it was stopped
    first, second = fold_turns(call.lines)[1:]
    assert first.interrupted
    assert not second.interrupted
    assert (first.generated, first.played) == (9600, 3280)
    assert first.heard_share == pytest.approx(410 / 1200)
    assert first.reply_ms == 1200.0
    assert (second.generated, second.first_audio_ms, second.heard_share) == (0, None, None)


def test_talk_that_goes_on_before_a_reply_is_one_turn() -> None:
    call = talking()
    call.hear(0, 3000)
    call.at(3000, CallerSpeechStarted(ONE, samples(500)), CallerSpeechStopped(ONE, samples(1000)))
    call.at(3000, CallerTranscribed(ONE, "I want", final=True))
    call.at(3000, CallerSpeechStarted(ONE, samples(1500)), CallerSpeechStopped(ONE, samples(2500)))
    call.at(3000, CallerTranscribed(ONE, "a car.", final=True), CallerTranscribed(ONE, "", final=True))
    call.at(3100, *whole(R1, 100))
    turns = fold_turns(call.lines)
    assert len(turns) == 2
    assert turns[1].caller == ["I want", "a car."]
    assert turns[1].first_audio_ms == 600.0


def test_talk_after_a_reply_was_begun_is_the_next_turn() -> None:
    """Even if nothing of the reply was made: the caller did not let it."""
    call = talking()
    call.hear(0, 3000)
    call.at(3000, CallerSpeechStarted(ONE, samples(500)), CallerSpeechStopped(ONE, samples(1000)))
    call.at(3010, ResponseStarted(ONE, R1))
    call.at(3020, CallerSpeechStarted(ONE, samples(3000)))
    first, second = fold_turns(call.lines)[1:]
    assert (first.first_audio_ms, first.interrupted) == (None, True)
    assert second.speech_ended_us is None


def test_a_typed_turn_counts_from_the_typing() -> None:
    call = talking()
    call.at(1000, CallerText("opening hours"))
    call.at(1040, *whole(R1, 100))
    (turn,) = fold_turns(call.lines)[1:]
    assert (turn.caller, turn.first_audio_ms) == (["opening hours"], 40.0)


def test_the_greeting_is_turn_nothing() -> None:
    call = talking(plan(greeting="Hello."))
    call.at(200, *whole(GREETING, 500), AgentText(ONE, GREETING, "Hello.", Samples(0)))
    call.at(700, played(GREETING, 500))
    (turn,) = fold_turns(call.lines)
    assert (turn.number, turn.agent, turn.caller, turn.first_audio_ms) == (0, ["Hello."], [], None)
    assert (turn.reply_ms, turn.heard_share) == (500.0, 1.0)


def test_two_replies_of_one_turn() -> None:
    """Something said while a tool runs counts as the answer's first audio: it is what the caller hears."""
    call = talking()
    call.at(1000, CallerText("go on"))
    call.at(1100, *whole(R1, 300))
    call.at(1500, played(R1, 300), *whole(R2, 500))
    call.at(1800, played(R2, 200))
    (turn,) = fold_turns(call.lines)[1:]
    assert turn.first_audio_ms == 100.0
    assert (turn.reply_ms, turn.heard_share) == (800.0, 0.625)


def test_an_answer_into_the_callers_speech_is_below_nothing() -> None:
    call = talking()
    call.hear(0, 1000)
    call.at(1000, CallerSpeechStarted(ONE, samples(500)), ResponseStarted(ONE, R1), said(R1, 100))
    call.hear(1000, 1500)
    call.at(1500, CallerSpeechStopped(ONE, samples(1400)))
    assert fold_turns(call.lines)[1].first_audio_ms == -400.0


def test_a_channel_cannot_have_played_more_than_it_got() -> None:
    call = talking()
    call.at(1000, CallerText("go on"))
    call.at(1100, ResponseStarted(ONE, R1), said(R1, 300), played(R1, 10**6), played(R1, 100))
    call.at(1200, said(R1, 300), played(R1, 450))
    (turn,) = fold_turns(call.lines)[1:]
    assert (turn.generated, turn.played) == (4800, 3600)


def test_what_the_core_ignored_changes_nothing() -> None:
    call = talking()
    call.hear(0, 1300)
    talks(call, 500, 1000, 1300)
    call.at(1400, *whole(R1, 500))
    call.at(2000, played(R1, 500))
    before = fold_turns(call.lines)
    ignored = len(call.lines)
    call.at(2000, CallerSpeechStopped(ONE, samples(1300)), ResponseStarted(ONE, R1), CONNECTED, CallStarted(plan()))
    call.at(2000, CallerSpeechStarted(TWO, Samples(0)), CallerTranscribed(TWO, "late", final=True), ModelReady(ONE))
    call.at(2000, AgentAudio(ONE, R2, audio(20)), AgentText(ONE, R2, "never begun", Samples(0)))
    call.at(2000, ToolFinished(T1, ToolStatus.OK, "1"), stopped(R1, 100), ResponseFinished(ONE, R1))
    assert len(call.lines) == ignored + 2 * 12
    assert fold_turns(call.lines) == before


def test_after_the_end_nothing_counts() -> None:
    call = busy_call()
    before = fold_turns(call.lines)
    call.at(9000, CallerAudio(audio(20)), CallerText("hello?"), CallerSpeechStarted(ONE, Samples(0)))
    assert fold_turns(call.lines) == before


def test_a_call_without_a_caller() -> None:
    call = RecordedCall()
    call.at(0, CallStarted(plan()), ModelReady(ONE))
    call.at(60_000)
    (turn,) = fold_turns(call.lines)
    assert (turn.rate_hz, turn.reply_ms, turn.heard_share, turn.tool_ms) == (0, 0.0, None, 0.0)


def test_a_call_that_never_started() -> None:
    assert fold_turns([]) == []
    call = RecordedCall()
    call.at(0, CallerSpeechStopped(ONE, Samples(0)), CONNECTED, CallerText("hello?"), StopRequested("enough"))
    assert fold_turns(call.lines) == []


def test_a_crash_at_any_line_leaves_turns() -> None:
    lines = busy_call().lines
    longest = 0
    for kept in range(len(lines) + 1):
        turns = fold_turns(lines[:kept])
        assert len(turns) >= longest
        longest = len(turns)
    assert longest == 4


def test_folding_twice_gives_the_same() -> None:
    lines = busy_call().lines
    assert fold_turns(lines) == fold_turns(iter(lines))


def test_the_turns_add_up_to_the_call() -> None:
    """Also for a caller who is gone before the last of it."""
    call = busy_call()
    unfinished = talking()
    unfinished.at(100, CallerText("go on"), *whole(R1, 400))
    unfinished.at(300, played(R1, 150), CallerHungUp())
    for lines in (call.lines, unfinished.lines):
        turns = fold_turns(lines)
        values = [line.value for line in lines]
        heard: dict[str, int] = {}
        for value in values:
            if isinstance(value, PlayoutProgress | PlayoutStopped):
                heard[value.response] = max(heard.get(value.response, 0), value.played)
        assert sum(turn.generated for turn in turns) == sum(
            v.audio.samples for v in values if isinstance(v, AgentAudio)
        )
        assert sum(turn.played for turn in turns) == sum(heard.values())
        assert sum(turn.played for turn in turns) <= sum(v.audio.samples for v in values if isinstance(v, Play))
        assert [turn.number for turn in turns] == list(range(len(turns)))


def test_audio_of_no_length_moves_nothing() -> None:
    call = talking()
    call.at(20, CallerAudio(Audio(b"")), CallerAudio(audio(20)))
    call.at(40, CallerAudio(Audio(b"")), CallerAudio(audio(20)))
    call.at(60, CallerSpeechStarted(ONE, Samples(0)), CallerSpeechStopped(ONE, samples(20)))
    assert fold_turns(call.lines)[1].speech_ended_us == 20_000
