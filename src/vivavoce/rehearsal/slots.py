"""Whether tools were called for what the caller said last, where the caller corrected themselves."""

from __future__ import annotations

from math import inf

import msgspec

from vivavoce.rehearsal.marks import ToolMark
from vivavoce.rehearsal.outcomes import Conversation


def corrected_slots(conversation: Conversation) -> list[bool]:
    """For each thing said that has slots: whether the last tool call because of it, before the next such, has their
    values. A call that was given up does not count.
    """
    if conversation.marks is None:
        return []
    corrections = [said for said in conversation.said if said.slots]
    ends = (said.span.begin_us for said in corrections[1:])
    tools = [tool for tool in conversation.marks.tools.values() if not tool.cancelled]
    results: list[bool] = []
    for said, until_us in zip(corrections, [*ends, inf], strict=False):
        later = [tool for tool in tools if said.span.begin_us <= tool.at_us < until_us and _takes(tool, said.slots)]
        results.append(bool(later) and _has(max(later, key=lambda tool: tool.at_us), said.slots))
    return results


def _arguments(tool: ToolMark) -> dict[str, object]:
    try:
        read = msgspec.json.decode(tool.arguments)
    except msgspec.DecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def _takes(tool: ToolMark, slots: dict[str, str]) -> bool:
    return slots.keys() <= _arguments(tool).keys()


def _has(tool: ToolMark, slots: dict[str, str]) -> bool:
    arguments = _arguments(tool)
    return all(str(arguments.get(name)) == value for name, value in slots.items())
