"""OpenAI's JavaScript SDKs as clients, in processes of their own: the programs are in ``peers/``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.machines import NoPeer, realtime_peer
from tests.contract.realtime_oracle import check_event
from tests.contract.realtime_server import check_order

TALK_LIMIT_S = 90


def run_peer(script: str, *arguments: str, ca: Path | None = None) -> dict[str, Any]:
    """What it was told, every event of which was checked."""
    try:
        command, folder = realtime_peer(script)
    except NoPeer as reason:
        pytest.skip(str(reason))
    trust = {"NODE_EXTRA_CA_CERTS": str(ca)} if ca else {}
    environment = {"PATH": os.environ["PATH"], **trust}
    ran = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=TALK_LIMIT_S,
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    assert told["errors"] == [], told["errors"]
    for event in told["events"]:
        check_event(json.dumps(event).encode())
    check_order(told["events"])
    return told
