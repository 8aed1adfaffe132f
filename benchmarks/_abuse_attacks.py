"""What ``abuse.py`` does to a server on this machine, each bounded in number and time. In a process of its own.

_abuse_attacks.py ATTACK PORT KEY SECONDS

``KEY`` lets in who is meant to be let in and misbehave then. Prints a line of JSON: what was tried, what the server
answered, and ``let_in``: how often somebody got in who must not.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

from _bedrock_traffic import new_loop
from _websocket_client import BINARY, CLOSE, PING, Socket, connect, frame

from vivavoce.errors import UsageError

TARGET = "/v1/realtime?model=dealership"
APPEND = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(960)).decode()}).encode()
MIB = 1024 * 1024


class Attack:
    """One run. ``told`` counts answers."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key
        self.let_in = 0
        self.told: Counter[str] = Counter()

    async def guest(self) -> Socket | None:
        """A session of somebody with a key; None if the server has no room for more just now."""
        socket = await connect(self.port, TARGET, {"Authorization": f"Bearer {self.key}"})
        self.told[f"guest {socket.status.result()}"] += 1
        return socket if socket.status.result() == 101 else None

    async def stranger(self, target: str, headers: dict[str, str]) -> None:
        try:
            socket = await connect(self.port, target, headers)
        except OSError:
            self.told["no connection"] += 1
            return
        status = socket.status.result()
        self.told[str(status)] += 1
        self.let_in += status == 101
        socket.transport.abort()

    async def strangers(self) -> None:
        """A thousand handshakes without a key or with a wrong one, twenty at a time."""
        kinds: list[dict[str, str]] = [
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Bearer {self.key[:-1]}"},
            {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.ek_made-up"},
            {"Authorization": f"Bearer {self.key}", "Origin": "https://evil.example"},
        ]
        for at in range(0, 1000, 20):
            async with asyncio.TaskGroup() as tasks:
                for number in range(at, at + 20):
                    tasks.create_task(self.stranger(TARGET, kinds[number % len(kinds)]))

    async def malformed(self) -> None:
        """Frames and events that break the protocol, from somebody with a key."""
        nested = b"[" * 100_000
        raw = [
            b"\x81\x02hi",  # not masked
            frame(b"x", 0xC1),
            frame(b"x", 0x83),
            frame(b"x" * 126, PING),
            frame(b"x", 0x80),
            frame(b"\xff\xfe"),
            frame(b"x", CLOSE),
            frame(b"\x00" * 1000, BINARY),
            b"\x81\xff" + b"\xff" * 8 + b"mask",
            *(frame(text) for text in (b"{", b"null", b"[]", nested, b'{"type":5}', b'{"type":"nothing"}')),
            frame(b'{"type":"input_audio_buffer.append","audio":"***"}'),
            frame(b'{"type":"session.update","session":{"type":"realtime","instructions":' + b'"x' * 9 + b"}}"),
        ]
        for data in raw * 2:
            if (socket := await self.guest()) is not None:
                socket.transport.write(data)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        self.told[f"closed {await socket.closed}"] += 1
                socket.transport.abort()

    async def large(self) -> None:
        """Events of 24 MiB, and one byte too many."""
        for size in (24 * MIB, 24 * MIB + 1):
            if (socket := await self.guest()) is not None:
                head, tail = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
                socket.send(head + b"A" * ((size - len(head) - len(tail)) // 4 * 4) + tail)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(3):
                        self.told[f"closed {await socket.closed}"] += 1
                socket.transport.abort()

    async def flood(self) -> None:
        """Small events, sound and pings as fast as one connection takes them."""
        sockets = [socket for _ in range(3) if (socket := await self.guest()) is not None]
        bursts = [frame(b'{"type":"input_audio_buffer.clear"}') * 200, frame(APPEND) * 50, frame(b"?", PING) * 500]
        while True:
            for socket, burst in zip(sockets, bursts, strict=False):
                if not socket.transport.is_closing() and socket.transport.get_write_buffer_size() < 4 * len(burst):
                    socket.transport.write(burst)
            await asyncio.sleep(0.005)

    async def half_open(self) -> None:
        """Connections that say nothing, or half of a request."""
        writers: list[asyncio.StreamWriter] = []
        for number in range(400):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                if number % 2:
                    writer.write(b"GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
                writers.append(writer)
            await asyncio.sleep(0.003)
        self.told["held"] = len(writers)
        await asyncio.sleep(60)

    async def slow_readers(self) -> None:
        """Sessions that ask for much and read none of it."""
        update = json.dumps({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 20_000}})
        sockets = [socket for _ in range(5) if (socket := await self.guest()) is not None]
        for socket in sockets:
            socket.transport.pause_reading()
        while True:
            for socket in sockets:
                if not socket.transport.is_closing() and socket.transport.get_write_buffer_size() < MIB:
                    socket.send(APPEND)
                    socket.send(update.encode())
            await asyncio.sleep(0.02)

    async def wrong_signatures(self) -> None:
        """Webhooks and media streams that say they are Twilio's."""
        body = b"CallSid=CA1&From=%2B15550100&To=%2B15550101"
        for signature in ("", "X-Twilio-Signature: bm90IGEgc2lnbmF0dXJl\r\n") * 100:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            head = f"POST /twilio/voice HTTP/1.1\r\nHost: 127.0.0.1\r\n{signature}Connection: close\r\n"
            more = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + more.encode() + body)
            answer = await reader.read(4096)
            status = int(answer.split(b" ", 2)[1]) if answer else 0
            self.told[f"webhook {status}"] += 1
            self.let_in += status == 200
            writer.close()
            await self.stranger("/twilio/stream", {"X-Twilio-Signature": "bm90IGEgc2lnbmF0dXJl"})


ATTACKS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    "strangers": Attack.strangers,
    "malformed": Attack.malformed,
    "large": Attack.large,
    "flood": Attack.flood,
    "half_open": Attack.half_open,
    "slow_readers": Attack.slow_readers,
    "wrong_signatures": Attack.wrong_signatures,
}


async def main(name: str, port: int, key: str, seconds: float) -> None:
    if name not in ATTACKS:
        raise UsageError(f"there is no attack {name!r}", hint=", ".join(ATTACKS))
    attack = Attack(port, key)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ATTACKS[name](attack)
    print(json.dumps({"let_in": attack.let_in, "told": dict(attack.told)}), flush=True)


if __name__ == "__main__":
    name, port, key, seconds = sys.argv[1:]
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(name, int(port), key, float(seconds)))
