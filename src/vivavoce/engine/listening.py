"""The ear of one call: shown the caller's audio by the call, and as a witness what the agent says of it."""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.core.digits import Collecting
from vivavoce.engine.vault import Vault
from vivavoce.events import (
    Audio,
    CallerPressed,
    DigitsHeard,
    EarEvent,
    Effect,
    Event,
    Flush,
    Instant,
    ListenForDigits,
    Play,
    PlayoutProgress,
    PlayoutStopped,
)
from vivavoce.voice.port import Ear


class Listening:
    """Without an ear nothing is heard, and it costs nothing."""

    def __init__(self, ear: Ear | None) -> None:
        self._ear = ear
        self.vault = Vault()

    @property
    def hears(self) -> bool:
        return self._ear is not None

    def begin(self, ear: Ear) -> None:
        """From now on. An ear that is there already goes on."""
        if self._ear is None:
            self._ear = ear

    def seen(self, event: Event, collecting: Collecting) -> Event:
        """A fact as it may stand on the timeline."""
        if isinstance(event, CallerPressed | DigitsHeard):
            return self.vault.keep(event, collecting)
        return event

    def hear(self, audio: Audio, *, agent_audible: bool) -> Sequence[EarEvent]:
        return self._ear.hear(audio.pcm, agent_audible=agent_audible) if self._ear is not None else ()

    def observe(self, at: Instant, value: Event | Effect) -> None:
        """A witness."""
        del at
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
