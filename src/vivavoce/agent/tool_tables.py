"""The ``[[tools]]`` of an agent file, each joined with the function that it names."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator
from dataclasses import replace

from vivavoce.agent.declaration import Tool
from vivavoce.agent.functions import tool_from_function
from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.references import Modules
from vivavoce.agent.source import Source
from vivavoce.agent.templates import template_flaws
from vivavoce.agent.tool_shape import ToolTable
from vivavoce.errors import AgentFileError


def read_tool(source: Source, index: int, table: ToolTable, modules: Modules) -> tuple[Tool | None, list[Problem]]:
    """The tool, and everything that is wrong with it. There is no tool where its function cannot be used."""
    try:
        tool = tool_from_function(modules.function(table.function))
    except AgentFileError as error:
        return None, [Problem(source.where("tools", index, "function"), error.message, error.hint)]
    tool = replace(
        tool,
        timeout_ms=round(table.timeout_s * 1000),
        confirm=table.confirm,
        examples=tuple(table.examples),
        questions=dict(table.questions),
        reply=table.reply,
    )
    return tool, list(_problems(source, index, tool))


def _problems(source: Source, index: int, tool: Tool) -> Iterator[Problem]:
    parameters = tool.parameters["properties"].keys()
    for number, example in enumerate(tool.examples):
        where = source.where("tools", index, "examples", number)
        yield from (Problem(where, message, hint) for message, hint in _slot_faults(example, tool.name, parameters))
    for name in tool.questions:
        if name not in parameters:
            where = source.where("tools", index, "questions", name)
            yield Problem(where, f'{tool.name} has no parameter "{name}"', did_you_mean(name, parameters))
    for flaw in template_flaws(tool.reply, ["result", *parameters]):
        yield Problem(source.where_in_text(flaw.line, "tools", index, "reply"), flaw.message, flaw.hint)


def _slot_faults(example: str, tool: str, parameters: Collection[str]) -> Iterator[tuple[str, str]]:
    try:
        slots = [name for _, name, _, _ in string.Formatter().parse(example) if name is not None]
    except ValueError:
        yield "the braces do not match", "write {parameter} where a value stands"
        return
    for name in slots:
        if name not in parameters:
            yield f'{tool} has no parameter "{name}"', did_you_mean(name, parameters)
