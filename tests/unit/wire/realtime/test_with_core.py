"""The front and the core of a call agree on what happens: the same talk seen from both sides."""

from __future__ import annotations

from tests.unit.wire.realtime.call import Call
from tests.unit.wire.realtime.line import ONE, A, B, kinds, the
from vivavoce.events import (
    AgentAudio,
    AgentText,
    CallerSpeechStarted,
    CancelResponse,
    Event,
    FinishPlaying,
    Flush,
    ForwardAudio,
    ForwardText,
    Ignore,
    RequestReply,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    Samples,
    Truncate,
)


def reply(call: Call, response: ResponseId, text: str, length_s: float) -> list[Event]:
    return [
        ResponseStarted(ONE, response),
        AgentText(ONE, response, text, Samples(0)),
        AgentAudio(ONE, response, call.speech(length_s)),
        ResponseFinished(ONE, response),
    ]


def is_quiet(call: Call) -> bool:
    return call.core.talk.quiet


def test_audio_goes_through() -> None:
    call = Call()
    call.append(bytes(4_800))
    assert [type(effect) for effect in call.effects] == [ForwardAudio]


def test_a_reply_is_played_out() -> None:
    call = Call()
    events = call.happens(*reply(call, A, "good day", 1))
    assert kinds(events)[0] == "response.created"
    assert kinds(events)[-1] == "response.done"
    assert FinishPlaying(A) in call.effects
    assert not is_quiet(call)
    call.wait_until(1.1)
    assert not any(isinstance(effect, Ignore) for effect in call.effects)
    assert is_quiet(call)


def test_the_model_learns_from_the_client_what_was_heard() -> None:
    call = Call()
    item = the(call.happens(*reply(call, A, "one two three four", 2)), "conversation.item.added")["item"]["id"]
    call.wait_until(0.8)
    call.happens(CallerSpeechStarted(ONE, Samples(0)))
    assert Flush(A) in call.effects
    call.say("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=1_000)
    assert call.effects == [Truncate(ONE, A, Samples(24_000), "one two")]
    shown = the(call.say("conversation.item.retrieve", item_id=item), "conversation.item.retrieved")["item"]
    assert shown["content"][0]["transcript"] == "one two"


def test_or_from_the_wall_clock() -> None:
    call = Call()
    call.happens(*reply(call, A, "one two three four", 2))
    call.wait_until(0.8)
    call.happens(CallerSpeechStarted(ONE, Samples(0)))
    call.wait_until(1.3)
    assert Truncate(ONE, A, Samples(19_200), "one two") in call.effects


def test_a_stop_button_stops_the_model_too() -> None:
    call = Call()
    call.happens(*reply(call, A, "one two", 2)[:3])
    call.wait_until(0.5)
    done = the(call.say("response.cancel"), "response.done")["response"]
    assert done["status_details"]["reason"] == "client_cancelled"
    assert CancelResponse(ONE, A) in call.effects


def test_words_and_wishes_reach_the_model() -> None:
    call = Call()
    call.write("hello")
    call.say("response.create")
    assert ForwardText(ONE, "hello") in call.effects
    call.happens(*reply(call, A, "good day", 0.1))
    call.wait_until(1)
    call.say("response.create", response={"instructions": "Say bye."})
    assert RequestReply(ONE, "Say bye.") in call.effects


def test_a_client_that_asks_for_more_plays_on() -> None:
    call = Call()
    call.happens(*reply(call, A, "one two three four", 2))
    call.wait_until(0.5)
    call.say("response.create")
    assert Truncate(ONE, A, Samples(48_000), "one two three four") in call.effects
    call.happens(*reply(call, B, "five", 1))
    call.wait_until(2.5)
    assert not is_quiet(call)
    call.wait_until(3.1)
    assert is_quiet(call)
