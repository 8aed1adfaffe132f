"""Whatever a client and a model do: the front answers each flush of the core, once and in time."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import msgspec
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
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.wire.realtime.actions import Action, Send
from vivavoce.wire.realtime.configuration import Interruption

SESSIONS: list[dict[str, Any]] = [
    {},
    {"tools": [{"type": "function", "name": "look"}]},
    {"audio": {"input": {"turn_detection": None}}},
    {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}},
    {"output_modalities": ["text"]},
]
POLICIES: list[Interruption] = ["model", "local", "hybrid"]
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
        [VoiceStarted(Samples(0))],
        [VoiceJudged(VoiceKind.BACKCHANNEL)],
        [VoiceJudged(VoiceKind.CALLER, certain=True)],
        [VoiceStopped(Samples(2_400))],
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

    def __init__(self, session: dict[str, Any], policy: Interruption) -> None:
        self.asked: list[ResponseId] = []
        self.answered: list[ResponseId] = []
        self.open: set[str] = set()
        self.names: dict[str, ResponseId] = {}  # the client's for the call's
        self.sent_samples: Counter[str] = Counter()
        super().__init__(session, policy=policy)

    def _observe(self, value: Any) -> None:
        if isinstance(value, Flush):
            self.asked.append(value.response)
        elif isinstance(value, PlayoutStopped):
            self.answered.append(value.response)
        assert not (isinstance(value, Ignore) and value.what == "PlayoutStopped" and not self.core.closed), value.why
        super()._observe(value)

        self.names |= {reply.id: response for response, reply in self.front._talking.replies._replies.items()}

    def _wanted(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._count(msgspec.json.decode(action.data))
        super()._wanted(actions)

    def _count(self, event: dict[str, Any]) -> None:
        """Sound goes out only while its reply is open."""
        match event["type"]:
            case "response.created":
                self.open.add(event["response"]["id"])
            case "response.done":
                self.open.remove(event["response"]["id"])
            case "response.output_audio.delta":
                assert event["response_id"] in self.open
                self.sent_samples[event["response_id"]] += len(base64.b64decode(event["delta"])) // 2

    def told(self, response: ResponseId) -> int:
        return sum(samples for name, samples in self.sent_samples.items() if self.names[name] == response)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("model"), st.integers(0, 12), st.sampled_from(RESPONSES).map(RESPONSES.index)),
        st.tuples(st.just("client"), st.integers(0, 8), st.integers(0, 3_000)),
        st.tuples(st.just("wait"), st.just(0), st.integers(0, 1_500)),
    ),
    min_size=20,
    max_size=50,
)


@settings(max_examples=60)
@given(st.sampled_from(SESSIONS), st.sampled_from(POLICIES), steps)
def test_every_flush_is_answered_and_no_sample_is_lost(
    session: dict[str, Any], policy: Interruption, sequence: list[tuple[str, int, int]]
) -> None:
    call = Watched(session, policy)
    for who, what, number in sequence:
        match who:
            case "model":
                call.happens(*facts_of(RESPONSES[number], what))
            case "client":
                kind, members = frame_of(call, what, number)
                call.say(kind, **members)
            case "wait":
                call.wait_until(call.now / 1_000_000 + number / 1_000)
    call.happens(VoiceStopped(Samples(2_400)))
    call.wait_until(call.now / 1_000_000 + 15)
    assert sorted(call.asked) == sorted(call.answered) or call.core.closed
    playouts = [call.core.talk.playouts.get(response) for response in RESPONSES]
    assert all(playout is None or playout.state is not Playout.FLUSHING for playout in playouts) or call.core.closed
    for playout in playouts:
        if playout is not None and session.get("output_modalities") != ["text"] and call.told(playout.response):
            assert playout.played <= call.told(playout.response) <= playout.sent
            assert playout.state is not Playout.PLAYED or call.told(playout.response) == playout.sent
