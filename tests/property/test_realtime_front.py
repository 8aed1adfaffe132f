"""Whatever a client sends and whatever the call does: the front never raises, and what it says is the protocol's."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.realtime_oracle import check_event
from vivavoce.events import (
    GREETING,
    AgentText,
    Audio,
    CallerInterrupted,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CancelResponse,
    CancelTool,
    CloseCall,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    Evidence,
    FinishPlaying,
    FloorDecided,
    FloorVerdict,
    Flush,
    ForwardAudio,
    Instant,
    ModelLost,
    OpenModel,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    ResumePlaying,
    RunTool,
    Samples,
    SwapModel,
    SwapMoment,
    ToolCallId,
    Truncate,
    UsageReported,
    VoiceKind,
)
from vivavoce.wire.realtime.actions import Action, Aside, AskAside, Begin, CancelAside, Close, Emit, Send
from vivavoce.wire.realtime.configuration import AudioOver, Interruption, Offer
from vivavoce.wire.realtime.front import Front

connections = st.sampled_from([ConnectionId(1)] * 8 + [ConnectionId(2)])
responses = st.sampled_from([*(ResponseId(name) for name in "abcdef"), GREETING])
positions = st.integers(0, 100_000).map(Samples)
audios = st.integers(0, 12_000).map(lambda samples: Audio(bytes(2 * samples)))
words = st.text(max_size=20)

facts: st.SearchStrategy[Event | Effect] = st.one_of(
    st.builds(CallerSpeechStarted, connections, positions, st.booleans()),
    st.builds(CallerSpeechStopped, connections, positions),
    st.builds(CallerTranscribed, connections, words, st.booleans()),
    st.builds(ResponseStarted, connections, responses),
    st.builds(AgentText, connections, responses, words, positions, st.booleans()),
    st.builds(Play, responses, audios),
    st.builds(ResponseFinished, connections, responses),
    st.builds(ResponseInterrupted, connections, responses),
    st.builds(FinishPlaying, responses),
    st.builds(Flush, responses),
    st.builds(CancelResponse, connections, responses),
    st.builds(Truncate, connections, responses, positions, words),
    st.builds(RunTool, words.map(ToolCallId), st.sampled_from(["look", "server_tool"]), words),
    st.builds(CancelTool, words.map(ToolCallId)),
    st.builds(UsageReported, connections, *[st.integers(0, 50)] * 4),
    st.builds(ForwardAudio, connections, audios),
    st.builds(ReplayAudio, connections, audios),
    st.builds(PlayoutProgress, responses, positions, st.just(Evidence.PACED)),
    st.builds(PlayoutStopped, responses, positions, st.just(Evidence.PACED)),
    st.builds(
        SwapModel, connections, connections, st.sampled_from(SwapMoment), st.just(Samples(0)), st.just(Samples(0))
    ),
    st.builds(OpenModel, connections, st.just(0)),
    st.builds(ModelLost, connections, words),
    st.just(CallerInterrupted()),
    st.builds(FloorDecided, st.sampled_from(FloorVerdict), positions, st.just(VoiceKind.CALLER), st.just("a test")),
    st.sampled_from([PausePlaying(), ResumePlaying()]),
)

ONE = ConnectionId(1)


def turn(at: int, text: str) -> list[Event | Effect]:
    return [
        CallerSpeechStarted(ONE, Samples(at)),
        CallerSpeechStopped(ONE, Samples(at + 9_000)),
        CallerTranscribed(ONE, text, final=True),
    ]


def reply(response: ResponseId, text: str, chunks: list[Audio]) -> list[Event | Effect]:
    return [
        ResponseStarted(ONE, response),
        AgentText(ONE, response, text, Samples(0)),
        *(Play(response, audio) for audio in chunks),
        UsageReported(ONE, 3, 4),
    ]


def finish(response: ResponseId) -> list[Event | Effect]:
    return [ResponseFinished(ONE, response), FinishPlaying(response)]


def barge_in(response: ResponseId) -> list[Event | Effect]:
    return [CallerSpeechStarted(ONE, Samples(0)), Flush(response), CancelResponse(ONE, response)]


happenings: st.SearchStrategy[list[Event | Effect]] = st.one_of(
    facts.map(lambda fact: [fact]),
    st.builds(turn, st.integers(0, 100_000), st.just("hello")),
    st.builds(reply, responses, st.just("good day to you"), st.lists(audios, min_size=1, max_size=3)),
    st.builds(finish, responses),
    st.builds(barge_in, responses),
    responses.map(lambda response: [*reply(response, "yes", [Audio(bytes(48_000))]), *finish(response)]),
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
refs = st.integers(0, 30)  # which of the items or responses that were seen


class Pick(int):
    """Stands for the id of an item that the client knows."""


def event(kind: str, **members: Any) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in members.items()}
    return st.fixed_dictionaries({"type": st.just(kind), **fixed}, optional={"event_id": words})


picks = refs.map(Pick)
contents: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
        {"role": "user", "content": [{"type": "input_audio", "audio": base64.b64encode(bytes(4800)).decode()}]},
        {"role": "user", "content": []},
        {"role": "system", "content": [{"type": "input_text", "text": "be brief"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "good day"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "beta"}]},
    ]
)
items: st.SearchStrategy[Any] = st.one_of(
    contents.map(lambda content: {"type": "message", **content}),
    st.tuples(contents, picks).map(lambda both: {"type": "message", "id": both[1], **both[0]}),
    picks.map(lambda pick: {"type": "function_call_output", "call_id": pick, "output": "{}"}),
    json_values,
)
detections = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "idle_timeout_ms": 5000, "silence_duration_ms": 700},
        {"type": "semantic_vad", "interrupt_response": False},
        {"type": "server_vad", "create_response": False},
    ]
)
formats = st.sampled_from([{"type": "audio/pcm"}, {"type": "audio/pcmu"}, {"type": "audio/pcma"}, {"type": "mp3"}])
sessions = st.one_of(
    detections.map(lambda detection: {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}),
    formats.map(lambda format_: {"type": "realtime", "audio": {"output": {"format": format_}}}),
    formats.map(lambda format_: {"type": "realtime", "audio": {"input": {"format": format_}}}),
    st.just({"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1", "language": None}}}}),
    st.just({"type": "realtime", "instructions": "x", "tools": [{"name": "look", "parameters": None}]}),
    st.sampled_from(["text", "audio"]).map(lambda kind: {"type": "realtime", "output_modalities": [kind]}),
    st.dictionaries(st.sampled_from(["type", "tools", "audio", "voice", "x", "tool_choice", "prompt"]), json_values),
    json_values,
)
creates = st.one_of(
    st.none(),
    st.just({"metadata": {"k": "v"}, "instructions": "say hi"}),
    st.just({"conversation": "none", "output_modalities": ["text"]}),
    st.just({"conversation": "none", "input": [{"type": "item_reference", "id": "nothing"}]}),
    st.just({"output_modalities": ["text"]}),
    st.dictionaries(st.sampled_from(["input", "audio", "tool_choice", "metadata", "y"]), json_values),
    json_values,
)
client_events = st.one_of(
    event("input_audio_buffer.append", audio=st.binary(max_size=9000).map(lambda b: base64.b64encode(b).decode())),
    event("input_audio_buffer.append", audio=json_values),
    event("input_audio_buffer.commit"),
    event("input_audio_buffer.clear"),
    event("output_audio_buffer.clear"),
    event("conversation.item.create", item=items),
    event("conversation.item.create", item=items, previous_item_id=picks | st.just("root")),
    event("conversation.item.delete", item_id=picks),
    event("conversation.item.retrieve", item_id=picks),
    event("conversation.item.truncate", item_id=picks, content_index=0, audio_end_ms=st.integers(-5, 10_000)),
    event("response.create", response=creates),
    event("response.cancel"),
    event("response.cancel", response_id=picks),
    event("session.update", session=sessions),
    st.dictionaries(words, json_values, max_size=3),
)
frames = st.one_of(*[client_events] * 6, st.binary(max_size=30), words)
waits = st.integers(0, 3_000_000)
asides = st.tuples(st.sampled_from(["text", "audio", "done", "failed"]), words)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("client"), frames),
        *[st.tuples(st.just("call"), happenings)] * 2,
        st.tuples(st.just("wait"), waits),
        st.tuples(st.just("aside"), asides),
    ),
    min_size=30,
    max_size=80,
)

ONLY_WITHIN = {
    "response.output_audio.delta": "part",
    "response.output_audio_transcript.delta": "part",
    "response.output_text.delta": "part",
    "response.function_call_arguments.delta": "item",
}


class Watcher:
    """A client that knows the order of things."""

    def __init__(self) -> None:
        self.known: list[str] = []  # ids that an event named
        self.added: set[str] = set()
        self.open_responses: set[str] = set()
        self.done_responses: set[str] = set()
        self.open_items: dict[str, str] = {}  # and of which response they are
        self.open_parts: set[str] = set()
        self.speaking: set[str] = set()
        self.begun = 0
        self.closed = False
        self.asides: list[str] = []

    def take(self, actions: list[Action]) -> None:
        for action in actions:
            assert not self.closed
            match action:
                case Send(data):
                    self.check(check_event(data))
                case Begin():
                    self.begun += 1
                    assert self.begun == 1
                case AskAside(Aside(id=aside)):
                    self.asides.append(aside)
                case Close():
                    self.closed = True
                case CancelAside() | Emit() | _:
                    assert self.begun == 1, "the call had not begun"

    def check(self, event: dict[str, Any]) -> None:
        self.check_response(event)
        self.check_item(event)
        kind = event["type"]
        if kind in ONLY_WITHIN:
            assert event["item_id"] in (self.open_parts if ONLY_WITHIN[kind] == "part" else self.open_items)

    def check_response(self, event: dict[str, Any]) -> None:
        item = event.get("item", {}).get("id")
        response = event.get("response_id") or event.get("response", {}).get("id")
        match event["type"]:
            case "response.created":
                assert response not in self.open_responses | self.done_responses
                self.open_responses.add(response)
                self.known.append(response)
            case "response.done":
                assert response not in self.open_items.values(), "an item of it is still open"
                self.open_responses.remove(response)
                self.done_responses.add(response)
                assert all(each["status"] != "in_progress" for each in event["response"]["output"])
            case "response.output_item.added":
                assert response in self.open_responses
                self.open_items[item] = response
            case "response.output_item.done":
                del self.open_items[item]

    def check_item(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "conversation.item.added":
                item = event["item"]
                assert item["id"] not in self.added
                self.added.add(item["id"])
                self.known += [item.get("call_id", item["id"]), item["id"]]
            case "conversation.item.deleted":
                self.added.discard(event["item_id"])
            case "response.content_part.added":
                self.open_parts.add(event["item_id"])
            case "response.content_part.done":
                self.open_parts.remove(event["item_id"])
            case "input_audio_buffer.speech_started":
                assert not self.speaking
                self.speaking.add(event["item_id"])
            case "input_audio_buffer.committed":
                self.speaking.discard(event["item_id"])

    def ids_in(self, value: Any) -> Any:
        """A client's event with the ids that it knows by now."""
        if isinstance(value, Pick):
            return self.known[value % len(self.known)] if self.known else "nothing"
        if isinstance(value, dict):
            return {name: self.ids_in(member) for name, member in value.items()}
        return [self.ids_in(member) for member in value] if isinstance(value, list) else value


def ids() -> Callable[[str], str]:
    numbers = itertools.count(1)
    return lambda kind: f"{kind}_{next(numbers)}"


OFFER = Offer(
    session="sess_1",
    model="hotel",
    voice="tiffany",
    voices=("tiffany", "matthew"),
    server_tools=frozenset(["server_tool"]),
)

POLICIES: list[Interruption] = ["model", "hybrid"]


@settings(max_examples=60)
@given(st.sampled_from(AudioOver), st.sampled_from(POLICIES), st.sampled_from([True, True, True, False]), steps)
def test_anything_in_gives_the_protocol_out(
    over: AudioOver, policy: Interruption, in_talk: bool, sequence: list[tuple[str, Any]]
) -> None:
    offer = msgspec.structs.replace(OFFER, interruption=policy)
    front, watcher, now = Front(offer, ids(), audio_over=over), Watcher(), 0
    watcher.take(front.open(Instant(0)))
    if in_talk:
        now = pass_time(front, watcher, now, 200_000)
        watcher.take(front.observe(OpenModel(ConnectionId(1), 0), Instant(now)))
    for kind, value in sequence:
        match kind:
            case "client":
                frame = json.dumps(watcher.ids_in(value)) if isinstance(value, dict) else value
                watcher.take(front.receive(frame, Instant(now)))
            case "call":
                for fact in value:
                    watcher.take(front.observe(fact, Instant(now)))
            case "aside" if watcher.asides:
                what, text = value
                take_aside(front, watcher, what, text, Instant(now))
            case "wait":
                now = pass_time(front, watcher, now, now + value)
        assert front.deadline == front._next_deadline(), "what moves the deadline was not noticed"
    watcher.take(front.observe(CloseCall(Disposition.MODEL_LOST, "over"), Instant(now)))
    assert watcher.closed or not watcher.begun
    assert not watcher.begun or not watcher.open_responses
    assert not watcher.begun or front.deadline is None


def take_aside(front: Front, watcher: Watcher, what: str, text: str, now: Instant) -> None:
    aside = watcher.asides[-1]
    match what:
        case "text":
            watcher.take(front.aside_text(aside, text, now))
        case "audio":
            watcher.take(front.aside_audio(aside, Audio(bytes(960)), now))
        case "done":
            watcher.take(front.aside_done(aside, None, now))
        case "failed":
            watcher.take(front.aside_failed(aside, text, now))


def pass_time(front: Front, watcher: Watcher, now: int, until: int) -> int:
    """Says that time passed whenever that is due, as a channel does."""
    for _ in range(1_000):
        due = front.deadline
        if due is None or due > until:
            return until
        now = max(now, due)
        watcher.take(front.time_passed(Instant(now)))
        again = front.deadline
        assert again is None or again > now, "the deadline did not move"
    raise AssertionError("time does not pass")
