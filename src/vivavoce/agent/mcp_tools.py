"""The ``[mcp]`` of an agent file: servers as values, and what they list as tools with the file's own settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vivavoce.agent.declaration import Tool
from vivavoce.agent.environment_values import Values
from vivavoce.agent.outside import AskServers, ListedTool, Listing, McpFunction, McpServer
from vivavoce.agent.parameters import schema_faults
from vivavoce.agent.problems import Problem, Proof, did_you_mean
from vivavoce.agent.source import Source
from vivavoce.agent.tool_shape import McpTable, McpToolTable
from vivavoce.agent.tool_tables import settings_problems, with_settings
from vivavoce.errors import NotAvailable

ALL = "*"
MAX_NAME = 64
"""The longest name of a tool that OpenAI's and Amazon's models take."""

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_HOW_TO_ASK = "from Python, pass ask_servers=vivavoce.tools.ask_servers"


def read_servers(
    source: Source, tables: Mapping[str, McpTable], environment: Mapping[str, str], ask: AskServers | None
) -> tuple[list[Tool], list[Proof]]:
    """The tools of all servers, and a proof for each. A server is asked only if nothing else is wrong with it."""
    found = [_server(source, name, table, environment) for name, table in tables.items()]
    listings = _asked([server for server, problems in found if not problems], ask)
    tools: list[Tool] = []
    proofs: list[Proof] = []
    for server, problems in found:
        if server in listings:
            read, faults = _joined(source, server, tables[server.name], listings[server])
        else:
            read, faults = [], problems
        proofs.append(Proof(f"mcp {server.name}", ", ".join(tool.name for tool in read), tuple(faults)))
        tools += read
    return tools, proofs


def _asked(servers: list[McpServer], ask: AskServers | None) -> dict[McpServer, Listing | NotAvailable]:
    if not servers:
        return {}
    if ask is None:
        nobody = NotAvailable("nobody asks MCP servers for their tools here", hint=_HOW_TO_ASK)
        return dict.fromkeys(servers, nobody)
    try:
        return dict(zip(servers, ask(servers), strict=True))
    except NotAvailable as fault:
        return dict.fromkeys(servers, fault)


def _server(
    source: Source, name: str, table: McpTable, environment: Mapping[str, str]
) -> tuple[McpServer, list[Problem]]:
    values = Values(source, environment)
    server = McpServer(
        name,
        command=() if table.command is None else (table.command, *table.args),
        folder=None if table.command is None else source.folder.resolve(),
        variables=values.pairs(table.env, "mcp", name, "env"),
        url=table.url or "",
        headers=values.pairs(table.headers, "mcp", name, "headers", sendable=True),
        connect_ms=round(table.connect_s * 1000),
    )
    return server, values.problems


def _joined(
    source: Source, server: McpServer, table: McpTable, listing: Listing | NotAvailable
) -> tuple[list[Tool], list[Problem]]:
    where = source.where("mcp", server.name)
    if isinstance(listing, NotAvailable):
        return [], [Problem(where, listing.message, listing.hint)]
    if isinstance(listing, str):
        return [], [Problem(where, f"the MCP server {server.name} {listing}", _what_to_do(server))]
    known = {tool.name: tool for tool in listing}
    problems = list(_unknown(source, server, table, known))
    tools: list[Tool] = []
    for listed in listing:
        if listed.name not in table.allow and ALL not in table.allow:
            continue
        tool, faults = _tool(source, server, table, listed)
        tools += [tool] if not faults else []
        problems += faults
    return tools, problems


def _unknown(source: Source, server: McpServer, table: McpTable, known: Mapping[str, ListedTool]) -> Iterator[Problem]:
    """What the file calls a tool and the server does not."""
    for number, name in enumerate(table.allow):
        if name != ALL and name not in known:
            where = source.where("mcp", server.name, "allow", number)
            yield Problem(where, f'the MCP server {server.name} has no tool "{name}"', did_you_mean(name, known))
    for name in table.tools:
        if name not in table.allow and not (ALL in table.allow and name in known):
            where = source.where("mcp", server.name, "tools", name)
            yield Problem(where, f'"{name}" has settings but is not allowed', "write it in allow, by the same name")


def _tool(source: Source, server: McpServer, table: McpTable, listed: ListedTool) -> tuple[Tool, list[Problem]]:
    settings = table.tools.get(listed.name, McpToolTable())
    if "timeout_s" not in settings.model_fields_set:
        settings = settings.model_copy(update={"timeout_s": table.timeout_s})
    name = _NO_NAME.sub("_", f"{table.prefix}{listed.name}")
    description = settings.description or listed.description
    schema = {**listed.parameters, "type": "object", "properties": listed.parameters.get("properties") or {}}
    tool = with_settings(Tool(name, description, schema, McpFunction(server, listed.name)), settings)
    key = ("mcp", server.name, "tools", listed.name)
    faults = [*schema_faults(listed.parameters), *_name_faults(tool)]
    problems = [Problem(source.where(*key), f"{name}: {message}", hint) for message, hint in faults]
    return tool, problems or list(settings_problems(source, tool, *key))


def _name_faults(tool: Tool) -> Iterator[tuple[str, str]]:
    if len(tool.name) > MAX_NAME:
        yield f"the name is longer than {MAX_NAME} characters", "take a shorter prefix"
    if not tool.description:
        yield "the server says nothing about it", "write a description: the model decides by it"


def _what_to_do(server: McpServer) -> str:
    if server.url:
        return "is it running, and does it speak streamable HTTP at that address?"
    return f"try it by hand, in the folder of the agent file: {' '.join(server.command)}"
