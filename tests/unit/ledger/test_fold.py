"""Records of calls whose figures were worked out by hand. Each is folded live, from lines and from bytes."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.unit.core.scenario import ONE, R1, R2, R3, T1, T2, TWO, audio, plan, samples
from tests.unit.ledger.told import Told
from tests.unit.timeline.recorded import HEADER, as_bytes, busy_call
from vivavoce.errors import TimelineError
from vivavoce.events import (
    GREETING,
    AgentAudio,
    AgentRevised,
    AgentText,
    AudioLost,
    CallerAudio,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallPlan,
    ChannelLost,
    ConnectionId,
    Disposition,
    Evidence,
    Flush,
    ForwardText,
    Ignore,
    ModelLost,
    OpenModel,
    Recall,
    ReplayAudio,
    ResponseAudible,
    ResponseStarted,
    RunTool,
    Samples,
    SwapModel,
    SwapMoment,
    TokenCounts,
    ToolFinished,
    ToolPlan,
    ToolStatus,
    UsageReported,
)
from vivavoce.ledger.fold import LedgerFold, fold_bytes, fold_call
from vivavoce.ledger.record import Basis, SwapRecord, ToolRecord, TurnKind, UsageGap, UsageRecord, summed
from vivavoce.timeline.read import Timeline, parse_timeline
from vivavoce.timeline.schema import Line


def swapped(moment: SwapMoment, replayed_ms: int = 0, lost: str = "") -> SwapModel:
    return SwapModel(TWO, ONE, moment, samples(replayed_ms), Samples(0), lost)


def answered_once() -> Told:
    """The caller talks from 500 to 2000 ms, and is answered at 2600 with a second."""
    call = Told()
    call.talks(500, 2_000)
    call.at(2_150, CallerTranscribed(ONE, "What does it cost?", final=True))
    call.hear(2_600)
    call.says(2_600, R1, 1_000, "Nine thousand.")
    call.hear(3_700)
    call.plays(2_680, R1, 60)
    call.plays(3_640, R1, 1_000)
    return call


def test_the_callers_first_turn() -> None:
    call = answered_once()
    call.ends(5_000)
    record = call.record
    _, turn = record.turns
    assert (turn.number, turn.kind, turn.model, turn.connection) == (1, TurnKind.FIRST, "first", 1)
    assert (turn.began_us, turn.speech_ended_us, turn.forwarded_us) == (600_000, 2_000_000, 2_000_000)
    assert (turn.first_byte_us, turn.first_sent_us, turn.first_played_us) == (2_600_000, 2_600_000, 2_620_000)
    assert (turn.events_ms, turn.model_ms, turn.server_ms) == (600.0, 600.0, 0.0)
    assert (turn.played_ms, turn.silence_us, turn.evidence) == (None, None, "paced")
    assert (turn.generated_samples, turn.played_samples, turn.interrupted) == (8_000, 8_000, False)
    assert (turn.forwarded_samples, turn.voiced_samples) == (3_100 * 8, 1_500 * 8)
    assert (turn.caller, turn.agent, turn.heard) == ("What does it cost?", "Nine thousand.", "Nine thousand.")
    assert (record.disposition, record.reason, record.torn) == ("completed", "the caller hung up", False)
    assert (record.channel, record.rate_hz, record.duration_us) == ("phone", 8_000, 5_000_000)
    assert (record.connected_us, record.answered_us) == (0, 2_600_000)
    assert (record.models, record.sessions) == (("first", "second"), ((1, "first"),))
    assert (record.call, record.opened, record.agent, record.version) == (
        HEADER.call, HEADER.opened, HEADER.agent, HEADER.vivavoce
    )  # fmt: skip


def test_a_greeting_and_a_clean_turn() -> None:
    call = Told(plan(greeting="Hello."))
    call.says(100, GREETING, 400, "Hello.")
    call.plays(520, GREETING, 400)
    call.at(1_000, CallerText("hi"))
    call.says(1_200, R1, 100)
    call.talks(2_000, 3_000)
    call.says(3_400, R2, 100)
    call.ends(4_000)
    record = call.record
    assert [turn.kind for turn in record.turns] == [TurnKind.OPENING, TurnKind.FIRST, TurnKind.CLEAN]
    assert [turn.events_ms for turn in record.turns] == [None, 200.0, 400.0]
    assert (record.answered_us, record.turns[0].agent) == (100_000, "Hello.")


def test_silence_before_the_first_sound_is_told_apart() -> None:
    call = Told()
    call.at(1_000, CallerText("hello?"))
    call.at(1_400, ResponseStarted(ONE, R1), ResponseAudible(ONE, R1, samples(150)))
    call.says(1_400, R1, 500)
    call.plays(1_500, R1, 60, Evidence.RTP)
    call.plays(1_900, R1, 440, Evidence.RTP)
    (_, turn) = call.record.turns
    assert (turn.first_sent_us, turn.first_played_us, turn.silence_us) == (1_400_000, 1_440_000, 150_000)
    assert (turn.latency_ms(Basis.EVENTS), turn.latency_ms(Basis.PLAYED)) == (400.0, 590.0)
    assert (turn.latency_ms(Basis.AUDIO), turn.evidence) == (None, "rtp")


@pytest.mark.parametrize("evidence", list(Evidence))
def test_playing_cannot_have_begun_before_it_was_sent(evidence: Evidence) -> None:
    """A device that tells 200 ms when only 100 ms have gone by."""
    call = Told()
    call.at(1_000, CallerText("hello?"))
    call.says(1_400, R1, 500)
    call.plays(1_420, R1, 0, evidence)
    call.plays(1_500, R1, 200, evidence)
    (_, turn) = call.record.turns
    assert (turn.first_played_us, turn.evidence) == (1_400_000, evidence.value)


def test_a_reply_that_was_stopped_before_it_was_heard() -> None:
    """The channel knows: nothing was played, by its word."""
    call = Told()
    call.at(1_000, CallerText("hello?"))
    call.says(1_400, R1, 500, "Good morning.")
    call.at(1_405, Flush(R1))
    call.stops(1_410, R1, 0)
    (_, turn) = call.record.turns
    assert (turn.first_played_us, turn.evidence, turn.played_samples, turn.heard) == (None, "paced", 0, "")


def test_a_turn_with_a_tool() -> None:
    """From 2300 to 2900, of which all is after the caller's end."""
    call = Told(CallPlan(agent="a", models=("m",), tools=(ToolPlan(name="find", price=2_500_000),)))
    call.talks(500, 2_000)
    call.at(2_300, RunTool(T1, "find", "{}"))
    call.at(2_900, ToolFinished(T1, ToolStatus.OK, "1"))
    call.says(3_300, R1, 100)
    (_, turn) = call.record.turns
    assert (turn.kind, turn.tool_us, turn.events_ms, turn.model_ms) == (TurnKind.TOOL, 600_000, 1_300.0, 700.0)
    assert turn.tools == (
        ToolRecord(name="find", status="ok", started_us=2_300_000, finished_us=2_900_000, price=Decimal("0.0025")),
    )


def test_a_tool_has_the_price_that_was_declared_when_it_was_run() -> None:
    call = Told(CallPlan(agent="a", models=("m",), tools=(ToolPlan(name="find", price=2),)))
    call.talks(500, 2_000)
    call.at(2_300, RunTool(T1, "find", "{}"), ToolFinished(T1, ToolStatus.OK, "1"))
    call.at(2_500, AgentRevised("model", (ToolPlan(name="find", price=7),)), RunTool(T2, "find", "{}"))
    call.says(3_300, R1, 100)
    tools = call.record.turns[1].tools
    assert [tool.price for tool in tools] == [Decimal("2E-9"), Decimal("7E-9")]


def test_tools_that_overlap_and_reach_beyond_the_wait() -> None:
    """1900 to 2400 counts from the end at 2000; 2200 to 2500 adds 100; 2800 to the answer at 3000 adds 200."""
    call = Told()
    call.talks(500, 1_800)
    call.at(1_900, RunTool(T1, "one", "{}"))
    call.talks(1_900, 2_000)
    call.at(2_200, RunTool(T2, "two", "{}"))
    call.at(2_400, ToolFinished(T1, ToolStatus.OK, "1"))
    call.at(2_500, ToolFinished(T2, ToolStatus.TIMED_OUT, "{}"))
    call.at(2_800, RunTool(T1, "three", "{}"))
    call.says(3_000, R1, 100)
    call.at(3_400, ToolFinished(T1, ToolStatus.FAILED, "{}"))
    record = call.record
    (_, turn) = record.turns
    assert (turn.speech_ended_us, turn.tool_us, turn.model_ms) == (2_000_000, 700_000, 300.0)
    assert record.errors == ("tool two: timed_out", "tool three: failed")
    assert (record.tool_calls, [tool.price for tool in turn.tools]) == (3, [None] * 3)


def test_a_caller_who_cuts_in() -> None:
    call = answered_once()
    call.talks(3_700, 4_200)
    call.says(4_600, R2, 2_000, "It has four doors and a towbar.")
    call.plays(4_700, R2, 80)
    call.hear(5_600)
    call.at(5_600, UsageReported(ONE, speech_in=40, speech_out=90))
    call.hear(5_700)
    call.talks(5_600, 6_000)
    call.lines.insert(-5, Line(0, 5_700_000, Flush(R2)))  # right after the caller's begin was noticed
    call.lines = [Line(number, line.at, line.value) for number, line in enumerate(call.lines)]
    call.stops(6_120, R2, 1_000)
    call.at(6_130, UsageReported(ONE, speech_in=5, speech_out=60))
    call.says(6_500, R3, 100)
    record = call.record
    _, _, cut, cutting = record.turns
    assert (cut.kind, cut.interrupted) == (TurnKind.CLEAN, True)
    assert (cutting.kind, cutting.interrupted) == (TurnKind.INTERRUPTED, False)
    assert (cut.generated_samples, cut.played_samples) == (16_000, 8_000)
    assert (cut.agent, cut.heard) == ("It has four doors and a towbar.", "It has four")
    assert record.barge_ins == 1
    assert record.usage == (
        UsageRecord(turn=2, connection=1, model="first", tokens=TokenCounts(speech_in=40, speech_out=150)),
        UsageRecord(turn=3, connection=1, model="first", tokens=TokenCounts(speech_in=5)),
    )


def test_a_session_that_took_over_as_planned() -> None:
    """Its first answer is of its own kind; what it read until the caller's next turn, it was told again."""
    call = answered_once()
    call.at(3_700, OpenModel(TWO, 0), UsageReported(TWO, text_in=900))
    call.hear(4_000)
    call.at(4_000, swapped(SwapMoment.TURN_END, 500), Recall(TWO, ()))
    for _ in range(25):
        call.at(4_000, ReplayAudio(TWO, audio(20)))
    call.hear(4_500, TWO)
    call.at(4_500, UsageReported(TWO, speech_in=80, text_in=100))
    call.at(5_000, CallerText("and blue?"), ForwardText(TWO, "and blue?"))
    call.at(5_100, UsageReported(TWO, speech_in=30, text_in=4, speech_out=7))
    call.says(5_500, R2, 100, connection=TWO)
    call.at(6_000, CallerText("and red?"))
    call.says(6_300, R3, 100, connection=TWO)
    call.ends(7_000)
    record = call.record
    assert [turn.kind for turn in record.turns[1:]] == [TurnKind.FIRST, TurnKind.RENEWAL, TurnKind.CLEAN]
    assert (record.turns[2].connection, record.turns[2].forwarded_us) == (2, 5_000_000)
    assert record.turns[1].forwarded_samples == 3_900 * 8, "what was replayed is not counted twice"
    told, new = record.usage
    assert (told.turn, told.tokens) == (1, TokenCounts(speech_in=80, text_in=1_000))
    assert told.renewal == TokenCounts(speech_in=40, text_in=1_000), "500 of its 1000 ms of sound were replayed"
    assert (new.turn, new.tokens, new.renewal) == (2, TokenCounts(30, 7, 4, 0), TokenCounts())
    assert record.swaps == (SwapRecord(at_us=4_000_000, connection=2, old=1, moment="turn_end", gap_ms=0.0),)
    assert record.sessions == ((1, "first"), (2, "first"))


def test_a_session_that_was_lost_while_the_caller_waited() -> None:
    call = answered_once()
    call.talks(3_800, 4_400)
    call.at(4_800, ModelLost(ONE, "reset by peer"), OpenModel(TWO, 1))
    call.at(5_200, swapped(SwapMoment.RECOVERY, lost="reset by peer"))
    call.says(6_400, R2, 100, connection=TWO)
    call.at(7_000, CallerText("and red?"))
    call.says(7_300, R3, 100, connection=TWO)
    record = call.record
    assert [turn.kind for turn in record.turns[1:]] == [TurnKind.FIRST, TurnKind.FAILOVER, TurnKind.CLEAN]
    assert (record.turns[2].model, record.turns[2].events_ms) == ("second", 2_000.0)
    assert record.errors == ("reset by peer",)
    assert [swap.gap_ms for swap in record.swaps] == [1_550.0], "against the median of 600 and 300 ms"


def test_a_session_of_another_model_that_took_over_as_planned() -> None:
    call = answered_once()
    call.at(3_700, OpenModel(TWO, 1), swapped(SwapMoment.SILENCE))
    call.at(5_000, CallerText("and blue?"))
    call.says(5_500, R2, 100, connection=TWO)
    assert [turn.kind for turn in call.record.turns[1:]] == [TurnKind.FIRST, TurnKind.FAILOVER]


def test_an_answer_after_a_session_was_lost_between_turns() -> None:
    """Nobody waited, but it is the first that the new one gives."""
    call = answered_once()
    call.at(3_700, ModelLost(ONE, "reset"), OpenModel(TWO, 0), swapped(SwapMoment.RECOVERY))
    call.at(5_000, CallerText("and blue?"))
    call.says(5_500, R2, 100, connection=TWO)
    call.at(6_000, CallerText("and red?"))
    call.says(6_300, R3, 100, connection=TWO)
    assert [turn.kind for turn in call.record.turns[2:]] == [TurnKind.FAILOVER, TurnKind.CLEAN]


def test_a_spare_that_is_lost_is_nothing_to_the_caller() -> None:
    call = Told()
    call.at(900, OpenModel(TWO, 0))
    call.at(1_000, CallerText("hello?"), ModelLost(TWO, "refused"))
    call.says(1_400, R1, 100)
    record = call.record
    assert record.turns[1].kind is TurnKind.FIRST
    assert record.errors == ("refused",)


def test_a_typed_turn_counts_from_the_typing() -> None:
    call = Told()
    call.at(1_000, CallerText("opening hours"))
    call.at(1_150, ForwardText(ONE, "opening hours"))
    call.says(1_500, R1, 100)
    (_, turn) = call.record.turns
    assert (turn.began_us, turn.speech_ended_us, turn.forwarded_us) == (1_000_000, 1_000_000, 1_150_000)
    assert (turn.events_ms, turn.model_ms, turn.server_ms, turn.caller) == (500.0, 350.0, 150.0, "opening hours")


def test_words_that_come_when_the_next_turn_has_begun() -> None:
    call = Told()
    call.talks(500, 1_000)
    call.says(1_500, R1, 100)
    call.hear(2_000)
    call.talks(2_000, 2_500)
    call.lines = [line for line in call.lines if line.at < 2_600_000]
    call.at(2_600, CallerTranscribed(ONE, "the first", final=True))
    call.at(2_700, CallerTranscribed(ONE, "the second", final=True))
    assert [turn.caller for turn in call.record.turns] == ["", "the first", "the second"]


def test_audio_that_waited_was_passed_on_later() -> None:
    call = Told()
    for end_ms in range(20, 1_001, 20):
        call.at(end_ms, CallerAudio(audio(20)))
    call.at(1_300, SwapModel(TWO, ONE, SwapMoment.RECOVERY, samples(0), samples(0)))
    call.at(1_300, AudioLost(ONE, samples(40)))
    call.at(1_300, Ignore("CallerAudio", "too much waits", samples(200)))
    call.heard_ms = 200
    lines = len(call.lines)
    call.hear(1_000, TWO)
    call.lines[lines:] = [Line(lines + n, 1_300_000, line.value) for n, line in enumerate(call.lines[lines + 1 :: 2])]
    call.talks(1_000, 1_200, TWO)
    call.lines.pop()
    call.at(1_310, CallerSpeechStopped(TWO, samples(600)))
    call.says(1_500, R1, 100, connection=TWO)
    record = call.record
    turn = record.turns[1]
    assert (turn.speech_ended_us, turn.forwarded_us, turn.server_ms) == (800_000, 1_300_000, 500.0)
    assert record.audio_lost_samples == 320


def test_a_torn_call() -> None:
    call = answered_once()
    call.at(4_000, ChannelLost("the wire broke"))
    raw = as_bytes(call.lines)
    record = fold_bytes(raw + b'[9999,4000000,{"type":"Close')
    assert record == call.record
    assert (record.torn, record.disposition, record.duration_us) == (True, "", 4_000_000)
    assert record.errors == ("the wire broke",)
    assert record == fold_call(parse_timeline(raw + b"[1"))


def test_a_total_that_is_not_the_sum() -> None:
    call = Told()
    call.at(1_000, UsageReported(ONE, speech_in=10, text_out=2, total=TokenCounts(10, 0, 0, 2)))
    call.at(1_500, OpenModel(TWO, 1), UsageReported(TWO, speech_in=4, total=TokenCounts(4)))
    call.at(2_000, UsageReported(ONE, speech_in=10, text_out=2, total=TokenCounts(23, 0, 0, 4)))
    record = call.record
    assert record.usage_gaps == (
        UsageGap(connection=1, model="first", summed=TokenCounts(20, 0, 0, 4), total=TokenCounts(23, 0, 0, 4)),
    )
    assert record.tokens == TokenCounts(24, 0, 0, 4)


def test_tokens_of_a_session_that_does_not_count_any_more_are_paid_for() -> None:
    call = Told()
    call.at(1_000, UsageReported(ConnectionId(7), speech_in=3), Ignore("UsageReported", "old"))
    (usage,) = call.record.usage
    assert (usage.connection, usage.model, usage.tokens) == (7, "", TokenCounts(3))


def test_words_are_heard_as_far_as_they_were_played() -> None:
    """A piece that was played in part gives its share of whole words; what the model says after the fact counts."""
    call = Told()
    call.at(1_000, CallerText("hello?"))
    call.says(1_400, R1, 1_000, "one two")
    call.at(1_400, AgentText(ONE, R1, "three four", samples(500)))
    call.at(1_450, AgentText(ONE, R1, "three for", samples(500), final=True))
    call.plays(2_200, R1, 800)
    (_, turn) = call.record.turns
    assert (turn.agent, turn.heard) == ("one two three four", "one two three")


def test_turns_are_handed_out_once_when_they_are_settled() -> None:
    """Of the greeting nobody says when it was heard: the turn after the next settles it."""
    live, taken = LedgerFold(HEADER), []
    call = Told(plan(greeting="Hello."))
    call.says(100, GREETING, 400)
    call.at(1_000, CallerText("one"))
    call.says(1_200, R1, 500)
    call.at(1_250, CallerText("two"))
    call.at(1_260, Flush(R1))
    call.stops(1_300, R1, 40)
    call.ends(2_000)
    for line in call.lines:
        live.add(line.at, line.value)
        taken += [(line.at // 1_000, turn) for turn in live.take_settled()]
    assert live.take_settled() == []
    record = live.finish()
    assert [(ms, turn.number) for ms, turn in taken] == [(1_260, 0), (2_000, 1), (2_000, 2)]
    assert live.take_settled() == []
    assert [turn.latency_ms(basis) for _, turn in taken for basis in Basis] == [
        turn.latency_ms(basis) for turn in record.turns for basis in Basis
    ]
    assert [turn.kind for _, turn in taken] == [turn.kind for turn in record.turns]


def test_sums_of_turns_equal_the_call() -> None:
    call = busy_call()
    record = fold_call(call.timeline)
    values = [line.value for line in call.lines]
    assert record.tokens == summed(usage.tokens for usage in record.usage) == TokenCounts(40, 50)
    assert record.tool_calls == sum(isinstance(value, RunTool) for value in values)
    made = sum(value.audio.samples for value in values if isinstance(value, AgentAudio))
    assert sum(turn.generated_samples for turn in record.turns) == made
    assert record.disposition == Disposition.COMPLETED


def test_a_call_that_never_started() -> None:
    record = fold_call(Timeline(HEADER, ()))
    assert (record.turns, record.torn, record.duration_us) == ((), True, 0)
    assert fold_bytes(as_bytes([])) == record


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no header\n",
        as_bytes([])[:-1],
        as_bytes(Told().lines) + b"\n",
        as_bytes(Told().lines) + b'[9,0,{"type":"TimePassed"}]\n',
        as_bytes(Told().lines) + b'[4,0,{"type":"CallerAudio","audio":-1}]\n',
        as_bytes(Told().lines) + b'[4,0,{"type":"CallerAudio","audio":1.0}]\n',
        as_bytes(Told().lines) + b'[4,0,{"type":"TimePassed"}] [5,0,{"type":"TimePassed"}]\n',
        as_bytes(Told().lines) + b'[4,0,\n{"type":"TimePassed"}]\n',
        as_bytes(Told().lines) + b'[4,0,{"type":"Unheard"}]\n',
    ],
)
def test_what_cannot_be_read_cannot_be_folded(damage: bytes) -> None:
    with pytest.raises(TimelineError) as read:
        parse_timeline(damage)
    with pytest.raises(TimelineError) as fold:
        fold_bytes(damage)
    assert str(fold.value) == str(read.value)


def test_a_line_of_a_later_version_with_more_to_it_is_read() -> None:
    raw = as_bytes(Told().lines) + b'[4,20000,{"type":"CallerAudio","audio":160,"new":1},"more"]\n'
    assert fold_bytes(raw) == fold_call(parse_timeline(raw))


def test_a_call_on_another_clock_has_no_latencies() -> None:
    lines = tuple(answered_once().lines)
    usual, quicker = (fold_call(Timeline(msgspec.structs.replace(HEADER, speed=speed), lines)) for speed in (1.0, 4.0))
    assert [turn.events_ms for turn in usual.turns] == [None, 600]
    assert [turn.events_ms for turn in quicker.turns] == [None, None]
    assert (quicker.speed, quicker.duration_us) == (4, usual.duration_us)
