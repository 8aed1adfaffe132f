"""What the caller noticed of a swap, worked out by hand. The rate is 8000 Hz."""

from __future__ import annotations

import pytest

from tests.unit.core.scenario import CONNECTED, ONE, R1, R2, T1, TWO, plan, played, said, samples, whole
from tests.unit.timeline.recorded import RecordedCall
from vivavoce.events import (
    AgentText,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallStarted,
    ConnectionId,
    ModelLost,
    ModelReady,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    SwapMoment,
    ToolFinished,
    ToolRequested,
    ToolStatus,
)
from vivavoce.ledger.swaps import Swap, UsualWaits, fold_swaps
from vivavoce.ledger.turns import fold_turns


def talking(lifetime_ms: int = 0) -> RecordedCall:
    call = RecordedCall()
    call.at(0, CallStarted(plan(silence_limit_ms=500_000)), CONNECTED, ModelReady(ONE, lifetime_us=lifetime_ms * 1000))
    return call


def exchange(call: RecordedCall, begin_ms: int, connection: ConnectionId, response: ResponseId, wait_ms: int) -> None:
    """The caller speaks for a second from ``begin_ms`` on, and is answered ``wait_ms`` later with half a second."""
    begin = samples(begin_ms)
    call.at(begin_ms, CallerSpeechStarted(connection, begin, takes_turn=False))
    call.hear(begin_ms, begin_ms + 1_000)
    call.at(begin_ms + 1_000, CallerSpeechStopped(connection, samples(begin_ms + 1_000)))
    answer = begin_ms + 1_000 + wait_ms
    call.hear(begin_ms + 1_000, answer)
    call.at(answer, ResponseStarted(connection, response), said(response, 500, connection))
    call.at(answer, ResponseFinished(connection, response))
    call.at(answer + 500, played(response, 500))


def swaps(call: RecordedCall) -> list[Swap]:
    return fold_swaps(call.lines, fold_turns(call.lines))


def test_a_call_without_a_swap_has_none() -> None:
    call = talking()
    call.at(1_000, *whole(R1, 500))
    assert swaps(call) == []


def test_a_swap_in_silence_is_not_noticed() -> None:
    call = talking(100_000)
    call.hear(0, 10_000)
    call.at(75_100, ModelReady(TWO))
    (swap,) = swaps(call)
    assert (swap.moment, swap.owed, swap.gap_ms, swap.lost_ms) == (SwapMoment.TURN_END, False, 0.0, 0.0)
    assert swap.replayed_ms == pytest.approx(600, abs=20)


def test_an_answer_that_a_swap_held_up_counts_what_it_took_longer_than_others() -> None:
    call = talking()
    call.hear(0, 1_000)
    exchange(call, 1_000, ONE, R1, wait_ms=1_000)
    call.hear(3_000, 4_000)
    call.at(4_000, CallerSpeechStarted(ONE, samples(4_000), takes_turn=False))
    call.hear(4_000, 5_000)
    call.at(5_000, CallerSpeechStopped(ONE, samples(5_000)), ModelLost(ONE, "reset"))
    call.at(5_400, ModelReady(TWO))
    call.at(6_700, *(ResponseStarted(TWO, R2), said(R2, 500, TWO)))
    (swap,) = swaps(call)
    assert (swap.moment, swap.reason, swap.owed) == (SwapMoment.RECOVERY, "reset", True)
    assert swap.gap_ms == 700.0


def test_the_time_of_a_tool_is_no_gap() -> None:
    call = talking()
    call.hear(0, 1_000)
    exchange(call, 1_000, ONE, R1, wait_ms=1_000)
    call.hear(3_000, 4_000)
    call.at(4_000, CallerSpeechStarted(ONE, samples(4_000), takes_turn=False))
    call.hear(4_000, 5_000)
    call.at(5_000, CallerSpeechStopped(ONE, samples(5_000)))
    call.at(5_500, ToolRequested(ONE, T1, "find", "{}"), ModelLost(ONE, "reset"))
    call.at(5_600, ModelReady(TWO))
    call.at(8_500, ToolFinished(T1, ToolStatus.OK, "1"))
    call.at(9_000, ResponseStarted(TWO, R2), said(R2, 500, TWO))
    (swap,) = swaps(call)
    assert swap.gap_ms is None, "there is no other answer with a tool to compare with"
    usual = UsualWaits()
    other = talking()
    other.at(1_000, CallerSpeechStarted(ONE, samples(0)))
    other.hear(1_000, 2_000)
    other.at(2_000, CallerSpeechStopped(ONE, samples(1_000)))
    other.at(2_400, ToolRequested(ONE, T1, "find", "{}"), ToolFinished(T1, ToolStatus.OK, "1"), *whole(R1, 500))
    usual.add(other.lines, fold_turns(other.lines))
    (swap,) = fold_swaps(call.lines, fold_turns(call.lines), usual)
    assert swap.gap_ms == 600.0, "a second without the tool's three, against 0.4 s"


def test_a_reply_that_was_broken_off_counts_until_it_goes_on() -> None:
    call = talking()
    call.at(1_000, ResponseStarted(ONE, R1), AgentText(ONE, R1, "It is", samples(0)), said(R1, 400))
    call.at(1_100, ModelLost(ONE, "reset"))
    call.at(1_300, ModelReady(TWO))
    call.at(2_000, ResponseStarted(TWO, R2), said(R2, 400, TWO))
    (swap,) = swaps(call)
    assert (swap.owed, swap.gap_ms) == (True, 600.0)


def test_what_was_never_answered_has_no_gap_to_tell() -> None:
    call = talking()
    call.at(1_000, CallerSpeechStarted(ONE, samples(0), takes_turn=False))
    call.hear(1_000, 2_000)
    call.at(2_000, CallerSpeechStopped(ONE, samples(1_000)), ModelLost(ONE, "reset"))
    call.at(2_300, ModelReady(TWO))
    (swap,) = swaps(call)
    assert (swap.owed, swap.gap_ms) == (True, None)


def test_a_position_that_a_new_session_tells_is_found_in_what_was_replayed_to_it() -> None:
    call = talking()
    call.hear(0, 4_000)
    call.at(4_000, CallerSpeechStarted(ONE, samples(4_000), takes_turn=False))
    call.hear(4_000, 5_000)
    call.at(5_000, ModelLost(ONE, "reset"))
    call.at(5_300, ModelReady(TWO))
    replayed = sum(swap.replayed_ms for swap in swaps(call))
    call.at(5_400, CallerSpeechStarted(TWO, samples(0)), CallerSpeechStopped(TWO, samples(int(replayed))))
    assert fold_turns(call.lines)[-1].speech_ended_us == 5_000_000
