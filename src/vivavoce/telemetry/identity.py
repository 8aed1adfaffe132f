"""The ids of a call's trace: the same every time, so that an exemplar, a retry and a log find the same trace."""

from __future__ import annotations

import hashlib


def trace_id(call: str) -> int:
    """128 bits, never 0."""
    return int.from_bytes(hashlib.sha256(call.encode()).digest()[:16], "big") or 1


def span_id(call: str, *path: object) -> int:
    """64 bits, never 0, of the span at ``path`` in the call's trace."""
    name = "/".join((call, *map(str, path)))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") or 1


def trace_hex(call: str) -> str:
    """As W3C and exemplars write it: 32 hexadecimal digits."""
    return f"{trace_id(call):032x}"
