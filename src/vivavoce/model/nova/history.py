"""What was said so far, as the service takes it: alternating, the caller first, within its limits of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from vivavoce.events import PastTurn, Speaker
from vivavoce.model.nova.catalogue import PIECE_BYTES, NovaSonic

USER, ASSISTANT = "USER", "ASSISTANT"
OPENING = "(The call begins.)"
"""Stands for the caller where the agent spoke first: a history must begin with USER."""
_ROLES = {Speaker.CALLER: USER, Speaker.AGENT: ASSISTANT}


class Block(NamedTuple):
    """One block of history."""

    role: str
    text: str


def history_blocks(turns: Sequence[PastTurn], model: NovaSonic) -> list[Block]:
    """Neighbours of one role merged; too long ones without their beginnings; what then exceeds the model's limits gone,
    oldest first. A last word of the caller's stays the last.
    """
    merged = [
        Block(block.role, _tail(block.text, model.history_message_bytes)) for block in _merged(turns) if block.text
    ]
    room_bytes = model.history_bytes - len(OPENING)
    most = model.history_messages - 1 if model.history_messages else len(merged)
    kept: list[Block] = []
    for block in reversed(merged[-most:] if most else []):
        room_bytes -= len(block.text.encode())
        if room_bytes < 0:
            break
        kept.append(block)
    kept.reverse()
    return [Block(USER, OPENING), *kept] if kept and kept[0].role != USER else kept


def pieces(text: str, limit_bytes: int = PIECE_BYTES) -> Iterator[str]:
    """The text in stretches of at most ``limit_bytes`` of UTF-8, cut at a space where there is one near the end."""
    while len(text.encode()) > limit_bytes:
        head = _head(text, limit_bytes)
        space = head.rfind(" ", len(head) // 2)
        cut = space + 1 if space >= 0 else len(head)
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def clean(text: str) -> str:
    """The text as it can be sent: half a surrogate pair, which a client may have typed, is no character."""
    return text.encode("utf-8", "replace").decode()


def _merged(turns: Iterable[PastTurn]) -> list[Block]:
    blocks: list[Block] = []
    for turn in turns:
        role, text = _ROLES[turn.speaker], clean(turn.text).strip()
        if blocks and blocks[-1].role == role:
            blocks[-1] = Block(role, f"{blocks[-1].text} {text}".strip())
        elif text:
            blocks.append(Block(role, text))
    return blocks


def _head(text: str, limit_bytes: int) -> str:
    return text.encode()[:limit_bytes].decode(errors="ignore")


def _tail(text: str, limit_bytes: int) -> str:
    return text.encode()[-limit_bytes:].decode(errors="ignore")
