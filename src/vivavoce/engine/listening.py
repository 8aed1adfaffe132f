"""The ear of one call: shown the caller's audio by the call, and as a witness what the agent says of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from vivavoce.core.digits import Collecting
from vivavoce.engine.mistakes import log_mistake
from vivavoce.engine.vault import Vault
from vivavoce.events import (
    Audio,
    CallerPressed,
    DigitsHeard,
    EarEvent,
    EarLost,
    Effect,
    Event,
    Flush,
    Instant,
    ListenForDigits,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    Samples,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.voice.port import Ear

_log = logging.getLogger(__name__)


class Listening:
    """Without an ear nothing is heard, and it costs nothing."""

    def __init__(self, ear: Ear | None) -> None:
        self._ear = ear
        self._heard = 0  # samples of the caller's so far
        self._begun = 0  # of those, what an ear that came later did not hear
        self._digits = False
        self.vault = Vault()

    @property
    def hears(self) -> bool:
        return self._ear is not None

    def begin(self, ear: Ear) -> None:
        """From now on. An ear that is there already goes on."""
        if self._ear is None:
            self._ear, self._begun = ear, self._heard
            ear.listen_for_digits(self._digits)

    def seen(self, event: Event, collecting: Collecting) -> Event:
        """A fact as it may stand on the timeline."""
        if isinstance(event, CallerPressed | DigitsHeard):
            return self.vault.keep(event, collecting)
        return event

    def hear(self, audio: Audio, *, agent_audible: bool) -> Sequence[EarEvent]:
        self._heard += audio.samples
        if self._ear is None:
            return ()
        try:
            facts = self._ear.hear(audio.pcm, agent_audible=agent_audible)
        except Exception as error:  # noqa: BLE001  # a mistake of the ear's must not end the call
            log_mistake(_log, "an ear failed, and the call goes on without", error)
            self._ear = None
            return (EarLost(),)
        return [self._placed(fact) for fact in facts] if self._begun and facts else facts

    def _placed(self, fact: EarEvent) -> EarEvent:
        """Counted from the caller's first sample, and not from the ear's."""
        if isinstance(fact, VoiceStarted | VoiceStopped):
            return msgspec.structs.replace(fact, at=Samples(fact.at + self._begun))
        return fact

    def observe(self, at: Instant, value: Event | Effect) -> None:
        """A witness."""
        del at
        if isinstance(value, ListenForDigits):
            self._digits = value.listens
        if self._ear is None:
            return
        match value:
            case Play(response, audio):
                self._ear.queue(response, audio.pcm)
            case PlayoutProgress(response, played) | PlayoutStopped(response, played):
                self._ear.played(response, played)
            case Flush(response):
                self._ear.flushed(response)
            case ListenForDigits(listens):
                self._ear.listen_for_digits(listens)
