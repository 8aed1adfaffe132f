"""Work that outlives its request."""

from __future__ import annotations

import asyncio

import pytest

from vivavoce.engine.clock import run
from vivavoce.server.background import Background


def test_work_that_fails_ends_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ZeroDivisionError("secret words")

    done: list[str] = []

    async def works() -> None:
        await asyncio.sleep(1)
        done.append("worked")

    async def serve() -> None:
        background = Background()
        async with background.opened():
            background.start(fails(), "fails")
            background.start(works(), "works")
            await asyncio.sleep(2)

    run(serve(), virtual=True)
    assert done == ["worked"]
    (record,) = caplog.records
    assert record.message.startswith("work in the background failed: unexpected ZeroDivisionError at ")


def test_what_still_runs_is_cancelled() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def serve() -> None:
        background = Background()
        async with background.opened():
            background.start(waits(), "waits")
            await asyncio.sleep(0)

    run(serve(), virtual=True)
    assert ended == ["cancelled"]
