"""A client and a call on both sides of a front, as tests need them."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from tests.contract.realtime_oracle import check_shape
from vivavoce.events import (
    AgentText,
    Audio,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    ChannelEvent,
    ConnectionId,
    Effect,
    Event,
    FinishPlaying,
    ForwardAudio,
    Instant,
    OpenModel,
    Play,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    Samples,
)
from vivavoce.wire.realtime.actions import Action, Emit, Send
from vivavoce.wire.realtime.configuration import AudioOver, Offer
from vivavoce.wire.realtime.front import MORE_UPDATES_US, Front

ONE = ConnectionId(1)
A, B = ResponseId("a"), ResponseId("b")
OFFER = Offer(
    session="sess_1",
    model="hotel",
    voice="tiffany",
    voices=("tiffany", "matthew"),
    server_tools=frozenset(["book"]),
    expires_at=1_800_000_000,
)
Kind = TypeVar("Kind")


def seconds(value: float) -> Instant:
    return Instant(round(value * 1_000_000))


class Line:
    """``now`` moves by hand. What the front wants is in ``actions``, of the last thing that was done."""

    def __init__(
        self, session: dict[str, Any] | None = None, *, over: AudioOver = AudioOver.EVENTS, offer: Offer = OFFER
    ) -> None:
        numbers = itertools.count(1)
        self.front = Front(offer, lambda kind: f"{kind}_{next(numbers)}", audio_over=over)
        self.now = seconds(0)
        self.actions: list[Action] = []
        self.front.open(self.now)
        self.update(session or {})
        self.front.time_passed(Instant(MORE_UPDATES_US))
        self.see(OpenModel(ONE, 0))

    def say(self, kind: str, **members: Any) -> list[dict[str, Any]]:
        return self.say_raw(json.dumps({"type": kind, **members}))

    def say_raw(self, frame: str | bytes) -> list[dict[str, Any]]:
        self.actions = self.front.receive(frame, self.now)
        return self.sent

    def update(self, session: dict[str, Any]) -> list[dict[str, Any]]:
        return self.say("session.update", session={"type": "realtime", **session})

    def append(self, pcm: bytes) -> list[dict[str, Any]]:
        return self.say("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def write(self, text: str, role: str = "user", **members: Any) -> list[dict[str, Any]]:
        kind = "output_text" if role == "assistant" else "input_text"
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **members.pop("item", {})}
        return self.say("conversation.item.create", item=item, **members)

    def see(self, *values: Event | Effect) -> list[dict[str, Any]]:
        self.actions = [action for value in values for action in self.front.observe(value, self.now)]
        return self.sent

    def wait_until(self, at_s: float) -> list[dict[str, Any]]:
        """Time passes, and the front is told whenever it wants to be."""
        self.actions = []
        while (due := self.front.deadline) is not None and due <= seconds(at_s):
            self.now = Instant(max(self.now, due))
            self.actions += self.front.time_passed(self.now)
        self.now = seconds(at_s)
        return self.sent

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [check_shape(action.data) for action in self.actions if isinstance(action, Send)]

    @property
    def kinds(self) -> list[str]:
        return kinds(self.sent)

    @property
    def emitted(self) -> list[ChannelEvent]:
        return [action.event for action in self.actions if isinstance(action, Emit)]

    def wanted(self, kind: type[Kind]) -> list[Kind]:
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def error(self) -> dict[str, Any]:
        (event,) = self.sent
        assert event["type"] == "error"
        error: dict[str, Any] = event["error"]
        return error

    # -- what a call does ----------------------------------------------------------------------------------------------

    def caller_speaks(self, text: str = "", *, at_s: float = 0.0, length_s: float = 0.5) -> list[dict[str, Any]]:
        """The client sends enough for it first."""
        missing = round((at_s + length_s) * 24_000) - self.heard
        for _ in range(missing // 2_400):
            self.passes(bytes(4_800))
        start = Samples(round(at_s * 24_000))
        facts: list[Event] = [
            CallerSpeechStarted(ONE, start),
            CallerSpeechStopped(ONE, Samples(round((at_s + length_s) * 24_000))),
        ]
        return self.see(*facts, *([CallerTranscribed(ONE, text, final=True)] if text else []))

    def passes(self, pcm: bytes) -> None:
        """From the client through the call to the model."""
        self.append(pcm)
        self.see(*(ForwardAudio(ONE, event.audio) for event in self.emitted if isinstance(event, CallerAudio)))

    @property
    def heard(self) -> int:
        return self.front._listening.clock.received

    def agent_begins(
        self, response: ResponseId = A, text: str = "good day", length_s: float = 1.0
    ) -> list[dict[str, Any]]:
        return self.see(
            ResponseStarted(ONE, response),
            AgentText(ONE, response, text, Samples(0)),
            Play(response, Audio(bytes(round(length_s * 48_000)))),
        )

    def agent_ends(self, response: ResponseId = A) -> list[dict[str, Any]]:
        return self.see(ResponseFinished(ONE, response), FinishPlaying(response))


def kinds(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def the(events: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one event of this kind."""
    (event,) = [event for event in events if event["type"] == kind]
    return event
