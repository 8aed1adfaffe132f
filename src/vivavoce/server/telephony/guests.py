"""Whom a media stream brings, and what was ordered before where the call was made by us."""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.agent.declaration import Agent
from vivavoce.channel.telephony.line import CallControl
from vivavoce.server.admission import Bounds


@dataclass(frozen=True, slots=True)
class Order:
    """A call to be made: ``agent`` is the served one of that ``name`` with the order's variables, within the bounds of
    the key that ordered it.
    """

    name: str
    agent: Agent
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True)
class Guest:
    """``agent`` names the served one that is to answer."""

    agent: str
    control: CallControl | None = None
    order: Order | None = None
