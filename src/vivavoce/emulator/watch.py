"""What a stream tells of itself: to the faults that wait for a moment, and to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vivavoce.emulator.faults import Fault
from vivavoce.emulator.moves import Occasion


class Watcher(Protocol):
    """Told by one stream."""

    def happened(self, occasion: Occasion) -> Sequence[Fault]:
        """The faults whose moment this is."""
        ...

    def note(self, text: str) -> None:
        """A line for people; nothing of what was said."""
        ...

    def closed(self) -> None:
        """The stream is over. May come more than once."""
        ...
