"""One session of the protocol, from ``session.created`` to its end.

::

    actions = front.receive(frame, now)   # what the client says
    actions = front.observe(value, now)   # what happens in the call: every fact and every effect, in their order
    actions = front.time_passed(now)      # when ``front.deadline`` has come

Nothing here raises for what a client sends: what is wrong is answered with an ``error`` event, and the session goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from vivavoce.events import (
    Ability,
    AgentAudio,
    Audio,
    CallerAudio,
    CallerInterrupted,
    CloseCall,
    Effect,
    Event,
    ForwardAudio,
    Instant,
    Play,
    ReplyRequested,
    ResponseId,
    ResponseStarted,
    UsageReported,
)
from vivavoce.wire.realtime import client
from vivavoce.wire.realtime.actions import Action, Begin, Emit, Revise
from vivavoce.wire.realtime.asking import Asking
from vivavoce.wire.realtime.complaint import Complaint, invalid
from vivavoce.wire.realtime.configuration import AudioOver, Configuration, Encoding, Modality, Offer
from vivavoce.wire.realtime.idle import Idle
from vivavoce.wire.realtime.listening import Listening
from vivavoce.wire.realtime.parts import Parts, earlier
from vivavoce.wire.realtime.requests import Request
from vivavoce.wire.realtime.session import first_configuration, updated
from vivavoce.wire.realtime.showing import TurnsShown
from vivavoce.wire.realtime.talking import Talking
from vivavoce.wire.realtime.usage import Usage
from vivavoce.wire.realtime.watching import Watching
from vivavoce.wire.realtime.writer import Writer

BEGIN_AFTER_US = 150_000
"""A client usually sends a ``session.update`` first, and would otherwise cost a second model session."""
MORE_UPDATES_US = 30_000
"""LiveKit's plugin sends its session, its instructions and its tools one after the other."""


class Front:
    """``new_id`` makes ids: ``new_id("item")`` gives ``item_…``, and none twice."""

    __slots__ = (
        "_asking",
        "_begin_at",
        "_closed",
        "_deadline",
        "_idle",
        "_listening",
        "_parts",
        "_stale",
        "_talking",
        "_watching",
    )

    def __init__(self, offer: Offer, new_id: Callable[[str], str], *, audio_over: AudioOver) -> None:
        configuration = first_configuration(offer)
        writer = Writer(new_id("event"))
        self._parts = Parts(offer, new_id, audio_over, writer, configuration, new_id("conv"))
        self._listening = Listening(self._parts)
        shown = TurnsShown(self._parts, self._listening.turns)
        self._talking = Talking(self._parts, shown)
        self._asking = Asking(self._parts, self._listening, self._talking.replies)
        self._idle = Idle()
        self._watching = Watching(self._parts, self._listening, self._talking, self._asking, shown)
        self._begin_at: Instant | None = None
        self._closed = False
        self._deadline: Instant | None = None
        self._stale = True

    @property
    def configuration(self) -> Configuration:
        """The session as it is in effect."""
        return self._parts.configuration

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What the client's side can do, beside playing. A client that plays by itself is sent its sound in time to be
        paused only where somebody may want that; whoever else carries sound plays it as it is to be heard.
        """
        return (Ability.PAUSE,) if self._parts.offer.floor_is_ours or not self._parts.client_plays else ()

    @property
    def deadline(self) -> Instant | None:
        """When :meth:`time_passed` is due. The caller's sound moves it as little as it is asked for often."""
        if self._stale:
            self._deadline = self._next_deadline()
            self._stale = False
        return self._deadline

    def _next_deadline(self) -> Instant | None:
        if self._closed or self._begin_at is not None:
            return None if self._closed else self._begin_at
        return earlier(self._talking.deadline, self._idle.deadline(self._parts.configuration.idle_timeout_ms))

    def open(self, now: Instant) -> list[Action]:
        """The first thing that a client hears."""
        self._begin_at = Instant(now + BEGIN_AFTER_US)
        self._stale = True
        return [self._parts.writer.send("session.created", session=self._parts.configuration.session)]

    def receive(self, frame: str | bytes, now: Instant) -> list[Action]:
        """One event of the client."""
        if self._closed:
            return []
        try:
            event = client.decode(frame)
        except client.Malformed as complaint:
            return [self._parts.writer.complain(complaint, complaint.event_id)]
        actions: list[Action] = []
        if self._begin_at is not None and not isinstance(event, client.SessionUpdate):
            actions += self._begin()
        try:
            actions.extend(self._received(event, now))
        except Complaint as complaint:
            actions.append(self._parts.writer.complain(complaint, event.event_id))
        if not isinstance(event, client.Append):
            self._settle(now)
        return actions

    def too_large(self, size_bytes: int) -> list[Action]:
        """An event came that was not read for its size; the session goes on."""
        if self._closed:
            return []
        return [self._parts.writer.complain(client.too_large(size_bytes), None)]

    def caller_audio(self, pcm: bytes, now: Instant) -> list[Action]:  # noqa: ARG002
        """What the caller says, at the call's rate, where it does not come in events."""
        if self._closed or self._begin_at is not None:
            return []
        try:
            return self._listening.hear(pcm)
        except Complaint as complaint:
            return [self._parts.writer.complain(complaint, None)]

    def observe(self, value: Event | Effect, now: Instant) -> list[Action]:
        """One fact before it is applied, or one effect before it is performed."""
        if self._closed or self._begin_at is not None:
            return []
        kind = type(value)
        if kind is CallerAudio or kind is AgentAudio:  # a hundred times a second; what is made of them is an effect
            return []
        actions = list(self._watching.see(value, now))
        if kind is ForwardAudio:
            return actions
        self._stale = True
        match value:
            case Play():
                return actions
            case ResponseStarted():
                self._idle.agent_spoke()
            case CloseCall():
                self._closed = True
        self._settle(now)
        return actions

    def time_passed(self, now: Instant) -> list[Action]:
        self._stale = True
        if self._closed:
            return []
        if self._begin_at is not None:
            return self._begin() if self._begin_at <= now else []
        actions = list(self._talking.time_passed(now))
        self._settle(now)
        idle = self._idle.deadline(self._parts.configuration.idle_timeout_ms)
        if idle is not None and idle <= now:
            self._idle.spend()
            actions.extend(self._listening.turns.timed_out())
            self._talking.replies.expect(Request(modality=self._parts.configuration.modality), now)
            actions.append(Emit(ReplyRequested()))
        return actions

    def speaks(self, response: ResponseId) -> bool:
        """Whether the client wants to hear this response; of one in words only, nothing is to be played."""
        reply = self._talking.replies.making(response)
        return reply is None or reply.modality is Modality.AUDIO

    # -- replies beside the call ---------------------------------------------------------------------------------------

    def aside_text(self, aside: str, text: str, now: Instant) -> list[Action]:  # noqa: ARG002
        return list(self._asking.asides.text(aside, text))

    def aside_audio(self, aside: str, audio: Audio, now: Instant) -> list[Action]:  # noqa: ARG002
        return list(self._asking.asides.audio(aside, audio))

    def aside_done(self, aside: str, usage: UsageReported | None, now: Instant) -> list[Action]:  # noqa: ARG002
        told = Usage()
        if usage is not None:
            told.add(usage)
        return list(self._asking.asides.done(aside, told.take()))

    def aside_failed(self, aside: str, message: str, now: Instant) -> list[Action]:  # noqa: ARG002
        return list(self._asking.asides.failed(aside, message))

    # -- the session ---------------------------------------------------------------------------------------------------

    def _begin(self) -> list[Action]:
        self._begin_at = None
        self._stale = True
        configuration = self._parts.configuration
        rate_hz = configuration.rate_hz if self._parts.client_plays else Encoding.PCM.rate_hz
        self._parts.rate_hz = rate_hz
        self._talking.begin()
        return [Begin(rate_hz, configuration)]

    def _settle(self, now: Instant) -> None:
        self._stale = True
        if self._parts.configuration.idle_timeout_ms:
            quiet = self._talking.quiet and not self._listening.turns.speaking
            self._idle.settle(quiet=quiet, now=now)

    def _received(self, event: client.ClientEvent, now: Instant) -> Iterable[Action]:  # noqa: C901, PLR0911 (only dispatches)
        match event:
            case client.Append(audio=audio):
                return self._append(audio)
            case client.SessionUpdate():
                return self._update(event, now)
            case client.Commit():
                return self._listening.commit()
            case client.Clear():
                return (self._listening.clear(),)
            case client.ClearOutput():
                return () if self._talking.quiet else (Emit(CallerInterrupted()),)
            case client.CreateItem():
                return self._asking.create_item(event)
            case client.DeleteItem():
                return self._asking.delete_item(event)
            case client.RetrieveItem():
                return self._asking.retrieve_item(event)
            case client.TruncateItem():
                return self._talking.truncate(event)
            case client.CreateResponse():
                return self._asking.create_response(event, now)
            case client.CancelResponse():
                return self._asking.cancel_response(event, now)

    def _update(self, event: client.SessionUpdate, now: Instant) -> Iterator[Action]:
        before = self._parts.configuration
        after = updated(self._parts.offer, before, event.session)
        self._parts.configuration = after
        yield self._parts.writer.send("session.updated", session=after.session)
        if self._begin_at is not None:
            if not _only_traces(event.session):
                self._begin_at = min(self._begin_at, Instant(now + MORE_UPDATES_US))
            return
        if after.turn_detection is not before.turn_detection:
            yield from self._listening.reconfigured()
        if not after.asks_the_same(before):
            yield Revise(after)

    def _append(self, audio: bytes) -> list[Action]:
        if not self._parts.client_plays:
            raise invalid("type", "Audio comes over the peer connection here, not as 'input_audio_buffer.append'.")
        return self._listening.append(audio)


def _only_traces(update: Mapping[str, Any]) -> bool:
    """OpenAI's Agents SDKs send their tracing in an update of its own, JavaScript's before the one that says it all."""
    return "tracing" in update and update.keys() <= {"type", "model", "tracing"}
