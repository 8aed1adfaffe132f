"""Time as the loop's choice."""

from __future__ import annotations

import asyncio
import time

import pytest

from vivavoce.engine.clock import ScaledLoop, VirtualLoop, loop_time_s, now_us, run, wall_clock
from vivavoce.errors import UsageError

pytestmark = pytest.mark.timeout(5)


def test_virtual_time_passes_only_by_waiting() -> None:
    async def main() -> list[int]:
        seen = [now_us()]
        sum(range(100_000))
        seen.append(now_us())
        await asyncio.sleep(3600)
        seen.append(now_us())
        await asyncio.sleep(0.02)
        return [*seen, now_us()]

    began = time.perf_counter()
    assert run(main(), virtual=True) == [0, 0, 3_600_000_000, 3_600_020_000]
    assert time.perf_counter() - began < 1


def test_virtual_timers_fire_in_order_and_to_the_microsecond() -> None:
    async def main() -> list[tuple[str, int]]:
        fired: list[tuple[str, int]] = []
        loop = asyncio.get_running_loop()

        def fire(name: str) -> None:
            fired.append((name, now_us()))

        for name, after_s in (("c", 0.3), ("a", 0.000_001), ("b", 0.1)):
            loop.call_later(after_s, fire, name)
        await asyncio.sleep(1)
        return fired

    assert run(main(), virtual=True) == [("a", 1), ("b", 100_000), ("c", 300_000)]


def test_a_days_deadline_is_one_step() -> None:
    async def main() -> int:
        await asyncio.sleep(5 * 86_400)
        return now_us()

    assert run(main(), virtual=True) == 5 * 86_400_000_000


def test_a_virtual_loop_waits_for_threads() -> None:
    async def main() -> str:
        return await asyncio.to_thread(lambda: "done")

    assert run(main(), virtual=True) == "done"


def test_time_is_counted_from_the_opening() -> None:
    async def main() -> int:
        await asyncio.sleep(2)
        opened_s = loop_time_s()
        await asyncio.sleep(0.25)
        return now_us(opened_s)

    assert run(main(), virtual=True) == 250_000


def test_scaled_time_runs_faster_than_it_takes() -> None:
    async def main() -> int:
        opened_s = loop_time_s()
        await asyncio.sleep(2)
        return now_us(opened_s)

    began = time.perf_counter()
    passed = run(main(), speed=50)
    took_s = time.perf_counter() - began
    assert 2_000_000 <= passed < 8_000_000
    assert 0.035 < took_s < 1


@pytest.mark.parametrize("speed", [0, -1, 101])
def test_a_speed_that_makes_no_sense_is_refused(speed: float) -> None:
    with pytest.raises(UsageError, match="1 is real time"):
        run(asyncio.sleep(0), speed=speed)


def test_real_time_is_an_ordinary_loop() -> None:
    async def main() -> type:
        return type(asyncio.get_running_loop())

    assert run(main()) not in (VirtualLoop, ScaledLoop)


def test_the_time_of_day_knows_its_offset() -> None:
    assert wall_clock().utcoffset() is not None
