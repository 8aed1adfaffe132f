"""What a client puts into the conversation, and the replies it asks for."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.unit.wire.realtime.line import ONE, A, B, Line, kinds, the
from vivavoce.events import (
    Audio,
    CallerAudio,
    CallerInterrupted,
    CallerSpeechStarted,
    CallerText,
    CancelTool,
    CloseCall,
    Disposition,
    Flush,
    HistoryRevised,
    PastTurn,
    ReplyRequested,
    ResponseStarted,
    RunTool,
    Samples,
    Speaker,
    ToolCallId,
    UsageReported,
)
from vivavoce.wire.realtime.actions import AnswerTool, AskAside, Revise

LOOK = {"tools": [{"type": "function", "name": "look"}]}


def caller(text: str) -> PastTurn:
    return PastTurn(Speaker.CALLER, text)


def agent(text: str) -> PastTurn:
    return PastTurn(Speaker.AGENT, text)


class TestItems:
    def test_an_item_is_added_and_done_under_the_client_s_id(self) -> None:
        line = Line()
        events = line.write("hello", item={"id": "mine"})
        assert kinds(events) == ["conversation.item.added", "conversation.item.done"]
        assert events[0]["item"]["id"] == "mine"
        assert events[0]["previous_item_id"] is None
        assert line.write("more")[0]["previous_item_id"] == "mine"

    def test_an_id_is_used_once(self) -> None:
        line = Line()
        line.write("hello", item={"id": "mine"})
        line.write("again", item={"id": "mine"}, event_id="e1")
        assert (line.error["code"], line.error["event_id"]) == ("item_create_duplicate_item_id", "e1")

    def test_places(self) -> None:
        line = Line()
        line.write("one", item={"id": "one"})
        line.write("three", item={"id": "three"})
        assert line.write("two", item={"id": "two"}, previous_item_id="one")[0]["previous_item_id"] == "one"
        assert line.write("zero", item={"id": "zero"}, previous_item_id="root")[0]["previous_item_id"] is None
        assert [item.id for item in line.front._parts.conversation.items] == ["zero", "one", "two", "three"]
        line.write("x", previous_item_id="nowhere")
        assert line.error["code"] == "item_create_invalid_previous_item_id"

    def test_one_that_is_shown_and_one_that_is_gone(self) -> None:
        line = Line()
        line.write("hello", item={"id": "mine"})
        shown = the(line.say("conversation.item.retrieve", item_id="mine"), "conversation.item.retrieved")["item"]
        assert shown["content"] == [{"type": "input_text", "text": "hello"}]
        assert line.say("conversation.item.delete", item_id="mine")[0]["item_id"] == "mine"
        line.say("conversation.item.retrieve", item_id="mine")
        assert line.error["code"] == "item_retrieve_invalid_item_id"
        line.say("conversation.item.delete", item_id="mine")
        assert line.error["code"] == "item_delete_invalid_item_id"

    def test_what_was_said_and_is_deleted_was_not_said(self) -> None:
        line = Line()
        item = the(line.caller_speaks("my number is 5"), "conversation.item.added")["item"]["id"]
        line.caller_speaks("hello", at_s=1)
        line.say("conversation.item.delete", item_id=item)
        assert line.emitted == [HistoryRevised((caller("hello"),))]

    @pytest.mark.parametrize(
        ("item", "code", "param"),
        [
            ({}, "missing_required_parameter", "item.type"),
            ({"type": "mcp_call"}, "invalid_value", "item.type"),
            ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
            ({"type": "message", "role": "user", "content": "x"}, "invalid_type", "item.content"),
            ({"type": "message", "role": "robot", "content": []}, "invalid_value", "item.role"),
            ({"type": "message", "role": "user", "content": ["x"]}, "invalid_type", "item.content[0]"),
            (
                {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}]},
                "invalid_value",
                "item.content[0].type",
            ),
            (
                {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "x"}]},
                "invalid_value",
                "item.content[0].type",
            ),
            (
                {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "#"}]},
                "invalid_value",
                "item.content[0].audio",
            ),
            ({"type": "function_call_output", "call_id": "x", "output": "1"}, "invalid_tool_call_id", "item.call_id"),
            ({"type": "function_call_output", "call_id": "x"}, "missing_required_parameter", "item.output"),
            (
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 200_001}]},
                "string_above_max_length",
                "item",
            ),
            ({"type": "message", "id": "x" * 300, "role": "user", "content": []}, "invalid_value", "item.id"),
            ({"type": "message", "id": 5, "role": "user", "content": []}, "invalid_type", "item.id"),
        ],
    )
    def test_what_is_no_item(self, item: dict[str, Any], code: str, param: str) -> None:
        line = Line()
        line.say("conversation.item.create", item=item)
        assert (line.error["code"], line.error["param"]) == (code, param)

    def test_a_transcript_of_earlier_calls_may_hold_tool_calls(self) -> None:
        line = Line()
        call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
        line.say("conversation.item.create", item=call)
        output = {"type": "function_call_output", "call_id": "c1", "output": "1"}
        assert kinds(line.say("conversation.item.create", item=output)) == [
            "conversation.item.added",
            "conversation.item.done",
        ]
        assert line.say("response.create") == []
        assert line.emitted == [ReplyRequested("")]


class TestReplies:
    def test_unasked(self) -> None:
        line = Line()
        line.say("response.create", response={"instructions": "Say hi."})
        assert line.emitted == [ReplyRequested("Say hi.")]

    def test_to_what_was_written(self) -> None:
        line = Line()
        line.write("one")
        line.write("two")
        line.say("response.create")
        assert line.emitted == [CallerText("one\ntwo")]
        line.see(ResponseStarted(ONE, A))
        line.agent_ends()
        line.say("response.create")
        assert line.emitted == [ReplyRequested("")]  # it was answered

    def test_to_what_the_system_says(self) -> None:
        line = Line()
        line.write("The caller is Ada.", role="system")
        line.say("response.create", response={"instructions": "Greet."})
        assert line.emitted == [ReplyRequested("The caller is Ada.\n\nGreet.")]

    def test_words_with_instructions_to_them(self) -> None:
        line = Line()
        line.write("hello")
        line.say("response.create", response={"instructions": "Be brief."})
        assert line.emitted == [CallerText("hello\n\n[Be brief.]")]

    def test_history_before_the_words(self) -> None:
        line = Line()
        line.write("Hi.", role="user")
        line.write("Good day.", role="assistant")
        line.write("What now?")
        line.say("response.create")
        assert line.emitted == [HistoryRevised((caller("Hi."), agent("Good day."))), CallerText("What now?")]

    def test_to_audio_in_an_item(self) -> None:
        line = Line()
        part = {"type": "input_audio", "audio": base64.b64encode(bytes(9_600)).decode(), "transcript": None}
        line.say("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
        assert line.emitted == []
        line.say("response.create")
        assert all(isinstance(event, CallerAudio) for event in line.emitted)
        samples = sum(event.audio.samples for event in line.emitted if isinstance(event, CallerAudio))
        assert samples == 4_800 + 36_000

    def test_one_at_a_time(self) -> None:
        line = Line()
        line.say("response.create")
        line.say("response.create", event_id="e1")
        assert line.error["code"] == "conversation_already_has_active_response"
        assert line.error["event_id"] == "e1"
        line.agent_begins()
        line.say("response.create")
        assert line.error["code"] == "conversation_already_has_active_response"
        line.agent_ends()
        assert line.say("response.create") == []

    def test_the_metadata_comes_back(self) -> None:
        line = Line()
        line.say("response.create", response={"metadata": {"client_event_id": "7"}})
        events = line.agent_begins() + line.agent_ends()
        assert the(events, "response.created")["response"]["metadata"] == {"client_event_id": "7"}
        assert the(events, "response.done")["response"]["metadata"] == {"client_event_id": "7"}
        line.agent_begins(B)
        assert the(line.agent_ends(B), "response.done")["response"]["metadata"] is None

    def test_words_for_this_reply_alone(self) -> None:
        line = Line()
        line.say("response.create", response={"output_modalities": ["text"]})
        assert "response.output_text.delta" in kinds(line.agent_begins())
        line.agent_ends()
        assert "response.output_audio.delta" in kinds(line.agent_begins(B))

    def test_a_model_that_never_answers(self) -> None:
        line = Line()
        line.say("response.create", response={"metadata": {"k": "v"}})
        line.wait_until(29)
        assert line.sent == []
        line.wait_until(31)
        assert line.kinds == ["response.created", "response.done"]
        response = line.sent[1]["response"]
        assert response["status"] == "failed"
        assert response["status_details"]["error"]["code"] == "no_response"
        assert response["metadata"] == {"k": "v"}

    @pytest.mark.parametrize(
        ("response", "param"),
        [
            ({"modalities": ["text"]}, "response.modalities"),
            ({"input": []}, "response.input"),
            ({"conversation": "other"}, "response.conversation"),
            ({"metadata": {"k": 1}}, "response.metadata"),
            ({"metadata": {"k": "x" * 600}}, "response.metadata"),
            ({"max_output_tokens": 5}, "response.max_output_tokens"),
            ({"tools": [{"type": "mcp"}]}, "response.tools[0].type"),
            ({"conversation": "none", "tool_choice": "required"}, "response.tools"),
            ({"tools": [{"type": "function", "name": "another"}]}, "response.tools[0].name"),
            ({"tool_choice": {"type": "function", "name": "x"}}, "response.tool_choice.name"),
            ({"prompt": {"id": "x"}}, "response.prompt"),
            ({"audio": {"output": {"voice": "nobody"}}}, "response.audio.output.voice"),
            ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, "response.audio.output.format"),
            ({"conversation": "none", "input": [{"type": "item_reference", "id": "x"}]}, "response.input[0].id"),
        ],
    )
    def test_what_no_reply_can_have(self, response: dict[str, Any], param: str) -> None:
        line = Line()
        line.say("response.create", response=response)
        assert line.error["param"] == param
        assert line.say("response.create") == []  # and none is waited for

    def test_what_a_client_says_again_of_its_session(self) -> None:
        line = Line(LOOK)
        output = {"voice": "ash", "format": {"type": "audio/pcm", "rate": 24_000}}
        again = {"audio": {"output": output}, "max_output_tokens": "inf", "conversation": "auto", **LOOK}
        assert line.say("response.create", response=again) == []

    @pytest.mark.parametrize(
        ("response", "told"),
        [
            ({}, ""),
            ({"tool_choice": "auto"}, ""),
            ({"tool_choice": "none"}, "Call no tool for this reply."),
            ({"tools": []}, "Call no tool for this reply."),
            ({"tools": [{"name": "look"}]}, "Call no other tools than these for this reply: look."),
            ({"tool_choice": "required"}, "Call a tool for this reply."),
            (
                {"tool_choice": {"type": "function", "name": "dial"}, "instructions": "Dial."},
                "Dial.\n\nCall the tool dial for this reply.",
            ),
        ],
    )
    def test_tools_for_this_reply_alone_are_told_to_the_model(self, response: dict[str, Any], told: str) -> None:
        line = Line({"tools": [{"name": "look"}, {"name": "dial"}]})
        line.say("response.create", response=response)
        assert line.emitted == [ReplyRequested(told)]


class TestCancelling:
    def test_the_call_is_told_and_the_response_is_cancelled(self) -> None:
        line = Line()
        line.agent_begins()
        line.say("response.cancel")
        assert line.emitted == [CallerInterrupted()]
        done = the(line.see(CallerInterrupted(), Flush(A)), "response.done")["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}

    def test_none_to_cancel(self) -> None:
        line = Line()
        line.say("response.cancel")
        assert line.error["code"] == "response_cancel_not_active"
        assert line.error["message"].startswith("Cancellation failed")
        line.agent_begins()
        line.say("response.cancel", response_id="resp_other")
        assert line.error["code"] == "response_cancel_not_active"

    def test_one_that_was_just_broken_off(self) -> None:
        line = Line()
        response = the(line.agent_begins(), "response.created")["response"]["id"]
        line.see(CallerSpeechStarted(ONE, Samples(0)), Flush(A))
        assert line.say("response.cancel") == []
        assert line.say("response.cancel", response_id=response) == []
        assert line.emitted == []
        line.wait_until(3)
        line.say("response.cancel")
        assert line.error["code"] == "response_cancel_not_active"

    def test_one_that_has_not_begun_never_does(self) -> None:
        line = Line()
        line.say("response.create")
        assert kinds(line.say("response.cancel")) == ["response.created", "response.done"]
        assert line.agent_begins() == []
        assert line.emitted == [CallerInterrupted()]
        assert line.see(CallerInterrupted(), Flush(A)) == []
        assert kinds(line.agent_begins(B))[0] == "response.created"

    def test_clearing_the_output_is_stopping_it(self) -> None:
        line = Line()
        assert line.say("output_audio_buffer.clear") == []
        assert line.emitted == []
        line.agent_begins()
        line.agent_ends()
        line.say("output_audio_buffer.clear")
        assert line.emitted == [CallerInterrupted()]


class TestHistory:
    def test_words_that_nobody_answers_are_told_when_the_caller_speaks(self) -> None:
        line = Line()
        line.write("I am Ada.")
        line.write("Good day, Ada.", role="assistant")
        assert line.emitted == []
        line.caller_speaks()
        assert line.emitted == [HistoryRevised((caller("I am Ada."), agent("Good day, Ada.")))]
        line.caller_speaks(at_s=2)
        assert line.emitted == []

    def test_what_the_system_says_stands_beside_the_instructions(self) -> None:
        line = Line()
        line.write("The caller is in Rome.", role="system")
        line.caller_speaks()
        (revise,) = line.wanted(Revise)
        assert revise.configuration.notes == ("The caller is in Rome.",)
        line.update({"instructions": "x"})
        assert line.front.configuration.notes == ("The caller is in Rome.",)

    def test_what_the_system_said_may_be_taken_back(self) -> None:
        line = Line()
        line.write("The caller is in Rome.", role="system", item={"id": "note"})
        line.caller_speaks()
        line.say("conversation.item.delete", item_id="note")
        (revise,) = line.wanted(Revise)
        assert revise.configuration.notes == ()

    def test_a_reply_asked_for_with_a_new_history(self) -> None:
        line = Line()
        line.caller_speaks("Hello.")
        line.write("Earlier.", previous_item_id="root")
        line.say("response.create")
        assert line.emitted == [HistoryRevised((caller("Earlier."), caller("Hello."))), ReplyRequested("")]


class TestTools:
    def called(self, line: Line) -> str:
        events = line.see(RunTool(ToolCallId("up"), "look", "{}"))
        call_id: str = the(events, "conversation.item.added")["item"]["call_id"]
        return call_id

    def answer(self, line: Line, call_id: str) -> None:
        item = {"type": "function_call_output", "call_id": call_id, "output": '{"ok":true}'}
        line.say("conversation.item.create", item=item)

    def test_an_output_waits_for_the_word(self) -> None:
        line = Line(LOOK)
        self.answer(line, self.called(line))
        assert not line.wanted(AnswerTool)
        line.say("response.create", response={"metadata": {"k": "v"}})
        assert line.wanted(AnswerTool) == [AnswerTool(ToolCallId("up"), '{"ok":true}')]
        assert line.emitted == []
        assert the(line.agent_begins(), "response.created")["response"]["metadata"] == {"k": "v"}

    def test_it_may_come_while_the_agent_still_talks(self) -> None:
        line = Line(LOOK)
        line.agent_begins()
        self.answer(line, self.called(line))
        assert line.say("response.create") == []
        assert line.wanted(AnswerTool)

    def test_a_caller_who_speaks_is_a_word_too(self) -> None:
        line = Line(LOOK)
        self.answer(line, self.called(line))
        line.see(CallerSpeechStarted(ONE, Samples(0)))
        assert line.wanted(AnswerTool)
        line.say("response.create")
        assert not line.wanted(AnswerTool)

    def test_one_that_is_taken_back_and_one_that_is_refused(self) -> None:
        line = Line(LOOK)
        call_id = self.called(line)
        output = {"id": "mine", "type": "function_call_output", "call_id": call_id, "output": "1"}
        line.say("conversation.item.create", item=output)
        line.say("conversation.item.delete", item_id="mine")
        line.say("conversation.item.create", item=output, previous_item_id="nowhere")
        assert line.error["code"] == "item_create_invalid_previous_item_id"
        line.say("response.create")
        assert not line.wanted(AnswerTool)

    def test_one_that_nobody_waits_for_is_only_kept(self) -> None:
        line = Line(LOOK)
        call_id = self.called(line)
        line.see(CancelTool(ToolCallId("up")))
        self.answer(line, call_id)
        assert line.kinds == ["conversation.item.added", "conversation.item.done"]
        line.say("response.create")
        assert not line.wanted(AnswerTool)


class TestAsides:
    def ask(self, line: Line, **response: Any) -> str:
        events = line.say("response.create", response={"conversation": "none", **response})
        response_id: str = the(events, "response.created")["response"]["id"]
        return response_id

    def test_beside_a_reply_of_the_call(self) -> None:
        line = Line()
        line.caller_speaks("Hello.")
        line.agent_begins()
        aside = self.ask(line, metadata={"topic": "x"}, instructions="Sum up.", output_modalities=["text"])
        (asked,) = line.wanted(AskAside)
        assert asked.aside.id == aside
        assert asked.aside.turns[0] == caller("Hello.")
        assert (asked.aside.prompt, asked.aside.instructions) == ("", "Sum up.")
        line.actions = [
            *line.front.aside_text(aside, "All is well.", line.now),
            *line.front.aside_done(aside, None, line.now),
        ]
        assert line.kinds == [
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        done = line.sent[-1]["response"]
        assert (done["conversation_id"], done["metadata"]) == (None, {"topic": "x"})
        assert len(line.front._parts.conversation.items) == 2

    def test_other_input(self) -> None:
        line = Line()
        said = the(line.caller_speaks("Hello."), "conversation.item.added")["item"]["id"]
        question = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Polite?"}]}
        note = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Judge."}]}
        self.ask(line, input=[note, {"type": "item_reference", "id": said}, question])
        (asked,) = line.wanted(AskAside)
        assert (asked.aside.turns, asked.aside.prompt) == ((caller("Hello."),), "Polite?")
        assert asked.aside.instructions == "Judge."

    def test_one_may_be_cancelled_and_one_may_fail(self) -> None:
        line = Line()
        first, second = self.ask(line), self.ask(line)
        done = the(line.say("response.cancel", response_id=first), "response.done")["response"]
        assert done["status"] == "cancelled"
        line.actions = line.front.aside_failed(second, "no model", line.now)
        assert line.sent[0]["response"]["status_details"]["error"]["message"] == "no model"
        assert line.front.aside_text(second, "late", line.now) == []

    def test_one_that_is_spoken(self) -> None:
        line = Line()
        aside = self.ask(line)
        line.actions = [
            *line.front.aside_text(aside, "Yes.", line.now),
            *line.front.aside_audio(aside, Audio(bytes(960)), line.now),
            *line.front.aside_done(aside, UsageReported(ONE, 1, 2, 3, 4), line.now),
        ]
        assert "response.output_audio.delta" in line.kinds
        assert line.sent[-1]["response"]["usage"]["total_tokens"] == 10

    def test_what_is_being_made_when_the_call_ends_has_failed(self) -> None:
        line = Line()
        self.ask(line)
        done = the(line.see(CloseCall(Disposition.COMPLETED, "bye")), "response.done")["response"]
        assert done["status"] == "failed"

    def test_four_at_a_time(self) -> None:
        line = Line()
        for _ in range(4):
            self.ask(line)
        line.say("response.create", response={"conversation": "none"})
        assert line.error["code"] == "rate_limit_exceeded"
