"""The machines of one call side by side, for the rules that join more than two of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.core.history import History
from vivavoce.core.intake import Intake
from vivavoce.core.links import Link, LinkMove, ModelLinks, link
from vivavoce.core.machine import Machine
from vivavoce.core.owed import Owed
from vivavoce.core.phase import Phase, PhaseMove, phase
from vivavoce.core.talk import Talk
from vivavoce.core.timers import Timers
from vivavoce.core.tools import ToolCalls
from vivavoce.events import Ability, CallPlan


@dataclass(slots=True)
class Parts:
    """``rate_hz`` is the call's, 0 until the caller is connected; ``abilities`` are the channel's."""

    plan: CallPlan
    rate_hz: int = 0
    abilities: tuple[Ability, ...] = ()
    phase: Machine[Phase, PhaseMove] = field(default_factory=phase)
    channel: Machine[Link, LinkMove] = field(default_factory=link)
    models: ModelLinks = field(default_factory=ModelLinks)
    tools: ToolCalls = field(default_factory=ToolCalls)
    intake: Intake = field(default_factory=Intake)
    owed: Owed = field(default_factory=Owed)
    history: History = field(default_factory=History)
    timers: Timers = field(default_factory=Timers)
    talk: Talk = field(init=False)

    def __post_init__(self) -> None:
        self.talk = Talk(self.plan)
