"""The caller's turns: from the model's facts about speech to items of the conversation.

While turns are the model's to detect, each stretch of speech becomes an item under one id: started, stopped, committed,
added, done, and written down whenever the model says what it heard. While they are the client's, the items are there
already and only the words are waited for.

A model session that takes over hears the end of what was said again. What ends before the last item does is told
nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.events import CallerSpeechStarted, CallerSpeechStopped, CallerTranscribed, ConnectionId, Samples
from vivavoce.wire.realtime.actions import Send
from vivavoce.wire.realtime.clock import InputClock
from vivavoce.wire.realtime.configuration import TurnDetection
from vivavoce.wire.realtime.items import Item, Part
from vivavoce.wire.realtime.parts import Parts


class CallerTurns:
    """``speaking`` is whether a stretch of speech is open."""

    __slots__ = ("_again", "_began", "_connection", "_ended", "_heard", "_last", "_open", "_parts", "_shown", "clock")

    def __init__(self, parts: Parts, clock: InputClock) -> None:
        self._parts = parts
        self.clock = clock
        self._open = ""  # the id of the item that is being spoken
        self._began = 0
        self._ended = 0  # of the last item
        self._connection = ConnectionId(0)  # that heard it begin
        self._last: Item | None = None
        self._heard: list[str] = []  # words of the open item
        self._shown = ""  # of the last item's words, as far as they were told
        self._again = False  # what is heard was heard before

    @property
    def speaking(self) -> bool:
        return bool(self._open)

    @property
    def unfinished(self) -> int:
        """What was received since the last item ended."""
        return self.clock.received - self._ended

    @property
    def _detected(self) -> bool:
        return self._parts.configuration.turn_detection is not TurnDetection.CLIENT

    def started(self, fact: CallerSpeechStarted) -> Iterator[Send]:
        if self.speaking:
            self._connection = fact.connection
            return
        at = self.clock.position(fact.connection, fact.at)
        self._again = self._detected and at < self._ended
        if not self._again:
            yield from self._start(at, fact.connection)

    def taken(self, at: Samples) -> Iterator[Send]:
        """The turn is that of a voice from ``at`` on in the caller's audio. Which model hears it is not known yet."""
        if not self.speaking:
            yield from self._start(max(self._ended, self.clock.place(at)), ConnectionId(0))

    def _start(self, at: int, connection: ConnectionId) -> Iterator[Send]:
        if not self._detected:
            return
        self._open = self._parts.new_id("item")
        self._began = at
        self._connection = connection
        start_ms = max(self._ms(self._ended), self._ms(at) - self._parts.configuration.prefix_ms)
        kind = "input_audio_buffer.speech_started"
        yield self._parts.writer.send(kind, audio_start_ms=start_ms, item_id=self._open)

    def stopped(self, fact: CallerSpeechStopped) -> Iterator[Send]:
        if self.speaking:
            yield from self._stop(max(self._began, self.clock.position(fact.connection, fact.at)))

    def reply_begins(self, connection: ConnectionId) -> Iterator[Send]:
        """A reply follows what it answers: speech whose words are here is over, as is what nobody hears any more."""
        if self.speaking and (self._heard or connection != self._connection):
            yield from self._stop(self.clock.received)

    def commit(self, item: Item | None = None) -> Iterator[Send]:
        """What was said so far is a turn, because the client says so."""
        item = item or Item(self._open or self._parts.new_id("item"), role="user", parts=[Part("input_audio", None)])
        self._began = self._began if self._open else self._ended
        self._open = ""
        yield from self._committed(item, self.clock.received)

    def timed_out(self) -> Iterator[Send]:
        """Nobody said anything for too long: an empty turn, to be answered."""
        item = Item(self._parts.new_id("item"), role="user", parts=[Part("input_audio", None)])
        self._began = self._ended
        start_ms, end_ms = self._ms(self._ended), self._ms(self.clock.received)
        kind = "input_audio_buffer.timeout_triggered"
        yield self._parts.writer.send(kind, audio_start_ms=start_ms, audio_end_ms=end_ms, item_id=item.id)
        yield from self._committed(item, self.clock.received)

    def expect(self, item: Item) -> None:
        """The next words are those of this item."""
        self._last, self._shown, self._again = item, "", False

    def transcribed(self, fact: CallerTranscribed) -> Iterator[Send]:
        text = fact.text.strip()
        if not text:
            return
        if self.speaking:
            if fact.final:
                self._heard.append(text)
        elif self._last is not None and self._last.parts[0].text is None:
            yield from self._write_down(self._last, text, final=fact.final)
        elif fact.final and not self._again:
            # More words after the last ones: SDKs take the words of one item once.
            item = Item(self._parts.new_id("item"), role="user", parts=[Part("input_audio", None)])
            yield from self._committed(item, self._ended)
            yield from self._write_down(item, text, final=True)

    def _stop(self, end: int) -> Iterator[Send]:
        kind = "input_audio_buffer.speech_stopped"
        yield self._parts.writer.send(kind, audio_end_ms=max(self._ms(self._began), self._ms(end)), item_id=self._open)
        item = Item(self._open, role="user", parts=[Part("input_audio", None)])
        self._open = ""
        yield from self._committed(item, end)

    def _committed(self, item: Item, end: int) -> Iterator[Send]:
        parts = self._parts
        previous = parts.conversation.append(item)
        yield parts.writer.send("input_audio_buffer.committed", previous_item_id=previous, item_id=item.id)
        yield from shown_item(parts, item, previous)
        self._began, self._ended = min(self._began, end), end
        self.expect(item)
        if self._heard:
            text, self._heard = " ".join(self._heard), []
            yield from self._write_down(item, text, final=True)

    def _write_down(self, item: Item, text: str, *, final: bool) -> Iterator[Send]:
        wanted = self._parts.configuration.transcription
        place = {"item_id": item.id, "content_index": 0}
        if wanted and text.startswith(self._shown) and text != self._shown:
            kind = "conversation.item.input_audio_transcription.delta"
            yield self._parts.writer.send(kind, **place, delta=text[len(self._shown) :])
            self._shown = text
        if final:
            item.parts[0].text = text
            if wanted:
                usage = {"type": "duration", "seconds": (self._ended - self._began) / self._parts.rate_hz}
                kind = "conversation.item.input_audio_transcription.completed"
                yield self._parts.writer.send(kind, **place, transcript=text, usage=usage)

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._parts.rate_hz


def shown_item(parts: Parts, item: Item, previous: str | None) -> Iterator[Send]:
    """An item that is whole when it comes."""
    shown = item.shown()
    yield parts.writer.send("conversation.item.added", previous_item_id=previous, item=shown)
    yield parts.writer.send("conversation.item.done", previous_item_id=previous, item=shown)
