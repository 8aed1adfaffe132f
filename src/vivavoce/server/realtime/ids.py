"""Ids that clients are given."""

from __future__ import annotations

import secrets


def new_id(kind: str) -> str:
    """``item_…``: nobody can guess the next one."""
    return f"{kind}_{secrets.token_hex(12)}"
