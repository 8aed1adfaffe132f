"""A caller by WebRTC in a process of its own: Opus at real time, chirps in it, 20 ms in a packet, on an absolute
schedule; aiortc with nothing behind it that could be late, as a browser's media threads.

_webrtc_load.py SETTINGS     a JSON object: port, model, warm_s, measure_s, file

Prints ``begin`` when the model was heard and the measured time begins, ``end`` at its end, then a line of JSON. To
``file`` go the chirps' places, when each packet was sent, and each packet that came.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import urllib.request
import zlib
from itertools import accumulate
from typing import Any

import numpy as np
from _bedrock_traffic import new_loop, percentiles_ms
from _browser import Browser
from _chirps import Positions, with_chirps

from vivavoce.channel.webrtc.codecs import FRAME_MS, OPUS_RATE_HZ, OpusEncoder
from vivavoce.channel.webrtc.transport import load_libraries, take_over_receiver, take_over_sender
from vivavoce.engine.clock import loop_time_s

FRAME_SAMPLES = OPUS_RATE_HZ * FRAME_MS // 1000
BITS_PER_S = 32_000
PATIENCE_S = 10.0
_HUM = 40
_SHORTEST_GAP, _LONGEST_GAP = 5_760, 9_600  # samples: 120 to 200 ms
_SILENT_BYTES = 20  # a payload with more is sound


def places(samples: int) -> Positions:
    """Where chirps begin, unevenly, so that each knows its place among the others."""
    gaps = np.random.default_rng(7).integers(_SHORTEST_GAP, _LONGEST_GAP, samples // _SHORTEST_GAP)
    return np.array([at for at in accumulate(gaps.tolist()) if at < samples - FRAME_SAMPLES], np.int64)


def said(placed: Positions, samples: int, av: Any) -> list[bytes]:
    """The packets, encoded before the call, so that saying them costs nearly nothing."""
    sound = with_chirps(np.random.default_rng(5).normal(0, _HUM, samples), placed, OPUS_RATE_HZ)
    pcm, encoder = sound.astype("<i2").tobytes(), OpusEncoder(av, OPUS_RATE_HZ, BITS_PER_S)
    size = 2 * FRAME_SAMPLES
    return [encoder.encode(pcm[at : at + size]) for at in range(0, len(pcm), size)]


def is_sound(data: bytes) -> bool:
    """Whether this is RTP, and neither DTLS (RFC 7983, section 7) nor RTCP (RFC 5761, section 4): encrypted, too."""
    return 128 <= data[0] < 192 and not 64 <= data[1] & 0x7F < 96


class Caller(Browser):
    """``sent_ns`` is when each packet, encrypted, was given to the socket; ``came`` what came, and when, still
    encrypted.
    """

    def __init__(self, payloads: list[bytes]) -> None:
        super().__init__()
        self.payloads = payloads
        self.sent_ns: list[int] = []
        self.came: list[tuple[int, int, bytes]] = []
        self.late_ns: list[int] = []
        self.measuring = False
        self.speech_came = asyncio.Event()
        self._arrived_ns = 0
        self._asked = 0
        self._first_s = 0.0
        (self._transceiver,) = self.connection.getTransceivers()
        libraries = load_libraries()
        take_over_receiver(libraries, self._transceiver, self._packet_came, loop_time_s)
        take_over_sender(libraries, self._transceiver.sender, self._next)

    async def accept(self, answer: str) -> None:
        await super().accept(answer)
        ice = self._transceiver.sender.transport.transport
        send, receive = ice._send, ice._recv

        async def noting_send(data: bytes) -> None:
            if is_sound(data):
                self.sent_ns.append(time.monotonic_ns())
            await send(data)

        async def noting_receive() -> bytes:
            data: bytes = await receive()
            self._arrived_ns = time.monotonic_ns()
            return data

        ice._send, ice._recv = noting_send, noting_receive

    def _packet_came(self, packet: Any) -> None:
        self.came.append((self._arrived_ns, packet.timestamp, packet.payload))
        if len(packet.payload) > _SILENT_BYTES:
            self.speech_came.set()

    async def _next(self) -> tuple[bytes, int]:
        number, self._asked = self._asked, self._asked + 1
        if not number:
            self._first_s = loop_time_s()
        due_s = self._first_s + number * FRAME_MS / 1000
        await asyncio.sleep(due_s - loop_time_s())
        if self.measuring:
            self.late_ns.append(round((loop_time_s() - due_s) * 1e9))
        return self.payloads[number], number * FRAME_SAMPLES


def post(port: int, model: str, offer: str) -> str:
    url = f"http://127.0.0.1:{port}/v1/realtime/calls?model={model}"
    request = urllib.request.Request(url, offer.encode(), {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


def keep(file: str, caller: Caller, placed: Positions, window: tuple[int, int]) -> None:
    payloads = [payload for _, _, payload in caller.came]
    np.savez(
        file,
        window=np.array(window, np.int64),
        placed=placed,
        sent=np.array(caller.sent_ns, np.int64),
        checksums=np.array([zlib.crc32(each) for each in caller.payloads[: len(caller.sent_ns)]], np.int64),
        came=np.array([(at_ns, timestamp) for at_ns, timestamp, _ in caller.came], np.int64).reshape(-1, 2),
        lengths=np.array([len(payload) for payload in payloads], np.int64),
        payloads=np.frombuffer(b"".join(payloads), np.uint8),
    )


async def main(settings: dict[str, Any]) -> None:
    warm_s, measure_s = settings["warm_s"], settings["measure_s"]
    samples = int((2 * PATIENCE_S + warm_s + measure_s) * 1000 / FRAME_MS) * FRAME_SAMPLES
    placed = places(samples)
    caller = Caller(said(placed, samples, load_libraries().av))
    answer = await asyncio.to_thread(post, settings["port"], settings["model"], await caller.offer())
    await caller.accept(answer)
    async with asyncio.timeout(PATIENCE_S):
        await caller.speech_came.wait()
    await asyncio.sleep(warm_s)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of ours would be taken for the server's
    caller.measuring = True
    begin_ns = time.monotonic_ns()
    print("begin", flush=True)
    await asyncio.sleep(measure_s)
    caller.measuring = False
    end_ns = time.monotonic_ns()
    await asyncio.sleep(0.5)  # what is on its way arrives
    print("end", flush=True)
    keep(settings["file"], caller, placed, (begin_ns, end_ns))
    print(json.dumps({"lag_ms": percentiles_ms(caller.late_ns)}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # the model is asked while the call is still there
    await caller.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(json.loads(sys.argv[1])))
