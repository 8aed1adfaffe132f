"""The caller's audio on a steady clock: in order, without holes, and going on while the carrier sends nothing.

A speech model counts time in samples, and carriers leave some out: Twilio sends nothing in some silences
(Phonic-node#32), Telnyx does not promise the order. So positions are taken from the carrier's clock, not from the count
of frames. Pure: instants are arguments, in seconds of one clock.
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.audio.pcm import samples_in, silence
from vivavoce.wire.telephony.line import FRAME_MS, Media

QUIET_MS = 200
"""After so much of nothing, silence is put in its place as time passes."""
SLACK_MS = 2_000
"""The carrier's clock may be so far ahead of ours; beyond that it is not believed."""
REORDER_CHUNKS = 4
"""So many chunks are kept for one that is missing before it is given up: 80 ms."""
RESTART_CHUNKS = 1_000
"""A chunk so far back is the first of a new count."""
LONGEST_PIECE_MS = 100


class Sorter:
    """Media in the order of their chunks. One that comes after its turn was given up is dropped."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._early: dict[int, Media] = {}

    def receive(self, media: Media) -> list[Media]:
        """What can be heard now."""
        if media.chunk is None:
            return [media]
        if self._next is None or media.chunk < self._next - RESTART_CHUNKS:
            self._next = media.chunk
        if media.chunk >= self._next:
            self._early[media.chunk] = media
        if len(self._early) > REORDER_CHUNKS:
            self._next = min(self._early)
        return list(self._in_turn())

    def give_up(self) -> list[Media]:
        """Nothing came for a while: what waits for a missing chunk waits no longer."""
        waiting = [self._early[chunk] for chunk in sorted(self._early)]
        if waiting:
            self._next = max(self._early) + 1
            self._early.clear()
        return waiting

    def _in_turn(self) -> Iterator[Media]:
        while self._next in self._early:
            yield self._early.pop(self._next)
            self._next += 1


class Intake:
    """Turns media into pieces of at most 100 ms, with silence where the line had none."""

    def __init__(self, rate_hz: int, now_s: float) -> None:
        self._rate_hz = rate_hz
        self._sorter = Sorter()
        self._began_s = now_s
        self._samples = 0  # given out so far
        self._filled = 0  # of them, silence of ours
        self._origin_ms: float | None = None  # the carrier's clock at our sample 0
        self.quiet_at_s = now_s + QUIET_MS / 1000
        """When :meth:`pass_time` has something to do, if nothing comes before."""

    def receive(self, media: Media, now_s: float) -> list[bytes]:
        """The pieces that follow, in order."""
        self.quiet_at_s = now_s + QUIET_MS / 1000
        return [piece for heard in self._sorter.receive(media) for piece in self._place(heard, now_s)]

    def pass_time(self, now_s: float) -> list[bytes]:
        """Nothing came until now: from :attr:`quiet_at_s` on, silence takes the time that has passed."""
        if now_s < self.quiet_at_s:
            return []
        self.quiet_at_s = now_s + FRAME_MS / 1000
        late = [piece for heard in self._sorter.give_up() for piece in self._place(heard, now_s)]
        return late + self._silence(min(self._owed(now_s), self._slack))

    @property
    def _slack(self) -> int:
        return self._rate_hz * SLACK_MS // 1000

    def _owed(self, now_s: float) -> int:
        """Samples that time has passed and that were not given out."""
        return max(0, self._passed(now_s) - self._samples)

    def _passed(self, now_s: float) -> int:
        return int((now_s - self._began_s) * self._rate_hz)

    def _silence(self, samples: int) -> list[bytes]:
        self._filled += samples
        return self._give(silence(samples))

    def _place(self, media: Media, now_s: float) -> list[bytes]:
        return self._fill(media, now_s) + self._give(media.pcm)

    def _fill(self, media: Media, now_s: float) -> list[bytes]:
        """Silence for a hole before this, by the carrier's clock."""
        if media.at_ms is None:
            return []
        here_ms = self._samples * 1000 / self._rate_hz
        if self._origin_ms is None:
            self._origin_ms = media.at_ms - here_ms
        hole_ms = media.at_ms - self._origin_ms - here_ms
        if abs(hole_ms) > SLACK_MS:  # its clock was set, or is none
            self._origin_ms = media.at_ms - here_ms
            return []
        # A hole is as long as the carrier says, but time must have passed for it.
        believed = self._slack + min(self._owed(now_s), self._passed(now_s) - self._filled)
        hole = round(hole_ms) // FRAME_MS * FRAME_MS * self._rate_hz // 1000
        return self._silence(max(0, min(hole, believed)))

    def _give(self, pcm: bytes) -> list[bytes]:
        self._samples += samples_in(pcm)
        size = self._rate_hz * LONGEST_PIECE_MS // 1000 * 2
        return [pcm[at : at + size] for at in range(0, len(pcm), size)]
