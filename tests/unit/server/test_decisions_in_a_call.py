"""Whole calls, in which somebody decides, and in which the model does something with the call itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.server.asgi import Answer, House, answer_of
from vivavoce.agent.control_tools import control_tools
from vivavoce.agent.declaration import Agent, CallControl, Destination, OtherAgent, Tool
from vivavoce.channel.memory import MemoryChannel
from vivavoce.engine.clock import run
from vivavoce.events import (
    AgentRevised,
    AskApproval,
    Effect,
    Event,
    ForwardAudio,
    HoldChanged,
    Muted,
    ReturnToolResult,
    RunTool,
    SwapModel,
    ToolApproved,
    ToolDenied,
    ToolFinished,
    ToolRequested,
    ToolStatus,
)
from vivavoce.model.scripted import Script, ScriptedModel, Step, UseTool
from vivavoce.server.application import application
from vivavoce.server.decisions import ROUTES
from vivavoce.server.desk import LiveCall, ServedAgent
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import read_timeline

pytestmark = pytest.mark.timeout(20)

WIPE = Tool("wipe", "Wipe it.", {"type": "object", "properties": {}, "required": []}, lambda: {"wiped": True})
CONTROL = CallControl(
    transfer=(Destination("desk", "+15550100"),), hold=True, notes=True, agents=(OtherAgent("billing", Path("b.toml")),)
)
TOOL = "tool-1-1"
"""What the scripted model calls its first tool call."""
AGENT = Agent("Front", "Help.", tools=(replace(WIPE, approval=True),), control=CONTROL)


@dataclass
class Scene:
    """One call, with what its model does first, and whoever decides beside it."""

    folder: Path
    tool: str
    arguments: dict[str, Any]
    other_models: int = 1

    def play(self, *acts: str | type[Event | Effect]) -> list[Event | Effect]:
        """Posts what begins with a slash, after the call's id; waits for what is a type. Returns the timeline."""
        disk = Disk(interval_s=0.002)
        billing = self.folder / "b.toml"
        billing.write_text('name = "Billing"\ninstructions = "Invoices."\n')
        control = replace(CONTROL, agents=(OtherAgent("billing", billing),))
        agent = replace(AGENT, control=control, tools=(*AGENT.tools, *control_tools(control, "en-US")))
        first = ScriptedModel(
            Script(step=(Step(ready=True), Step(tool=UseTool(name=self.tool, arguments=self.arguments))))
        )
        quiet = ScriptedModel(Script(step=(Step(ready=True),)))
        served = ServedAgent(
            "front", agent, lambda one: [first] if one is agent else [quiet] * self.other_models, ("scripted",)
        )
        try:
            return run(self._call(House(agents=[served], calls=self.folder, disk=disk), acts))
        finally:
            disk.stop()

    async def _call(self, house: House, acts: tuple[str | type[Event | Effect], ...]) -> list[Event | Effect]:
        seen: list[Event | Effect] = []
        more = asyncio.Event()

        def watch(_at: int, value: Event | Effect) -> None:
            seen.append(value)
            more.set()

        desk, channel = house.door.desk, MemoryChannel(8000)
        served = desk.find("front")
        with desk.admit(served):
            live = await desk.answering(served, channel, witnesses=(watch,))
            call = asyncio.create_task(desk.run(live))
            for act in acts:
                if isinstance(act, str):
                    assert (await self._post(house, live, act)).status == 200
                else:
                    while not any(isinstance(value, act) for value in seen):
                        more.clear()
                        await more.wait()
            channel.hang_up()
            answered = await call
        return [line.value for line in read_timeline(answered.folder).lines]

    async def _post(self, house: House, live: LiveCall, path: str) -> Answer:
        scope = house.scope("http", f"/v1/calls/{live.call}{path}", {}, method="POST")
        answer = await answer_of(application(house.door, ROUTES), scope, b"")
        assert isinstance(answer, Answer)
        return answer


def of(values: list[Event | Effect], *kinds: type[Event | Effect]) -> list[str]:
    return [type(value).__name__ for value in values if isinstance(value, kinds)]


def result(values: list[Event | Effect]) -> ReturnToolResult:
    """As it was told last: a session that takes over is told again."""
    return [value for value in values if isinstance(value, ReturnToolResult)][-1]


def test_a_tool_runs_once_it_is_approved(tmp_path: Path) -> None:
    values = Scene(tmp_path, "wipe", {}).play(AskApproval, f"/tools/{TOOL}/approve", ToolFinished)
    passed = of(values, AskApproval, ToolApproved, RunTool, ToolFinished, ReturnToolResult)
    assert passed == ["AskApproval", "ToolApproved", "RunTool", "ToolFinished", "ReturnToolResult"]
    assert result(values).result == '{"wiped":true}'


def test_a_tool_that_is_denied_never_runs(tmp_path: Path) -> None:
    values = Scene(tmp_path, "wipe", {}).play(AskApproval, f"/tools/{TOOL}/deny", ReturnToolResult)
    assert of(values, ToolDenied, RunTool, ReturnToolResult) == ["ToolDenied", "ReturnToolResult"]
    assert result(values).status is ToolStatus.DENIED


def test_a_caller_whom_the_model_holds_is_taken_off_hold_by_somebody(tmp_path: Path) -> None:
    values = Scene(tmp_path, "hold_call", {}).play(ToolRequested, ForwardAudio, "/resume", Muted)
    assert of(values, ToolRequested, HoldChanged, RunTool, Muted) == ["ToolRequested", "HoldChanged", "Muted"]
    assert result(values).status is ToolStatus.OK


def test_a_line_that_cannot_be_transferred_says_so_and_the_call_goes_on(tmp_path: Path) -> None:
    values = Scene(tmp_path, "transfer_call", {"destination": "desk"}).play(ReturnToolResult)
    assert result(values).status is ToolStatus.REFUSED
    assert "cannot be transferred on this line" in result(values).result


def test_a_note_is_on_the_timeline(tmp_path: Path) -> None:
    values = Scene(tmp_path, "leave_note", {"text": "Call back."}).play(ReturnToolResult)
    assert [one.arguments for one in values if isinstance(one, RunTool)] == ['{"text":"Call back."}']
    assert result(values).status is ToolStatus.OK


@pytest.mark.slow
def test_another_agent_takes_over_in_the_middle_of_a_call(tmp_path: Path) -> None:
    values = Scene(tmp_path, "switch_agent", {"agent": "billing"}).play(AgentRevised, SwapModel)
    assert of(values, RunTool, AgentRevised, SwapModel) == ["RunTool", "AgentRevised", "SwapModel"]
    assert '"now":"Billing"' in result(values).result


def test_an_agent_that_not_all_models_can_be_does_not_take_over(tmp_path: Path) -> None:
    values = Scene(tmp_path, "switch_agent", {"agent": "billing"}, other_models=2).play(ReturnToolResult)
    assert of(values, AgentRevised) == []
    assert result(values).status is ToolStatus.REFUSED
    assert "billing is not available now" in result(values).result
