"""What both ends of ``bedrock_client.py`` share: the messages, their pace, and figures of their time on the way."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import AsyncIterator

# 32 ms of 16 kHz audio in a message, as AWS's samples send it; 25 messages a second come back.
OUT_PER_S = 31.25
IN_PER_S = 25.0
_PCM = base64.b64encode(random.Random(1).randbytes(1024)).decode()
_MARK = b'"instant":'


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop's where it is installed, as Vivavoce itself uses it."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def audio_event(name: str, instant_ns: int) -> bytes:
    """1 KiB of audio, and when it was said."""
    return f'{{"event":{{"{name}":{{"instant":{instant_ns},"content":"{_PCM}"}}}}}}'.encode()


def instant_in(event: bytes) -> int:
    """When it was said; 0 if it does not tell."""
    at = event.find(_MARK)
    return int(event[at + len(_MARK) : event.index(b",", at)]) if at >= 0 else 0


class Pace:
    """Iterates so many times a second from a random phase on, without drifting; what is late is not skipped."""

    def __init__(self, per_s: float) -> None:
        self._interval_s = 1 / per_s

    async def __aiter__(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + random.random() * self._interval_s
        while True:
            await asyncio.sleep(due_s - loop.time())
            yield
            due_s += self._interval_s


def percentiles_ms(latencies_ns: list[int]) -> dict[str, float]:
    if not latencies_ns:
        return {"count": 0, "p50": 0.0, "p99": 0.0}
    ordered = sorted(latencies_ns)
    at = {"p50": 0.5, "p99": 0.99}
    return {"count": len(ordered)} | {
        name: round(ordered[int(part * (len(ordered) - 1))] / 1e6, 3) for name, part in at.items()
    }
