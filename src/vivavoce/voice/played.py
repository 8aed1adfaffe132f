"""The agent's voice as it is being played, step by step with the caller's line."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_for
from vivavoce.events import ResponseId

_CHANCE_MS = 80
"""Reports of playing come in steps and late: by so much they are not corrected after."""
_AHEAD_MS = 800
"""So far beyond the last report nothing is taken for played."""
_KEPT_MS = 1_000
"""Of what was played, for the case that a report leads back."""


@dataclass(slots=True)
class _Response:
    """``pcm`` begins at ``begin`` samples of it; ``at``: how far it was played, as far as we know."""

    id: ResponseId
    pcm: bytearray = field(default_factory=bytearray)
    begin: int = 0
    at: int = 0
    reported: int | None = None

    @property
    def end(self) -> int:
        return self.begin + len(self.pcm) // BYTES_PER_SAMPLE


class Played:
    """Follows the reports of playing, and between them the clock of the line."""

    def __init__(self, rate_hz: int) -> None:
        self._chance = samples_for(_CHANCE_MS, rate_hz)
        self._ahead = samples_for(_AHEAD_MS, rate_hz)
        self._kept = samples_for(_KEPT_MS, rate_hz)
        self._responses: deque[_Response] = deque()

    def queue(self, response: ResponseId, pcm: bytes) -> None:
        if not self._responses or self._responses[-1].id != response:
            self._responses.append(_Response(response))
        self._responses[-1].pcm.extend(pcm)

    def report(self, response: ResponseId, samples: int) -> None:
        if not any(known.id == response for known in self._responses):
            return
        while self._responses[0].id != response:
            self._responses.popleft()
        current = self._responses[0]
        current.reported = samples
        if abs(current.at - samples) > self._chance:
            current.at = min(max(samples, current.begin), current.end)

    def flush(self, response: ResponseId) -> None:
        self._responses = deque(known for known in self._responses if known.id != response)

    def next(self, samples: int) -> bytes:
        """The next of it; less, or nothing, where nothing more is played as far as is known."""
        parts = b""
        while self._responses and len(parts) < samples * BYTES_PER_SAMPLE:
            current = self._responses[0]
            part = self._take(current, samples - len(parts) // BYTES_PER_SAMPLE)
            parts += part
            if not part:
                if current.at < current.end or len(self._responses) == 1:
                    break
                self._responses.popleft()
        return parts

    def _take(self, current: _Response, samples: int) -> bytes:
        most = current.end if current.reported is None else min(current.end, current.reported + self._ahead)
        until = max(current.at, min(most, current.at + samples))
        part = current.pcm[(current.at - current.begin) * BYTES_PER_SAMPLE : (until - current.begin) * BYTES_PER_SAMPLE]
        current.at = until
        if current.at - current.begin > 2 * self._kept:
            del current.pcm[: self._kept * BYTES_PER_SAMPLE]
            current.begin += self._kept
        return bytes(part)
