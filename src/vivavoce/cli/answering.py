"""Running one call from a command: Ctrl-C ends it politely, a second one at once, a third whatever hangs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from types import FrameType

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.channel.port import Channel
from vivavoce.engine import clock
from vivavoce.engine.answer import AnsweredCall, Answering, Changing, Keeping
from vivavoce.engine.call import Witness
from vivavoce.model.port import Model
from vivavoce.timeline.disk import Disk

_REASONS = {
    signal.SIGINT: "interrupted from the keyboard",
    signal.SIGTERM: "the process was asked to end",
    signal.SIGHUP: "the terminal was closed",
}


def answer(
    agent: Agent,
    make_channel: Callable[[], Channel],
    models: Sequence[Model],
    *,
    calls: Path | None,
    witnesses: Sequence[Witness] = (),
    speed: float = 1.0,
    beside: Callable[[], Coroutine[None, None, None]] | None = None,
    changing: Changing | None = None,
) -> AnsweredCall:
    """Run one call to its end on a loop of its own. ``make_channel`` is called on that loop; ``beside`` runs while the
    call does, and is cancelled when it is over. With ``changing`` the call may become another agent. Raises
    KeyboardInterrupt if the call's polite end was cut short."""

    async def run() -> AnsweredCall:
        disk = Disk()
        try:
            answering = Answering(
                agent,
                make_channel(),
                models,
                opened=clock.wall_clock(),
                keeping=Keeping(calls or app.calls_folder(), disk, book=app.price_book(), speed=speed),
                witnesses=witnesses,
                changing=changing,
            )
            with _ended_by_signals(answering):
                async with _running(beside() if beside is not None else None):
                    return await answering.run()
        finally:
            disk.stop()

    try:
        return clock.run(run(), speed=speed)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def changing(make_models: Callable[[Agent], Sequence[Model]]) -> Changing:
    """For a call that may become another agent, whose file is read with this process's environment."""
    return Changing(make_models, lambda path: app.read_agent(path, {}, None))


@contextlib.contextmanager
def _ended_by_signals(answering: Answering) -> Iterator[None]:
    """The first signal stops the call, the second cancels what is left of it, the third interrupts even a tool that
    blocks the loop: hence handlers of the interpreter, which run whatever the loop is doing, and not of the loop."""
    loop = asyncio.get_running_loop()
    call = asyncio.current_task()
    assert call is not None  # we run in one
    cancel = call.cancel
    received = 0

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal received
        received += 1
        if received == 1:
            # Of a process that is reaped while it is still being started, asyncio warns by chance.
            logging.getLogger("asyncio").setLevel(logging.ERROR)
            loop.call_soon_threadsafe(answering.stop, _REASONS[signal.Signals(number)])
        elif received == 2:
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of every process that it had to leave
            loop.call_soon_threadsafe(cancel)
        else:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _REASONS}
    heeded = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}  # as under nohup
    for number in heeded:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)


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
