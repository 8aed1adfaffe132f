"""Reads an agent file and proves it: what comes out is an :class:`Agent` that can take calls.

An agent file is read once (:func:`open_agent_file`) and rendered for each call (:meth:`AgentFile.agent`);
:func:`load_agent` does both. Everything that is wrong is found in one go, with the line it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from vivavoce.agent.control_tools import BUILT_IN, control_tools
from vivavoce.agent.declaration import Agent, Knowledge, ModelChoice, Tool, TurnPolicy, Voicemail
from vivavoce.agent.instructions import Instructions, Template, read_instructions
from vivavoce.agent.knowledge import read_knowledge
from vivavoce.agent.mcp_tools import read_servers
from vivavoce.agent.outside import AskServers
from vivavoce.agent.problems import Problem, Proof, raise_all
from vivavoce.agent.references import Modules
from vivavoce.agent.shape import AgentTable, VariableTable
from vivavoce.agent.shape_problems import shape_of
from vivavoce.agent.source import Source, read_source
from vivavoce.agent.talk_tables import control_of, limits_of, spend_problems
from vivavoce.agent.templates import render, template_flaws
from vivavoce.agent.tool_tables import Workshop, read_tool
from vivavoce.agent.variables import variable_values

NOTHING: Mapping[str, str] = MappingProxyType({})

ENGLISH_APOLOGY = "I'm sorry, I lost you for a moment."
"""Where the agent file has no words of its own for it."""


@dataclass(frozen=True, slots=True)
class AgentFile:
    """An agent file that was read, with its functions and its knowledge, before a call gives its variables."""

    source: Source
    shape: AgentTable
    instructions: Instructions
    tools: tuple[Tool, ...]
    knowledge: tuple[Knowledge, ...]
    environment: Mapping[str, str]

    def agent(self, *, variables: Mapping[str, str] = NOTHING, version: str | None = None) -> Agent:
        """The agent for one call. Raises :class:`AgentFileError` for a variable or a version that is missing or
        unknown."""
        agent, problems = self.rendered(variables, version)
        raise_all(problems)
        return agent

    def rendered(self, variables: Mapping[str, str], version: str | None) -> tuple[Agent, list[Problem]]:
        """The agent and what is wrong with it; it can be used if nothing is."""
        source, shape = self.source, self.shape
        chosen, problems = self.instructions.choose(version, source)
        values, missing = variable_values(source, shape, given=variables, environment=self.environment)
        problems += missing
        texts: dict[str, str] = {}
        for name, template in (
            ("instructions", self.instructions.versions[chosen]),
            ("greeting", Template(shape.greeting, ("greeting",))),
            ("farewell", Template(shape.farewell, ("farewell",))),
            ("apology", Template(_apology(shape), ("apology",))),
        ):
            texts[name], flaw = ("", None) if missing else render(template.text, values)
            if flaw:
                problems.append(template.problem(source, flaw))
        control, unset = control_of(source, shape.control, self.environment)
        problems += unset
        agent = Agent(
            name=shape.name,
            language=shape.language,
            voice=shape.voice,
            version=chosen,
            knowledge=self.knowledge,
            tools=(*self.tools, *control_tools(control, shape.language)),
            vocabulary={key: tuple(words) for key, words in shape.vocabulary.items()},
            turns=TurnPolicy(**shape.turns.model_dump()),
            limits=limits_of(shape.limits),
            control=control,
            voicemail=Voicemail(shape.voicemail.action, shape.voicemail.message),
            models=tuple(ModelChoice(model.name, model.settings) for model in shape.models),
            record=shape.recording.keep,
            tenant=shape.tenant,
            **texts,
        )
        return agent, problems

    def given_per_call(self) -> list[str]:
        """The variables that every call must give."""
        return [name for name, one in self.shape.variables.items() if isinstance(one, VariableTable) and one.required]


def load_agent(
    path: Path | str,
    *,
    variables: Mapping[str, str] = NOTHING,
    version: str | None = None,
    environment: Mapping[str, str] = NOTHING,
    ask_servers: AskServers | None = None,
) -> Agent:
    """Reads, proves and renders an agent file. :class:`AgentFileError` lists everything that is wrong, a line each.
    An agent with MCP servers needs ``ask_servers`` (:func:`vivavoce.tools.ask_servers`)."""
    file, proofs = prove_file(path, environment=environment, ask_servers=ask_servers)
    problems = [problem for proof in proofs for problem in proof.problems]
    if file is None:
        raise_all(problems)
    assert file is not None, "without a file there are problems"
    agent, unrendered = file.rendered(variables, version)
    raise_all([*problems, *unrendered])
    return agent


def open_agent_file(
    path: Path | str, *, environment: Mapping[str, str] = NOTHING, ask_servers: AskServers | None = None
) -> AgentFile:
    """Reads and proves all of an agent file that does not depend on the call."""
    file, proofs = prove_file(path, environment=environment, ask_servers=ask_servers)
    raise_all(problem for proof in proofs for problem in proof.problems)
    assert file is not None, "without a file there are problems"
    return file


def prove_file(
    path: Path | str, *, environment: Mapping[str, str], ask_servers: AskServers | None = None
) -> tuple[AgentFile | None, list[Proof]]:
    """Looks at every part of the file. There is no :class:`AgentFile` where the file is not TOML or not of the right
    shape."""
    source, problems = read_source(Path(path))
    if source is None:
        return None, [Proof("file", problems=tuple(problems))]
    shape, problems = shape_of(source)
    if shape is None:
        return None, [Proof("file", problems=tuple(problems))]
    instructions, templates = _prove_templates(source, shape)
    knowledge, read = _prove_knowledge(source, shape)
    tools, proofs = _prove_tools(source, shape, environment, ask_servers)
    proofs += _prove_control(source, shape, tools, environment)
    unspent = spend_problems(source, shape.limits, [model.name for model in shape.models])
    proofs += [Proof("spend", problems=tuple(unspent))] if unspent else []
    file = AgentFile(source, shape, instructions, tools, knowledge, environment)
    return file, [Proof("file", "valid TOML with known keys"), *templates, read, *proofs]


def _apology(shape: AgentTable) -> str:
    if shape.apology is not None:
        return shape.apology
    return ENGLISH_APOLOGY if shape.language.partition("-")[0] == "en" else ""


def _prove_templates(source: Source, shape: AgentTable) -> tuple[Instructions, list[Proof]]:
    instructions, unread = read_instructions(source, shape)
    templates = {f"instructions {name}".rstrip(): template for name, template in instructions.versions.items()}
    templates["greeting"] = Template(shape.greeting, ("greeting",))
    templates["farewell"] = Template(shape.farewell, ("farewell",))
    templates["apology"] = Template(shape.apology or "", ("apology",))
    proofs = [Proof("instructions", problems=tuple(unread))] if unread else []
    for subject, template in templates.items():
        flaws = template_flaws(template.text, shape.variables)
        problems = tuple(template.problem(source, flaw) for flaw in flaws)
        if template.text or problems:
            proofs.append(Proof(subject, f"{len(template.text)} characters", problems))
    return instructions, proofs


def _prove_knowledge(source: Source, shape: AgentTable) -> tuple[tuple[Knowledge, ...], Proof]:
    knowledge, problems = read_knowledge(source, shape.knowledge)
    names = ", ".join(one.name for one in knowledge)
    return tuple(knowledge), Proof("knowledge", names or "none", tuple(problems))


def _prove_tools(
    source: Source, shape: AgentTable, environment: Mapping[str, str], ask_servers: AskServers | None
) -> tuple[tuple[Tool, ...], list[Proof]]:
    workshop = Workshop(source, Modules(source.folder), environment)
    tools: dict[str, Tool] = {}
    proofs: list[Proof] = []
    for index, table in enumerate(shape.tools):
        tool, problems = read_tool(workshop, index, table)
        if tool and tool.name in tools:
            where = source.where("tools", index, "name" if table.name else "function")
            problems.append(Problem(where, f"there are two tools named {tool.name}", "give one another name"))
        if tool:
            tools[tool.name] = tool
        found = f"{table.http.method} {table.http.url}" if table.http else table.function or ""
        proofs.append(Proof(f"tool {tool.name if tool else table.name or found}", found, tuple(problems)))
    listed, servers = read_servers(source, shape.mcp, environment, ask_servers)
    names = [*tools, *(tool.name for tool in listed)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        message = f"there are two tools named {', '.join(twice)}"
        servers.append(Proof("mcp", problems=(Problem(source.where("mcp"), message, "give a server a prefix"),)))
    return (*tools.values(), *listed), [*proofs, *servers]


def _prove_control(
    source: Source, shape: AgentTable, own: tuple[Tool, ...], environment: Mapping[str, str]
) -> list[Proof]:
    """The built-in tools, whose names nobody else may have, allowed or not: the call itself knows them."""
    control, missing = control_of(source, shape.control, environment)
    names = ", ".join(tool.name for tool in control_tools(control, shape.language))
    clashing = dict.fromkeys(tool.name for tool in own if tool.name in BUILT_IN)
    clashes = [
        Problem(_where_declared(source, shape, name), f"{name} is the name of a built-in tool", "give yours another")
        for name in clashing
    ]
    problems = (*clashes, *missing)
    return [Proof("call control", names, problems)] if names or problems else []


def _where_declared(source: Source, shape: AgentTable, name: str) -> str:
    """A tool of an MCP server stands in no line of its own."""
    for index, table in enumerate(shape.tools):
        key = "name" if table.name else "function"
        if (getattr(table, key) or "").rpartition(":")[2].rpartition(".")[2] == name:
            return source.where("tools", index, key)
    return source.where("mcp")
