"""A Nova Sonic as ``_nova_endpoint.py`` that says chirps, each by itself, and keeps all that it hears.

_chirping_nova.py CERTIFICATE KEY

A caller's way back is paced by the frame. Here every piece finds that nothing is waiting, so that what it waits for is
the next frame alone.
"""

from __future__ import annotations

import asyncio
import base64
import random
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from _bedrock_traffic import new_loop
from _chirps import with_chirps
from _nova_endpoint import RATE_HZ, TURN_S, NovaEndpoint, NovaSession, main

from vivavoce.wire.nova_output import AudioOutputEncoder

PIECE_MS = 20
SHORTEST_GAP_S, LONGEST_GAP_S = 0.06, 0.09
_HUM = 40
_noise = np.random.default_rng(11)


def piece() -> bytes:
    """A chirp, and noise with it, so that no two are the same."""
    sound = _noise.normal(0, _HUM, RATE_HZ * PIECE_MS // 1000)
    return with_chirps(sound, np.zeros(1, np.int64), RATE_HZ).astype("<i2").tobytes()


class ChirpingSession(NovaSession):
    """``said_ns`` is when each piece was said."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.clap = 0  # all is counted
        self.said_ns: list[int] = []
        self._heard: list[bytes] = []

    def keep(self, encoded: bytes) -> None:
        self._heard.append(encoded)

    def told(self) -> dict[str, npt.NDArray[Any]]:
        heard = b"".join(map(base64.b64decode, self._heard))
        return super().told() | {
            f"heard_{self.number}": np.frombuffer(heard, "<i2"),
            f"said_{self.number}": np.array(self.said_ns, np.int64),
        }


class ChirpingEndpoint(NovaEndpoint):
    session_kind = ChirpingSession

    async def sound(self, stream_id: int, encoder: AudioOutputEncoder, session: NovaSession) -> None:
        assert isinstance(session, ChirpingSession)
        until_s = time.monotonic() + TURN_S
        while time.monotonic() < until_s:
            await asyncio.sleep(random.uniform(SHORTEST_GAP_S, LONGEST_GAP_S))
            pcm = piece()
            session.said_ns.append(time.monotonic_ns())
            self.send(stream_id, encoder.encode(pcm))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(ChirpingEndpoint, *sys.argv[1:]))
