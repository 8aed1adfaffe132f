"""What an emulated service is set to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vivavoce.emulator.catalogue import MODEL_IDS, Generation
from vivavoce.emulator.complaints import Decoration
from vivavoce.errors import UsageError

IDLE_S = 55.0
LIFETIME_S = 480.0


@dataclass(frozen=True, slots=True)
class Rules:
    """``strict`` refuses what the service is documented to refuse; otherwise what some client in use sends, and the
    service was seen to take, is taken and noted. Both ways, what breaks a session of the real one breaks this one.

    ``lifetime_s`` and ``idle_s`` may be shortened to see a client renew. ``concurrency`` is how many streams may be
    open at once.
    """

    strict: bool = False
    idle_s: float = IDLE_S
    lifetime_s: float = LIFETIME_S
    concurrency: int = 20
    decoration: Decoration = Decoration.REQUEST_ID
    models: Mapping[str, Generation] = field(default_factory=lambda: MODEL_IDS)

    def __post_init__(self) -> None:
        if self.idle_s <= 0 or self.lifetime_s <= 0 or self.concurrency < 1:
            raise UsageError("a service without time or place", hint="idle, lifetime and concurrency are more than 0")
