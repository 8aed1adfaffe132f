"""Asterisk's AudioSocket over TCP at real time. The other side is written from Asterisk's page; no Asterisk was run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from vivavoce.agent.declaration import Agent
from vivavoce.audio.pcm import silence
from vivavoce.engine.clock import loop_time_s, wall_clock
from vivavoce.events import CallerHungUp, CallerPressed, Disposition
from vivavoce.model.scripted import End, Say, Script, ScriptedModel, Step, When
from vivavoce.server.desk import Desk, ServedAgent
from vivavoce.server.door import open_door
from vivavoce.server.settings import ServerSettings
from vivavoce.server.telephony.audiosocket import serve_audiosocket
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import Timeline, read_timeline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

NAME = b"\x01\x00\x10" + bytes(range(16))
FRAME = b"\x10\x01\x40" + silence(160)
SCRIPT = Script(
    step=(
        Step(when=When.SPEAK, say=Say(ms=500)),
        Step(when=When.TEXT, say=Say(text="Goodbye.", ms=300)),
        Step(end=End()),
    )
)


def desk_in(folder: Path) -> Desk:
    served = ServedAgent("desk", Agent("The desk", "Answer.", greeting="Hi."), lambda _: [ScriptedModel(SCRIPT)])
    return open_door(ServerSettings(), [served], folder, Disk(), wall_clock, sealing_key=bytes(32)).desk


@asynccontextmanager
async def dialled(desk: Desk, *allowed: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with serve_audiosocket(desk, "127.0.0.1", 0, "desk", allowed=allowed or ("127.0.0.1",)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
            await desk.drain(5)  # let the call come to its end
        finally:
            writer.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes. A side that closes before it has read all resets the connection."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, bytes]]:
    while header := await reader.read(1):
        length = int.from_bytes(await reader.readexactly(2))
        yield header[0], await reader.readexactly(length)


def timeline_in(folder: Path) -> Timeline:
    (call,) = folder.iterdir()
    return read_timeline(call / "timeline.jsonl")


def test_a_call_is_heard_in_time_and_ended_by_the_agent(tmp_path: Path) -> None:
    async def call() -> tuple[list[int], float, int]:
        async with dialled(desk_in(tmp_path)) as (reader, writer):
            writer.write(NAME[:5])
            await asyncio.sleep(0)
            writer.write(NAME[5:] + FRAME)
            began_s, kinds, loud = loop_time_s(), [], 0
            pressed = False
            async for kind, payload in frames(reader):
                kinds.append(kind)
                loud += any(payload)
                if loud and kind == 0x10 and not any(payload) and not pressed:  # the greeting is over
                    writer.write(b"\x03\x00\x017\x03\x00\x01#")
                    pressed = True
            return kinds, loop_time_s() - began_s, loud

    kinds, took_s, loud = asyncio.run(call())
    assert kinds[-1] == 0, "the last frame hangs up"
    assert set(kinds[:-1]) == {0x10}
    assert loud >= 25 + 15, "all of the greeting and of the goodbye"
    # 20 ms each and never ahead; a machine under load may be behind.
    assert len(kinds) * 0.02 <= took_s + 0.1
    lines = timeline_in(tmp_path).lines
    assert [line.value.digits for line in lines if isinstance(line.value, CallerPressed)] == ["7#"]


def test_the_caller_hangs_up(tmp_path: Path) -> None:
    async def call() -> None:
        async with dialled(desk_in(tmp_path)) as (reader, writer):
            writer.write(NAME)  # and no audio: the line is taken to be at 8 kHz
            await reader.readexactly(323)
            writer.write(b"\x00\x00\x00")
            await rest(reader)

    asyncio.run(call())
    timeline = timeline_in(tmp_path)
    assert any(isinstance(line.value, CallerHungUp) for line in timeline.lines)
    assert timeline.closed is not None
    assert timeline.closed.disposition is Disposition.COMPLETED


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", FRAME, b"\x01\x00\x01a"])
def test_what_names_no_call_is_none(tmp_path: Path, said: bytes) -> None:
    async def call() -> bytes:
        async with dialled(desk_in(tmp_path)) as (reader, writer):
            writer.write(said)
            writer.write_eof()
            return await rest(reader)

    assert asyncio.run(call()) == b""
    assert list(tmp_path.iterdir()) == []


def test_others_are_not_let_in(tmp_path: Path) -> None:
    async def call(allowed: str, draining: bool) -> bytes:
        desk = desk_in(tmp_path)
        desk.admission.draining = draining
        async with dialled(desk, allowed) as (reader, writer):
            writer.write(NAME + FRAME)
            return await rest(reader)

    assert asyncio.run(call("192.0.2.1", False)) == b""
    assert asyncio.run(call("127.0.0.1", True)) == b""
    assert list(tmp_path.iterdir()) == []
