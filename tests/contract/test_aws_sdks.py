"""The AWS SDKs, unchanged, against the emulator: a spoken turn, a tool turn, a barge-in and a close, at real time.

Three peers talk side by side, each with recorded speech and the embedded model behind the emulator, which verifies
every signature: the Python SDK over TLS, the JavaScript SDK over TLS and over clear text.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.machines import NoPeer, javascript_peer, peer_folder, python_peer
from tests.contract.plans import AGENT_HZ, ALL_SAID, CUT_OFF, Heard, read_heard, utterances, write_plan
from vivavoce.audio.level import active_rms_dbfs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a first run installs the SDKs

KEY = ("AKIDEXAMPLE", "a-made-up-secret")
PEERS = ("python", "javascript", "javascript-plain")
TALK_LIMIT_S = 90


@dataclass(frozen=True)
class Running:
    """An emulator in a process of its own."""

    tls: str
    plain: str
    ca: str


@contextmanager
def emulator(folder: Path, *options: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "vivavoce", "emulate", "--port", "0", "--plain-port", "0", "--json"]
    command += ["--certificates", str(folder / "certificates"), "--key", ":".join(KEY), "--strict", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            assert (ready["simulated"], ready["verifies"]) == (True, True)
            tls, plain = ready["urls"]
            yield Running(tls, plain, ready["ca"])
        finally:
            process.terminate()
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def start(peer: str, server: Running, plan: Path) -> subprocess.Popen[str]:
    language = peer.partition("-")[0]
    command = python_peer() if language == "python" else javascript_peer()
    url = server.plain if peer.endswith("plain") else server.tls
    # Nothing of this machine's own AWS set-up, and trust in the emulator for these processes alone.
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": KEY[0],
        "AWS_SECRET_ACCESS_KEY": KEY[1],
        "AWS_EC2_METADATA_DISABLED": "true",
        "SSL_CERT_FILE": server.ca,
        "NODE_EXTRA_CA_CERTS": server.ca,
    }
    return subprocess.Popen(
        [*command, url, str(plan)],
        cwd=peer_folder(language),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_all(server: Running, plans: Mapping[str, Path]) -> dict[str, Heard | str]:
    """What each peer heard, or why it could not run."""
    outcomes: dict[str, Heard | str] = {}
    running: dict[str, subprocess.Popen[str]] = {}
    for peer, plan in plans.items():
        try:
            running[peer] = start(peer, server, plan)
        except NoPeer as reason:
            outcomes[peer] = str(reason)
    for peer, process in running.items():
        try:
            printed, said = process.communicate(timeout=TALK_LIMIT_S)
        finally:
            process.kill()
        assert process.returncode == 0, f"{peer}: {said}"
        outcomes[peer] = read_heard(plans[peer], printed)
    return outcomes


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Heard | str]:
    folder = tmp_path_factory.mktemp("talks")
    said = utterances(folder)
    steps: list[dict[str, Any]] = [
        {"say": said[1], "until": ALL_SAID},
        {"say": said[0], "until": ALL_SAID},
        {"say": said[7], "until": "audio", "then_s": 1.5},
        {"say": said[8], "until": CUT_OFF},
        {"say": os.devnull, "until": "AUDIO END_TURN", "then_s": 0.2},
    ]
    plans = {peer: write_plan(folder, peer, steps) for peer in PEERS}
    with emulator(folder) as server:
        return run_all(server, plans)


@pytest.fixture(params=PEERS)
def talk(request: pytest.FixtureRequest, talks: dict[str, Heard | str]) -> Heard:
    return heard_or_skip(talks[request.param])


def heard_or_skip(outcome: Heard | str) -> Heard:
    if isinstance(outcome, str):
        print(outcome)
        pytest.skip(outcome)
    return outcome


def test_words_of_both_sides_arrive(talk: Heard) -> None:
    assert talk.error == ""
    caller = talk.texts("USER", "FINAL")
    assert [re.sub(r"^.*(opening hours|estates|service|park).*$", r"\1", text) for text in caller] == [
        "opening hours",
        "estates",
        "service",
        "park",
    ]
    spoken = talk.texts("ASSISTANT", "FINAL")
    assert "sales is open from 9 in the morning to 5 in the afternoon" in spoken[0]
    assert "It's a green Beacon estate, at 18900 dollars." in spoken, "by the result of the tool"


def test_order_of_a_turn(talk: Heard) -> None:
    order = talk.order()
    assert order[0] == "completionStart"
    assert order[1] == "USER TEXT FINAL PARTIAL_TURN"
    assert order[2:4] == ["ASSISTANT TEXT SPECULATIVE PARTIAL_TURN", "ASSISTANT AUDIO PARTIAL_TURN"]
    assert order.count("completionStart") == order.count("completionEnd") == 1
    first_turn = order[2 : order.index("USER TEXT FINAL PARTIAL_TURN", 2)]
    assert first_turn.count("ASSISTANT AUDIO END_TURN") == 1
    segments = first_turn.count("ASSISTANT TEXT SPECULATIVE PARTIAL_TURN")
    finals = [one for one in first_turn if one.startswith("ASSISTANT TEXT FINAL")]
    assert finals == ["ASSISTANT TEXT FINAL PARTIAL_TURN"] * (segments - 1) + ["ASSISTANT TEXT FINAL END_TURN"]


def test_audio_is_speech_as_long_as_its_words(talk: Heard) -> None:
    speculative = talk.texts("ASSISTANT", "SPECULATIVE")
    seconds = len(talk.spoken) / 2 / AGENT_HZ
    characters = sum(map(len, speculative))
    assert 8 < characters / seconds < 25, f"{characters} characters in {seconds} s"
    assert -40 < active_rms_dbfs(talk.spoken) < -6
    rates = {event["audioOutputConfiguration"]["sampleRateHertz"] for event in blocks(talk, "AUDIO")}
    assert rates == {AGENT_HZ}
    pieces = [event["content"] for event in talk.named("audioOutput")]
    assert max(pieces) == AGENT_HZ * 80 // 1000 * 2


def test_tool_is_used_once(talk: Heard) -> None:
    (use,) = talk.named("toolUse")
    assert use["toolName"] == "find_cars"
    assert json.loads(use["content"]) == {"body_style": "estate", "max_price": 25000}
    assert "TOOL TOOL TOOL_USE" in talk.order()


def test_barge_in_cuts_the_agent(talk: Heard) -> None:
    order = talk.order()
    cut = order.index("ASSISTANT TEXT FINAL INTERRUPTED")
    assert order[cut + 1] == "USER TEXT FINAL PARTIAL_TURN", "then what the caller said"
    finals = talk.texts("ASSISTANT", "FINAL")
    mark = finals.index('{ "interrupted" : true }')
    assert finals[mark - 1].startswith("A basic service")
    assert "Both include a free wash." not in finals, "what was not heard is not told"


def test_close_ends_in_order(talk: Heard) -> None:
    assert talk.order()[-1] == "completionEnd"
    assert [event for event in talk.received if event["name"] != "usageEvent"][-1]["name"] == "completionEnd"


def test_usage_counts_both_directions(talk: Heard) -> None:
    usage = talk.named("usageEvent")
    total = usage[-1]["details"]["total"]
    spoken_s = len(talk.spoken) / 2 / AGENT_HZ
    assert total["output"]["speechTokens"] == pytest.approx(25 * spoken_s, abs=1)
    assert total["input"]["speechTokens"] > 25 * 15, "silence counts"
    for side, name in (("input", "totalInputTokens"), ("output", "totalOutputTokens")):
        assert usage[-1][name] == sum(total[side].values())
    for kind in ("speechTokens", "textTokens"):
        assert total["input"][kind] == sum(event["details"]["delta"]["input"][kind] for event in usage)
    assert talk.received.index(usage[0]) < talk.received.index(talk.named("completionStart")[0]), "early"


def blocks(talk: Heard, type_: str) -> list[dict[str, Any]]:
    return [event for event in talk.named("contentStart") if event["type"] == type_]


NEVER: list[dict[str, Any]] = [{"text": "Hello.", "until": "never"}]
FAULTS = {
    "http-429@open": ("ThrottlingException", "Too many requests"),
    "http-403@open:2": ("AccessDeniedException", "access to the model"),
    "validation@open:3+0.2": ("ValidationException", "Invalid input request"),
    "model-stream-error@open:4+0.2": ("ModelStreamErrorException", "unexpected error during processing"),
    "model-timeout@open:5+0.2": ("ModelTimeoutException", "Model has timed out"),
}


@pytest.mark.parametrize("peer", PEERS[:2])
def test_faults_are_the_sdks_own_exceptions(peer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, peer, NEVER, may_fail=True)
    options = [part for fault in FAULTS for part in ("--fault", fault)]
    with emulator(tmp_path, "--profile", "published", *options) as server:
        for fault, (name, text) in FAULTS.items():
            error = heard_or_skip(run_all(server, {peer: plan})[peer]).error
            assert name in error, f"{fault}: {error}"
            assert text in error, f"{fault}: {error}"
