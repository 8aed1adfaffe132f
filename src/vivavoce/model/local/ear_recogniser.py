"""What turns the speech of one turn into words: the place that PocketSphinx and sherpa-onnx fill in the worker."""

from __future__ import annotations

from typing import Protocol

from vivavoce.model.local.dialogue.port import Heard

MOST_ALTERNATIVES = 4


class Recogniser(Protocol):
    """One turn at a time: :meth:`begin`, any number of :meth:`feed`, :meth:`finish`. PCM16 at 16 kHz."""

    wants_denoised: bool
    """Whether it hears better behind :class:`~.ear_denoise.Denoiser`."""

    def begin(self) -> None: ...

    def feed(self, pcm: bytes) -> None: ...

    def partial(self) -> str:
        """The words so far; may change again."""
        ...

    def finish(self) -> Heard: ...
