"""Caller audio on its way in, with turns that the model detects and with turns that the client commits."""

from __future__ import annotations

from tests.unit.wire.realtime.line import ONE, A, Line, kinds, seconds, the
from vivavoce.audio.g711 import ulaw_decode
from vivavoce.events import (
    Audio,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    ForwardAudio,
    HistoryRevised,
    Ignore,
    PastTurn,
    ReplyRequested,
    ResponseStarted,
    Samples,
    Speaker,
)
from vivavoce.wire.realtime.configuration import AudioOver
from vivavoce.wire.realtime.listening import BUFFER_LIMIT_MS

MANUAL = {"audio": {"input": {"turn_detection": None, "transcription": {"model": "x"}}}}
TRANSCRIBED = {"audio": {"input": {"transcription": {"model": "x"}}}}


def heard(line: Line) -> bytes:
    """All caller audio that the call was given by the last thing done."""
    return b"".join(event.audio.pcm for event in line.emitted if isinstance(event, CallerAudio))


class TestAppend:
    def test_it_goes_on_at_once_in_short_frames_and_nobody_answers(self) -> None:
        line = Line()
        pcm = bytes(range(250)) * 48
        assert line.append(pcm) == []
        assert [event.audio.samples for event in line.emitted if isinstance(event, CallerAudio)] == [
            2_400,
            2_400,
            1_200,
        ]
        assert heard(line) == pcm

    def test_half_a_sample_waits_for_its_other_half(self) -> None:
        line = Line()
        line.append(b"\x01\x02\x03")
        assert heard(line) == b"\x01\x02"
        line.append(b"\x04")
        assert heard(line) == b"\x03\x04"
        line.append(b"")
        assert line.emitted == []

    def test_telephone_audio(self) -> None:
        law = {"format": {"type": "audio/pcmu"}}
        line = Line({"audio": {"input": law, "output": law}})
        line.append(bytes(range(160)))
        assert heard(line) == ulaw_decode(bytes(range(160)))

    def test_a_format_may_change_in_a_call(self) -> None:
        line = Line()
        line.append(bytes(960))
        line.update({"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
        total = 0
        for _ in range(10):
            line.append(bytes(160))
            total += len(heard(line)) // 2
        assert 4_500 < total <= 4_800  # 200 ms at the call's rate, less what the filter holds


class TestDetectedTurns:
    def test_the_clock_is_the_client_s(self) -> None:
        line = Line()
        events = line.caller_speaks(at_s=1, length_s=0.5)
        assert the(events, "input_audio_buffer.speech_started")["audio_start_ms"] == 700  # with its padding
        assert the(events, "input_audio_buffer.speech_stopped")["audio_end_ms"] == 1_500

    def test_audio_that_the_call_dropped_is_on_it(self) -> None:
        line = Line()
        line.append(bytes(48_000))
        line.see(Ignore("CallerAudio", "no model listened for too long", Samples(24_000)))
        line.passes(bytes(48_000))
        started = line.see(CallerSpeechStarted(ONE, Samples(12_000)))[0]
        assert started["audio_start_ms"] == 1_200  # half a second after the first, with its padding

    def test_silence_that_the_call_put_in_is_not(self) -> None:
        line = Line()
        line.passes(bytes(48_000))
        line.see(ForwardAudio(ONE, Audio(bytes(96_000))))
        line.passes(bytes(48_000))
        started = line.see(CallerSpeechStarted(ONE, Samples(84_000)))[0]
        assert started["audio_start_ms"] == 1_200

    def test_commit_cuts_the_turn_short(self) -> None:
        line = Line()
        line.passes(bytes(48_000))
        item = the(line.see(CallerSpeechStarted(ONE, Samples(0))), "input_audio_buffer.speech_started")["item_id"]
        events = line.say("input_audio_buffer.commit")
        assert kinds(events) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
        assert events[0]["item_id"] == item
        assert heard(line) == bytes(72_000)  # silence, for the model to end the turn
        assert line.see(CallerSpeechStopped(ONE, Samples(12_000))) == []
        line.say("response.create")
        assert line.emitted == []  # the model answers what was said

    def test_commit_of_nothing(self) -> None:
        line = Line()
        line.say("input_audio_buffer.commit", event_id="e1")
        assert line.error["code"] == "input_audio_buffer_commit_empty"
        assert "buffer only has 0.00ms of audio" in line.error["message"]
        assert line.error["event_id"] == "e1"

    def test_clear_is_always_fine(self) -> None:
        assert kinds(Line().say("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]

    def test_speech_is_told_whether_or_not_it_takes_the_turn(self) -> None:
        events = Line().see(CallerSpeechStarted(ONE, Samples(0), takes_turn=False))
        assert kinds(events) == ["input_audio_buffer.speech_started"]


class TestTranscripts:
    def test_words_that_come_while_the_caller_speaks_wait_for_the_item(self) -> None:
        line = Line(TRANSCRIBED)
        line.passes(bytes(48_000))
        line.see(CallerSpeechStarted(ONE, Samples(0)))
        assert line.see(CallerTranscribed(ONE, "hel", final=False), CallerTranscribed(ONE, "hello", final=True)) == []
        events = line.see(CallerSpeechStopped(ONE, Samples(12_000)))
        assert kinds(events)[-2:] == [
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ]
        assert events[-1]["usage"] == {"type": "duration", "seconds": 0.5}

    def test_a_reply_ends_speech_whose_words_are_there(self) -> None:
        line = Line(TRANSCRIBED)
        line.see(CallerSpeechStarted(ONE, Samples(0)), CallerTranscribed(ONE, "hello", final=True))
        events = line.see(ResponseStarted(ONE, A))
        assert kinds(events)[0] == "input_audio_buffer.speech_stopped"
        assert kinds(events)[-1] == "response.created"
        assert line.see(CallerSpeechStopped(ONE, Samples(10))) == []

    def test_a_reply_while_the_caller_goes_on_ends_nothing(self) -> None:
        line = Line(TRANSCRIBED)
        line.see(CallerSpeechStarted(ONE, Samples(0)))
        assert kinds(line.see(ResponseStarted(ONE, A))) == ["response.created"]

    def test_words_grow(self) -> None:
        line = Line(TRANSCRIBED)
        line.caller_speaks()
        deltas = line.see(
            CallerTranscribed(ONE, "hel", final=False),
            CallerTranscribed(ONE, "hello", final=False),
            CallerTranscribed(ONE, "hullo", final=False),  # cannot be said as a delta
            CallerTranscribed(ONE, "hello you", final=True),
        )
        assert [event.get("delta") for event in deltas] == ["hel", "lo", " you", None]
        assert deltas[-1]["transcript"] == "hello you"

    def test_more_words_are_another_item(self) -> None:
        line = Line(TRANSCRIBED)
        first = the(line.caller_speaks("hello"), "conversation.item.added")["item"]["id"]
        events = line.see(CallerTranscribed(ONE, "are you there", final=True))
        added = the(events, "conversation.item.added")
        assert added["previous_item_id"] == first
        assert events[-1]["item_id"] == added["item"]["id"]


class TestCommittedTurns:
    def test_nothing_goes_on_before_a_reply_is_asked_for(self) -> None:
        line = Line(MANUAL)
        pcm = bytes(range(250)) * 48
        line.append(pcm)
        assert line.emitted == []
        events = line.say("input_audio_buffer.commit")
        assert kinds(events) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
        assert line.emitted == []
        line.say("response.create")
        assert heard(line) == pcm + bytes(72_000)

    def test_what_the_model_hears_of_it_is_the_item_s_words_only(self) -> None:
        line = Line(MANUAL)
        line.append(bytes(12_000))
        item = line.say("input_audio_buffer.commit")[0]["item_id"]
        line.say("response.create")
        assert line.see(CallerSpeechStarted(ONE, Samples(0)), CallerSpeechStopped(ONE, Samples(5_000))) == []
        events = line.see(CallerTranscribed(ONE, "hello", final=True))
        assert events[-1]["item_id"] == item
        line.say("conversation.item.retrieve", item_id=item)
        assert line.sent[0]["item"]["content"] == [{"type": "input_audio", "transcript": "hello"}]

    def test_too_little(self) -> None:
        line = Line(MANUAL)
        line.append(bytes(2_400))
        line.say("input_audio_buffer.commit")
        assert line.error["code"] == "input_audio_buffer_commit_empty"
        assert "buffer only has 50.00ms" in line.error["message"]

    def test_clear_empties_it(self) -> None:
        line = Line(MANUAL)
        line.append(bytes(48_000))
        line.say("input_audio_buffer.clear")
        line.say("input_audio_buffer.commit")
        assert line.error["code"] == "input_audio_buffer_commit_empty"

    def test_it_holds_so_much_and_says_so_once(self) -> None:
        line = Line(MANUAL)
        minute = bytes(48 * 60_000)
        for _ in range(BUFFER_LIMIT_MS // 60_000):
            assert line.append(minute) == []
        line.append(bytes(960))
        assert line.error["code"] == "input_audio_buffer_full"
        assert line.append(bytes(960)) == []

    def test_committed_audio_takes_room_until_it_is_answered(self) -> None:
        line = Line(MANUAL)
        minute = bytes(48 * 60_000)
        for _ in range(BUFFER_LIMIT_MS // 60_000):
            line.append(minute)
            assert line.say("input_audio_buffer.commit")
        line.append(bytes(960))
        assert line.error["code"] == "input_audio_buffer_full"
        line.say("response.create")
        assert line.append(bytes(960)) == []

    def test_words_beside_the_audio_are_history_to_it(self) -> None:
        line = Line(MANUAL)
        line.write("I am Ada.")
        line.append(bytes(12_000))
        line.say("input_audio_buffer.commit")
        line.say("response.create")
        assert line.emitted[0] == HistoryRevised((PastTurn(Speaker.CALLER, "I am Ada."),))
        assert not any(isinstance(event, CallerText | ReplyRequested) for event in line.emitted)

    def test_audio_beside_the_events_is_committed_too(self) -> None:
        line = Line(MANUAL, over=AudioOver.MEDIA)
        assert line.front.caller_audio(bytes(9_600), line.now) == []
        line.say("input_audio_buffer.commit")
        line.say("response.create")
        assert heard(line)[:9_600] == bytes(9_600)

    def test_a_client_may_begin_to_detect_turns_while_the_caller_speaks(self) -> None:
        line = Line()
        line.see(CallerSpeechStarted(ONE, Samples(0)))
        assert kinds(line.update(MANUAL))[1:] == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        line.append(bytes(12_000))
        assert line.emitted == []


def test_the_call_counts_what_it_hears() -> None:
    line = Line()
    line.now = seconds(1)
    assert line.see(CallerAudio(Audio(bytes(960)))) == []
