"""What passes through a call in frames, summed up: how much each model session was given, how far each reply is, and,
while somebody looks, how loud both sides are.
"""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.audio.level import SILENCE_DBFS, rms_dbfs
from vivavoce.console.shown import Shown
from vivavoce.events import (
    AgentAudio,
    Audio,
    CallerAudio,
    ConnectionId,
    Effect,
    Event,
    ForwardAudio,
    Instant,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ResponseId,
    Samples,
)

TICK_US = 100_000
"""What is made of frames is told so often."""
KEPT_REPLIES = 200


class _Playout:
    __slots__ = ("generated", "played", "told")

    def __init__(self) -> None:
        self.generated = 0
        self.played = 0
        self.told = (0, 0)


class Frames:
    """Cheap while nobody looks: one look-up and one addition for a frame."""

    def __init__(self) -> None:
        self.looked_at = False
        self._due = 0
        self._loudest = {"caller_dbfs": SILENCE_DBFS, "agent_dbfs": SILENCE_DBFS}
        self._forwarded: dict[ConnectionId, int] = {}
        self._playouts: dict[ResponseId, _Playout] = {}
        self._take = {
            CallerAudio: self._heard,
            ForwardAudio: self._forward,
            ReplayAudio: self._forward,
            AgentAudio: self._generate,
            Play: self._play,
            PlayoutProgress: self._report,
            PlayoutStopped: self._report,
        }

    def add(self, value: Event | Effect) -> None:
        take = self._take.get(type(value))
        if take is not None:
            take(value)  # type: ignore[operator]  # each has the type it is looked up by

    def due(self, at: Instant) -> bool:
        return at >= self._due

    def told(self, at: Instant) -> list[Shown]:
        """Levels, and what is new of the replies, since it was last asked for."""
        self._due = at + TICK_US
        levels = {side: round(level, 1) for side, level in self._loudest.items()}
        self._loudest = dict.fromkeys(levels, SILENCE_DBFS)
        changed = [
            key for key, playout in self._playouts.items() if playout.told != (playout.generated, playout.played)
        ]
        return [{"at_us": at, "type": "levels", **levels}, *(self._shown(at, response) for response in changed)]

    def playouts(self, at: Instant) -> list[Shown]:
        return [self._shown(at, response) for response in self._playouts]

    def forwarded(self) -> Sequence[ForwardAudio]:
        """For whoever begins to count in the middle of a call."""
        return [ForwardAudio(key, Audio(b"", samples)) for key, samples in self._forwarded.items()]

    def _heard(self, value: CallerAudio) -> None:
        if self.looked_at:
            self._louder("caller_dbfs", value.audio)

    def _play(self, value: Play) -> None:
        if self.looked_at:
            self._louder("agent_dbfs", value.audio)

    def _louder(self, side: str, audio: Audio) -> None:
        self._loudest[side] = max(self._loudest[side], rms_dbfs(audio.pcm))

    def _forward(self, value: ForwardAudio | ReplayAudio) -> None:
        self._forwarded[value.connection] = self._forwarded.get(value.connection, 0) + value.audio.samples

    def _generate(self, value: AgentAudio) -> None:
        self._playout(value.response).generated += value.audio.samples

    def _report(self, value: PlayoutProgress | PlayoutStopped) -> None:
        self._playout(value.response).played = value.played

    def _playout(self, response: ResponseId) -> _Playout:
        found = self._playouts.get(response)
        if found is None:
            found = self._playouts[response] = _Playout()
            if len(self._playouts) > KEPT_REPLIES:
                del self._playouts[next(iter(self._playouts))]
        return found

    def _shown(self, at: Instant, response: ResponseId) -> Shown:
        playout = self._playouts[response]
        playout.told = (playout.generated, playout.played)
        return {
            "at_us": at,
            "type": "playout",
            "response": response,
            "generated": Samples(playout.generated),
            "played": playout.played,
        }
