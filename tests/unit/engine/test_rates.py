"""The model's edge: audio and positions at the call's rate on one side, at the model's on the other."""

from __future__ import annotations

import pytest

from vivavoce.audio.pcm import samples_in, silence
from vivavoce.audio.resample import resampled_length
from vivavoce.engine.rates import RateBridge
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    ModelEffect,
    ModelEvent,
    ModelReady,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    Speak,
    Truncate,
)

C = ConnectionId(1)
A, B = ResponseId("a"), ResponseId("b")


def audio(response: ResponseId, samples: int) -> AgentAudio:
    return AgentAudio(C, response, Audio(silence(samples)))


def samples_out(events: tuple[ModelEvent, ...]) -> int:
    return sum(samples_in(event.audio.pcm) for event in events if isinstance(event, AgentAudio))


FACTS: list[ModelEvent] = [
    ModelReady(C),
    CallerSpeechStarted(C, Samples(7)),
    CallerSpeechStopped(C, Samples(9)),
    ResponseStarted(C, A),
    audio(A, 10),
    AgentText(C, A, "hello", Samples(5)),
    ResponseFinished(C, A),
    ResponseInterrupted(C, A),
]
WISHES: list[ModelEffect] = [
    ForwardAudio(C, Audio(silence(10))),
    ForwardText(C, "hello"),
    Speak(C, A, "hello"),
    Truncate(C, A, Samples(5), "hel"),
]


def test_where_the_rates_agree_nothing_is_touched() -> None:
    bridge = RateBridge(16_000, 16_000, 16_000)
    assert all(bridge.from_model(fact)[0] is fact for fact in FACTS)
    assert all(bridge.to_model(wish) is wish for wish in WISHES)


def test_positions_are_counted_over_both_ways() -> None:
    bridge = RateBridge(8000, 16_000, 24_000)
    assert bridge.from_model(CallerSpeechStarted(C, Samples(1601))) == (CallerSpeechStarted(C, Samples(801)),)
    assert bridge.from_model(CallerSpeechStopped(C, Samples(32_000))) == (CallerSpeechStopped(C, Samples(16_000)),)
    assert bridge.from_model(AgentText(C, A, "x", Samples(2400))) == (AgentText(C, A, "x", Samples(800)),)
    assert bridge.to_model(Truncate(C, A, Samples(801), "x")) == Truncate(C, A, Samples(2403), "x")


def test_a_position_survives_both_ways() -> None:
    up = RateBridge(44_100, 16_000, 24_000)
    for position in range(0, 44_100, 441):
        there = up.to_model(Truncate(C, A, Samples(position), ""))
        assert isinstance(there, Truncate)
        (back,) = up.from_model(AgentText(C, A, "", there.heard))
        assert isinstance(back, AgentText)
        assert abs(back.at - position) <= 1


@pytest.mark.parametrize(
    ("call_hz", "model_hz"), [(8000, 24_000), (48_000, 24_000), (44_100, 16_000), (11_025, 24_000)]
)
def test_a_response_has_every_sample_when_it_is_finished(call_hz: int, model_hz: int) -> None:
    bridge = RateBridge(call_hz, 16_000, model_hz)
    came = sum(samples_out(bridge.from_model(audio(A, length))) for length in (1, 7, 480, 2000, 3))
    last = bridge.from_model(ResponseFinished(C, A))
    assert last[-1] == ResponseFinished(C, A)
    assert came + samples_out(last) == resampled_length(2491, model_hz, call_hz)


def test_responses_that_overlap_are_resampled_apart() -> None:
    bridge = RateBridge(8000, 16_000, 24_000)
    came = {A: 0, B: 0}
    for _ in range(5):
        for response in (A, B):
            came[response] += samples_out(bridge.from_model(audio(response, 240)))
    for response in (A, B):
        came[response] += samples_out(bridge.from_model(ResponseFinished(C, response)))
    assert came == {A: 400, B: 400}


def test_an_interrupted_response_brings_no_tail() -> None:
    bridge = RateBridge(8000, 16_000, 24_000)
    bridge.from_model(audio(A, 240))
    assert bridge.from_model(ResponseInterrupted(C, A)) == (ResponseInterrupted(C, A),)
    assert bridge.from_model(ResponseFinished(C, A)) == (ResponseFinished(C, A),)


def test_audio_too_short_to_say_anything_of_is_not_a_fact() -> None:
    assert RateBridge(8000, 16_000, 24_000).from_model(audio(A, 1)) == ()


def test_caller_audio_is_resampled_as_one_stream() -> None:
    bridge = RateBridge(8000, 16_000, 24_000)
    sent = 0
    for _ in range(50):
        wish = bridge.to_model(ForwardAudio(C, Audio(silence(160))))
        assert isinstance(wish, ForwardAudio)
        sent += wish.audio.samples
        assert wish.audio.samples == samples_in(wish.audio.pcm)
    assert 16_000 - sent == 64  # the filter holds back 32 samples of the lower rate


def test_what_was_kept_for_a_response_that_never_ends_goes_with_the_next() -> None:
    """Of a response that is cancelled no end is told."""
    bridge = RateBridge(8_000, 16_000, 24_000)
    for number in range(50):
        response = ResponseId(f"r{number}")
        bridge.from_model(ResponseStarted(C, response))
        bridge.from_model(audio(response, 2_400))
    assert len(bridge._from_model) == 1  # nothing else shows it but memory
