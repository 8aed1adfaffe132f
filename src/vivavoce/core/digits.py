"""A row of digits that the caller presses, or says, outside the model's hearing where asked.

The model asks for them with the built-in tool :data:`~vivavoce.events.COLLECT_DIGITS` and gets them as its result. A
*private* row it never gets, nor does it hear the caller meanwhile: its result is a reference, which stands for the
digits in the arguments of other tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from vivavoce.core.hearing import Hearing
from vivavoce.core.parts import Parts
from vivavoce.core.timers import Timer
from vivavoce.core.toolside import ToolSide
from vivavoce.events import Effect, Instant, ListenForDigits, PendingTool, ToolCallId, ToolRequested, ToolStatus

FIRST_DIGIT_US = 15_000_000
"""For the caller to find the card, or the key."""
INTER_DIGIT_US = 4_000_000
"""Between two digits."""
LONGEST = 64
_IN_PRIVATE = "digits are collected in private"


class _Wanted(msgspec.Struct, frozen=True):
    """The arguments. ``count`` digits, or as many as come before ``finish_key``."""

    count: Annotated[int, msgspec.Meta(ge=0, le=LONGEST)] = 0
    finish_key: Annotated[str, msgspec.Meta(pattern=r"\A[*#]?\Z")] = "#"
    private: bool = False
    purpose: str = ""


class Collecting:
    """The row that is being collected; at most one at a time."""

    __slots__ = ("_hearing", "_keys", "_over", "_parts", "_tool_call", "_tools", "_wanted")

    def __init__(self, parts: Parts, hearing: Hearing, tools: ToolSide) -> None:
        self._parts = parts
        self._hearing = hearing
        self._tools = tools
        self._tool_call: ToolCallId | None = None
        self._wanted = _Wanted()
        self._over: _Wanted | None = None  # the row that was whole a moment ago
        self._keys = ""

    @property
    def active(self) -> bool:
        return self._tool_call is not None

    @property
    def private(self) -> ToolCallId | None:
        """The tool call whose digits nobody else is to see, if there is one."""
        return self._tool_call if self._wanted.private else None

    @property
    def hidden(self) -> bool:
        """Nobody is to see what is pressed just now: it belongs to a private row, or comes right behind one."""
        return self.private is not None or (self._over is not None and self._over.private)

    @property
    def finish_key(self) -> str:
        return self._wanted.finish_key or "#"

    @property
    def room(self) -> int:
        """So many more digits belong to the row."""
        return (self._wanted.count or LONGEST) - len(self._keys)

    def requested(self, event: ToolRequested, now: Instant) -> Iterator[Effect]:
        self._parts.tools.start(PendingTool(event.tool_call, event.name, event.arguments), waits=True)
        try:
            wanted = msgspec.json.decode(event.arguments or "{}", type=_Wanted)
        except msgspec.DecodeError as fault:
            yield from self._tools.refuse(event.tool_call, str(fault), now)
            return
        if self.active:
            yield from self._tools.refuse(event.tool_call, "Digits are being collected already.", now)
            return
        self._tool_call, self._wanted, self._keys, self._over = event.tool_call, wanted, "", None
        self._parts.timers.set(Timer.DIGITS, now + FIRST_DIGIT_US)
        yield ListenForDigits(listens=True, private=wanted.private)
        if wanted.private:
            yield from self._hearing.mute(_IN_PRIVATE)

    def pressed(self, keys: str, now: Instant) -> Iterator[Effect]:
        """Keys pressed or digits said; once the row is whole, no more of them count."""
        self._parts.timers.set(Timer.DIGITS, now + INTER_DIGIT_US)
        for key in keys:
            if key == self.finish_key:
                yield from self._finish(now, whole=bool(self._keys) and len(self._keys) >= self._wanted.count)
                return
            self._keys += key
            if len(self._keys) in (self._wanted.count, LONGEST):
                yield from self._finish(now, whole=True)
                return

    def trailing(self, keys: str, now: Instant) -> bool:
        """Whether keys that come when the row is whole still belong to it: the finish key, and behind a private row
        whatever it is.
        """
        if self._over is None or not (self._over.private or keys == (self._over.finish_key or "#")):
            return False
        self._parts.timers.set(Timer.DIGITS, now + INTER_DIGIT_US)
        return True

    def time_passed(self, now: Instant) -> Iterator[Effect]:
        """No more keys come: that is the end of a row of which nobody knows the length, or half of one."""
        self._over = None
        if self.active:
            yield from self._finish(now, whole=bool(self._keys) and not self._wanted.count)

    def _finish(self, now: Instant, *, whole: bool) -> Iterator[Effect]:
        tool_call, keys, private = self._tool_call, self._keys, self._wanted.private
        assert tool_call is not None  # it is active
        self._over = self._wanted
        self._tool_call, self._keys, self._wanted = None, "", _Wanted()
        self._parts.timers.set(Timer.DIGITS, now + INTER_DIGIT_US)
        yield ListenForDigits(listens=False)
        yield from self._hearing.unmute(_IN_PRIVATE)
        digits = reference(tool_call) if private else keys
        result = {"digits": digits if keys else "", "count": len(keys), "complete": whole}
        yield from self._tools.answer(tool_call, ToolStatus.OK, msgspec.json.encode(result).decode(), now)


def reference(tool_call: ToolCallId) -> str:
    """What stands for the digits of a private row."""
    return f"{{digits:{tool_call}}}"


def masked(keys: str) -> str:
    """What may be seen of keys that are private: how many, and the ones that are no digits."""
    return "".join("x" if key.isdigit() else key for key in keys)
