"""The agent's side of a session: responses, and the truth about what was heard of them."""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.audio.pcm import samples_for
from vivavoce.events import (
    AgentText,
    CancelResponse,
    FinishPlaying,
    Flush,
    Instant,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseStarted,
)
from vivavoce.wire.realtime.actions import Action
from vivavoce.wire.realtime.client import TruncateItem
from vivavoce.wire.realtime.complaint import Complaint, invalid
from vivavoce.wire.realtime.configuration import Modality
from vivavoce.wire.realtime.pacing import ALL, LEAD_MS, BrokenOff, OfAReply, Pacer, Told
from vivavoce.wire.realtime.parts import Parts, earlier
from vivavoce.wire.realtime.playing import CarrierPlays, ClientPlays
from vivavoce.wire.realtime.replies import Replies, rewrite
from vivavoce.wire.realtime.responses import Outcome
from vivavoce.wire.realtime.showing import TurnsShown


class Talking:
    """Replies, and whoever plays them. Of ``turns`` the client is told when the agent is silent."""

    __slots__ = ("_carrier", "_client", "_pacer", "_parts", "_turns", "replies")

    def __init__(self, parts: Parts, turns: TurnsShown) -> None:
        self._parts = parts
        self._turns = turns
        self._pacer = Pacer()
        self.replies = Replies(parts)
        self._client: ClientPlays | None = None
        self._carrier: CarrierPlays | None = None

    def begin(self) -> None:
        """The call's rate is known."""
        self._pacer.begin(self._parts.rate_hz)
        if self._parts.client_plays:
            self._client = ClientPlays(self._parts.rate_hz)
        else:
            self._carrier = CarrierPlays(self._parts.rate_hz, self._parts.writer)

    @property
    def quiet(self) -> bool:
        """Nothing is made, waited for or played."""
        return self.replies.active is None and not self.replies.expected and self.silent

    @property
    def silent(self) -> bool:
        """Nothing is played, or is to be."""
        player = self._client or self._carrier
        return not self._pacer.waiting and (player is None or player.quiet)

    @property
    def deadline(self) -> Instant | None:
        due = self.replies.deadline
        if self._client is None:
            return due
        due = earlier(due, self._client.deadline)
        if (wanted := self._pacer.wanted) is not None:
            due = earlier(due, self._client.ahead_until(0 if self._must_wait else self._lead - wanted))
        return due

    def time_passed(self, now: Instant) -> Iterator[Action]:
        yield from self.replies.time_passed(now)
        if self._client is not None:
            yield from self._client.time_passed(now)
        yield from self._tell_all(now)

    # -- what the call says, told when it may be -----------------------------------------------------------------------

    def hear(self, value: OfAReply, now: Instant) -> Iterator[Action]:
        if isinstance(value, ResponseFinished):
            self.replies.made(value.response)
        self._pacer.hold(value)
        yield from self._tell_all(now)

    def pause(self) -> None:
        """The client is sent no more sound, and falls silent when it has played what it has. Where another carries the
        sound, the pause is theirs.
        """
        self._pacer.paused = self._client is not None

    def resume(self, now: Instant) -> Iterator[Action]:
        self._pacer.paused = False
        yield from self._tell_all(now)

    def flush(self, effect: Flush, outcome: Outcome, now: Instant, *, plays_on: bool) -> Iterator[Action]:
        yield from self._turns.release()
        self._pacer.break_off(effect.response, outcome)
        yield from self._tell_all(now, room=0)  # of another, which may be cut next, nothing is begun
        if self._client is not None and plays_on:
            yield from self._client.let_play(effect.response, now)
        elif self._client is not None:
            yield from self._client.flush(effect.response, now)

    def cancelled(self, effect: CancelResponse, outcome: Outcome, now: Instant) -> Iterator[Action]:
        self._pacer.hold(BrokenOff(effect.response, outcome))
        yield from self._tell_all(now, room=0)

    def carried(self, fact: PlayoutProgress | PlayoutStopped, now: Instant) -> Iterator[Action]:
        """Whoever carries the audio says how far it is."""
        if self._carrier is None:
            return
        if isinstance(fact, PlayoutProgress):
            yield from self._carrier.progress(fact)
        else:
            yield from self._carrier.stopped(fact)
        yield from self._tell_all(now)

    def close(self, now: Instant) -> Iterator[Action]:
        """The call is over, and no more is sent."""
        yield from self._turns.release()
        self._pacer.let_go()
        yield from self._tell_all(now)

    def _tell_all(self, now: Instant, room: int | None = None) -> Iterator[Action]:
        """All that may be told by now; ``room`` is for sound."""
        while True:
            ahead = self._client.ahead(now) if self._client is not None else 0
            if self._turns.waiting and self.silent:
                yield from self._turns.release()
            if self._must_wait and ahead:
                return
            value = self._pacer.next(self._lead - ahead if room is None else room)
            if value is None:
                return
            yield from self._tell(value, now)

    @property
    def _must_wait(self) -> bool:
        """A reply answers what the client was not told yet, so as to hear the end of the last one."""
        return self._client is not None and self._turns.waiting and self._pacer.next_starts

    @property
    def _lead(self) -> int:
        if self._client is None or not self._parts.configuration.floor_is_ours:
            return ALL
        return samples_for(LEAD_MS, self._parts.rate_hz)

    def _tell(self, value: Told, now: Instant) -> Iterator[Action]:
        match value:
            case Play():
                yield from self._play(value, now)
            case AgentText():
                yield from self.replies.text(value)
            case ResponseStarted(connection):
                yield from self._turns.reply_begins(connection)
                yield from self.replies.started(value)
            case ResponseFinished(_, response):
                yield from self.replies.finished(response)
            case FinishPlaying():
                yield from self._finish(value, now)
            case BrokenOff(response, outcome, unsent):
                yield from self.replies.broken_off(response, outcome, now, unsent)

    def _play(self, effect: Play, now: Instant) -> Iterator[Action]:
        reply = self.replies.making(effect.response)
        if reply is None:
            return
        yield from reply.audio(effect.audio.pcm)
        samples, speaks = effect.audio.samples, reply.modality is Modality.AUDIO
        if self._client is not None:
            yield from self._client.play(effect.response, samples, now, at_once=not speaks)
        elif self._carrier is not None and speaks and reply.message is not None:
            self._carrier.play(effect.response, samples, reply.id, reply.message.id)

    def _finish(self, effect: FinishPlaying, now: Instant) -> Iterator[Action]:
        yield from self.replies.finished(effect.response)
        if self._client is not None:
            yield from self._client.finish(effect.response, now)
        elif self._carrier is not None:
            self._carrier.finish(effect.response)

    # -- what the client says ------------------------------------------------------------------------------------------

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
