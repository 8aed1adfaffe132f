"""The programs of docs/howto/realtime-clients.md, run as they stand but for the port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.machines import NoPeer, realtime_peer
from tests.contract.realtime_server import Served, port_of, serving, write_scripted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # a first run installs the SDKs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "howto" / "realtime-clients.md").read_text("utf-8")
LIMIT_S = 60
HOURS = "On Saturday we are open from nine to five."
GREETS = 'greeting = "Good morning."'
SAYS = f"""
[[step]]
when = "text"
say = {{ text = "{HOURS}", ms = 600 }}
"""
ASKS = """
[[step]]
when = "text"
tool = { name = "staff_on_duty", arguments = { day = "Saturday" } }
[[step]]
when = "tool_result"
say = { text = "Grace Miller is.", ms = 400 }
"""


def program(heading: str, served: Served) -> str:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"^```(?:python|js)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert ":8000/" in code
    return str(code).replace(":8000/", f":{port_of(served)}/")


def run(command: list[str], folder: Path, ca: Path | None = None) -> str:
    trust = {"NODE_EXTRA_CA_CERTS": str(ca)} if ca else {}
    environment = {"PATH": os.environ["PATH"], **trust}
    ran = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("heading", "script", "says"),
    [
        ("openai, Python", SAYS, f"Good morning.\n{HOURS}\n"),
        ("openai-agents, Python", ASKS, "agent: Good morning.\ntool: Grace Miller\nagent: Grace Miller is.\n"),
    ],
)
def test_python(heading: str, script: str, says: str, tmp_path: Path) -> None:
    with serving(tmp_path, [write_scripted(tmp_path / "dealership", script, GREETS)]) as served:
        (tmp_path / "program.py").write_text(program(heading, served))
        assert run([sys.executable, "program.py"], tmp_path) == says


@pytest.mark.parametrize(
    ("heading", "tls"), [("@openai/agents-realtime, JavaScript", False), ("openai, JavaScript", True)]
)
def test_javascript(heading: str, tls: bool, tmp_path: Path) -> None:
    try:
        (node, _), folder = realtime_peer("")
    except NoPeer as reason:
        pytest.skip(str(reason))
    with serving(tmp_path, [write_scripted(tmp_path / "dealership", SAYS, GREETS)], tls=tls) as served:
        path = folder / f"howto-{port_of(served)}.mjs"  # where the packages are found
        path.write_text(program(heading, served))
        try:
            assert run([node, path.name], folder, served.ca) == f"Good morning.\n{HOURS}\n"
        finally:
            path.unlink()
