"""Digits that nobody is to see but the tool they are for: kept here, and on the timeline as a reference alone."""

from __future__ import annotations

import msgspec

from vivavoce.core.digits import Collecting, masked, reference
from vivavoce.events import CallerPressed, DigitsHeard, ToolCallId

SHORTEST_SECRET = 3
"""Fewer digits stand in too many results by chance to be hidden there."""


class Vault:
    """The private digits of one call."""

    def __init__(self) -> None:
        self._rows: dict[ToolCallId, str] = {}

    def keep(self, event: CallerPressed | DigitsHeard, collecting: Collecting) -> CallerPressed | DigitsHeard:
        """What of these keys may be seen."""
        tool_call = collecting.private
        if tool_call is None:
            return event
        counted, _, _ = event.digits.partition(collecting.finish_key)
        self._rows[tool_call] = self._rows.get(tool_call, "") + counted[: collecting.room]
        return msgspec.structs.replace(event, digits=masked(event.digits))

    def fill(self, arguments: str) -> str:
        """A tool's arguments with the digits in the place of their references."""
        for tool_call, digits in self._rows.items():
            arguments = arguments.replace(reference(tool_call), digits)
        return arguments

    def hide(self, result: str) -> str:
        """A tool's result with the references in the place of the digits."""
        for tool_call, digits in self._rows.items():
            if len(digits) >= SHORTEST_SECRET:
                result = result.replace(digits, reference(tool_call))
        return result
