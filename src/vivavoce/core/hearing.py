"""What the model hears of the caller: everything, some of it a little later, and nothing of what it is not to hear.

In this order: the gate, where audio waits until it is known whose turn it is; then what is muted (a private row of
digits, a caller on hold); then the intake, which keeps it while no model listens.
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.gate import Gate
from vivavoce.core.parts import Parts
from vivavoce.core.phase import Phase
from vivavoce.events import Audio, CallerAudio, Effect, ForwardAudio, Ignore, Muted, Samples

HOLD_LIMIT_S = 60
"""Caller audio kept while no model listens: as long as all tries to replace a lost session take."""
SHUT_LIMIT_S = 30
"""Caller audio that waits at most for a decision; the oldest then goes on."""


class Hearing:
    """``delay_us``: what comes waits so long at the gate; None while it waits for a decision."""

    __slots__ = ("_muted_from", "_parts", "_reasons", "delay_us", "gate")

    def __init__(self, parts: Parts) -> None:
        self.gate = Gate()
        self.delay_us: int | None = 0
        self._parts = parts
        self._muted_from: int | None = None
        self._reasons: dict[str, None] = {}  # why the model hears nothing, oldest first

    def caller_audio(self, event: CallerAudio) -> tuple[Effect, ...]:
        """Fifty times a second: the short way is the usual one."""
        gate, audio = self.gate, event.audio
        if self.delay_us == 0 and not gate.held and self._muted_from is None:
            gate.pass_by(audio)
            return self._through(audio)
        gate.take(audio)
        return tuple(self._release())

    def settle(self, delay_us: int | None) -> Iterator[Effect]:
        """What comes waits so long from now on; what has waited long enough goes on."""
        if delay_us != self.delay_us:
            self.delay_us = delay_us
            yield from self._release()

    def silence(self, begin: int, why: str) -> Iterator[Effect]:
        """The model hears nothing from ``begin`` up to now."""
        samples = self.gate.mute(begin, self.gate.received)
        if samples:
            yield Muted(Samples(self.gate.received - samples), Samples(samples), why)

    def mute(self, why: str) -> Iterator[Effect]:
        """The model hears nothing from now on; what came before goes on first."""
        if self._muted_from is None:
            for audio in self.gate.release():
                yield from self._through(audio)
            self._muted_from = self.gate.received
        self._reasons[why] = None

    def unmute(self, why: str) -> Iterator[Effect]:
        """That is no reason any more. Without any, it hears the caller again."""
        self._reasons.pop(why, None)
        if not self._reasons:
            yield from self._end_of_silence(why)

    def _end_of_silence(self, why: str) -> Iterator[Effect]:
        if self._muted_from is not None:
            begin, self._muted_from = self._muted_from, None
            samples = self.gate.received - begin
            if samples:
                yield Muted(Samples(begin), Samples(samples), why)

    def close(self) -> Iterator[Effect]:
        """The call closes: what waits here is counted with what waits for a model."""
        yield from self._end_of_silence(", ".join(self._reasons))
        self._reasons.clear()
        for audio in self.gate.release():
            self._parts.intake.hold(audio, HOLD_LIMIT_S * (self._parts.rate_hz or 1))

    def _release(self) -> Iterator[Effect]:
        rate_hz = self._parts.rate_hz
        keep = SHUT_LIMIT_S * rate_hz if self.delay_us is None else self.delay_us * rate_hz // 1_000_000
        muted = self._muted_from is not None
        if muted:
            keep = 0
        released = self.gate.release(keep)
        if len(released) > 1:
            self._parts.owed.ring.came_late(sum(audio.samples for audio in released))
        if muted:
            self.gate.forget()
        for audio in released:
            yield from self._through(audio.silenced() if muted else audio)

    def _through(self, audio: Audio) -> tuple[Effect, ...]:
        parts = self._parts
        state = parts.phase.state
        if state is Phase.TALKING and parts.models.live:
            parts.intake.forward(audio)
            return (self.forward(audio),)
        if state in (Phase.OPENING, Phase.TALKING) and parts.rate_hz:
            dropped = parts.intake.hold(audio, HOLD_LIMIT_S * parts.rate_hz)
            return (Ignore("CallerAudio", "no model listened for too long", dropped),) if dropped else ()
        parts.intake.drop(audio)
        return (Ignore("CallerAudio", f"the call is {state}", audio.samples),)

    def forward(self, audio: Audio) -> Effect:
        self._parts.owed.forward(audio)
        return ForwardAudio(self._parts.models.current, audio)
