"""``python -m vivavoce.cli.worker``: one of the processes of ``vivavoce serve --workers``. Started by it alone."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence

import click

from vivavoce.cli.exits import Exit, fault_of
from vivavoce.cli.serving import Serving, from_line
from vivavoce.errors import VivavoceError
from vivavoce.server.front import front_application
from vivavoce.server.listen import new_loop
from vivavoce.server.process import allow_many_connections, keep_pauses_short
from vivavoce.server.worker import work
from vivavoce.timeline.disk import Disk


def main(arguments: Sequence[str]) -> int:
    """``arguments`` are two descriptors: one for the plan, orders and reports, one that brings connections."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control, handed = (socket.socket(fileno=int(number)) for number in arguments)
    try:
        run(from_line(_line(control)), control, handed)
    except VivavoceError as error:
        fault = fault_of(error)
        click.echo(f"error: {fault.message}", err=True)
        return fault.exit
    return Exit.OK


def run(serving: Serving, control: socket.socket, handed: socket.socket) -> None:
    """Until the parent orders an end. Raises :class:`~vivavoce.errors.SetupFault` if it cannot begin."""
    allow_many_connections()
    served = serving.served()
    disk = Disk()

    async def serve() -> None:
        door = serving.open_door(served, disk)
        application = front_application(door)
        keep_pauses_short()
        await work(application, door, control, handed)

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())
    finally:
        disk.stop()


def _line(control: socket.socket) -> bytes:
    """The plan, and not a byte more: what follows is for the loop."""
    line = bytearray()
    while (data := control.recv(1)) not in (b"", b"\n"):
        line += data
    return bytes(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
