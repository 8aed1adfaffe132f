"""What a user runs: ``vivavoce call`` over Nova Sonic sessions of ``vivavoce emulate``, in processes of their own, with
recorded speech, the embedded model as the emulator's brain, TLS, and sessions that live for ten seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.machines import ROOT
from tests.contract.test_aws_sdks import KEY, Running, emulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CALLER = ROOT / "src" / "vivavoce" / "demo" / "caller"
UTTERANCES = ("01-stock", "02-saturday", "10-goodbye")
LIFETIME_S = 10
PATIENCE_MS = 2500
"""A busy machine makes pauses in a reply, and no caller of ours is to take one for its end."""


def agent_in(folder: Path, settings: str) -> Path:
    """The dealership, on Nova 2 Sonic."""
    agent = folder / "dealership"
    shutil.copytree(ROOT / "examples" / "dealership", agent)
    file = agent / "agent.toml"
    table = f'name = "nova-2-sonic"\n[models.settings]\n{settings}\n[recording]\nkeep = true'
    file.write_text(file.read_text().replace('name = "local"', table))
    return agent


def call(server: Running, agent: Path, calls: Path) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, "-m", "vivavoce", "call", str(agent), "--json", "--calls", str(calls)]
    command += ["--patience", str(PATIENCE_MS)]
    command += ["--endpoint", server.tls, "--ca", server.ca]
    for name in UTTERANCES:
        command += ["--wav", str(CALLER / f"{name}.flac")]
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": KEY[0],
        "AWS_SECRET_ACCESS_KEY": KEY[1],
        "AWS_REGION": "us-east-1",
    }
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=200)
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    ("provider_keeps", "settings"),
    [((), f"lifetime_s = {LIFETIME_S}"), (("--lifetime", str(LIFETIME_S)), "")],
    ids=["renewed", "lost"],
)
def test_a_spoken_call_outlives_its_sessions(tmp_path: Path, provider_keeps: tuple[str, ...], settings: str) -> None:
    """Once the client knows how long its sessions live and renews them, and once the provider ends them before."""
    with emulator(tmp_path, *provider_keeps) as server:
        code, told, errors = call(server, agent_in(tmp_path, settings), tmp_path / "calls")
    assert (code, told["simulated"], told["replay_identical"]) == (0, True, True), errors
    assert (told["disposition"], told["reason"]) == ("completed", "the agent ended the call")
    said = [turn["caller"] for turn in told["turns"]]
    assert len(said) == 1 + len(UTTERANCES), "the greeting, and one turn for each utterance: nothing was heard twice"
    assert "estate" in said[1]
    assert "opening hours" in said[2]
    assert [tool["name"] for turn in told["turns"] for tool in turn["tools"]] == ["find_cars"]
    assert "19500" in told["turns"][1]["agent"]
    assert not told["barge_ins"], "and no reply was cut"
    moments = {swap["moment"] for swap in told["swaps"]}
    assert moments == {"recovery"} if provider_keeps else "recovery" not in moments and moments
    assert sum(swap["lost_ms"] for swap in told["swaps"]) == 0
    assert Path(told["files"]["recording"]).stat().st_size > 0
    assert all(word not in errors for word in ("estate", "opening hours"))
