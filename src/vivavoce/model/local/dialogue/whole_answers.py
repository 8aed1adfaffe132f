"""What a whole answer to an open question looks like, as patterns for the ear: after one, a short pause ends the
turn."""

from __future__ import annotations

import re
from typing import Final

from vivavoce.model.local.dialogue.slots import Kind, Slot
from vivavoce.model.local.dialogue.spelling import ONES

_DIGIT: Final = f"(?:oh|o|{'|'.join(ONES[:10])})"
_HOUR: Final = f"(?:{'|'.join(ONES[1:13])})"
_MINUTES: Final = "(?:fifteen|thirty|forty five|twenty|ten|forty|fifty|oh five)"
_POLITE: Final = "(?: please| thanks| thank you)?$"
_MOST_CHOICES: Final = 60


def whole_answers(slot: Slot) -> tuple[str, ...]:
    """Regular expressions to search in lower-case words; none where nothing tells that more will not follow."""
    if slot.kind is Kind.DIGITS and slot.length > 1:
        return _codes(slot.length)
    if slot.kind is Kind.TIME:
        return (rf"\b{_HOUR} {_MINUTES}{_POLITE}",)
    if slot.is_code:
        return (rf"\b{_DIGIT} {_DIGIT} {_DIGIT}{_POLITE}", rf"\b{_HOUR} (?:{'|'.join(ONES[10:])}){_POLITE}")
    spoken = [re.escape(text) for choice in slot.choices for text in choice.spoken]
    return (rf"\b(?:{'|'.join(spoken)})(?: one)?{_POLITE}",) if 0 < len(spoken) <= _MOST_CHOICES else ()


def _codes(length: int) -> tuple[str, str]:
    """So many digits at the end; or one fewer word where one digit is said as "double"."""
    plain = rf"\b{_DIGIT}(?: {_DIGIT}){{{length - 1}}}{_POLITE}"
    doubled = rf"\b(?=(?:{_DIGIT} )*double {_DIGIT})(?:(?:double )?{_DIGIT}(?: |$)){{{length - 1}}}$"
    return plain, doubled
