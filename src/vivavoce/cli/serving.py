"""What a server's processes are to serve, as it can be told from one to the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from msgspec import Struct

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.cli.options import Chosen, read_variables
from vivavoce.engine import clock
from vivavoce.errors import UsageError
from vivavoce.model.port import Model
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import Door, open_door
from vivavoce.server.settings import ServerSettings
from vivavoce.timeline.disk import Disk

_SERVED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


class Serving(Struct, frozen=True):
    """What the command line and the files say. ``worker`` and ``siblings`` are for one of several processes.

    The agents' files are read by each process for itself: a worker that takes another's place has them as they are by
    then.
    """

    settings: ServerSettings
    agents: tuple[str, ...]
    sealing_key: bytes
    calls: str
    model: str | None = None
    endpoint: str | None = None
    ca_file: str | None = None
    version: str | None = None
    variables: tuple[str, ...] = ()
    worker: int = 0
    siblings: str = ""

    def served(self) -> list[ServedAgent]:
        """Raises :class:`~vivavoce.errors.SetupFault`."""
        chosen = Chosen(
            agent_file=None,
            model=self.model,
            endpoint=self.endpoint,
            ca_file=Path(self.ca_file) if self.ca_file is not None else None,
            version=self.version,
            variables=self.variables,
            calls=Path(self.calls),
            as_json=False,
        )
        return served_agents(self.agents, chosen)

    def open_door(self, agents: Sequence[ServedAgent], disk: Disk) -> Door:
        door = open_door(
            self.settings,
            agents,
            Path(self.calls),
            disk,
            clock.wall_clock,
            sealing_key=self.sealing_key,
            worker=self.worker,
            siblings=Path(self.siblings) if self.siblings else None,
        )
        door.desk.books = app.open_books(self.settings, Path(self.calls))
        door.read_for_metrics.append(door.desk.books.read_for_metrics)
        return door


def as_line(serving: Serving) -> bytes:
    return msgspec.json.encode(serving)


def from_line(line: bytes) -> Serving:
    return msgspec.json.decode(line, type=Serving)


def served_agents(arguments: Sequence[str], chosen: Chosen) -> list[ServedAgent]:
    """Raises :class:`~vivavoce.errors.SetupFault` for an agent that cannot take calls here, or a name given twice."""
    served: dict[str, ServedAgent] = {}
    for argument in arguments:
        name, path = named(argument)
        if name in served:
            raise UsageError(f"two agents are named {name!r}", hint=f"give one another name: NAME={path}")
        served[name] = _served(name, replace(chosen, agent_file=path))
    return list(served.values())


def _served(name: str, chosen: Chosen) -> ServedAgent:
    agent = chosen.read_agent()
    own = chosen.usable_models(agent)
    profiles = [model.profile for model in own]

    def make_models(revised: Agent) -> Sequence[Model]:
        return own if revised == agent else chosen.usable_models(revised)

    def with_variables(variables: Mapping[str, str]) -> Agent:
        given = {**read_variables(chosen.variables), **variables}
        return replace(chosen, variables=[f"{name}={value}" for name, value in given.items()]).read_agent()

    models = tuple(one.name for one in profiles)

    def load_agent(path: Path) -> Agent:
        return app.read_agent(path, {}, None)

    return ServedAgent(name, agent, make_models, models, profiles[0].voices, with_variables, load_agent)


def named(argument: str) -> tuple[str, Path]:
    """What an agent is called by, and where it is: ``NAME=PATH``, or the slug of its folder or file."""
    name, equals, rest = argument.partition("=")
    if equals and _SERVED_NAME.match(name) and not Path(argument).exists():
        return name, Path(rest)
    path = Path(argument)
    stem = (
        path.resolve().name if path.is_dir() else path.stem if path.name != "agent.toml" else path.resolve().parent.name
    )
    slug = re.sub(r"[^a-z0-9._]+", "-", stem.lower()).strip("-._")
    if not _SERVED_NAME.match(slug):
        raise UsageError(f"{argument!r} gives no name to call the agent by", hint=f"choose one: NAME={argument}")
    return slug, path
