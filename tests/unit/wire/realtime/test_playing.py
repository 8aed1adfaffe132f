"""What of a reply was heard, where the client plays."""

from __future__ import annotations

import pytest

from tests.unit.wire.realtime.line import ONE, A, B, Line, the
from vivavoce.events import (
    CallerInterrupted,
    CallerSpeechStarted,
    Evidence,
    Flush,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    Samples,
    Truncate,
)


def progress(response: ResponseId, seconds: float) -> PlayoutProgress:
    return PlayoutProgress(response, Samples(round(seconds * 24_000)), Evidence.ASSUMED)


def stopped(seconds: float, evidence: Evidence) -> PlayoutStopped:
    return PlayoutStopped(A, Samples(round(seconds * 24_000)), evidence)


class Talk(Line):
    """The agent says two seconds of something."""

    def begin(self) -> str:
        item: str = the(self.agent_begins(text="one two three four", length_s=2), "conversation.item.added")["item"][
            "id"
        ]
        return item

    def truncate(self, item: str, ms: float) -> dict[str, object]:
        return the(
            self.say("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=ms),
            "conversation.item.truncated",
        )


def test_the_wall_clock_plays() -> None:
    line = Talk()
    line.begin()
    line.agent_ends()
    line.wait_until(3)
    assert line.emitted == [progress(A, 0.5), progress(A, 1), progress(A, 1.5), progress(A, 2)]
    assert line.front.deadline is None


def test_replies_are_played_one_after_the_other() -> None:
    line = Talk()
    line.begin()
    line.agent_ends()
    line.agent_begins(B, length_s=0.2)
    line.agent_ends(B)
    line.wait_until(1.9)
    assert all(event.response == A for event in line.emitted if isinstance(event, PlayoutProgress))
    line.wait_until(2.3)
    assert line.emitted == [progress(A, 2), progress(B, 0.2)]


def test_words_take_no_time() -> None:
    line = Line({"output_modalities": ["text"]})
    line.agent_begins(length_s=60)
    line.agent_ends()
    assert progress(A, 60) in line.emitted
    assert line.front.deadline is None


def test_a_client_that_is_interrupted_says_where_it_stopped() -> None:
    line = Talk()
    item = line.begin()
    line.wait_until(1)
    line.see(CallerSpeechStarted(ONE, Samples(0)), Flush(A))
    assert line.emitted == []
    line.now = line.now.__class__(line.now + 300_000)
    assert line.truncate(item, 800)["audio_end_ms"] == 800
    assert line.emitted == [stopped(0.8, Evidence.PLAYED)]


def test_or_it_does_not() -> None:
    line = Talk()
    line.begin()
    line.wait_until(1)
    line.see(CallerSpeechStarted(ONE, Samples(0)), Flush(A))
    line.wait_until(1.5)
    assert line.emitted == [stopped(1, Evidence.ASSUMED)]


def test_too_late_a_word_is_still_answered() -> None:
    line = Talk()
    item = line.begin()
    line.see(Flush(A))
    line.wait_until(1.5)
    assert line.truncate(item, 100)["audio_end_ms"] == 100
    assert line.emitted == []


def test_more_than_there_is_is_all_there_is() -> None:
    line = Talk()
    item = line.begin()
    line.wait_until(0.1)
    line.see(Flush(A))
    assert line.truncate(item, 99_000)["audio_end_ms"] == 2_000
    assert line.emitted == [stopped(2, Evidence.PLAYED)]
    assert line.truncate(item, -5.5)["audio_end_ms"] == 0


@pytest.mark.parametrize(("claim", "played_s"), [("1e308", 2), ("-1e308", 0)])
def test_a_claim_without_measure_is_kept_within_what_was_sent(claim: str, played_s: float) -> None:
    line = Talk()
    item = line.begin()
    line.see(Flush(A))
    line.say_raw(_truncation(item, claim))
    assert line.emitted == [stopped(played_s, Evidence.PLAYED)]


@pytest.mark.parametrize("claim", ["NaN", "1e999", "true", '"500"'])
def test_a_claim_that_is_no_number_is_an_error_and_nothing_is_believed(claim: str) -> None:
    line = Talk()
    item = line.begin()
    line.see(Flush(A))
    line.say_raw(_truncation(item, claim))
    assert line.error["type"] == "invalid_request_error"
    assert line.emitted == []
    line.wait_until(0.5)
    assert line.emitted == [stopped(0, Evidence.ASSUMED)]


def _truncation(item: str, claim: str) -> str:
    return f'{{"type":"conversation.item.truncate","item_id":"{item}","content_index":0,"audio_end_ms":{claim}}}'


def test_the_client_s_last_word_wins_over_what_the_call_made_of_its_first() -> None:
    line = Talk()
    item = line.begin()
    line.wait_until(0.1)
    line.see(Flush(A))
    line.truncate(item, 99_000)
    line.truncate(item, 1_000)
    line.see(Truncate(ONE, A, Samples(48_000), "one two three four"))
    shown = the(line.say("conversation.item.retrieve", item_id=item), "conversation.item.retrieved")["item"]
    assert shown["content"] == [{"type": "output_audio", "transcript": "one two"}]


def test_a_stop_button() -> None:
    line = Talk()
    item = line.begin()
    line.agent_ends()
    line.wait_until(1)
    line.truncate(item, 900)
    assert line.emitted == [CallerInterrupted()]
    line.see(CallerInterrupted(), Flush(A))
    assert line.emitted == [stopped(0.9, Evidence.PLAYED)]


def test_long_after_only_the_words_are_corrected() -> None:
    line = Talk()
    item = line.begin()
    line.agent_ends()
    line.wait_until(10)
    line.truncate(item, 1_000)
    assert line.emitted == []
    shown = the(line.say("conversation.item.retrieve", item_id=item), "conversation.item.retrieved")["item"]
    assert shown["content"] == [{"type": "output_audio", "transcript": "one two"}]


def test_a_reply_of_which_nothing_was_sent_is_answered_at_once() -> None:
    line = Line()
    line.see(Flush(A))
    assert line.emitted == [stopped(0, Evidence.ASSUMED)]


def test_what_cannot_be_truncated() -> None:
    line = Line()
    line.write("hello", item={"id": "mine"})
    line.say("conversation.item.truncate", item_id="mine", content_index=0, audio_end_ms=5)
    assert line.error["code"] == "invalid_value"
    line.say("conversation.item.truncate", item_id="nobody", content_index=0, audio_end_ms=5)
    assert line.error["code"] == "item_truncate_invalid_item_id"
    line.write("good day", role="assistant", item={"id": "said"})
    line.say("conversation.item.truncate", item_id="said", content_index=0, audio_end_ms=5)
    assert line.sent[0]["audio_end_ms"] == 0
    assert line.front._parts.conversation.get("said").text == "good day"  # type: ignore[union-attr]
