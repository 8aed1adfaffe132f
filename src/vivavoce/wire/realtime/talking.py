"""The agent's side of a session: responses, and the truth about what was heard of them."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.events import (
    CancelResponse,
    FinishPlaying,
    Flush,
    Instant,
    Play,
    PlayoutProgress,
    PlayoutStopped,
)
from vivavoce.wire.realtime.actions import Action
from vivavoce.wire.realtime.client import TruncateItem
from vivavoce.wire.realtime.complaint import Complaint, invalid
from vivavoce.wire.realtime.configuration import Modality
from vivavoce.wire.realtime.parts import Parts, earlier
from vivavoce.wire.realtime.playing import CarrierPlays, ClientPlays
from vivavoce.wire.realtime.replies import Replies, rewrite
from vivavoce.wire.realtime.responses import Outcome


class Talking:
    """Replies, and whoever plays them."""

    __slots__ = ("_carrier", "_client", "_parts", "replies")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.replies = Replies(parts)
        self._client: ClientPlays | None = None
        self._carrier: CarrierPlays | None = None

    def begin(self) -> None:
        """The call's rate is known."""
        if self._parts.client_plays:
            self._client = ClientPlays(self._parts.rate_hz)
        else:
            self._carrier = CarrierPlays(self._parts.rate_hz, self._parts.writer)

    @property
    def quiet(self) -> bool:
        """Nothing is made, waited for or played."""
        player = self._client or self._carrier
        return self.replies.active is None and not self.replies.expected and (player is None or player.quiet)

    @property
    def deadline(self) -> Instant | None:
        return earlier(self.replies.deadline, self._client.deadline if self._client is not None else None)

    def time_passed(self, now: Instant) -> Iterator[Action]:
        yield from self.replies.time_passed(now)
        if self._client is not None:
            yield from self._client.time_passed(now)

    def play(self, effect: Play, now: Instant) -> Iterator[Action]:
        reply = self.replies.making(effect.response)
        if reply is None:
            return
        yield from reply.audio(effect.audio.pcm)
        samples, speaks = effect.audio.samples, reply.modality is Modality.AUDIO
        if self._client is not None:
            yield from self._client.play(effect.response, samples, now, at_once=not speaks)
        elif self._carrier is not None and speaks and reply.message is not None:
            self._carrier.play(effect.response, samples, reply.id, reply.message.id)

    def finish(self, effect: FinishPlaying, now: Instant) -> Iterator[Action]:
        yield from self.replies.finished(effect.response)
        if self._client is not None:
            yield from self._client.finish(effect.response, now)
        elif self._carrier is not None:
            self._carrier.finish(effect.response)

    def flush(self, effect: Flush, outcome: Outcome, now: Instant, *, plays_on: bool) -> Iterator[Action]:
        yield from self.replies.broken_off(effect.response, outcome, now)
        if self._client is not None and plays_on:
            yield from self._client.let_play(effect.response, now)
        elif self._client is not None:
            yield from self._client.flush(effect.response, now)

    def cancelled(self, effect: CancelResponse, outcome: Outcome, now: Instant) -> Iterator[Action]:
        yield from self.replies.broken_off(effect.response, outcome, now)

    def carried(self, fact: PlayoutProgress | PlayoutStopped) -> Iterator[Action]:
        """Whoever carries the audio says how far it is."""
        if self._carrier is None:
            return
        if isinstance(fact, PlayoutProgress):
            yield from self._carrier.progress(fact)
        else:
            yield from self._carrier.stopped(fact)

    def truncate(self, event: TruncateItem) -> Iterator[Action]:
        """Beyond what there is nothing was heard: OpenAI refuses such a figure, which ends the sessions of an SDK that
        cannot know better (pipecat#2106).
        """
        item = self._parts.conversation.get(event.item_id)
        if item is None:
            message = f"Error truncating item: the item with id '{event.item_id[:100]}' does not exist."
            raise Complaint(message, code="item_truncate_invalid_item_id", param="item_id")
        if item.role != "assistant":
            raise invalid("item_id", "Only what the agent said can be truncated.")
        rate_hz = self._parts.rate_hz
        length_ms = item.spoken.samples * 1000 // rate_hz
        end_ms = int(max(0, min(event.audio_end_ms, length_ms)))
        send = self._parts.writer.send
        place = {"item_id": item.id, "content_index": event.content_index}
        yield send("conversation.item.truncated", **place, audio_end_ms=end_ms)
        if item.parts[0].kind != "output_audio" or not item.spoken.samples:
            return
        samples = item.spoken.samples if end_ms == length_ms else end_ms * rate_hz // 1000
        rewrite(item, item.spoken.until(samples))
        response = self.replies.reply_to(item.id)
        if response is not None and self._client is not None:
            yield from self._client.truncate(response, samples)
