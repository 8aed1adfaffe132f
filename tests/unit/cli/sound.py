"""As much of ``sounddevice`` as is used: a headset in which a caller says one thing and is then silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from vivavoce.audio.pcm import silence

BLOCK_S = 0.02


class PortAudioError(Exception):
    pass


class Stream:
    """A device with a thread of its own that keeps real time."""

    latency = (0.0, 0.0)

    def __init__(self, spoken: list[bytes], blocksize: int, callback: Callable[..., None]) -> None:
        self._spoken = spoken
        self._blocksize = blocksize
        self._callback = callback
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def close(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        begin = time.monotonic()
        block = 0
        while not self._stopped.wait(max(0.0, begin + block * BLOCK_S - time.monotonic())):
            captured = self._spoken[block] if block < len(self._spoken) else silence(self._blocksize)
            self._callback(memoryview(captured), bytearray(2 * self._blocksize), self._blocksize, None, None)
            block += 1


class Sound:
    """The module."""

    PortAudioError = PortAudioError

    def __init__(self, spoken: list[bytes] | None = None, error: str = "") -> None:
        self.spoken = spoken or []
        self.error = error
        self.settings: dict[str, Any] = {}

    def RawStream(self, *, blocksize: int, callback: Callable[..., None], **settings: Any) -> Stream:  # noqa: N802
        self.settings = settings
        if self.error:
            raise PortAudioError(self.error)
        return Stream(self.spoken, blocksize, callback)

    def query_devices(self, kind: str | None = None) -> Any:
        headset = {
            "index": 0,
            "name": "headset",
            "max_input_channels": 1,
            "max_output_channels": 2,
            "default_samplerate": 48_000.0,
        }
        return (headset,) if kind is None else headset
