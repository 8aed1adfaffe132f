"""What Nova's own sentences say of a fault, beyond what is true of everything on Bedrock."""

from __future__ import annotations

from vivavoce.errors import ModelFault, ModelRefused

# Not for ever: another session, told what was said, may come by it.
_PASSING = ("blocked by our content filters",)
# Refused where it comes first: what every session begins with is wrong. Later it is a passing trouble of the service,
# or one tool result that it could not take, and another session goes on.
_PASSING_WHEN_LATE = ("Invalid input request", "Tool Response parsing error")


def classify(fault: ModelFault, *, talked: bool) -> ModelFault:
    """The same fault, as the kind that it is. ``talked``: the session had worked before."""
    passing = (*_PASSING, *_PASSING_WHEN_LATE) if talked else _PASSING
    if isinstance(fault, ModelRefused) and any(text in fault.message for text in passing):
        return ModelFault(fault.message, hint=fault.hint)
    return fault
