"""What the caller says, on its way to the call: passed on as it comes, or kept until the client ends the turn."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.audio.pcm import silence
from vivavoce.events import Audio, CallerAudio
from vivavoce.wire.realtime.actions import Action, Emit, Send
from vivavoce.wire.realtime.clock import InputClock
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.configuration import TurnDetection
from vivavoce.wire.realtime.items import Item, Part
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.sound import Inlet
from vivavoce.wire.realtime.turns import CallerTurns

FRAME_MS = 100
"""The longest frame a call takes."""
BUFFER_LIMIT_MS = 300_000
"""Of audio that waits for the client to ask for a reply: five minutes are 14 MB. More is refused, and what is there
stays.
"""
SHORTEST_MS = 100
"""Of a turn; the protocol's own."""
ENDING_MS = 1_500
"""Silence after a turn that the client says is over: longer than any model waits before it answers."""


class Listening:
    """``answers`` is whether a turn was cut that the model will answer unasked."""

    __slots__ = ("_buffer", "_full", "_held", "_inlet", "_parts", "answers", "clock", "turns")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._inlet: Inlet | None = None
        self._buffer = bytearray()
        self._full = False
        self._held = 0  # bytes in items that wait for a reply
        self.answers = False
        self.clock = InputClock()
        self.turns = CallerTurns(parts, self.clock)

    @property
    def _client_decides(self) -> bool:
        return self._parts.configuration.turn_detection is TurnDetection.CLIENT

    def append(self, data: bytes) -> list[Action]:
        """In the session's format."""
        if self._inlet is None or self._inlet.encoding is not self._parts.configuration.input:
            self._inlet = Inlet(self._parts.configuration.input, self._parts.rate_hz)
        return self.hear(self._inlet.push(data))

    def hear(self, pcm: bytes) -> list[Action]:
        """At the call's rate."""
        if not self._client_decides:
            frames = self._frames(pcm)
            for audio in frames:
                self.clock.send(audio)
            return [Emit(CallerAudio(audio)) for audio in frames]
        self.clock.keep(len(pcm) // 2)
        if len(pcm) > self._room():
            self._count_held()  # items may have been deleted
        room = self._room()
        self._buffer += pcm[: max(0, room)]
        if len(pcm) > room and not self._full:
            self._full = True
            raise _full()
        return []

    def _room(self) -> int:
        """For more audio that nobody has asked a reply to."""
        return BUFFER_LIMIT_MS * self._bytes_per_ms - len(self._buffer) - self._held

    def _count_held(self) -> None:
        self._held = sum(len(item.audio) for item in self._parts.conversation.unknown())

    def clear(self) -> Send:
        self._empty()
        return self._parts.writer.send("input_audio_buffer.cleared")

    def commit(self) -> Iterator[Action]:
        """The client says that a turn is over."""
        if self._client_decides:
            pcm = self._taken()
            part = Part("input_audio", None, pcm)
            item = Item(self._parts.new_id("item"), role="user", parts=[part], known=False)
            self._held += len(pcm)
            yield from self.turns.commit(item)
            return
        self._check_length(self.turns.unfinished * 1000 / self._parts.rate_hz)
        self.answers = self.turns.speaking
        yield from self.turns.commit()
        yield from self._end_turn()

    def read(self, item: Item) -> None:
        """The audio that a client put into an item, as the call's."""
        for part in item.parts:
            if part.audio:
                part.audio = Inlet(self._parts.configuration.input, self._parts.rate_hz).push(part.audio)
        if item.audio:
            self._count_held()
            if len(item.audio) > self._room():
                raise _full()
            self._held += len(item.audio)

    def say(self, items: list[Item]) -> Iterator[Action]:
        """The caller said these, and it was a turn."""
        for item in items:
            yield from self._emitted(item.audio)
            self.turns.expect(item)
            for part in item.parts:
                part.audio = b""
        self._count_held()
        yield from self._end_turn()

    def reconfigured(self) -> Iterator[Action]:
        """Who detects turns may be another now."""
        if not self._client_decides:
            self._empty()
        elif self.turns.speaking:
            yield from self.turns.commit()

    def _taken(self) -> bytes:
        self._check_length(len(self._buffer) / self._bytes_per_ms)
        pcm = bytes(self._buffer)
        self._empty()
        return pcm

    def _check_length(self, length_ms: float) -> None:
        if length_ms < SHORTEST_MS:
            message = (
                f"Error committing input audio buffer: buffer too small. Expected at least {SHORTEST_MS}ms of audio, "
                f"but buffer only has {length_ms:.2f}ms of audio."
            )
            raise Complaint(message, code="input_audio_buffer_commit_empty")

    def _empty(self) -> None:
        self._buffer = bytearray()
        self._full = False

    def _frames(self, pcm: bytes) -> list[Audio]:
        step = FRAME_MS * self._bytes_per_ms
        if 0 < len(pcm) <= step:
            return [Audio(pcm)]
        return [Audio(pcm[at : at + step]) for at in range(0, len(pcm), step)]

    def _emitted(self, pcm: bytes) -> list[Action]:
        return [Emit(CallerAudio(audio)) for audio in self._frames(pcm)]

    def _end_turn(self) -> list[Action]:
        length_ms = max(ENDING_MS, 2 * self._parts.configuration.endpoint_ms)
        return self._emitted(silence(length_ms * self._parts.rate_hz // 1000))

    @property
    def _bytes_per_ms(self) -> int:
        return self._parts.rate_hz // 500


def _full() -> Complaint:
    minutes = BUFFER_LIMIT_MS // 60_000
    message = f"There is no room for more audio: {minutes} minutes wait for 'response.create'."
    return Complaint(message, code="input_audio_buffer_full")
