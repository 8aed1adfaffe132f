"""Keys pressed in a row, told as one. Pure: instants are arguments."""

from __future__ import annotations

PAUSE_S = 1.5
"""Between two keys of a row; longer, and the row is over."""
LONGEST_ROW = 32


class KeyRow:
    """``#`` ends a row and belongs to it."""

    def __init__(self) -> None:
        self._digits = ""
        self.ends_at_s: float | None = None
        """When the row will be over if nothing more is pressed."""

    def press(self, digit: str, now_s: float) -> str:
        """The whole row if this key ends it, else nothing."""
        self._digits += digit
        self.ends_at_s = now_s + PAUSE_S
        return self.end() if digit == "#" or len(self._digits) >= LONGEST_ROW else ""

    def pass_time(self, now_s: float) -> str:
        """The row, if its time has come."""
        return self.end() if self.ends_at_s is not None and now_s >= self.ends_at_s else ""

    def end(self) -> str:
        """What there is of a row."""
        row, self._digits, self.ends_at_s = self._digits, "", None
        return row
