"""A state machine that is a table, and nothing else.

Every machine of the core is an enum of states, an enum of moves, and a dict ``(state, move) -> state``. A move that
the table does not list raises :class:`~vivavoce.errors.IllegalMove`: the session asks :meth:`Machine.can` before it
acts on anything a peer sent, so an illegal move is always our own mistake. The shape is h11's (``h11/_state.py``); the
diagrams in ``docs/reference/states.md`` are drawn from these tables by ``scripts/make_state_diagrams.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from vivavoce.errors import IllegalMove

State = TypeVar("State", bound=StrEnum)
Move = TypeVar("Move", bound=StrEnum)


class Machine(Generic[State, Move]):
    """One machine in one state. ``table`` is shared by all machines of a kind and never changed."""

    __slots__ = ("_table", "state")

    def __init__(self, table: Mapping[tuple[State, Move], State], start: State) -> None:
        self._table = table
        self.state = start

    def can(self, move: Move) -> bool:
        return (self.state, move) in self._table

    def move(self, move: Move) -> State:
        """Make the move and return the new state. Raises :class:`IllegalMove` if the table does not list it."""
        try:
            self.state = self._table[self.state, move]
        except KeyError:
            raise IllegalMove(f"{type(self.state).__name__} is {self.state} and cannot {move}") from None
        return self.state
