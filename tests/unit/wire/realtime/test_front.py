"""A session as a whole: how it begins and ends, and the turns between."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.unit.wire.realtime.line import OFFER, ONE, A, B, Line, kinds, seconds, the
from vivavoce.events import (
    GREETING,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    CloseCall,
    CloseModel,
    ConnectionId,
    Disposition,
    Evidence,
    Flush,
    ModelLost,
    OpenModel,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ReplyRequested,
    ResponseFinished,
    ResponseStarted,
    Samples,
    SwapModel,
    SwapMoment,
    Truncate,
    UsageReported,
)
from vivavoce.wire.realtime.actions import Begin, Close, Revise
from vivavoce.wire.realtime.configuration import AudioOver
from vivavoce.wire.realtime.front import Front

TWO = ConnectionId(2)


def new_front() -> Front:
    numbers = itertools.count(1)
    return Front(OFFER, lambda kind: f"{kind}_{next(numbers)}", audio_over=AudioOver.EVENTS)


def begun(actions: list[object]) -> list[Begin]:
    return [action for action in actions if isinstance(action, Begin)]


class TestBeginning:
    def test_the_session_is_told_at_once_and_the_call_waits(self) -> None:
        front = new_front()
        (created,) = front.open(seconds(0))
        assert b'"session.created"' in created.data  # type: ignore[union-attr]
        assert front.deadline == seconds(0.15)

    def test_a_first_update_is_applied_before_the_call(self) -> None:
        front = new_front()
        front.open(seconds(0))
        update = {"type": "session.update", "session": {"type": "realtime", "instructions": "x"}}
        (updated,) = front.receive(json.dumps(update), seconds(0.05))
        assert b'"session.updated"' in updated.data  # type: ignore[union-attr]
        assert front.deadline == seconds(0.08)
        (begin,) = front.time_passed(seconds(0.08))
        assert isinstance(begin, Begin)
        assert begin.configuration.instructions == "x"
        assert front.deadline is None

    def test_several_updates_begin_one_call(self) -> None:
        front = new_front()
        front.open(seconds(0))
        for at_s, instructions in ((0.05, "x"), (0.06, "y")):
            update = {"type": "session.update", "session": {"type": "realtime", "instructions": instructions}}
            assert not begun([*front.receive(json.dumps(update), seconds(at_s))])
        (begin,) = front.time_passed(seconds(0.08))
        assert isinstance(begin, Begin)
        assert begin.configuration.instructions == "y"

    def test_an_update_that_is_refused_does_not_begin_it(self) -> None:
        front = new_front()
        front.open(seconds(0))
        assert not begun([*front.receive('{"type":"session.update","session":{}}', seconds(0.05))])
        assert begun([*front.time_passed(seconds(0.15))])

    def test_an_update_of_the_tracing_alone_does_not_begin_it(self) -> None:
        front = new_front()
        front.open(seconds(0))
        update = {"type": "session.update", "session": {"type": "realtime", "tracing": "auto"}}
        assert not begun([*front.receive(json.dumps(update), seconds(0.05))])
        assert begun([*front.time_passed(seconds(0.15))])

    def test_any_other_event_begins_it(self) -> None:
        front = new_front()
        front.open(seconds(0))
        begin, *_ = front.receive('{"type":"input_audio_buffer.clear"}', seconds(0.05))
        assert isinstance(begin, Begin)
        assert begin.rate_hz == 24_000

    def test_the_telephone_s_rate_where_both_ways_have_it(self) -> None:
        law = {"format": {"type": "audio/pcmu"}}
        line = Line({"audio": {"input": law, "output": law}})
        assert line.front._parts.rate_hz == 8_000

    def test_a_later_update_revises_only_what_a_model_knows(self) -> None:
        line = Line()
        line.update({"tracing": "auto", "model": "hotel"})
        assert not line.wanted(Revise)
        line.update({"instructions": "x"})
        (revise,) = line.wanted(Revise)
        assert revise.configuration.instructions == "x"


class TestSpokenTurn:
    def test_the_events_come_in_openai_s_order(self) -> None:
        line = Line({"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
        events = line.caller_speaks("hello there")
        events += line.agent_begins()
        events += line.agent_ends()
        assert kinds(events) == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            *["response.output_audio.delta"] * 5,
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]

    def test_one_item_id_all_through_the_caller_s_turn(self) -> None:
        line = Line()
        events = line.caller_speaks()
        names = {event.get("item_id") or event["item"]["id"] for event in events}
        assert len(names) == 1
        assert the(events, "conversation.item.added")["item"]["content"] == [
            {"type": "input_audio", "transcript": None}
        ]

    def test_no_transcript_is_told_unless_it_was_asked_for(self) -> None:
        line = Line()
        assert "input_audio_transcription" not in str(line.caller_speaks("hello"))
        (item,) = line.front._parts.conversation.items
        assert item.text == "hello"

    def test_the_greeting_is_a_response_like_any_other(self) -> None:
        line = Line()
        line.say("response.create", response={"metadata": {"mine": "1"}})
        created = the(line.see(ResponseStarted(ONE, GREETING)), "response.created")
        assert created["response"]["metadata"] is None  # the client's comes after it
        created = the(line.agent_begins(A), "response.created")
        assert created["response"]["metadata"] == {"mine": "1"}

    def test_what_the_model_used_is_told_once(self) -> None:
        line = Line()
        line.see(UsageReported(ONE, 10, 20, 3, 4), UsageReported(ONE, 1, 2, 0, 0))
        line.agent_begins()
        usage = the(line.agent_ends(), "response.done")["response"]["usage"]
        assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (14, 26, 40)
        assert usage["input_token_details"]["audio_tokens"] == 11
        line.agent_begins(B)
        assert the(line.agent_ends(B), "response.done")["response"]["usage"]["total_tokens"] == 0


class TestBargeIn:
    def test_what_was_open_is_closed_as_incomplete(self) -> None:
        line = Line()
        line.agent_begins(text="good day to you")
        events = line.see(CallerSpeechStarted(ONE, Samples(0)), Flush(A), CancelResponse(ONE, A))
        assert kinds(events)[-2:] == ["response.output_item.done", "response.done"]
        done = the(events, "response.done")["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert done["output"][0]["status"] == "incomplete"
        assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "good day to you"}]

    def test_audio_that_comes_too_late_is_not_told(self) -> None:
        line = Line()
        line.agent_begins()
        line.see(CallerSpeechStarted(ONE, Samples(0)), Flush(A))
        assert line.see(Play(A, Audio(bytes(960))), AgentText(ONE, A, "x", Samples(0)), ResponseFinished(ONE, A)) == []

    def test_what_the_call_says_was_heard_is_what_the_item_says(self) -> None:
        line = Line()
        item = the(line.agent_begins(text="good day to you"), "conversation.item.added")["item"]["id"]
        line.see(Flush(A), Truncate(ONE, A, Samples(100), "good day"))
        retrieved = the(line.say("conversation.item.retrieve", item_id=item), "conversation.item.retrieved")
        assert retrieved["item"]["content"] == [{"type": "output_audio", "transcript": "good day"}]


class TestAnotherModelSession:
    def swap(self, line: Line) -> None:
        line.see(
            OpenModel(TWO, 0), SwapModel(TWO, ONE, SwapMoment.TURN_END, Samples(0), Samples(0)), ModelLost(ONE, "old")
        )

    def test_nothing_of_it_is_told(self) -> None:
        line = Line()
        self.swap(line)
        assert line.actions == []

    def test_only_the_one_that_speaks_for_the_call_is_heard(self) -> None:
        line = Line()
        self.swap(line)
        assert line.see(ResponseStarted(ONE, A), CallerSpeechStarted(ONE, Samples(0))) == []
        assert kinds(line.see(ResponseStarted(TWO, A))) == ["response.created"]

    def test_one_that_replaces_a_lost_one_before_it_was_ready(self) -> None:
        line = Line()
        line.see(ModelLost(ONE, "gone"), OpenModel(TWO, 0))
        assert kinds(line.see(ResponseStarted(TWO, A))) == ["response.created"]

    def test_one_that_a_revision_closed_before_it_was_ready(self) -> None:
        line = Line()
        line.see(CloseModel(ONE), OpenModel(TWO, 0))
        assert kinds(line.see(ResponseStarted(TWO, A))) == ["response.created"]

    def test_what_it_hears_again_is_no_second_turn(self) -> None:
        line = Line({"audio": {"input": {"transcription": {"model": "x"}}}})
        line.caller_speaks("hello", length_s=1)
        self.swap(line)
        line.see(ReplayAudio(TWO, Audio(bytes(48_000))))
        again = (
            CallerSpeechStarted(TWO, Samples(100)),
            CallerSpeechStopped(TWO, Samples(20_000)),
            CallerTranscribed(TWO, "hello", final=True),
        )
        assert line.see(*again) == []

    def test_a_reply_that_was_left_behind_is_done(self) -> None:
        line = Line()
        line.agent_begins()
        self.swap(line)
        events = line.see(ResponseStarted(TWO, B))
        assert the(events, "response.done")["response"]["status"] == "completed"
        assert kinds(events)[-1] == "response.created"


IDLE = {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}}


class TestIdle:
    def test_it_counts_from_the_end_of_what_is_heard(self) -> None:
        line = Line(IDLE)
        line.agent_begins(length_s=2)
        line.agent_ends()
        line.wait_until(6.9)
        assert line.sent == []
        line.wait_until(7.1)
        assert line.kinds == [
            "input_audio_buffer.timeout_triggered",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        assert ReplyRequested("") in line.emitted

    def test_it_comes_once_until_the_agent_has_spoken(self) -> None:
        line = Line(IDLE)
        line.wait_until(20)
        assert line.sent == []  # it has never spoken
        line.agent_begins(length_s=0.1)
        line.agent_ends()
        line.wait_until(26)
        assert "input_audio_buffer.timeout_triggered" in line.kinds
        line.wait_until(45)
        assert "input_audio_buffer.timeout_triggered" not in line.kinds

    def test_a_caller_who_speaks_is_not_idle(self) -> None:
        line = Line(IDLE)
        line.agent_begins(length_s=0.1)
        line.agent_ends()
        line.wait_until(4)
        line.see(CallerSpeechStarted(ONE, Samples(0)))
        line.wait_until(20)
        assert line.sent == []


class TestEnd:
    @pytest.mark.parametrize(
        ("disposition", "code", "error"),
        [
            (Disposition.COMPLETED, 1000, None),
            (Disposition.TOO_LONG, 1001, "session_expired"),
            (Disposition.STOPPED, 1001, None),
            (Disposition.MODEL_LOST, 1011, "model_unavailable"),
            (Disposition.FAILED, 1011, "internal_error"),
        ],
    )
    def test_how_a_call_ends_is_how_the_connection_closes(
        self, disposition: Disposition, code: int, error: str | None
    ) -> None:
        line = Line()
        line.see(CloseCall(disposition, "because"))
        (close,) = line.wanted(Close)
        assert close.code == code
        assert [event["error"]["code"] for event in line.sent] == ([error] if error else [])

    def test_a_reply_that_the_model_cannot_finish_has_failed(self) -> None:
        line = Line()
        line.agent_begins()
        done = the(line.see(CloseCall(Disposition.MODEL_LOST, "x")), "response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "model_unavailable"

    def test_nothing_comes_after(self) -> None:
        line = Line()
        line.see(CloseCall(Disposition.COMPLETED, "x" * 500))
        (close,) = line.wanted(Close)
        assert len(close.reason.encode()) <= 123
        assert line.say("input_audio_buffer.clear") == []
        assert line.front.deadline is None


class TestAudioBesideTheEvents:
    def test_audio_is_not_in_the_events_and_playing_is_told(self) -> None:
        line = Line(over=AudioOver.MEDIA)
        events = line.agent_begins()
        response = the(events, "response.created")["response"]["id"]
        assert "response.output_audio.delta" not in kinds(events)
        started = line.see(PlayoutProgress(A, Samples(480), Evidence.PACED))
        assert kinds(started) == ["output_audio_buffer.started"]
        assert started[0]["response_id"] == response
        line.agent_ends()
        assert line.see(PlayoutProgress(A, Samples(9_000), Evidence.PACED)) == []
        assert kinds(line.see(PlayoutProgress(A, Samples(24_000), Evidence.PACED))) == ["output_audio_buffer.stopped"]

    def test_what_is_cut_is_truncated_for_the_client(self) -> None:
        line = Line(over=AudioOver.MEDIA)
        line.agent_begins()
        line.see(PlayoutProgress(A, Samples(480), Evidence.PACED), Flush(A))
        assert line.emitted == []  # the carrier answers
        events = line.see(PlayoutStopped(A, Samples(12_000), Evidence.PACED))
        assert kinds(events) == ["output_audio_buffer.cleared", "conversation.item.truncated"]
        assert events[1]["audio_end_ms"] == 500

    def test_the_caller_s_audio_comes_beside_them_too(self) -> None:
        line = Line(over=AudioOver.MEDIA)
        line.append(bytes(960))
        assert line.error["code"] == "invalid_value"
        assert len(line.front.caller_audio(bytes(960), line.now)) == 1

    def test_a_reply_in_words_is_not_to_be_played(self) -> None:
        line = Line({"output_modalities": ["text"]}, over=AudioOver.MEDIA)
        line.agent_begins()
        assert not line.front.speaks(A)
        assert line.front.speaks(B)
