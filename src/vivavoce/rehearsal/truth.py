"""What was said on the caller's side of a call, and what it was meant to be: known to the sample where the caller was
simulated, and taken from the timeline where not.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from vivavoce.errors import TimelineError
from vivavoce.rehearsal.spans import Span

TRUTH_FILE = "caller.json"
"""Beside the timeline of a rehearsed call."""
HEARD_FILE = "caller.wav"
"""Beside it: what the caller said, without noise, left, and what they heard of the agent, right."""


class SaidKind(StrEnum):
    """What a stretch of the caller's side is."""

    TURN = "turn"  # said while the agent was silent, for an answer
    INTERRUPTION = "interruption"  # said into the agent's speech, to have the turn
    EARLY = "early"  # an answer that comes a little before the agent's last word
    BACKCHANNEL = "backchannel"  # "mm-hm"
    TIC = "tic"  # a cough, an "um"
    OTHERS = "others"  # somebody else's talk, or the caller's to somebody else

    @property
    def is_for_agent(self) -> bool:
        """Whether it wants an answer."""
        return self in (SaidKind.TURN, SaidKind.INTERRUPTION, SaidKind.EARLY)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on the caller's side, on the call's clock. ``parts`` are the stretches in which it sounds, if there are
    pauses within it. ``slots``: what the next tool call should be asked for because of it.
    """

    kind: SaidKind
    text: str
    span: Span
    parts: tuple[Span, ...] = ()
    slots: dict[str, str] = {}

    @property
    def sounds(self) -> tuple[Span, ...]:
        return self.parts or (self.span,)


class Truth(msgspec.Struct, frozen=True):
    """The caller's side of a call, in order. ``connected_us`` is where the caller's recording begins."""

    said: tuple[Said, ...]
    connected_us: int = 0


def write_truth(folder: Path, truth: Truth) -> None:
    (folder / TRUTH_FILE).write_bytes(msgspec.json.encode(truth))


def read_truth(folder: Path) -> Truth | None:
    """None for a call that was not rehearsed."""
    file = folder / TRUTH_FILE
    if not file.is_file():
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Truth)
    except (OSError, msgspec.DecodeError) as error:
        raise TimelineError(
            f"{file} does not say what the caller said: {error}", hint="rehearse the call anew"
        ) from error
