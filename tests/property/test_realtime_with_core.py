"""Whatever a client and a model do: the front answers each flush of the core, once and in time."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.realtime.call import Call
from tests.unit.wire.realtime.line import ONE
from vivavoce.core.playout import Playout
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    Event,
    Flush,
    Ignore,
    PlayoutStopped,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    ToolCallId,
    ToolRequested,
)

SESSIONS: list[dict[str, Any]] = [
    {},
    {"tools": [{"type": "function", "name": "look"}]},
    {"audio": {"input": {"turn_detection": None}}},
    {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}},
    {"output_modalities": ["text"]},
]
RESPONSES = [ResponseId(name) for name in "abcdef"]


def facts_of(response: ResponseId, what: int) -> list[Event]:
    begin: list[Event] = [ResponseStarted(ONE, response), AgentText(ONE, response, "one two three", Samples(0))]
    audio = AgentAudio(ONE, response, Audio(bytes(48_000)))
    end = ResponseFinished(ONE, response)
    facts: list[list[Event]] = [
        [*begin, audio, audio, end],
        [*begin, audio],
        [audio],
        [end],
        begin,
        [ResponseInterrupted(ONE, response)],
        [CallerSpeechStarted(ONE, Samples(0))],
        [CallerSpeechStopped(ONE, Samples(2_400)), CallerTranscribed(ONE, "hello", final=True)],
        [ToolRequested(ONE, ToolCallId(f"tool-{response}"), "look", "{}")],
    ]
    return facts[what]


def frame_of(call: Call, what: int, number: int) -> tuple[str, dict[str, Any]]:
    items = [item.id for item in call.front._parts.conversation.items]
    item = items[number % len(items)] if items else "nothing"
    words = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
    frames: list[tuple[str, dict[str, Any]]] = [
        ("input_audio_buffer.append", {"audio": base64.b64encode(bytes(9_600)).decode()}),
        ("input_audio_buffer.commit", {}),
        ("response.create", {}),
        ("response.cancel", {}),
        ("output_audio_buffer.clear", {}),
        ("conversation.item.create", {"item": words}),
        ("conversation.item.delete", {"item_id": item}),
        ("conversation.item.truncate", {"item_id": item, "content_index": 0, "audio_end_ms": number}),
        ("session.update", {"session": {"type": "realtime", **SESSIONS[number % len(SESSIONS)]}}),
    ]
    return frames[what]


class Watched(Call):
    """Counts what is asked and what is answered."""

    def __init__(self, session: dict[str, Any]) -> None:
        self.asked: list[ResponseId] = []
        self.answered: list[ResponseId] = []
        super().__init__(session)

    def _observe(self, value: Any) -> None:
        if isinstance(value, Flush):
            self.asked.append(value.response)
        elif isinstance(value, PlayoutStopped):
            self.answered.append(value.response)
        assert not (isinstance(value, Ignore) and value.what == "PlayoutStopped" and not self.core.closed), value.why
        super()._observe(value)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("model"), st.integers(0, 8), st.sampled_from(RESPONSES).map(RESPONSES.index)),
        st.tuples(st.just("client"), st.integers(0, 8), st.integers(0, 3_000)),
        st.tuples(st.just("wait"), st.just(0), st.integers(0, 1_500)),
    ),
    min_size=20,
    max_size=50,
)


@settings(max_examples=60)
@given(st.sampled_from(SESSIONS), steps)
def test_every_flush_is_answered(session: dict[str, Any], sequence: list[tuple[str, int, int]]) -> None:
    call = Watched(session)
    for who, what, number in sequence:
        match who:
            case "model":
                call.happens(*facts_of(RESPONSES[number], what))
            case "client":
                kind, members = frame_of(call, what, number)
                call.say(kind, **members)
            case "wait":
                call.wait_until(call.now / 1_000_000 + number / 1_000)
    call.wait_until(call.now / 1_000_000 + 0.4)
    assert sorted(call.asked) == sorted(call.answered) or call.core.closed
    playouts = [call.core.talk.playouts.get(response) for response in RESPONSES]
    assert all(playout is None or playout.state is not Playout.FLUSHING for playout in playouts) or call.core.closed
