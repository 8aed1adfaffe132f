"""What follows when a timer is due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from vivavoce.core import opening
from vivavoce.core.sides import Sides
from vivavoce.core.timers import Timer
from vivavoce.events import Disposition, Effect, Instant


def due(sides: Sides, timer: Timer, now: Instant) -> Iterator[Effect]:  # noqa: C901, PLR0911, PLR0912 (only dispatches)
    match timer:
        case Timer.OPENING:
            return opening.timed_out(sides)
        case Timer.CALL:
            return sides.ending.end(Disposition.TOO_LONG, "the longest call is over", now, farewell=True)
        case Timer.SILENCE:
            return sides.ending.end(Disposition.SILENCE, "nobody spoke", now, farewell=True)
        case Timer.PLAYOUT:
            sides.parts.talk.assume_played()
        case Timer.ENDING:
            return sides.ending.run_out()
        case Timer.PAUSE:
            pass  # the floor pauses as it settles
        case Timer.FLOOR:
            return sides.floor.time_passed()
        case Timer.TOOLS:
            return sides.tools.time_passed(now)
        case Timer.DIGITS:
            return sides.digits.time_passed(now)
        case Timer.HOLD:
            return sides.holding.time_passed(now)
        case Timer.REPROMPT:
            return sides.patience.silent(now)
        case Timer.WARNING:
            sides.patience.warn()
        case Timer.BEEP:
            return sides.voicemail.leave_message(now)
        case Timer.REPLY | Timer.RECOVERY | Timer.RENEWAL | Timer.SPARE:
            return sides.model.time_passed(timer, now)
        case _:
            assert_never(timer)
    return iter(())
