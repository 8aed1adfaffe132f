"""A call's facts and wishes on their way to those who count them, without the facts that the core ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from vivavoce.events import (
    AgentAudio,
    CallerAudio,
    CallStarted,
    CloseCall,
    Effect,
    Event,
    Ignore,
    ToolFinished,
    UsageReported,
)
from vivavoce.ledger.quick import STANDS_FOR

Handler = Callable[[int, Any], None]
"""Takes the instant, in microseconds, and the fact or wish."""
Handlers = Mapping[type, Handler]

_JUDGED_BY_WHO_COUNTS = frozenset({AgentAudio, CallerAudio, ToolFinished, UsageReported})
"""Facts that count in part, ignored or not: sound that came too late was generated, a tool that nobody waited for has
ended, and tokens are paid for all the same."""
_WITHOUT_A_START = frozenset({CallStarted, CloseCall})
_AT_ONCE = frozenset(get_args(Effect)) | _JUDGED_BY_WHO_COUNTS | STANDS_FOR.keys()


class Heeding:
    """Hands each fact or wish to all handlers of its class, in the order given. Whether a fact counts is known with the
    line after it, so this is one line behind until :meth:`settle`. What comes before a call has started does not count.

    Every frame of a call passes here: what nobody asked for costs two look-ups.
    """

    def __init__(self, *handlers: Handlers) -> None:
        self.at_us = 0
        self._at_once: dict[type, Handler] = {}
        self._later: dict[type, Handler] = {}
        self._held: tuple[Handler, int, type, Event | Effect] | None = None
        self._after_start: dict[type, Handler] = {}
        for part in handlers:
            for kind, handler in part.items():
                earlier = self._after_start.get(kind)
                self._after_start[kind] = handler if earlier is None else _both(earlier, handler)
        for stand_in, kind in STANDS_FOR.items():
            if kind in self._after_start:
                self._after_start[stand_in] = self._after_start[kind]
        self._after_start[CallStarted] = _both(self._start, self._after_start.get(CallStarted, _nothing))
        self._listen({kind: self._after_start[kind] for kind in _WITHOUT_A_START & self._after_start.keys()})

    def add(self, at: int, value: Event | Effect) -> None:
        kind = type(value)
        held = self._held
        if held is not None:
            self._held = None
            if kind is not Ignore or value.what != held[2].__name__:  # type: ignore[union-attr]  # it is an Ignore
                held[0](held[1], held[3])
        self.at_us = at
        handler = self._at_once.get(kind)
        if handler is not None:
            handler(at, value)
            return
        handler = self._later.get(kind)
        if handler is not None:
            self._held = (handler, at, kind, value)

    def settle(self) -> None:
        """No more comes: the last fact counts."""
        held, self._held = self._held, None
        if held is not None:
            held[0](held[1], held[3])

    def _start(self, _at: int, _value: CallStarted) -> None:
        self._listen(self._after_start)

    def _listen(self, handlers: Handlers) -> None:
        self._at_once = {kind: handler for kind, handler in handlers.items() if kind in _AT_ONCE}
        self._later = {kind: handler for kind, handler in handlers.items() if kind not in _AT_ONCE}


def _both(first: Handler, second: Handler) -> Handler:
    def handle(at: int, value: Any) -> None:
        first(at, value)
        second(at, value)

    return handle


def _nothing(at: int, value: Any) -> None:
    pass
