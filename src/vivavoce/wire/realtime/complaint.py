"""What is wrong with something a client sent, in the words of the protocol."""

from __future__ import annotations

from vivavoce.errors import PeerFault

_LONGEST = 500
"""Characters: a complaint repeats what a client sent, and clients send anything."""


class Complaint(PeerFault):
    """The client asked for something that it cannot have. ``code`` is for programs, ``param`` the path of what is
    wrong, if it is one thing.
    """

    def __init__(self, message: str, *, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message[:_LONGEST])
        self.code = code
        self.param = param[:_LONGEST] if param is not None else None


def invalid(param: str, message: str) -> Complaint:
    """A value that is not one of those that can be."""
    return Complaint(message, code="invalid_value", param=param)


def wrong_type(param: str, expected: str) -> Complaint:
    """A value of another kind than expected."""
    return Complaint(f"Invalid type for '{param}': expected {expected}.", code="invalid_type", param=param)


def unknown_parameter(param: str, hint: str = "") -> Complaint:
    """A member that the protocol does not have."""
    message = f"Unknown parameter: '{param}'."
    return Complaint(f"{message} {hint}".rstrip(), code="unknown_parameter", param=param)


def missing(param: str) -> Complaint:
    """A member that must be there."""
    return Complaint(f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)
