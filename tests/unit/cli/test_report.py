from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from vivavoce.cli.exits import Exit
from vivavoce.cli.report import Report, as_object, print_report, report_on
from vivavoce.cli.terminal import Terminal
from vivavoce.core.playout import ResponsePlayout
from vivavoce.engine.answer import AnsweredCall
from vivavoce.engine.call import CallResult
from vivavoce.engine.inbox import InboxStatistics
from vivavoce.errors import StoreFault, TimelineError
from vivavoce.events import (
    AudioLost,
    CallerConnected,
    ConnectionId,
    Disposition,
    ResponseId,
    Samples,
    SwapModel,
    SwapMoment,
)
from vivavoce.ledger.record import CallRecord
from vivavoce.ledger.turns import Reply, ToolUse, Turn
from vivavoce.timeline.read import Timeline
from vivavoce.timeline.replay import Difference, Replay
from vivavoce.timeline.schema import VERSION, Header, Line

HEADER = Header(vivavoce_timeline=VERSION, call="c1", opened="2026-03-02T09:00:00+00:00", agent="Tester", vivavoce="0")
LONG = "hello could someone bring two extra pillows up to room two one four please if you would be so kind"


def called(disposition: Disposition = Disposition.COMPLETED, store_failure: str = "") -> AnsweredCall:
    result = CallResult(disposition, "the reason", InboxStatistics(120, 7, 320))
    return AnsweredCall(
        "c1", Path("calls/c1"), None, result, store_failure, CallRecord(call="c1", opened="", agent="desk")
    )


def a_turn(number: int, caller: str, *, latency_ms: int = 480, played: int = 16_000, agent: Sequence[str] = ()) -> Turn:
    turn = Turn(number, 16_000, generated=16_000, played=played, interrupted=played < 16_000)
    turn.caller = [caller]
    turn.replies = [Reply(turn, ResponsePlayout(ResponseId("r1"), ConnectionId(1)), list(agent))]
    turn.speech_ended_us, turn.first_audio_us = 1_000_000, 1_000_000 + latency_ms * 1000
    return turn


def a_report(
    *turns: Turn,
    call: AnsweredCall | None = None,
    identical: bool = True,
    speed: float = 1.0,
    lines: tuple[Line, ...] = (),
) -> Report:
    difference = None if identical else Difference(3, None, None, None)
    return Report(call or called(), Timeline(HEADER, lines), list(turns), Replay(10, 9, difference), speed)


def printed(report: Report, width: int = 80) -> str:
    terminal = Terminal()
    terminal.file = io.StringIO()
    terminal.width = width
    print_report(terminal, report)
    return terminal.file.getvalue()


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        (Disposition.COMPLETED, Exit.OK),
        (Disposition.HANDOFF, Exit.OK),
        (Disposition.SILENCE, Exit.OK),
        (Disposition.TOO_LONG, Exit.OK),
        (Disposition.CHANNEL_LOST, Exit.PEER),
        (Disposition.MODEL_LOST, Exit.PEER),
        (Disposition.STOPPED, Exit.INTERRUPTED),
        (Disposition.FAILED, Exit.INTERNAL),
    ],
)
def test_exit_codes_of_a_call(disposition: Disposition, code: Exit) -> None:
    assert a_report(call=called(disposition)).exit == code


def test_what_was_not_kept_comes_first_and_what_does_not_replay_second() -> None:
    stopped = called(Disposition.STOPPED)
    assert a_report(call=stopped, identical=False).exit == Exit.NOT_HELD
    assert a_report(call=dataclasses.replace(stopped, store_failure="full"), identical=False).exit == Exit.STORE


def test_numbers_are_whole_at_eighty_columns() -> None:
    turn = a_turn(12, LONG, latency_ms=12_345, played=12_000)
    turn.tools = [ToolUse("f", "{}", 0, 98_765_000, "ok")]
    text = printed(a_report(a_turn(0, ""), turn))
    assert max(map(len, text.splitlines())) <= 80
    assert "  12      12345 ms   1.0 s   cut 75%   98765 ms   hello could" in text
    assert "   0        480 ms   1.0 s      100%          -   (the agent begins)" in text


def test_what_was_said_is_whole_at_any_width() -> None:
    for width in (60, 80, 120):
        text = " ".join(printed(a_report(a_turn(1, LONG)), width).split())
        assert all(word in text for word in LONG.split())


def test_at_another_speed_latency_means_nothing() -> None:
    report = a_report(a_turn(1, "hello"), speed=4.0)
    assert "4 times real time" in printed(report)
    assert "480" not in printed(report)
    assert as_object(report)["first_audio_ms"] == {"n": 0, "p50": None, "p95": None}
    assert as_object(report)["turns"][0]["first_audio_ms"] is None


def test_figures() -> None:
    report = a_report(a_turn(1, "one", latency_ms=300), a_turn(2, "two", latency_ms=500))
    assert "First audio  p50 300 ms, p95 500 ms after the end of speech, over 2 turns." in printed(report)
    assert as_object(report)["first_audio_ms"] == {"n": 2, "p50": 300.0, "p95": 500.0}


def test_a_turn_without_words_and_a_call_without_turns() -> None:
    assert "(nothing understood)" in printed(a_report(a_turn(1, "")))
    assert "turn" not in printed(a_report())


def test_what_went_wrong_is_said() -> None:
    lines = (
        Line(0, 0, CallerConnected("wav", 16_000)),
        Line(1, 0, AudioLost(ConnectionId(1), Samples(8_000))),
    )
    report = a_report(call=called(store_failure="cannot write x: full"), identical=False, lines=lines)
    text = printed(report)
    assert "500 ms of speech were dropped" in text
    assert "Replay       differs after 10 facts: see 'vivavoce replay calls/c1'" in text
    assert "Not kept     cannot write x: full" in text
    told = as_object(report)
    assert (told["audio_lost_ms"], told["replay_identical"], told["store_failure"]) == (
        500.0,
        False,
        "cannot write x: full",
    )


def test_how_the_queue_fared() -> None:
    lines = (Line(0, 0, CallerConnected("wav", 16_000)),)
    assert as_object(a_report(lines=lines))["queue"] == {"facts": 120, "peak_waiting": 7, "peak_audio_ms": 20.0}
    assert as_object(a_report())["queue"]["peak_audio_ms"] == 0.0  # nobody was ever connected


def test_a_call_of_which_nothing_was_kept(tmp_path: Path) -> None:
    nothing = dataclasses.replace(called(store_failure="cannot write x: full"), folder=tmp_path)
    with pytest.raises(StoreFault, match="nothing of this call was kept: cannot write x: full"):
        report_on(nothing)
    with pytest.raises(TimelineError):
        report_on(dataclasses.replace(nothing, store_failure=""))


def swapped(number: int, moment: SwapMoment, lost: int = 0) -> Line:
    return Line(
        number, number * 1_000_000, SwapModel(ConnectionId(2), ConnectionId(1), moment, Samples(0), Samples(lost))
    )


def test_sessions_that_took_over_are_counted_and_told() -> None:
    connected = Line(0, 0, CallerConnected("test", 16_000))
    renewed, recovered = swapped(1, SwapMoment.SILENCE), swapped(2, SwapMoment.RECOVERY, lost=160)
    report = a_report(lines=(connected, renewed, recovered))
    told = "Sessions     3: 1 renewed, 1 lost and replaced; longest gap 0 ms, caller audio lost"
    assert told in printed(report, width=120)
    assert [swap["moment"] for swap in as_object(report)["swaps"]] == ["silence", "recovery"]
    assert as_object(report)["swaps"][1]["lost_ms"] == 10.0


def test_a_call_on_one_session_does_not_speak_of_sessions() -> None:
    assert "Sessions" not in printed(a_report())
    assert as_object(a_report())["swaps"] == []
