"""What of the line is the agent's own voice, while it can be."""

from __future__ import annotations

from vivavoce.audio.pcm import samples_for
from vivavoce.voice.echo import LATEST_FRAMES, EchoPath, EchoState
from vivavoce.voice.played import Played
from vivavoce.voice.presence import FRAME_MS
from vivavoce.voice.sound import Moment


class Returns:
    """Sleeps while the agent has been silent for longer than an echo takes."""

    def __init__(self, rate_hz: int) -> None:
        self.played = Played(rate_hz)
        self.path = EchoPath(rate_hz)
        self._samples = samples_for(FRAME_MS, rate_hz)
        self._left = 0  # frames in which an echo may still come

    @property
    def may_be_echo(self) -> bool:
        """Nobody knows yet whether the agent's voice comes back, and what is heard may be it."""
        return self._left > 0 and self.path.state is EchoState.UNKNOWN and self.path.spoke

    def hear(self, sound: Moment | None, *, agent_audible: bool) -> bool:
        """The next frame of the line; ``sound`` is None where it is soft. Whether there is more than echo in it."""
        self._left = LATEST_FRAMES if agent_audible else max(0, self._left - 1)
        if not self._left:
            return sound is not None
        self.path.hear(self.played.next(self._samples) if agent_audible else b"", sound)
        return sound is not None and not self.path.explains(sound)
