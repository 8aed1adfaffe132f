"""A recorded caller and the agent they call: what ``vivavoce demo`` plays.

The caller was synthesised by ``scripts/make_recordings.py`` (see ``NOTICE``); ``caller.json`` says what is said and
when the caller cuts in. The agent is the car dealership of ``examples/``.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from vivavoce.errors import NotAvailable

TODAY = datetime(2026, 3, 2, 9, 0).astimezone()
"""The caller speaks of "Friday the thirteenth" and "the sixteenth": for the demo it is Monday, 2 March 2026."""

_HERE = Path(__file__).parent


class DemoUtterance(msgspec.Struct, frozen=True):
    """One row of ``caller.json``."""

    file: str
    text: str
    barge_in_after_ms: int | None = None

    @property
    def path(self) -> Path:
        return _HERE / self.file


def demo_caller() -> list[DemoUtterance]:
    """What the caller says, in order."""
    return msgspec.json.decode((_HERE / "caller.json").read_bytes(), type=list[DemoUtterance])


def demo_agent() -> Path:
    """The agent file, as installed with the package or beside it in a checkout."""
    for folder in (_HERE / "dealership", _HERE.parents[2] / "examples" / "dealership"):
        if (folder / "agent.toml").exists():
            return folder / "agent.toml"
    raise NotAvailable("the demo's agent is not installed", hint="install vivavoce again, or run it in a checkout")
