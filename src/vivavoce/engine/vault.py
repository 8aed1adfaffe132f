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
        if not collecting.hidden:
            return event
        if (tool_call := collecting.private) is not None:
            counted, _, _ = event.digits.partition(collecting.finish_key)
            self._rows[tool_call] = self._rows.get(tool_call, "") + counted[: collecting.room]
        return msgspec.structs.replace(event, digits=masked(event.digits))

    def fill(self, arguments: str) -> str:
        """A tool's arguments with the digits in the place of their references."""
        for tool_call, digits in self._rows.items():
            arguments = arguments.replace(reference(tool_call), digits)
        return arguments

    def hide(self, result: str) -> str:
        """A tool's result with the references in the place of the digits. JSON stays JSON: a number that has them in it
        becomes a text.
        """
        secrets = {digits: reference(call) for call, digits in self._rows.items() if len(digits) >= SHORTEST_SECRET}
        if not any(digits in result for digits in secrets):
            return result
        try:
            value = msgspec.json.decode(result)
        except msgspec.DecodeError:
            return _hidden_text(result, secrets)
        return msgspec.json.encode(_hidden(value, secrets)).decode()


def _hidden(value: object, secrets: dict[str, str]) -> object:
    match value:
        case dict():
            return {_hidden_text(str(key), secrets): _hidden(one, secrets) for key, one in value.items()}
        case list():
            return [_hidden(one, secrets) for one in value]
        case str():
            return _hidden_text(value, secrets)
        case bool() | None:
            return value
        case _:
            text = msgspec.json.encode(value).decode()
            hidden = _hidden_text(text, secrets)
            return value if hidden == text else hidden


def _hidden_text(text: str, secrets: dict[str, str]) -> str:
    for digits, instead in secrets.items():
        text = text.replace(digits, instead)
    return text
