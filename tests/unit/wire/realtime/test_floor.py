"""An agent file that decides itself whose turn it is, and a client that plays by itself."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.unit.wire.realtime.call import Call
from tests.unit.wire.realtime.line import ONE, A, B, kinds, the
from tests.unit.wire.realtime.test_with_core import is_quiet, reply
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    Event,
    FloorDecided,
    FloorVerdict,
    Flush,
    PausePlaying,
    ResponseFinished,
    ResponseStarted,
    ResumePlaying,
    Samples,
    ToolCallId,
    ToolRequested,
    Truncate,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.wire.realtime.configuration import Interruption

VOICE = VoiceStarted(Samples(0))


class Talk(Call):
    """Keeps all that the client was sent."""

    def __init__(self, policy: Interruption = "hybrid", session: dict[str, Any] | None = None) -> None:
        super().__init__(session, policy=policy)
        self.events: list[dict[str, Any]] = []

    def happens(self, *facts: Event) -> list[dict[str, Any]]:
        sent = super().happens(*facts)
        if hasattr(self, "events"):
            self.events += sent
        return sent

    def wait_until(self, at_s: float) -> list[dict[str, Any]]:
        sent = super().wait_until(at_s)
        self.events += sent
        return sent

    @property
    def heard(self) -> bytes:  # type: ignore[override]
        deltas = [event["delta"] for event in self.events if event["type"] == "response.output_audio.delta"]
        return b"".join(base64.b64decode(delta) for delta in deltas)

    @property
    def heard_ms(self) -> float:
        return len(self.heard) / 48

    def transcript(self) -> str:
        item = next(item for item in self.front._parts.conversation.items if item.role == "assistant")
        shown = the(self.say("conversation.item.retrieve", item_id=item.id), "conversation.item.retrieved")["item"]
        text: str = shown["content"][0]["transcript"]
        return text


def numbered(length_s: float) -> bytes:
    return b"".join((n % 30_000).to_bytes(2, "little") for n in range(round(length_s * 24_000)))


def said(pcm: bytes, text: str = "one two three four") -> list[Event]:
    return [
        ResponseStarted(ONE, A),
        AgentText(ONE, A, text, Samples(0)),
        AgentAudio(ONE, A, Audio(pcm)),
        ResponseFinished(ONE, A),
    ]


def test_sound_is_sent_300_ms_ahead_and_the_reply_ends_with_it() -> None:
    talk, pcm = Talk(), numbered(2)
    talk.happens(*said(pcm))
    assert talk.heard_ms == 300
    for tenths in range(1, 17):
        talk.wait_until(tenths / 10 + 0.01)
        assert talk.heard_ms == 300 + tenths * 100
    assert kinds(talk.events)[-1] != "response.done"
    talk.wait_until(1.75)
    assert kinds(talk.events)[-1] == "response.done"
    assert talk.heard == pcm
    talk.wait_until(2.1)
    assert is_quiet(talk)


@pytest.mark.parametrize("policy", ["model", "never"])
def test_where_the_model_decides_it_is_sent_as_it_comes(policy: Interruption) -> None:
    talk = Talk(policy)
    talk.happens(*said(numbered(2)))
    assert talk.heard_ms == 2000
    assert kinds(talk.events)[-1] == "response.done"


def test_a_voice_that_is_kept_is_a_gap_and_nothing_else() -> None:
    talk, pcm = Talk(), numbered(2)
    talk.happens(*said(pcm))
    talk.wait_until(0.55)
    before = talk.heard_ms
    talk.happens(VOICE)
    assert PausePlaying() in talk.effects
    assert talk.wait_until(0.9) == []
    talk.happens(VoiceJudged(VoiceKind.BACKCHANNEL), VoiceStopped(Samples(9_600)))
    assert ResumePlaying() in talk.effects
    assert talk.heard_ms == before + 300  # it has run dry meanwhile
    talk.wait_until(3)
    assert talk.heard == pcm
    assert "input_audio_buffer.speech_started" not in kinds(talk.events)
    assert kinds(talk.events)[-1] == "response.done"
    assert is_quiet(talk)


def test_a_voice_that_takes_the_turn_ends_the_reply_as_the_model_would() -> None:
    talk = Talk()
    talk.happens(*said(numbered(2)))
    talk.wait_until(0.5)
    talk.happens(VOICE)
    events = talk.wait_until(0.95)  # the agent file's 400 ms
    assert FloorVerdict.TAKEN in [effect.verdict for effect in talk.effects if isinstance(effect, FloorDecided)]
    assert kinds(events)[0] == "input_audio_buffer.speech_started"
    assert the(events, "response.done")["response"]["status_details"]["reason"] == "turn_detected"
    assert ResumePlaying() in talk.effects
    item = the(talk.events, "conversation.item.added")["item"]["id"]
    talk.say("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=700)
    assert talk.effects == [Truncate(ONE, A, Samples(16_800), "one")]
    assert talk.transcript() == "one"
    heard = talk.heard_ms
    talk.wait_until(3)
    assert talk.heard_ms == heard
    assert is_quiet(talk)


def test_of_speech_that_has_the_turn_the_client_is_told_once() -> None:
    talk = Talk("local")
    talk.happens(*said(numbered(2)))
    talk.wait_until(0.5)
    item = the(talk.happens(VOICE), "input_audio_buffer.speech_started")["item_id"]
    talk.happens(CallerSpeechStarted(ONE, Samples(100)), CallerSpeechStopped(ONE, Samples(4_800)))
    talk.happens(CallerTranscribed(ONE, "wait", final=True))
    assert kinds(talk.events).count("input_audio_buffer.speech_started") == 1
    assert the(talk.events, "input_audio_buffer.committed")["item_id"] == item


def test_speech_that_no_model_tells_of_is_over_when_the_reply_begins() -> None:
    talk = Talk("local")
    talk.happens(*said(numbered(2)))
    talk.wait_until(0.5)
    talk.happens(VOICE)
    assert kinds(talk.happens(*reply(talk, B, "yes", 1)))[:2] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]


def test_no_client_hears_more_than_was_sent_whatever_it_says() -> None:
    talk = Talk()
    talk.happens(*said(numbered(2)))
    talk.wait_until(0.15)
    item = the(talk.events, "conversation.item.added")["item"]["id"]
    sent = talk.say("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=1_900)
    assert the(sent, "conversation.item.truncated")["audio_end_ms"] == 400
    assert Flush(A) in talk.effects
    assert Truncate(ONE, A, Samples(9_600), "one") in talk.effects  # a fifth of what was made
    assert talk.transcript() == "one"


def test_an_early_answer_is_shown_when_the_last_words_were_played() -> None:
    talk, pcm = Talk(), numbered(1)
    talk.happens(*said(pcm))
    talk.wait_until(0.65)
    talk.happens(VOICE)
    verdicts = [effect.verdict for effect in talk.effects if isinstance(effect, FloorDecided)]
    assert verdicts == [FloorVerdict.PASSED]
    answer: list[Event] = [
        CallerSpeechStarted(ONE, Samples(0), takes_turn=False),
        CallerSpeechStopped(ONE, Samples(2_400)),
        CallerTranscribed(ONE, "yes", final=True),
    ]
    assert talk.happens(*answer) == []
    talk.happens(*reply(talk, B, "fine", 1))
    assert "input_audio_buffer.speech_started" not in kinds(talk.events)
    events = talk.wait_until(1.1)
    assert talk.heard[: len(pcm)] == pcm
    order = [kind for kind in kinds(events) if "input_audio_buffer" in kind or kind.startswith("response.created")]
    assert order == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "response.created",
    ]


def test_a_client_may_ask_for_another_reply_once_the_model_has_made_the_last() -> None:
    talk = Talk()
    talk.happens(*said(numbered(2)))
    talk.wait_until(0.5)
    talk.write("never mind")
    events = talk.say("response.create")
    assert the(events, "response.done")["response"]["status"] == "cancelled"
    heard = talk.heard_ms
    talk.happens(*reply(talk, B, "fine", 1))
    talk.wait_until(3)
    assert talk.heard_ms == heard + 1000


def test_a_tool_of_the_clients_is_called_at_once() -> None:
    talk = Talk(session={"tools": [{"type": "function", "name": "look"}]})
    talk.happens(*said(numbered(2))[:3], ToolRequested(ONE, ToolCallId("t"), "look", "{}"), ResponseFinished(ONE, A))
    assert "response.function_call_arguments.done" in kinds(talk.events)
    talk.wait_until(2.1)
    done = the(talk.events, "response.done")["response"]
    assert [item["type"] for item in done["output"]] == ["message", "function_call"]


def test_a_reply_in_words_is_not_paced() -> None:
    talk = Talk(session={"output_modalities": ["text"]})
    talk.happens(*said(numbered(2)))
    assert kinds(talk.events)[-1] == "response.done"


def test_the_call_may_end_while_something_waits() -> None:
    talk = Talk()
    talk.happens(*said(numbered(2)))
    talk.happens(VOICE)
    talk.happens(CallerHungUp())
    assert kinds(talk.events)[-1] == "response.done"
    assert talk.heard_ms == 300
