from __future__ import annotations

import base64

import pytest

from tests.unit.wire.realtime.line import ONE, A, Line, kinds, the
from vivavoce.audio.g711 import ulaw_encode
from vivavoce.events import (
    AgentText,
    Audio,
    FinishPlaying,
    Play,
    ResponseFinished,
    ResponseStarted,
    RunTool,
    Samples,
    ToolCallId,
)

LOOK = {"tools": [{"type": "function", "name": "look"}]}


def test_audio_is_cut_into_pieces_that_a_client_can_play_soon() -> None:
    line = Line()
    pcm = bytes(range(256)) * 100
    line.see(ResponseStarted(ONE, A))
    deltas = [event for event in line.see(Play(A, Audio(pcm))) if event["type"] == "response.output_audio.delta"]
    assert [len(base64.b64decode(delta["delta"])) for delta in deltas] == [9_600, 9_600, 6_400]
    assert b"".join(base64.b64decode(delta["delta"]) for delta in deltas) == pcm
    assert len({delta["event_id"] for delta in deltas}) == 3


def test_the_client_gets_the_format_it_asked_for() -> None:
    law = {"format": {"type": "audio/pcmu"}}
    line = Line({"audio": {"input": law, "output": law}})
    pcm = bytes(range(200)) * 2
    line.see(ResponseStarted(ONE, A))
    delta = the(line.see(Play(A, Audio(pcm))), "response.output_audio.delta")
    assert base64.b64decode(delta["delta"]) == ulaw_encode(pcm)


def test_another_rate_than_the_call_s_loses_no_sample() -> None:
    line = Line({"audio": {"output": {"format": {"type": "audio/pcma"}}}})
    line.see(ResponseStarted(ONE, A))
    events = line.see(*(Play(A, Audio(bytes(960))) for _ in range(10)), ResponseFinished(ONE, A))
    deltas = [base64.b64decode(event["delta"]) for event in events if event["type"] == "response.output_audio.delta"]
    assert len(b"".join(deltas)) == 1_600
    assert kinds(events).index("response.output_audio.done") > len(deltas)


def test_words_only() -> None:
    line = Line({"output_modalities": ["text"]})
    events = line.agent_begins(text="good day") + line.agent_ends()
    assert kinds(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert the(events, "response.content_part.done")["part"] == {"type": "text", "text": "good day"}
    assert the(events, "response.done")["response"]["output"][0]["content"] == [
        {"type": "output_text", "text": "good day"}
    ]


def test_a_response_of_nothing_is_done_all_the_same() -> None:
    line = Line()
    events = line.see(ResponseStarted(ONE, A), ResponseFinished(ONE, A))
    assert kinds(events) == ["response.created", "response.done"]
    assert events[1]["response"]["output"] == []


def test_pieces_of_words_are_parted() -> None:
    line = Line()
    line.see(ResponseStarted(ONE, A))
    events = line.see(*(AgentText(ONE, A, text, Samples(0)) for text in ("Good", "day.", " Yes", "?")))
    assert [event["delta"] for event in events if event["type"].endswith("delta")] == ["Good", " day.", " Yes", "?"]


def test_final_words_take_the_place_of_others_without_a_delta() -> None:
    line = Line()
    line.see(ResponseStarted(ONE, A), AgentText(ONE, A, "at ten", Samples(0)))
    events = line.see(AgentText(ONE, A, "at 10", Samples(0), final=True), ResponseFinished(ONE, A))
    assert the(events, "response.output_audio_transcript.done")["transcript"] == "at 10"
    assert "response.output_audio_transcript.delta" not in kinds(events)


def test_final_words_may_come_when_all_is_done() -> None:
    line = Line()
    item = the(line.agent_begins(text="at ten"), "conversation.item.added")["item"]["id"]
    line.agent_ends()
    assert line.see(AgentText(ONE, A, "at 10", Samples(0), final=True)) == []
    assert line.front._parts.conversation.get(item).text == "at 10"  # type: ignore[union-attr]


FUNCTION_CALL = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
]


class TestFunctionCall:
    def test_within_the_response_that_is_being_made(self) -> None:
        line = Line(LOOK)
        line.agent_begins()
        events = line.see(RunTool(ToolCallId("upstream-7"), "look", '{"x":1}'))
        assert kinds(events) == FUNCTION_CALL
        assert "upstream" not in str(events)
        assert {event.get("output_index", 1) for event in events} == {1}
        added, done = events[1]["item"], events[5]["item"]
        assert (added["status"], added["arguments"], added["name"]) == ("in_progress", "", "look")
        assert (done["status"], done["arguments"], done["call_id"]) == ("completed", '{"x":1}', added["call_id"])
        output = the(line.agent_ends(), "response.done")["response"]["output"]
        assert [item["type"] for item in output] == ["message", "function_call"]

    def test_as_a_response_of_its_own(self) -> None:
        line = Line(LOOK)
        line.say("response.create", response={"metadata": {"k": "v"}})
        events = line.see(RunTool(ToolCallId("t"), "look", "{}"))
        assert kinds(events) == ["response.created", *FUNCTION_CALL, "response.done"]
        assert events[0]["response"]["metadata"] == {"k": "v"}

    def test_the_agent_s_own_tools_are_nobody_s_business(self) -> None:
        assert Line().see(RunTool(ToolCallId("t"), "book", "{}")) == []


@pytest.mark.parametrize("again", [ResponseFinished(ONE, A), FinishPlaying(A)])
def test_done_is_said_once(again: ResponseFinished | FinishPlaying) -> None:
    line = Line()
    line.agent_begins()
    line.agent_ends()
    assert line.see(again) == []
