"""Everything that one call is made of, put together once its plan is known."""

from __future__ import annotations

from vivavoce.core.asking import Asking
from vivavoce.core.digits import Collecting
from vivavoce.core.ending import Ending
from vivavoce.core.floor import TurnFloor
from vivavoce.core.hearing import Hearing
from vivavoce.core.holding import Holding
from vivavoce.core.modelside import ModelSide
from vivavoce.core.parts import Parts
from vivavoce.core.patience import Patience
from vivavoce.core.saying import Sayings
from vivavoce.core.toolside import ToolSide
from vivavoce.core.voicemail import Voicemail
from vivavoce.events import CallPlan


class Sides:
    """The machines, and the rules that each have a module of their own."""

    __slots__ = (
        "asking",
        "digits",
        "ending",
        "floor",
        "hearing",
        "holding",
        "model",
        "parts",
        "patience",
        "sayings",
        "tools",
        "voicemail",
    )

    def __init__(self, plan: CallPlan) -> None:
        self.parts = parts = Parts(plan)
        self.model = ModelSide(parts)
        self.hearing = Hearing(parts)
        self.floor = TurnFloor(parts, self.hearing)
        self.ending = Ending(parts, self.model, self.hearing)
        self.asking = Asking(parts, self.model)
        self.sayings = Sayings(parts)
        self.patience = Patience(parts, self.model, self.ending, self.sayings)
        self.tools = ToolSide(parts, self.model, self.sayings, self.patience.spending)
        self.digits = Collecting(parts, self.hearing, self.tools)
        self.holding = Holding(parts, self.hearing, self.tools)
        self.voicemail = Voicemail(parts, self.ending, self.hearing)
