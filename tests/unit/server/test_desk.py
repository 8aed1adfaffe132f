"""Calls are put through, counted, and let end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.server.asgi import OPENED, served
from vivavoce.channel.memory import MemoryChannel
from vivavoce.console.feed import CallFeed
from vivavoce.engine.clock import loop_time_s, run
from vivavoce.errors import Refused
from vivavoce.events import ConnectionId, Disposition, Instant, OpenModel
from vivavoce.server.admission import Admission, Bounds
from vivavoce.server.desk import Desk
from vivavoce.server.listen import watch_lag
from vivavoce.server.metrics import Metrics
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import read_timeline

pytestmark = pytest.mark.timeout(20)

Use = Callable[[Desk], Awaitable[None]]
AtADesk = Callable[..., Metrics]


@pytest.fixture
def at_a_desk(tmp_path: Path) -> Iterator[AtADesk]:
    disk = Disk(interval_s=0.002)

    def use_it(use: Use, *, virtual: bool = False) -> Metrics:
        async def main() -> Metrics:
            metrics = Metrics()
            admission = Admission(2, 100, {})
            agents = [served("desk"), served("sales")]
            desk = Desk(agents, calls=tmp_path, disk=disk, now=lambda: OPENED, admission=admission, metrics=metrics)
            await use(desk)
            return metrics

        return run(main(), virtual=virtual)

    yield use_it
    disk.stop()


async def one_call(desk: Desk, channel: MemoryChannel, name: str = "desk") -> Disposition:
    agent = desk.find(name)
    with desk.admit(agent, Bounds("shop")):
        live = await desk.answering(agent, channel)
        return (await desk.run(live)).result.disposition


async def until_live(desk: Desk, calls: int) -> None:
    """Making a call takes a thread, so this is real time; there is little of it."""
    while len(desk.live) < calls:  # noqa: ASYNC110  # the desk has no event for it, and no need of one
        await asyncio.sleep(0.001)


def test_agents_are_found_by_name_and_the_first_without_one(at_a_desk: AtADesk) -> None:
    async def use(desk: Desk) -> None:
        assert desk.find("sales").name == "sales"
        assert desk.find("").name == "desk"
        with pytest.raises(Refused, match="no agent named 'nobody'") as caught:
            desk.find("nobody")
        assert (caught.value.status, caught.value.code) == (404, "model_not_found")

    at_a_desk(use)


def test_a_call_of_which_nobody_knows_the_price_is_told_of_budgets_all_the_same(at_a_desk: AtADesk) -> None:
    async def use(desk: Desk) -> None:
        channel = MemoryChannel(8000)
        call = asyncio.create_task(one_call(desk, channel))
        await until_live(desk, 1)
        [live] = desk.live.values()
        assert desk.spent() == []  # it is simulated
        live.feed = CallFeed(simulated=False)
        live.feed.observe(Instant(0), OpenModel(ConnectionId(9), 9))
        assert [(one.call, one.amounts) for one in desk.spent()] == [(live.call, {"USD": Decimal(0)})]
        channel.hang_up()
        await call

    at_a_desk(use)


def test_a_call_is_live_while_it_runs_and_counted(at_a_desk: AtADesk) -> None:
    async def use(desk: Desk) -> None:
        channel = MemoryChannel(8000)
        call = asyncio.create_task(one_call(desk, channel))
        await until_live(desk, 1)
        assert desk.admission.here.by_key == {"shop": 1}
        assert desk.readiness().live == 1
        channel.hang_up()
        assert await call is Disposition.COMPLETED
        assert not desk.live
        assert desk.admission.here.calls == 0

    samples = {(sample.name, sample.labels): sample.value for sample in at_a_desk(use).samples()}
    assert samples["vivavoce_calls_total", (("agent", "desk"),)] == 1
    assert samples["vivavoce_calls_ended_total", (("agent", "desk"), ("disposition", "completed"))] == 1
    told = {labels for name, labels in samples if name == "vivavoce_calls_set_up_total"}
    assert told == {(("agent", "desk"), ("channel", "memory"), ("outcome", "abandoned"), ("simulated", "true"))}


def test_whoever_finds_no_place_is_refused_and_counted(at_a_desk: AtADesk) -> None:
    async def use(desk: Desk) -> None:
        with desk.admit(), desk.admit():
            assert not desk.readiness().ready
            assert desk.readiness().reason == "server_full"
            with pytest.raises(Refused):
                await one_call(desk, MemoryChannel(8000))
        assert desk.readiness().ready

    (sample,) = at_a_desk(use).samples()
    assert (sample.name, sample.labels) == ("vivavoce_calls_refused_total", (("reason", "server_full"),))


def test_drained_it_lets_calls_end_and_admits_nobody(at_a_desk: AtADesk) -> None:
    async def use(desk: Desk) -> None:
        channel = MemoryChannel(8000)
        call = asyncio.create_task(one_call(desk, channel))
        await until_live(desk, 1)
        drained = asyncio.create_task(desk.drain(60))
        await until_live(desk, 1)
        await asyncio.sleep(0)
        assert not drained.done()
        with pytest.raises(Refused) as caught:
            await one_call(desk, MemoryChannel(8000))
        assert (caught.value.status, caught.value.code) == (503, "server_draining")
        channel.hang_up()
        assert await call is Disposition.COMPLETED
        assert await drained == 0

    at_a_desk(use)


@pytest.mark.parametrize("hurried", [False, True])
def test_calls_that_do_not_end_in_time_are_stopped_and_kept(at_a_desk: AtADesk, tmp_path: Path, hurried: bool) -> None:
    async def use(desk: Desk) -> None:
        calls = [asyncio.create_task(one_call(desk, MemoryChannel(8000), name)) for name in ("desk", "sales")]
        await until_live(desk, 2)
        hurry = asyncio.Event()
        if hurried:
            asyncio.get_running_loop().call_soon(hurry.set)
        assert await desk.drain(3600 if hurried else 0, hurry) == 2
        assert [await call for call in calls] == [Disposition.STOPPED] * 2

    at_a_desk(use)
    timelines = [read_timeline(folder) for folder in tmp_path.iterdir()]
    assert len(timelines) == 2
    assert all(timeline.closed is not None and not timeline.torn for timeline in timelines)


def test_the_lag_of_the_loop_is_watched(at_a_desk: AtADesk) -> None:
    async def use(desk: Desk) -> None:
        watching = asyncio.create_task(watch_lag(desk))
        await asyncio.sleep(1)
        assert desk.readiness().lag_ms == pytest.approx(0, abs=1e-6)
        for _ in range(2):
            desk.lag.observe(250, loop_time_s())
        assert desk.readiness().reason == "server_busy"
        await asyncio.sleep(11)
        assert desk.readiness().ready
        watching.cancel()

    at_a_desk(use, virtual=True)
