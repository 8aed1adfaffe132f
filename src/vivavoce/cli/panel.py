"""The last line of the terminal during ``vivavoce talk``: levels, what the keys do, and the keys themselves."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from vivavoce.channel.microphone import MicrophoneChannel

REFRESH_S = 0.1
_BAR_CELLS = 12
_QUIETEST_DBFS = -60.0


class Panel:
    """Shows a microphone channel and lets its keys work: ``m`` mutes, the space bar talks, ``q`` hangs up.

    A terminal reports no key releases, so the space bar opens the microphone and the next press closes it.
    """

    def __init__(self, console: Console, channel: MicrophoneChannel, *, push_to_talk: bool) -> None:
        self._console = console
        self._channel = channel
        self._push_to_talk = push_to_talk
        channel.muted = push_to_talk

    async def run(self) -> None:
        with (
            _keys(self._press),
            Live(self._line(), console=self._console, auto_refresh=False, transient=True) as live,
        ):
            while True:
                live.update(self._line(), refresh=True)
                await asyncio.sleep(REFRESH_S)

    def _press(self, key: str) -> None:
        if key in ("m", "M") or (key == " " and self._push_to_talk):
            self._channel.muted = not self._channel.muted
        elif key in ("q", "Q", "\x04"):
            self._channel.hang_up()

    def _line(self) -> RenderableType:
        levels = self._channel.levels
        line = Text("you ")
        line.append(bar(levels.input_dbfs), style="dim" if self._channel.muted else "cyan")
        line.append("  agent ")
        line.append(bar(levels.output_dbfs), style="green")
        line.append("  MUTED " if self._channel.muted else "        ", style="bold red")
        line.append("space talks, " if self._push_to_talk else "m mutes, ", style="dim")
        return line.append("q hangs up", style="dim")


def bar(level_dbfs: float) -> str:
    """A level from -60 to 0 dBFS as a bar."""
    share = 1 - max(_QUIETEST_DBFS, min(0.0, level_dbfs)) / _QUIETEST_DBFS
    return ("█" * round(share * _BAR_CELLS)).ljust(_BAR_CELLS, "·")


@contextlib.contextmanager
def _keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Hands over each key as it is pressed, where there is a terminal to press keys on."""
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, lambda: pressed(sys.stdin.read(1)))
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
