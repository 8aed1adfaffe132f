"""The ear beside the model: whether somebody talks on the line, who, and what for."""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.audio.framing import Framer
from vivavoce.errors import UsageError
from vivavoce.events import EarEvent, ResponseId, Samples, VoiceStarted, VoiceStopped
from vivavoce.voice import detector
from vivavoce.voice.detector import Detector, open_silero
from vivavoce.voice.port import Ear
from vivavoce.voice.presence import Presence

RATES_HZ = (8_000, 16_000, 24_000, 48_000)


def why_not_here() -> str:
    """Empty if an ear can be made here, else what to install."""
    return detector.why_not_here()


def make_ear(rate_hz: int) -> Ear:
    """An ear for one call. Raises :class:`NotAvailable` where ``why_not_here`` says why."""
    return CallEar(rate_hz, open_silero())


class CallEar:
    """An :class:`~vivavoce.voice.port.Ear`."""

    def __init__(self, rate_hz: int, detector_: Detector) -> None:
        if rate_hz not in RATES_HZ:
            raise UsageError(f"no ear hears at {rate_hz} Hz", hint=f"it hears at {', '.join(map(str, RATES_HZ))} Hz")
        self._presence = Presence(rate_hz, detector_)
        self._framer = Framer(self._presence.frame_samples)

    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        return [
            self._edge() for frame in self._framer.push(pcm) if self._presence.hear(frame, agent_audible=agent_audible)
        ]

    def _edge(self) -> EarEvent:
        presence = self._presence
        if presence.begin is not None:
            return VoiceStarted(Samples(presence.begin * presence.frame_samples))
        return VoiceStopped(Samples(presence.end * presence.frame_samples))

    def queue(self, response: ResponseId, pcm: bytes) -> None:
        pass

    def played(self, response: ResponseId, samples: int) -> None:
        pass

    def flushed(self, response: ResponseId) -> None:
        pass

    def listen_for_digits(self, listens: bool) -> None:
        pass
