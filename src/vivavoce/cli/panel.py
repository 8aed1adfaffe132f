"""The last line of the terminal during ``vivavoce talk``: levels, what the keys do, and the keys themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from rich.live import Live
from rich.text import Text

from vivavoce.channel.microphone import MicrophoneChannel
from vivavoce.cli.terminal import Terminal
from vivavoce.events import Effect, Event, Instant, ModelReady, OpenModel

REFRESH_S = 0.1
END_OF_INPUT = "\x04"
_BAR_CELLS = 12
_QUIETEST_DBFS = -60.0
_KEY_BYTES = 64


class Panel:
    """Shows a microphone channel and lets its keys work: ``m`` mutes, the space bar talks, ``q`` hangs up. A witness,
    so that it can say when the model is not ready yet.

    A terminal reports no key releases, so the space bar opens the microphone and the next press closes it.
    """

    def __init__(self, terminal: Terminal, *, push_to_talk: bool) -> None:
        self._terminal = terminal
        self._push_to_talk = push_to_talk
        self._channel: MicrophoneChannel | None = None
        self._loading = False

    def __call__(self, _: Instant, value: Event | Effect) -> None:
        if isinstance(value, OpenModel | ModelReady):
            self._loading = isinstance(value, OpenModel)

    def watch(self, channel: MicrophoneChannel) -> MicrophoneChannel:
        """Take charge of ``channel`` and hand it on."""
        channel.muted = self._push_to_talk
        self._channel = channel
        return channel

    @property
    def microphone_lost_ms(self) -> float:
        """What the microphone picked up and the call was too far behind to take."""
        return 0.0 if self._channel is None else self._channel.lost_samples / self._channel.rate_hz * 1000

    async def run(self) -> None:
        """Needs a channel. Runs until it is cancelled."""
        assert self._channel is not None
        channel = self._channel
        with (
            keys(lambda key: self.press(channel, key)),
            Live(self.line(channel), console=self._terminal, auto_refresh=False, transient=True) as live,
        ):
            while True:
                live.update(self.line(channel), refresh=True)
                await asyncio.sleep(REFRESH_S)

    def press(self, channel: MicrophoneChannel, key: str) -> None:
        if key in ("m", "M") or (key == " " and self._push_to_talk):
            channel.muted = not channel.muted
        elif key in ("q", "Q", END_OF_INPUT):
            channel.hang_up()

    def line(self, channel: MicrophoneChannel) -> Text:
        levels = channel.levels
        line = Text("you ", no_wrap=True)
        line.append(bar(levels.input_dbfs), style="dim" if channel.muted else "cyan")
        line.append("  agent ")
        line.append(bar(levels.output_dbfs), style="green")
        if self._loading:
            return line.append("  the model gets ready ...", style="dim")
        line.append("  MUTED  " if channel.muted else "         ", style="bold red")
        line.append("space talks, " if self._push_to_talk else "m mutes, ", style="dim")
        return line.append("q hangs up", style="dim")


def bar(level_dbfs: float) -> str:
    """A level from -60 to 0 dBFS as a bar."""
    share = 1 - max(_QUIETEST_DBFS, min(0.0, level_dbfs)) / _QUIETEST_DBFS
    return ("█" * round(share * _BAR_CELLS)).ljust(_BAR_CELLS, "·")


@contextlib.contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Hands over each key as it is pressed, where there is a terminal to press keys on. A terminal that is gone counts
    as the end of input."""
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            typed = os.read(descriptor, _KEY_BYTES).decode(errors="replace")
        except OSError:
            typed = ""
        if not typed:
            loop.remove_reader(descriptor)
        for key in typed or END_OF_INPUT:
            pressed(key)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
