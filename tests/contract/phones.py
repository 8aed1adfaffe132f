"""A server that takes calls from carriers, in this process and on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from vivavoce.agent.declaration import Agent, CallControl
from vivavoce.engine.clock import wall_clock
from vivavoce.model.scripted import Script, ScriptedModel
from vivavoce.server.application import application
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import open_door
from vivavoce.server.listen import Signals, open_listener, serve
from vivavoce.server.settings import KeyLine, ServerSettings
from vivavoce.server.telephony.routes import routes
from vivavoce.server.telephony.settings import TelephonySettings
from vivavoce.timeline.disk import Disk

NO_CONTROL = CallControl()


@asynccontextmanager
async def serving(
    folder: Path,
    telephony: TelephonySettings,
    script: Script,
    *,
    keys: tuple[KeyLine, ...] = (),
    control: CallControl = NO_CONTROL,
) -> AsyncIterator[str]:
    """Gives host and port. Calls are kept in ``folder``; the one agent is called desk."""
    settings = ServerSettings(port=0, keys=keys)
    listener = open_listener(settings)
    base = f"127.0.0.1:{listener.getsockname()[1]}"
    agent = Agent("The desk", "Answer.", greeting="Good day.", control=control)
    served = ServedAgent("desk", agent, lambda _: [ScriptedModel(script)])
    disk, signals, ready = Disk(), Signals(), asyncio.Event()
    door = open_door(settings, [served], folder, disk, wall_clock, sealing_key=bytes(32))
    ways_in = routes(door.desk, telephony, public_url=f"http://{base}", ticket_key=bytes(32))
    app = application(door, ways_in)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve(app, door, [listener], ready.set, signals))
            await ready.wait()
            yield base
            signals.asked.set()
    finally:
        await asyncio.to_thread(disk.stop)
        listener.close()
