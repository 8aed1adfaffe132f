"""Timers as data: names and instants. The engine sleeps until the earliest and then says so."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from vivavoce.events import Instant


class Timer(StrEnum):
    """What is waited for."""

    OPENING = "opening"  # channel and model must both be there by then
    CALL = "call"  # the longest call
    SILENCE = "silence"  # nobody talks
    PLAYOUT = "playout"  # the channel should have reported the end of a response by then
    ENDING = "ending"  # last words must be over by then
    RENEWAL = "renewal"  # the model session's time is running out: the next step
    SPARE = "spare"  # the next session must be up, or be opened again, by then
    RECOVERY = "recovery"  # a lost session's successor must be up, or be tried again, by then
    REPLY = "reply"  # the model must have said something by then
    PAUSE = "pause"  # a voice is in doubt: the agent pauses by then
    FLOOR = "floor"  # whose turn it is must be decided by then
    TOOLS = "tools"  # a tool is slow enough to say so, or nobody has approved of it
    DIGITS = "digits"  # the caller presses no more keys
    HOLD = "hold"  # the longest hold
    REPROMPT = "reprompt"  # nobody talks: ask the caller
    WARNING = "warning"  # the longest call is nearly over
    BEEP = "beep"  # an answering machine should have beeped by then


class Timers:
    """The timers that run, at most one of each name."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due: dict[Timer, Instant] = {}

    def set(self, timer: Timer, due: int) -> None:
        self._due[timer] = Instant(due)

    def clear(self, timer: Timer) -> None:
        self._due.pop(timer, None)

    def clear_all(self) -> None:
        self._due.clear()

    def is_set(self, timer: Timer) -> bool:
        return timer in self._due

    @property
    def deadline(self) -> Instant | None:
        return min(self._due.values()) if self._due else None

    def take_due(self, now: Instant) -> Iterator[Timer]:
        """The timers that are due, earliest first, each taken out: a timer fires once, and not at all if what an
        earlier one led to has cleared it or set it anew.
        """
        due = sorted((at, timer) for timer, at in self._due.items() if at <= now)
        for at, timer in due:
            if self._due.get(timer) == at:
                del self._due[timer]
                yield timer
