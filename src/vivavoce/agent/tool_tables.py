"""The ``[[tools]]`` of an agent file, each joined with the function or the endpoint that it names."""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from vivavoce.agent.declaration import Tool
from vivavoce.agent.functions import tool_from_function
from vivavoce.agent.http_tools import read_endpoint
from vivavoce.agent.parameters import EXTRA, schema_faults, schema_of
from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.references import Modules
from vivavoce.agent.source import Source
from vivavoce.agent.templates import template_flaws
from vivavoce.agent.tool_shape import DEFAULT_ATTEMPTS, HttpTable, ToolSettings, ToolTable
from vivavoce.errors import AgentFileError


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the tools of one file are made with."""

    source: Source
    modules: Modules
    environment: Mapping[str, str]


def read_tool(workshop: Workshop, index: int, table: ToolTable) -> tuple[Tool | None, list[Problem]]:
    """The tool, and everything that is wrong with it. There is no tool where what it names cannot be used."""
    if table.http is not None:
        tool, problems = _http_tool(workshop, index, table, table.http)
    else:
        tool, problems = _function_tool(workshop, index, table.function or "")
    if tool is None:
        return None, problems
    tool = with_settings(tool, table)
    return tool, [*problems, *settings_problems(workshop.source, tool, "tools", index)]


def with_settings(tool: Tool, table: ToolSettings) -> Tool:
    """The tool as its table in the file has it."""
    attempts = table.attempts or (DEFAULT_ATTEMPTS if table.idempotent else 1)
    return replace(
        tool,
        timeout_ms=round(table.timeout_s * 1000),
        confirm=table.confirm,
        examples=tuple(table.examples),
        questions=dict(table.questions),
        reply=table.reply,
        idempotent=table.idempotent,
        attempts=attempts,
        lead_in=table.lead_in,
        lead_in_ms=round(table.lead_in_s * 1000),
        progress=tuple(table.progress),
        progress_ms=round(table.progress_s * 1000),
        supersedable=table.supersedable,
        approval=table.approval,
        approval_ms=round(table.approval_s * 1000),
        result_bytes=table.result_bytes,
        price=Decimal(table.price) if table.price is not None else None,
    )


def settings_problems(source: Source, tool: Tool, *key: str | int) -> Iterator[Problem]:
    """What in the table at ``key`` does not fit the tool's parameters."""
    parameters = tool.parameters["properties"].keys()
    for number, example in enumerate(tool.examples):
        where = source.where(*key, "examples", number)
        yield from (Problem(where, message, hint) for message, hint in _slot_faults(example, tool.name, parameters))
    for name in tool.questions:
        if name not in parameters:
            where = source.where(*key, "questions", name)
            yield Problem(where, f'{tool.name} has no parameter "{name}"', did_you_mean(name, parameters))
    for flaw in template_flaws(tool.reply, ["result", *parameters]):
        yield Problem(source.where_in_text(flaw.line, *key, "reply"), flaw.message, flaw.hint)


def _function_tool(workshop: Workshop, index: int, reference: str) -> tuple[Tool | None, list[Problem]]:
    try:
        return tool_from_function(workshop.modules.function(reference)), []
    except AgentFileError as error:
        return None, [Problem(workshop.source.where("tools", index, "function"), error.message, error.hint)]


def _http_tool(workshop: Workshop, index: int, table: ToolTable, http: HttpTable) -> tuple[Tool | None, list[Problem]]:
    source = workshop.source
    schema = schema_of(table.parameters)
    if table.parameters_schema is not None:
        faults = list(schema_faults(table.parameters_schema))
        if faults:
            where = source.where("tools", index, "parameters_schema")
            return None, [Problem(where, message, hint) for message, hint in faults]
        schema = {"type": "object", "properties": {}, **table.parameters_schema}
    endpoint, problems = read_endpoint(source, index, http, schema, workshop.environment)
    if importlib.util.find_spec("httpx") is None:
        problems.append(
            Problem(source.where("tools", index, "http"), "HTTP tools need the package httpx, which is not here", EXTRA)
        )
    if endpoint is None:
        return None, problems
    return Tool(table.name or "", table.description, schema, endpoint), problems


def _slot_faults(example: str, tool: str, parameters: Collection[str]) -> Iterator[tuple[str, str]]:
    try:
        slots = [name for _, name, _, _ in string.Formatter().parse(example) if name is not None]
    except ValueError:
        yield "the braces do not match", "write {parameter} where a value stands"
        return
    for name in slots:
        if name not in parameters:
            yield f'{tool} has no parameter "{name}"', did_you_mean(name, parameters)
