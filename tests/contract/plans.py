"""What a peer is told to do, and what it heard: the same for every SDK."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce import app
from vivavoce.audio.files import read_audio
from vivavoce.audio.resample import resample
from vivavoce.demo import demo_agent, demo_caller
from vivavoce.model.nova.schema import tool_spec

MODEL_ID = "amazon.nova-2-sonic-v1:0"
CALLER_HZ = 16_000
AGENT_HZ = 24_000
CARS = {"count": 1, "cars": [{"model": "Beacon", "body_style": "estate", "color": "green", "price": 18900}]}
ALL_SAID = "TEXT END_TURN"
"""The FINAL text of a reply's last segment: all of it was played, by the service's clock."""
CUT_OFF = "TEXT INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a peer was sent."""

    received: list[dict[str, Any]]
    spoken: bytes
    error: str

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.received if event["name"] == name]

    def texts(self, role: str, stage: str) -> list[str]:
        blocks = {
            event["contentId"]
            for event in self.named("contentStart")
            if event["type"] == "TEXT" and json.loads(event["additionalModelFields"]) == {"generationStage": stage}
        }
        return [
            event["content"]
            for event in self.named("textOutput")
            if event["role"] == role and event["contentId"] in blocks
        ]

    def order(self) -> list[str]:
        """Blocks by what they are and how they end, without usage."""
        starts = {event["contentId"]: event for event in self.named("contentStart")}
        told = []
        for event in self.received:
            if event["name"] == "contentEnd":
                start = starts[event["contentId"]]
                stage = json.loads(start.get("additionalModelFields", "{}")).get("generationStage", "")
                told.append(" ".join(filter(None, (start["role"], event["type"], stage, event["stopReason"]))))
            elif event["name"] in ("completionStart", "completionEnd"):
                told.append(event["name"])
        return told


def utterances(folder: Path) -> list[str]:
    """The demo's caller as files of raw PCM, in order."""
    paths = []
    for number, row in enumerate(demo_caller()):
        recording = read_audio(row.path)
        path = folder / f"{number}.pcm"
        path.write_bytes(resample(recording.pcm, recording.rate_hz, CALLER_HZ))
        paths.append(str(path))
    return paths


def write_plan(folder: Path, name: str, steps: Sequence[dict[str, Any]], **more: Any) -> Path:
    """A plan for a peer; ``more`` is beside or instead of the usual."""
    agent = app.read_agent(demo_agent(), {}, None)
    specs = [tool_spec(tool) for tool in agent.tools]
    plan = {
        "model_id": MODEL_ID,
        "system": "You are the receptionist of a car dealership.",
        "rate_hz": AGENT_HZ,
        "tools": [
            {
                "toolSpec": {
                    "name": spec.name,
                    "description": spec.description,
                    "inputSchema": {"json": spec.input_schema},
                }
            }
            for spec in specs
        ],
        "results": {spec.name: CARS for spec in specs},
        "steps": list(steps),
        "spoken": str(folder / f"{name}.spoken.pcm"),
        **more,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(plan))
    return path


def read_heard(plan: Path, printed: str) -> Heard:
    told = json.loads(printed)
    spoken = Path(json.loads(plan.read_text())["spoken"]).read_bytes()
    return Heard(told["received"], spoken, told["error"])
