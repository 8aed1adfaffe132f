from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.agent.control_tools import BUILT_IN, control_tools, run_by_the_call
from vivavoce.agent.declaration import CallControl, Destination, OtherAgent, Tool
from vivavoce.errors import ProgrammingError
from vivavoce.model.local.dialogue.slots import slots_of
from vivavoce.model.nova.schema import tool_spec

EVERYTHING = CallControl(
    transfer=(
        Destination("front_desk", "+15550100", "Anything else.", warm=True),
        Destination("manager", "sip:boss@example.com"),
    ),
    collect_digits=True,
    send_digits=True,
    hold=True,
    hold_ms=90_000,
    notes=True,
    languages=("de-DE", "en-US"),
    agents=(OtherAgent("billing", Path("billing.toml"), "Invoices."),),
)


def test_nothing_is_declared_that_the_file_does_not_allow() -> None:
    assert control_tools(CallControl(), "en-US") == ()
    assert [tool.name for tool in control_tools(CallControl(notes=True), "en-US")] == ["leave_note"]
    assert {tool.name for tool in control_tools(EVERYTHING, "en-US")} == BUILT_IN - {"end_call"}


def test_a_model_is_told_names_and_never_numbers() -> None:
    transfer = control_tools(EVERYTHING, "en-US")[0]
    assert transfer.parameters["properties"]["destination"]["enum"] == ["front_desk", "manager"]
    assert "front_desk (Anything else); manager" in transfer.description
    told = repr(transfer)
    assert "5550100" not in told
    assert "boss@example.com" not in told


def test_languages_include_the_way_back() -> None:
    tools = {tool.name: tool for tool in control_tools(EVERYTHING, "fr-FR")}
    assert tools["switch_language"].parameters["properties"]["language"]["enum"] == ["fr-FR", "de-DE", "en-US"]


def test_what_is_said_unasked_is_said_in_the_agents_language_or_not_at_all() -> None:
    assert control_tools(EVERYTHING, "en-GB")[0].lead_in
    assert not any(tool.lead_in for tool in control_tools(EVERYTHING, "de-DE"))


@pytest.mark.parametrize("tool", control_tools(EVERYTHING, "en-US"), ids=lambda tool: tool.name)
def test_every_kind_of_model_can_be_told_of_each(tool: Tool) -> None:
    assert tool_spec(tool).name == tool.name
    for slot in slots_of(tool, {}):
        assert not slot.required or tool.questions[slot.name]


def test_nobody_runs_one_as_a_function() -> None:
    with pytest.raises(ProgrammingError):
        run_by_the_call(seconds=3)
