"""``vivavoce`` that notes when a peer's sound comes in, is taken from the jitter buffer, is to be said and is sent.

_probed_server.py FILE serve ...

From outside only the whole way can be timed; this tells what of it was waiting on purpose. To ``FILE`` goes at the end,
in nanoseconds of the machine's clock: of each packet when it came, with a checksum; of each frame when it was asked
for and when it was there, with its sound; of each piece of the agent's when the channel was given it; of each frame
sent when it began to be encoded and when it was, with its samples and the payload's checksum.
"""

from __future__ import annotations

import sys
import time
import zlib
from pathlib import Path

import numpy as np

from vivavoce.channel.webrtc import codecs, peer
from vivavoce.channel.webrtc.codecs import OpusEncoder
from vivavoce.channel.webrtc.listening import Listener
from vivavoce.channel.webrtc.speaking import Speaker
from vivavoce.cli import main
from vivavoce.events import FinishPlaying, Flush, PausePlaying, Play, ResumePlaying

packets: list[tuple[int, int]] = []
frames: list[tuple[int, int]] = []
sound: list[bytes] = []
plays: list[int] = []
encoded: list[tuple[int, int, int, int]] = []


class ProbedListener(Listener):
    def insert(self, ssrc: int, sequence: int, timestamp: int, payload: bytes, *, now_s: float) -> None:
        packets.append((time.monotonic_ns(), zlib.crc32(payload)))
        super().insert(ssrc, sequence, timestamp, payload, now_s=now_s)

    def frame(self, now_s: float) -> bytes:
        now_ns = time.monotonic_ns()
        pcm = super().frame(now_s)
        frames.append((now_ns, time.monotonic_ns()))
        sound.append(pcm)
        return pcm


class ProbedSpeaker(Speaker):
    def perform(self, effect: Play | FinishPlaying | Flush | PausePlaying | ResumePlaying) -> None:
        if isinstance(effect, Play):
            plays.append(time.monotonic_ns())
        super().perform(effect)


class ProbedEncoder(OpusEncoder):
    def encode(self, pcm: bytes) -> bytes:
        now_ns = time.monotonic_ns()
        payload = super().encode(pcm)
        encoded.append((now_ns, time.monotonic_ns(), len(pcm) // 2, zlib.crc32(payload)))
        return payload


def put_in() -> None:
    """Where the server makes its own, it makes these."""
    vars(peer).update(Listener=ProbedListener, Speaker=ProbedSpeaker)
    vars(codecs).update(OpusEncoder=ProbedEncoder)


def write(path: Path) -> None:
    np.savez(
        path,
        packets=np.array(packets, np.int64).reshape(-1, 2),
        frames=np.array(frames, np.int64).reshape(-1, 2),
        sound=np.frombuffer(b"".join(sound), "<i2"),
        plays=np.array(plays, np.int64),
        encoded=np.array(encoded, np.int64).reshape(-1, 4),
    )


if __name__ == "__main__":
    put_in()
    file = Path(sys.argv.pop(1))
    try:
        main()
    finally:
        write(file)
