"""Two protocols joined in memory: order, ends, resets, a reader that pauses, and a network that swallows."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.unit.model.bedrock.service import on_virtual_time
from vivavoce.model.bedrock.memory import Link, MemoryNetwork, MemoryTransport


class Peer(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self, *, stays_open: bool = False) -> None:
        self.transport: MemoryTransport | None = None
        self.received = b""
        self.told: list[str] = []
        self._stays_open = stays_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("MemoryTransport", transport)

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self._stays_open

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(f"lost {type(exc).__name__}" if exc else "lost")


class Small(asyncio.BufferedProtocol):
    """Has room for three bytes."""

    def __init__(self) -> None:
        self.received = b""
        self._room = bytearray(3)

    def get_buffer(self, sizehint: int) -> bytearray:
        del sizehint
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        self.received += bytes(self._room[:nbytes])


async def settle() -> None:
    await asyncio.sleep(0.001)


def test_bytes_arrive_in_order_and_later() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.client.write(b"a")
        link.client.writelines([b"b", bytearray(b"c")])
        link.server.write(b"z")
        assert server.received == b""
        await settle()
        assert (server.received, client.received) == (b"abc", b"z")

    on_virtual_time(main)


def test_the_way_takes_its_time() -> None:
    async def main() -> None:
        server = Peer()
        network = MemoryNetwork(lambda: server, delay_s=0.05)
        loop = asyncio.get_running_loop()
        transport = cast("MemoryTransport", await network.connect(Peer))
        assert loop.time() == 0.05
        for number in range(10):
            transport.write(b"%d" % number)
        await asyncio.sleep(0.049)
        assert server.received == b""
        await asyncio.sleep(0.002)
        assert server.received == b"0123456789"

    on_virtual_time(main)


def test_closing_delivers_what_was_written() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.client.write(b"last words")
        link.client.close()
        link.client.write(b"too late")
        await settle()
        assert server.received == b"last words"
        assert client.told == ["lost"]
        assert server.told == ["eof", "lost"]
        assert link.server.is_closing()

    on_virtual_time(main)


def test_one_side_may_end_and_still_listen() -> None:
    async def main() -> None:
        client, server = Peer(), Peer(stays_open=True)
        link = Link(client, server)
        link.client.write_eof()
        await settle()
        link.server.write(b"answer")
        await settle()
        assert client.received == b"answer"
        assert server.told == ["eof"]

    on_virtual_time(main)


def test_aborting_is_a_reset_for_the_other() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.client.write(b"lost")
        link.client.abort()
        link.client.abort()
        await settle()
        assert (server.received, server.told, client.told) == (b"", ["lost ConnectionResetError"], ["lost"])

    on_virtual_time(main)


def test_a_reader_that_pauses_pauses_the_writer() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.server.pause_reading()
        for _ in range(10):
            link.client.write(bytes(10_000))
        await settle()
        assert server.received == b""
        assert link.client.get_write_buffer_size() == 100_000
        assert client.told == ["pause"]
        link.server.resume_reading()
        await settle()
        assert len(server.received) == 100_000
        assert client.told == ["pause", "resume"]

    on_virtual_time(main)


def test_a_stalled_network_tells_nobody() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.stall()
        link.client.write(b"x")
        link.server.abort()
        await asyncio.sleep(100)
        assert (server.received, client.told) == (b"", [])
        assert server.told == ["lost"]

    on_virtual_time(main)


def test_what_was_held_may_arrive_after_all() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.stall(down=False)
        link.client.write(b"x")
        link.server.write(b"y")
        await settle()
        assert (server.received, client.received) == (b"", b"y")
        link.resume()
        assert server.received == b"x"

    on_virtual_time(main)


def test_a_cut() -> None:
    async def main() -> None:
        client, server = Peer(), Peer()
        link = Link(client, server)
        link.client.write(b"x")
        link.cut()
        link.cut()
        await settle()
        assert server.received == b""
        assert client.told == server.told == ["lost ConnectionResetError"]

    on_virtual_time(main)


def test_a_protocol_may_bring_its_own_memory() -> None:
    async def main() -> None:
        small = Small()
        link = Link(Peer(), small)
        link.client.write(b"abcdefgh")
        await settle()
        assert small.received == b"abcdefgh"

    on_virtual_time(main)
