"""Agents on the scripted model, and callers made of tones: calls that need no speech and take no time."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vivavoce.audio.files import write_wav
from vivavoce.cli import cli
from vivavoce.cli.exits import run

RATE_HZ = 16_000
FAST = ("--speed", "100")

ANSWERS_ONCE = """
[[step]]
when = "speak"
say = { ms = 400 }

[[step]]
when = "caller_stops"
wait_ms = 50
hear = { text = "what do I owe" }

[[step]]
say = { text = "Twelve euros, to be paid by Friday.", ms = 600 }
"""
USES_A_TOOL = """
[[step]]
when = "speak"
say = { ms = 200 }

[[step]]
when = "caller_stops"
hear = { text = "do it" }

[[step]]
tool = { name = "act", arguments = { what = "lamp" } }

[[step]]
when = "tool_result"
say = { text = "That is all I know.", ms = 300 }
"""
NEVER_READY = """
[[step]]
when = "open"
wait_ms = 600000
ready = true
"""


@dataclass(frozen=True)
class Ran:
    """A command that is over."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """The one line of JSON."""
        (line,) = self.out.splitlines()
        return json.loads(line)


Command = Callable[..., Ran]


def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``vivavoce`` with these arguments in this process."""

    def run_here(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = run(cli, [str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run_here


def write_agent(folder: Path, script: str = ANSWERS_ONCE, tool: str = "", more: str = "", timeout_s: int = 300) -> Path:
    """An agent on a script, with at most one tool, ``act(what)``, whose body is ``tool``."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = f'[[tools]]\nfunction = "tools:act"\ntimeout_s = {timeout_s}\n' if tool else ""
    (folder / "agent.toml").write_text(
        f'name = "Tester"\ninstructions = "Be brief."\ngreeting = "Hello."\n{more}\n{tables}'
        '[[models]]\nname = "scripted"\n[models.settings]\nscript = "script.toml"\n',
        "utf-8",
    )
    (folder / "script.toml").write_text(script, "utf-8")
    body = "\n    ".join(tool.splitlines())
    (folder / "tools.py").write_text(
        f'import time\n\n\ndef act(what: str) -> str:\n    """Act on a thing."""\n    {body or "return what"}\n',
        "utf-8",
    )
    return folder


def write_tone(path: Path, ms: int = 300, rate_hz: int = RATE_HZ) -> Path:
    """Loud enough to be heard as speech by a script."""
    samples = rate_hz * ms // 1000
    values = (round(9_000 * math.sin(2 * math.pi * 300 * index / rate_hz)) for index in range(samples))
    write_wav(path, struct.pack(f"<{samples}h", *values), rate_hz)
    return path
