"""``vivavoce emulate``: what it is set to, what it prints, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.agents import Command
from vivavoce.cli.exits import Exit
from vivavoce.cli.trust import trust_lines

SCRIPT = '[[step]]\nwhen = "text"\nsay = { text = "Hello.", ms = 500 }\n'

REFUSED = {
    ("--fault", "gremlins"): "names no fault",
    ("--fault", "half-open@lunch"): "no such moment",
    ("--faults", "none.toml"): "cannot be read",
    ("--model-id", "mine=v9"): "is no ID=GENERATION",
    ("--key", "no-secret"): "a key that is no ACCESS:SECRET",
    ("--scenario", "none.toml"): "cannot be read",
    ("--agent", "none.toml"): "none.toml",
    ("--profile", "published", "--agent", "x"): "--agent and --profile exclude each other",
    ("--profile", "secret"): "Invalid value for '--profile'",
    ("--idle", "0"): "Invalid value for '--idle'",
    ("--concurrency", "0"): "Invalid value for '--concurrency'",
    ("--errors", "loud"): "Invalid value for '--errors'",
}


@pytest.mark.parametrize("options", REFUSED, ids=" ".join)
def test_what_makes_no_sense_is_told_in_a_line(vivavoce: Command, options: tuple[str, ...]) -> None:
    brain = () if {"--scenario", "--agent", "--profile"} & set(options) else ("--profile", "published")
    ran = vivavoce("emulate", *options, *brain, "--port", "0", "--plain")
    assert ran.code == Exit.SETUP
    assert REFUSED[options] in ran.err
    assert "no-secret" not in ran.err


def test_an_agent_that_the_embedded_model_cannot_be_is_told(vivavoce: Command, tmp_path: Path) -> None:
    agent = tmp_path / "agent.toml"
    agent.write_text('name = "Un"\nlanguage = "fr-FR"\ninstructions = "Soyez gentil."\n')
    ran = vivavoce("emulate", "--agent", agent, "--port", "0", "--plain")
    assert ran.code == Exit.SETUP
    assert "speaks English, not 'fr-FR'" in ran.err


def test_how_to_trust_it_is_quoted() -> None:
    lines = list(trust_lines(Path("/a folder/ca.pem"), "https://127.0.0.1:8443", "vivavoce"))
    assert all("'/a folder/ca.pem'" in line for line in lines if "ca.pem" in line)
    for client in ("Vivavoce", "AWS Python", "AWS JS", "Java", "curl"):
        assert any(line.startswith(client) for line in lines)


@contextmanager
def running(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "script.toml").write_text(SCRIPT)
    command = [sys.executable, "-m", "vivavoce", "emulate", "--scenario", "script.toml", "--port", "0", *options]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_of_json_when_it_is_ready_and_a_polite_end(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, "--json", "--plain-port", "0", "--key", "ID:SECRET") as process:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(20) == Exit.OK
        assert process.stdout.read() == ""
    assert [url.partition(":")[0] for url in told["urls"]] == ["https", "http"]
    assert (told["simulated"], told["verifies"], told["brain"]) == (True, True, "the script script.toml")
    assert told["ca"] == str(tmp_path / "cache" / "vivavoce" / "emulator" / "ca.pem")
    assert Path(told["ca"]).exists()


@pytest.mark.slow
def test_people_read_that_it_is_simulated_and_how_to_trust_it(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Ready."):
            lines.append(process.stdout.readline())
            assert lines[-1]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == Exit.OK
    text = "".join(lines)
    assert text.startswith("Simulated Amazon Nova Sonic: no answer of it is the service's.")
    assert "Its brain is the script script.toml." in text
    assert "NODE_EXTRA_CA_CERTS=" in text


@pytest.mark.slow
def test_in_clear_text_no_certificate_is_made(tmp_path: Path) -> None:
    with running(tmp_path, "--plain", "--json") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(20) == Exit.OK
    assert told["ca"] is None
    assert told["urls"][0].startswith("http://127.0.0.1:")
    assert not (tmp_path / "cache").exists()
