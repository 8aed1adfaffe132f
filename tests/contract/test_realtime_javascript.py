"""OpenAI's JavaScript SDKs in Node, unchanged, against the server: the Agents SDK in clear text, ``openai`` over TLS.

The Agents SDK says nothing of an event that it cannot read; the peer tells which these were, and there may be none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.realtime_peers import run_peer
from tests.contract.realtime_server import LONG_TEXT, Served, scripted_agents, serving, sound_of, tone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # a first run installs the SDKs

KIND = {"name": "Kind", "instructions": "Be kind."}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, scripted_agents(folder)) as server:
        yield server


@pytest.fixture
def sound(tmp_path: Path) -> str:
    path = tmp_path / "said.pcm"
    path.write_bytes(tone(400))
    return str(path)


def talk(served: Served, tmp_path: Path, agent: str, *steps: dict[str, Any], **config: Any) -> dict[str, Any]:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"agent": KIND, "config": config, "steps": steps}))
    told = run_peer("realtime_agents.mjs", f"{served.ws}/realtime?model={agent}", str(plan))
    assert told["dropped"] == [], told["dropped"]
    return told


def named(told: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event for event in told["events"] if event["type"] == kind]


def words(told: dict[str, Any]) -> list[str]:
    return [item["words"] for item in told["history"] if item["type"] == "message"]


HEARD_OUT = {"until": "response.done", "sleep_ms": 1000}


def test_spoken_turns(served: Served, tmp_path: Path, sound: str) -> None:
    told = talk(served, tmp_path, "answers", {"say": sound}, HEARD_OUT, {"say": sound}, HEARD_OUT)
    assert words(told) == ["what do I owe", "Twelve euros, to be paid by Friday.", "thank you", "You are welcome."]
    first, second = (event["response"] for event in named(told, "response.done"))
    assert told["audio_bytes"] == (900 + 400) * 48
    assert len(sound_of(told["events"], first["id"])) == 900 * 48
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert told["told"].count("agent_start") == told["told"].count("agent_end") == 2
    shown = named(told, "session.updated")[-1]["session"]
    assert (shown["model"], shown["instructions"]) == ("answers", "Be kind.")
    assert [tool["name"] for tool in shown["tools"]] == ["switch"]


def test_barge_in(served: Served, tmp_path: Path, sound: str) -> None:
    steps: list[dict[str, Any]] = [
        {"say": sound},
        {"until": "response.output_audio.delta", "sleep_ms": 1500},
        {"say": sound},
        {"until": "response.done"},
        {"until": "response.done"},
        {"words": "stop"},
    ]
    told = talk(served, tmp_path, "long", *steps)
    assert "audio_interrupted" in told["told"]
    cut = named(told, "response.done")[0]["response"]
    assert cut["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    truncated = named(told, "conversation.item.truncated")[0]
    assert truncated["item_id"] == cut["output"][0]["id"]
    assert 1_000 < truncated["audio_end_ms"] < 5_000
    shown = [event["item"] for event in named(told, "conversation.item.retrieved")]
    heard = next(item["content"][0]["transcript"] for item in shown if item["id"] == truncated["item_id"])
    assert LONG_TEXT.startswith(heard)
    assert heard != LONG_TEXT
    assert words(told) == ["tell me all", heard, "stop", "As you like."]


def test_written_turns(served: Served, tmp_path: Path) -> None:
    told = talk(served, tmp_path, "answers", {"write": "Which are open?"}, HEARD_OUT, outputModalities=["text"])
    assert words(told) == ["Which are open?", "Both are open."]
    assert told["audio_bytes"] == 0


def test_a_tool_that_the_client_runs(served: Served, tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [{"write": "Switch the lamp on."}, {"until": "response.done"}, HEARD_OUT]
    told = talk(served, tmp_path, "tool", *steps)
    (call,) = [item for item in told["history"] if item["type"] == "function_call"]
    assert call["output"] == "The lamp is on now."
    assert words(told)[-1] == "The lamp is on."
    assert told["told"].index("agent_tool_start") < told["told"].index("agent_tool_end")


def test_interrupted_by_the_program(served: Served, tmp_path: Path, sound: str) -> None:
    cut = {"until": "response.output_audio.delta", "sleep_ms": 500, "interrupt": 1}
    steps: list[dict[str, Any]] = [{"say": sound}, cut, HEARD_OUT]
    told = talk(served, tmp_path, "long", *steps)
    (response,) = (event["response"] for event in named(told, "response.done"))
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert named(told, "conversation.item.truncated")[0]["item_id"] == response["output"][0]["id"]


def test_other_instructions_in_mid_call(served: Served, tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"write": "Which are open?"},
        HEARD_OUT,
        {"instructions": "Be brief.", "until": "session.updated"},
        {"write": "Until when?"},
        HEARD_OUT,
    ]
    told = talk(served, tmp_path, "answers", *steps)
    assert named(told, "session.updated")[-1]["session"]["instructions"] == "Be brief."
    # A new session of the model: the script begins anew.
    assert words(told) == ["Which are open?", "Both are open.", "Until when?", "Both are open."]


def test_the_openai_package_over_tls(tmp_path: Path, sound: str) -> None:
    with serving(tmp_path, scripted_agents(tmp_path), tls=True) as served:
        assert served.url.startswith("https://")
        base = served.http.replace("127.0.0.1", "localhost")
        told = run_peer("realtime_openai.mjs", base, "answers", sound, ca=served.ca)
    said = [event["response"]["output"][0]["content"][0]["transcript"] for event in named(told, "response.done")]
    assert said == ["Both are open.", "Twelve euros, to be paid by Friday."]
    (heard,) = named(told, "conversation.item.input_audio_transcription.completed")
    assert heard["transcript"] == "what do I owe"
