"""What an agent is and how it is declared. ``Spoken`` is for tools' signatures; :mod:`vivavoce.agent.file` reads agent
files."""

from vivavoce.agent.declaration import Agent, Knowledge, Limits, ModelChoice, Tool, TurnPolicy
from vivavoce.agent.spoken import Spoken

__all__ = ["Agent", "Knowledge", "Limits", "ModelChoice", "Spoken", "Tool", "TurnPolicy"]
