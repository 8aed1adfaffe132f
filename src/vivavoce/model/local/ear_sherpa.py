"""A streaming transducer of the user's, through sherpa-onnx. Worker process only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from vivavoce.errors import NotAvailable
from vivavoce.model.local.dialogue.port import Heard
from vivavoce.model.local.ear_endpointing import RATE_HZ

_PARTS: Final = ("encoder", "decoder", "joiner")
# A streaming encoder looks this far ahead; without it the last word is lost.
_TAIL_SAMPLES: Final = RATE_HZ * 66 // 100


class Sherpa:
    """Hears with the model in ``directory``, which the agent's own sentences do not bias."""

    wants_denoised = False

    def __init__(self, directory: Path) -> None:
        files = {part: str(_onnx(directory, part)) for part in _PARTS}
        tokens = directory / "tokens.txt"
        if not tokens.is_file():
            raise _incomplete(directory, "tokens.txt")
        try:
            import sherpa_onnx
        except ImportError as missing:
            message = f"a recognition model directory needs sherpa-onnx: {missing}"
            raise NotAvailable(message, hint="pip install sherpa-onnx") from missing
        self._recogniser = sherpa_onnx.OnlineRecognizer.from_transducer(
            tokens=str(tokens), **files, num_threads=1, sample_rate=RATE_HZ
        )
        self._stream: Any = None

    def begin(self) -> None:
        self._stream = self._recogniser.create_stream()

    def feed(self, pcm: bytes) -> None:
        self._stream.accept_waveform(RATE_HZ, np.frombuffer(pcm, "<i2").astype(np.float32) / 32768)
        while self._recogniser.is_ready(self._stream):
            self._recogniser.decode_stream(self._stream)

    def partial(self) -> str:
        text: str = self._recogniser.get_result(self._stream)
        return " ".join(text.lower().split())

    def finish(self) -> Heard:
        self.feed(bytes(2 * _TAIL_SAMPLES))
        return Heard(self.partial())


def _onnx(directory: Path, part: str) -> Path:
    """The file of a part; the 8-bit one where there are several, since this runs on the CPU."""
    if not directory.is_dir():
        hint = "set it to the unpacked folder of a streaming transducer for sherpa-onnx"
        raise NotAvailable(f"there is no recognition model directory {str(directory)!r}", hint=hint)
    found = sorted(directory.glob(f"{part}*.onnx"), key=lambda path: (".int8." not in path.name, path.name))
    if not found:
        raise _incomplete(directory, f"{part}*.onnx")
    return found[0]


def _incomplete(directory: Path, missing: str) -> NotAvailable:
    hint = "it must be a streaming transducer: tokens.txt, encoder*.onnx, decoder*.onnx, joiner*.onnx"
    return NotAvailable(f"the recognition model in {str(directory)!r} has no {missing}", hint=hint)
