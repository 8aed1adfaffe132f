"""``vivavoce serve``: agents that clients, browsers and phones can call."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Exit
from vivavoce.cli.serving import Serving, as_line
from vivavoce.cli.terminal import Terminal
from vivavoce.errors import UsageError
from vivavoce.server.desk import ServedAgent
from vivavoce.server.front import front_application
from vivavoce.server.listen import Signals, new_loop, open_listener, serve, tls_context, url_of
from vivavoce.server.process import allow_many_connections, keep_pauses_short
from vivavoce.server.secrets import new_sealing_key
from vivavoce.server.settings import ServerSettings, finished, is_loopback, read_settings
from vivavoce.server.telephony.settings import with_secrets
from vivavoce.server.workers import Workers
from vivavoce.timeline.disk import Disk


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
    click.option(
        "--max-calls", type=click.IntRange(1), default=None, help="Live calls at once.  [default: 50 for each worker]"
    ),
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
      vivavoce serve my-agent --host 0.0.0.0 --config server.toml

    An agent is called by name: that of its folder or file, unless it is given as NAME=PATH. Ctrl-C or SIGTERM lets live
    calls end and then leaves; a second one ends them. docs/reference/server.md has the rest.
    """
    terminal = Terminal(quiet=given["as_json"])
    settings = read_options(given)
    serving = Serving(
        settings=settings,
        agents=tuple(agents),
        sealing_key=new_sealing_key(),
        calls=str(given["calls"] or app.calls_folder()),
        model=given["model"],
        endpoint=given["endpoint"],
        ca_file=str(given["ca_file"]) if given["ca_file"] is not None else None,
        version=given["version"],
        variables=tuple(given["variables"]),
    )
    served = serving.served()
    check_names(settings, served)
    tls_context(settings)  # what is wrong with it is told before anything is done
    allow_many_connections()
    with open_listener(settings) as listener:
        announcement = Announcement(terminal, url_of(settings, listener), settings, served, as_json=given["as_json"])
        run = run_alone if settings.workers == 1 else run_workers
        stopped = run(serving, served, listener, announcement)
    terminal.say(f"Ended; {stopped} {'call' if stopped == 1 else 'calls'} had to be stopped." if stopped else "Ended.")
    return Exit.OK


def run_alone(
    serving: Serving, served: Sequence[ServedAgent], listener: socket.socket, announcement: Announcement
) -> int:
    """Serve in this process until asked to end. Returns how many calls had to be stopped."""
    disk = Disk()

    async def main() -> int:
        door = serving.open_door(served, disk)
        application = front_application(door)
        keep_pauses_short()
        return await serve(application, door, [listener], announcement.make, Signals())

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(main())
    finally:
        disk.stop()


def run_workers(
    serving: Serving, _served: Sequence[ServedAgent], listener: socket.socket, announcement: Announcement
) -> int:
    """The same in several processes, each of which reads the agents for itself."""
    command = (sys.executable, "-m", "vivavoce.cli.worker")
    with TemporaryDirectory(prefix="vivavoce-") as folder:

        def plan(number: int) -> bytes:
            return as_line(msgspec.structs.replace(serving, worker=number, siblings=folder))

        async def main() -> int:
            workers = Workers(serving.settings.workers, command, plan, Terminal(stderr=True).say)
            return await workers.run(listener, announcement.make, Signals())

        return asyncio.run(main())


def read_options(given: dict[str, Any]) -> ServerSettings:
    """The file, and what the command line says otherwise. Raises :class:`~vivavoce.errors.SetupFault`."""
    settings = read_settings(given["config"]) if given["config"] is not None else ServerSettings()
    folder = Path(given["config"] or ".").parent
    telephony = with_secrets(settings.telephony, app.environment(), folder)
    settings = msgspec.structs.replace(settings, telephony=telephony)
    names = ("host", "port", "tls_cert", "tls_key", "workers", "max_calls", "drain_s")
    said = {name: given[name] for name in names if given[name] is not None}
    said.update({name: str(said[name]) for name in ("tls_cert", "tls_key") if name in said})
    return finished(msgspec.structs.replace(settings, **said))


def check_budgets(settings: ServerSettings, served: Sequence[ServedAgent]) -> None:
    """A misspelt budget would hold nobody back. Raises :class:`~vivavoce.errors.UsageError`."""
    agents = sorted({one.agent.name for one in served})
    models = sorted({model for one in served for model in one.models})
    for budget in settings.budgets:
        if budget.agent and budget.agent not in agents:
            hint = f"by the names in their files, served are {', '.join(agents)}"
            raise UsageError(
                f"the budget {budget.name!r} is for an agent {budget.agent!r}, which is not served", hint=hint
            )
        if budget.downgrade_at and budget.downgrade_to not in models:
            hint = f"downgrade_to is one of {', '.join(models)}"
            raise UsageError(f"the budget {budget.name!r} goes on with no model of the agents served", hint=hint)


def check_names(settings: ServerSettings, served: Sequence[ServedAgent]) -> None:
    """What the settings name has to be there: a misspelt quota would hold nobody back. Raises
    :class:`~vivavoce.errors.UsageError`.
    """
    known = {*app.MODEL_KINDS, *(model for one in served for model in one.models)}
    for model in settings.quotas:
        if model not in known:
            hint = f"this version knows {', '.join(sorted(known))}"
            raise UsageError(f"[quotas.{model}] is for a model that is not known", hint=hint)
    check_budgets(settings, served)
    names = [one.name for one in served]
    for key in settings.keys:
        for agent in key.agents:
            if agent not in names:
                raise UsageError(
                    f"the API key {key.name!r} is for an agent {agent!r}, which is not served",
                    hint=f"served are {', '.join(names)}",
                )


WEBHOOKS = ("twilio", "telnyx", "plivo", "vonage")
"""The carriers that are told an address."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is said once the server is ready."""

    terminal: Terminal
    url: str
    settings: ServerSettings
    served: Sequence[ServedAgent]
    as_json: bool

    def make(self) -> None:
        if self.as_json:
            self._print_ready()
        say = self.terminal.say_whole
        say(f"Serving on {self.url}", "bold")
        for served in self.served:
            say(f"  {served.name}: {served.agent.name}, on {', then '.join(served.models)}")
        first = self.served[0].name
        say("\nTo call it:")
        here = self._known_by()
        say(f"  a browser       {here}/")
        say(f"  OpenAI's SDKs   base_url={here}/v1, model={first}")
        say(f"  a WebSocket     {here.replace('http', 'ws', 1)}/v1/realtime?model={first}")
        for carrier in WEBHOOKS:
            if getattr(self.settings.telephony, carrier) is not None:
                say(f"  {carrier.title():<15} {here}/{carrier}/voice/{first}")
        if not self.settings.keys:
            say("\nThere are no API keys: whoever is on this machine may call.")
        if not self.settings.tls_cert and not is_loopback(self.settings.host):
            say("\nThere is no TLS: keys and calls can be read on their way, unless a proxy before this server has it.")
        say("\nReady. Ctrl-C lets live calls end and leaves.")

    def _known_by(self) -> str:
        """The address for others: nobody can call 0.0.0.0."""
        everywhere = self.settings.host.strip("[]") in ("0.0.0.0", "::")  # noqa: S104  # it is asked, not bound
        scheme, port = self.url.partition(":")[0], self.url.rpartition(":")[2]
        own = f"{scheme}://{socket.gethostname()}:{port}" if everywhere else self.url
        return self.settings.public_url.rstrip("/") or own

    def _print_ready(self) -> None:
        """The one line of ``--json``: it comes when the server is ready, past the redirection of everything else."""
        told = {
            "url": self.url,
            "pid": os.getpid(),
            "agents": [{"name": served.name, "models": list(served.models)} for served in self.served],
            "keys": len(self.settings.keys),
            "workers": self.settings.workers,
        }
        out = sys.__stdout__ or sys.stdout
        out.write(json.dumps(told) + "\n")
        out.flush()
