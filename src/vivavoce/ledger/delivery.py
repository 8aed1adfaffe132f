"""What an address is to be told of a call."""

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
