"""Where the first sound of each response is: told once, right before the audio that holds it."""

from __future__ import annotations

from vivavoce.audio.activity import first_sound
from vivavoce.audio.arrays import to_array
from vivavoce.events import AgentAudio, ModelEvent, ResponseAudible, ResponseId, ResponseStarted, Samples

REMEMBERED = 8
"""Responses of which audio may still come: a model makes one at a time, and what was cancelled ends soon."""


class FirstSound:
    """Of one model session, at the call's rate. After the sound was found, a chunk costs one look into a dict."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._silent: dict[ResponseId, int] = {}  # samples so far; none of a response that was heard, or is unknown

    def seen(self, event: ModelEvent) -> ResponseAudible | None:
        """What to tell before this event, which is the next one."""
        match event:
            case AgentAudio(connection, response, audio) if response in self._silent:
                so_far = self._silent[response]
                at = first_sound(to_array(audio.pcm), self._rate_hz)
                if at is not None:
                    del self._silent[response]
                    return ResponseAudible(connection, response, Samples(so_far + at))
                self._silent[response] = so_far + audio.samples
            case ResponseStarted(_, response):
                self._silent[response] = 0
                if len(self._silent) > REMEMBERED:
                    del self._silent[next(iter(self._silent))]
        return None
