"""``vivavoce serve``: agents that clients, browsers and phones can call."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.cli import options
from vivavoce.cli.exits import Exit
from vivavoce.cli.options import Chosen
from vivavoce.cli.terminal import Terminal
from vivavoce.engine import clock
from vivavoce.errors import UsageError
from vivavoce.model.port import Model
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import open_door
from vivavoce.server.front import front_application
from vivavoce.server.listen import Signals, new_loop, open_listener, serve, tls_context, url_of
from vivavoce.server.secrets import new_sealing_key
from vivavoce.server.settings import ServerSettings, finished, read_settings
from vivavoce.timeline.disk import Disk

_SERVED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Serving:
    """All that is there once the files are read."""

    settings: ServerSettings
    agents: Sequence[ServedAgent]
    calls: Path


def _options(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return click.argument("agents", metavar="AGENT...", nargs=-1, required=True)(command)


_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--host", default=None, help="Address to listen on.  [default: 127.0.0.1]"),
    click.option("--port", type=click.IntRange(0, 65535), default=None, help="0: any free one.  [default: 8000]"),
    click.option("--tls-cert", type=_FILE, default=None, help="The certificate and its chain, in PEM."),
    click.option("--tls-key", type=_FILE, default=None, help="Its key, in PEM."),
    click.option("--workers", type=click.IntRange(1, 64), default=None, help="Processes.  [default: 1]"),
    click.option("--config", type=_FILE, default=None, help="Settings: a server.toml. Options go before it."),
    click.option("--max-calls", type=click.IntRange(1), default=None, help="Live calls at once.  [default: 100]"),
    click.option(
        "--drain-s",
        type=click.FloatRange(0),
        default=None,
        help="Seconds that live calls may take to end when the server is asked to.  [default: 60]",
    ),
    options.model_option,
    options.endpoint_option,
    options.ca_option,
    options.version_option,
    options.variables_option,
    options.calls_option,
    options.as_json_option,
)


@click.command()
@_options
def command(agents: Sequence[str], **given: Any) -> int:
    """Serve agents to OpenAI Realtime clients, browsers and phones.

    \b
      vivavoce serve my-agent
      vivavoce serve front-desk=agents/desk.toml agents/sales --port 9000
      vivavoce serve my-agent --host 0.0.0.0 --config server.toml --tls-cert cert.pem --tls-key key.pem

    An agent is called by name: that of its folder or file, unless it is given as NAME=PATH. Ctrl-C or SIGTERM lets live
    calls end and then leaves; a second one ends them. docs/reference/server.md has the rest.
    """
    terminal = Terminal(quiet=given["as_json"])
    chosen = Chosen(
        agent_file=None,
        **{name: given[name] for name in ("model", "endpoint", "ca_file", "version", "variables", "calls", "as_json")},
    )
    settings = read_options(given)
    serving = Serving(settings, served_agents(agents, chosen), chosen.calls or app.calls_folder())
    tls_context(settings)  # what is wrong with it is told before anything is done
    with open_listener(settings) as listener:
        return run(serving, listener, terminal, as_json=chosen.as_json)


def run(serving: Serving, listener: socket.socket, terminal: Terminal, *, as_json: bool) -> int:
    """Serve until asked to end."""
    disk = Disk()

    async def main() -> int:
        door = open_door(
            serving.settings, serving.agents, serving.calls, disk, clock.wall_clock, sealing_key=new_sealing_key()
        )
        signals = Signals()

        def ready() -> None:
            _announce(serving, url_of(serving.settings, listener), terminal, as_json=as_json)

        stopped = await serve(front_application(door), door, [listener], ready, signals)
        terminal.say(f"Ended; {stopped} calls had to be stopped." if stopped else "Ended.")
        return Exit.OK

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(main())
    finally:
        disk.stop()


def read_options(given: dict[str, Any]) -> ServerSettings:
    """The file, and what the command line says otherwise. Raises :class:`~vivavoce.errors.SetupFault`."""
    settings = read_settings(given["config"]) if given["config"] is not None else ServerSettings()
    names = ("host", "port", "tls_cert", "tls_key", "workers", "max_calls", "drain_s")
    said = {name: given[name] for name in names if given[name] is not None}
    said.update({name: str(said[name]) for name in ("tls_cert", "tls_key") if name in said})
    return finished(msgspec.structs.replace(settings, **said))


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

    return ServedAgent(name, agent, make_models, tuple(one.name for one in profiles), profiles[0].voices)


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


def _announce(serving: Serving, url: str, terminal: Terminal, *, as_json: bool) -> None:
    if as_json:
        _print_ready(serving, url)
    terminal.say_whole(f"Serving on {url}", "bold")
    for served in serving.agents:
        terminal.say_whole(f"  {served.name}: {served.agent.name}, on {', then '.join(served.models)}")
    first = serving.agents[0].name
    socket_url = url.replace("http", "ws", 1)
    terminal.say("\nTo call it:")
    terminal.say_whole(f"  a browser       {url}/")
    terminal.say_whole(f"  OpenAI's SDKs   base_url={url}/v1, model={first}")
    terminal.say_whole(f"  a WebSocket     {socket_url}/v1/realtime?model={first}")
    if not serving.settings.keys:
        terminal.say("\nThere are no API keys: whoever is on this machine may call.")
    terminal.say("\nReady. Ctrl-C lets live calls end and leaves.")


def _print_ready(serving: Serving, url: str) -> None:
    """The one line of ``--json``: it comes when the server is ready, past the redirection of everything else."""
    told = {
        "url": url,
        "pid": os.getpid(),
        "agents": [{"name": served.name, "models": list(served.models)} for served in serving.agents],
        "keys": len(serving.settings.keys),
        "workers": serving.settings.workers,
    }
    out = sys.__stdout__ or sys.stdout
    out.write(json.dumps(told) + "\n")
    out.flush()
