"""What an address is to be told of a call, and what may come of trying."""

from __future__ import annotations

import msgspec


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an address is to be told, tried until it is taken. ``delivery`` is its id, which the receiver is
    told too, so that what comes twice counts once."""

    delivery: str
    call: str
    url: str
    body: bytes
    attempts: int = 0


class Taken(msgspec.Struct, frozen=True):
    """It was taken."""


class Again(msgspec.Struct, frozen=True):
    """Not taken this time. ``why`` has no word of the receiver's."""

    after_s: float
    why: str = ""


class GivenUp(msgspec.Struct, frozen=True):
    """Not taken, and not to be tried again."""

    why: str


Outcome = Taken | Again | GivenUp
"""Of one try."""
