"""A stream of PCM in pieces of any length, cut into frames of one length."""

from __future__ import annotations

from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_in, silence
from vivavoce.errors import UsageError


class Framer:
    """Cuts what is pushed into frames of ``frame_samples``; holds back less than one. Nothing is lost or added."""

    def __init__(self, frame_samples: int) -> None:
        if frame_samples <= 0:
            raise UsageError(f"a frame of {frame_samples} samples", hint="a frame has at least one sample")
        self.frame_samples = frame_samples
        self._held = b""

    @property
    def held_samples(self) -> int:
        return len(self._held) // BYTES_PER_SAMPLE

    def push(self, pcm: bytes) -> list[bytes]:
        """The frames that are now whole, oldest first."""
        samples_in(pcm)
        data = self._held + pcm if self._held else pcm
        size = self.frame_samples * BYTES_PER_SAMPLE
        whole = len(data) - len(data) % size
        self._held = data[whole:]
        return [data[at : at + size] for at in range(0, whole, size)]

    def finish(self, *, pad: bool) -> bytes:
        """What is left at the end, maybe nothing: filled up with silence to a whole frame if ``pad``, else as it is."""
        rest, self._held = self._held, b""
        if rest and pad:
            rest += silence(self.frame_samples - len(rest) // BYTES_PER_SAMPLE)
        return rest
