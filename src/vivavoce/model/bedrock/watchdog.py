"""Notices that nothing has come for a while, at the price of one assignment for each thing that comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_PARTS = 4


class Watchdog:
    """Calls ``on_quiet`` once nothing was :meth:`heard` for ``quiet_ms``, and up to a quarter of it later. Then it
    rests until the next :meth:`start`.

    It looks four times in that time instead of setting a timer for each thing heard: that would cost more than to
    decode a message of audio.
    """

    def __init__(self, quiet_ms: int, on_quiet: Callable[[], None]) -> None:
        self._interval_s = quiet_ms / 1000 / _PARTS
        self._on_quiet = on_quiet
        self._heard = False
        self._quiet_parts = 0
        self._timer: asyncio.TimerHandle | None = None

    def heard(self) -> None:
        self._heard = True

    def start(self) -> None:
        self.stop()
        self._heard, self._quiet_parts = False, 0
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._look)

    def _look(self) -> None:
        self._timer = None
        self._quiet_parts = 0 if self._heard else self._quiet_parts + 1
        self._heard = False
        if self._quiet_parts >= _PARTS:
            self._on_quiet()
        else:
            self._arm()


class Pulse:
    """A peer that was quiet for ``quiet_ms`` is asked for a sign of life, and given up when none comes within
    ``answer_ms``. Whatever comes is one.
    """

    def __init__(self, quiet_ms: int, answer_ms: int, *, ask: Callable[[], None], give_up: Callable[[], None]) -> None:
        self._watchdog = Watchdog(quiet_ms, self._quiet)
        self._answer_s = answer_ms / 1000
        self._ask = ask
        self._give_up = give_up
        self._asked: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._watchdog.start()

    def heard(self) -> None:
        self._watchdog.heard()
        if self._asked is not None:
            self.stop()
            self.start()

    def stop(self) -> None:
        self._watchdog.stop()
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def _quiet(self) -> None:
        self._asked = asyncio.get_running_loop().call_later(self._answer_s, self._give_up)
        self._ask()
