"""Running one call from a command: Ctrl-C ends it politely, a second Ctrl-C at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.channel.port import Channel
from vivavoce.engine import clock
from vivavoce.engine.answer import AnsweredCall, Answering
from vivavoce.engine.call import Witness
from vivavoce.model.port import Model
from vivavoce.timeline.disk import Disk


def answer(
    agent: Agent,
    make_channel: Callable[[], Channel],
    models: Sequence[Model],
    *,
    calls: Path | None,
    witnesses: Sequence[Witness] = (),
    speed: float = 1.0,
    beside: Callable[[], Coroutine[None, None, None]] | None = None,
) -> AnsweredCall:
    """Run one call to its end on a loop of its own. ``make_channel`` is called on that loop; ``beside`` runs while the
    call does, and is cancelled when it is over."""

    async def run() -> AnsweredCall:
        disk = Disk()
        loop = asyncio.get_running_loop()
        try:
            answering = Answering(
                agent,
                make_channel(),
                models,
                calls=calls or app.calls_folder(),
                opened=clock.wall_clock(),
                disk=disk,
                witnesses=witnesses,
            )

            def interrupt() -> None:
                answering.stop("interrupted from the keyboard")
                loop.remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, signal.default_int_handler)

            loop.add_signal_handler(signal.SIGINT, interrupt)
            async with _running(beside() if beside is not None else None):
                return await answering.run()
        finally:
            disk.stop()

    return clock.run(run(), speed=speed)


@contextlib.asynccontextmanager
async def _running(work: Coroutine[None, None, None] | None) -> AsyncIterator[None]:
    """Runs ``work`` for as long as the block does. What it raises is raised here, once the block is over."""
    if work is None:
        yield
        return
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
