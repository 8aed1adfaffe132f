"""When silence is noticed."""

from __future__ import annotations

import asyncio

from tests.unit.model.bedrock.service import on_virtual_time
from vivavoce.model.bedrock.watchdog import Watchdog


def test_silence_is_noticed_once_and_within_a_quarter() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        noticed: list[float] = []
        dog = Watchdog(1000, lambda: noticed.append(loop.time()))
        dog.start()
        for _ in range(6):
            await asyncio.sleep(0.9)
            dog.heard()
        await asyncio.sleep(10)
        dog.heard()
        dog.start()
        await asyncio.sleep(10)
        dog.start()
        dog.stop()
        dog.stop()
        await asyncio.sleep(10)
        return noticed

    first, second = on_virtual_time(main)
    assert 5.4 + 1 <= first <= 5.4 + 1.25
    assert second == 15.4 + 1
