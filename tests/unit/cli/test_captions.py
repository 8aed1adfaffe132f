from __future__ import annotations

import io
import json
from collections.abc import Iterable

import pytest

from vivavoce.cli.captions import SLOW_TOOL_US, Captions, Loading, call_in_words
from vivavoce.cli.terminal import Terminal
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerConnected,
    CallerText,
    CallerTranscribed,
    CloseCall,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    Instant,
    ModelLost,
    ModelReady,
    OpenModel,
    ResponseId,
    RunTool,
    Samples,
    SwapModel,
    SwapMoment,
    TimePassed,
    ToolCallId,
    ToolFinished,
    ToolStatus,
    Truncate,
)

ONE = ConnectionId(1)
R1 = ResponseId("r1")
T1 = ToolCallId("t1")
Seen = Iterable[tuple[float, Event | Effect]]


def shown(seen: Seen, *, width: int = 60, terminal: bool = True) -> list[str]:
    output = Terminal()
    output.file = io.StringIO()
    output._force_terminal = terminal
    output._color_system = None
    output.width = width
    captions = Captions(output)
    for at_s, value in seen:
        captions(Instant(round(at_s * 1_000_000)), value)
    return [line.rstrip() for line in output.file.getvalue().splitlines()]


def test_long_words_hang_under_themselves() -> None:
    said = CallerTranscribed(ONE, "could I get a table for four in the garden tonight", final=True)
    assert shown([(1.5, said)], width=48) == [
        "   1.50 s  caller  could I get a table for four",
        "                   in the garden tonight",
    ]


def test_sentences_of_one_response_are_one_caption() -> None:
    seen: Seen = [
        (1.0, AgentText(ONE, R1, "Yes.", Samples(0))),
        (1.1, AgentText(ONE, R1, "We have two.", Samples(900))),
        (2.0, AgentText(ONE, ResponseId("r2"), "Anything else?", Samples(0))),
    ]
    assert shown(seen, width=90) == [
        "   1.00 s  agent   Yes.",
        "                   We have two.",
        "   2.00 s  agent   Anything else?",
    ]


def test_in_a_file_every_line_stands_alone_and_whole() -> None:
    seen: Seen = [
        (1.0, AgentText(ONE, R1, "word " * 30, Samples(0))),
        (1.1, AgentText(ONE, R1, "Two.", Samples(900))),
    ]
    first, second = shown(seen, terminal=False)
    assert first.endswith("word word")
    assert len(first) > 150
    assert second == "   1.10 s  agent   Two."


def test_partial_and_empty_transcripts_are_not_shown() -> None:
    assert shown([(1, CallerTranscribed(ONE, "may", final=False)), (2, CallerTranscribed(ONE, "", final=True))]) == []


def test_typed_words_are_marked() -> None:
    assert shown([(1, CallerText("hello"))]) == ["   1.00 s  caller  (typed) hello"]


def test_barge_in_says_how_much_was_heard() -> None:
    seen: list[tuple[float, Event | Effect]] = [
        (0, CallerConnected("wav", 8_000)),
        (1, AgentAudio(ONE, R1, Audio(b"", 20_000))),
        (1, AgentAudio(ONE, R1, Audio(b"", 12_000))),
    ]
    cut = shown([*seen, (3, Truncate(ONE, R1, Samples(10_400), "A basic service"))], width=100)
    assert cut == ["   3.00 s  cut     the caller cuts in, having heard 1.3 s of 4.0 s: A basic service"]
    (nothing,) = shown([*seen, (3, Truncate(ONE, R1, Samples(0), ""))], width=100)
    assert nothing.endswith("having heard 0.0 s of 4.0 s, no whole word")


def test_quick_tool_is_one_line() -> None:
    seen: Seen = [
        (1, RunTool(T1, "find_cars", '{"body_style": "estate", "max_price": 25000}')),
        (1.002, ToolFinished(T1, ToolStatus.OK, '{"count": 2}')),
    ]
    assert shown(seen, width=90) == ['   1.00 s  tool    find_cars(body_style="estate", max_price=25000) → ok, 2 ms']


def test_slow_tool_is_announced_once_before_it_is_done() -> None:
    late_s = SLOW_TOOL_US / 1_000_000
    seen: Seen = [
        (1, RunTool(T1, "ask", "{}")),
        (1 + late_s, TimePassed()),
        (1.5 + late_s, TimePassed()),
        (3 + late_s, ToolFinished(T1, ToolStatus.TIMED_OUT, '{"error":{"message":"no answer within 3 seconds."}}')),
    ]
    assert shown(seen, width=90) == [
        "   2.00 s  tool    ask() is running",
        "   4.00 s  tool    ask() → timed out, 3000 ms: no answer within 3 seconds.",
    ]


def test_an_unknown_tools_end_is_nothing_to_show() -> None:
    assert shown([(1, ToolFinished(T1, ToolStatus.OK, "{}"))]) == []


@pytest.mark.parametrize("result", ["no json", "[]", "{}", '{"error": "plain"}'])
def test_a_failure_in_another_form_is_shown_as_it_is(result: str) -> None:
    seen: Seen = [(1, RunTool(T1, "ask", "{}")), (1, ToolFinished(T1, ToolStatus.FAILED, result))]
    assert shown(seen) == [f"   1.00 s  tool    ask() → failed, 0 ms: {result}"]


def test_a_lost_model_and_the_end_of_the_call() -> None:
    seen: Seen = [(1, ModelLost(ONE, "gone")), (2, CloseCall(Disposition.TOO_LONG, "15 minutes"))]
    assert shown(seen) == ["   1.00 s  call    the model is lost: gone", "   2.00 s  call    too long: 15 minutes"]


def test_callers_cannot_steer_the_terminal() -> None:
    (line,) = shown([(1, CallerTranscribed(ONE, "\x1b]0;evil\x07[bold]hi", final=True))])
    assert "\x1b" not in line
    assert line.endswith("[bold]hi")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{}", "f()"),
        ('{"a": "x", "b": null, "c": [1, 2]}', 'f(a="x", b=null, c=[1, 2])'),
        (json.dumps({"text": "y" * 100}), f'f(text="{"y" * 38}…)'),
        ("not json", "f(not json)"),
        ("[1]", "f([1])"),
    ],
)
def test_a_tool_call_is_written_as_people_write_one(arguments: str, words: str) -> None:
    assert call_in_words("f", arguments) == words


def test_loading_shows_while_a_model_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Spying(Terminal):
        def working(self, what: str):  # type: ignore[no-untyped-def]
            shown.append(what)
            return super().working(what)

    with Loading(Spying(quiet=True)) as loading:
        loading(Instant(0), TimePassed())
        assert shown == []
        loading(Instant(0), OpenModel(ONE, 0))
        assert len(shown) == 1
        loading(Instant(1), ModelReady(ONE))
        loading(Instant(2), OpenModel(ConnectionId(2), 1))
        assert len(shown) == 2


def test_what_is_said_to_have_been_said_is_not_shown_again() -> None:
    words = AgentText(ONE, R1, "Good morning.", Samples(0))
    later = AgentText(ONE, R1, "Good morning.", Samples(0), final=True)
    assert shown([(1.0, words), (3.0, later)]) == ["   1.00 s  agent   Good morning."]


def test_a_session_that_takes_over_is_told() -> None:
    swap = SwapModel(ConnectionId(2), ONE, SwapMoment.TURN_END, Samples(0), Samples(0))
    assert shown([(360.0, swap)], width=80) == [" 360.00 s  call    another model session takes over: turn end"]


def test_why_the_last_model_was_lost_is_told_once() -> None:
    seen: Seen = [(1.0, ModelLost(ONE, "no route")), (1.0, CloseCall(Disposition.MODEL_LOST, "no route"))]
    assert shown(seen, width=90) == [
        "   1.00 s  call    the model is lost: no route",
        "   1.00 s  call    model lost: there is no other to go on with",
    ]
    other = CloseCall(Disposition.MODEL_LOST, "no model was ready in time")
    assert shown([(30.0, other)]) == ["  30.00 s  call    model lost: no model was ready in time"]


def test_why_a_session_was_given_up_is_told_where_nothing_else_told_it() -> None:
    swap = SwapModel(ConnectionId(2), ONE, SwapMoment.RECOVERY, Samples(0), Samples(0), "it said nothing for 10 s")
    told = "  30.00 s  call    another model session takes over: recovery"
    assert shown([(30.0, swap)], width=100) == [f"{told} (it said nothing for 10 s)"]
    lost = ModelLost(ONE, "it said nothing for 10 s")
    assert shown([(30.0, lost), (30.0, swap)], width=100)[1] == told
