"""``vivavoce emulate``: Nova Sonic on this machine, for any client of it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import click

from vivavoce import app
from vivavoce.agent.declaration import ModelChoice
from vivavoce.cli import options
from vivavoce.cli.exits import Exit
from vivavoce.cli.terminal import Terminal
from vivavoce.cli.trust import trust_lines
from vivavoce.demo import demo_agent
from vivavoce.emulator.admission import Access, read_key
from vivavoce.emulator.authority import Authority, authority_in
from vivavoce.emulator.brain import MakeBrain
from vivavoce.emulator.catalogue import GENERATIONS, MODEL_IDS
from vivavoce.emulator.complaints import Decoration
from vivavoce.emulator.faults import Fault, parse_fault, read_faults
from vivavoce.emulator.listen import Door, listening
from vivavoce.emulator.profile import PublishedProfile
from vivavoce.emulator.rules import IDLE_S, LIFETIME_S, Rules
from vivavoce.emulator.service import Emulator, EmulatorSettings, fixed
from vivavoce.engine import clock
from vivavoce.errors import UsageError
from vivavoce.model.scripted import ScriptedModel, read_script

PROFILES = ("published",)
FASTEST = 100.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options say."""

    agent: Path | None
    scenario: Path | None
    profile: str | None
    host: str
    port: int
    plain: bool
    plain_port: int | None
    certificates: Path | None
    amazon_names: bool
    keys: Sequence[str] = field(repr=False)
    tokens: Sequence[str] = field(repr=False)
    strict: bool
    idle: float
    lifetime: float
    concurrency: int
    decoration: str
    model_ids: Sequence[str]
    faults: Sequence[str]
    schedule: Path | None
    seed: int | None
    speed: float
    as_json: bool


def _options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--agent", type=click.Path(path_type=Path), help="Whose words: an agent file.  [default: the demo's]"),
    click.option("--scenario", type=click.Path(path_type=Path), help="Follow a script of events and times instead."),
    click.option("--profile", type=click.Choice(PROFILES), help="Keep published times instead, and speak in tones."),
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True, help="0: any free one."),
    click.option("--plain", is_flag=True, help="Clear text (h2c) on --port in place of TLS."),
    click.option("--plain-port", type=click.IntRange(0, 65535), help="Clear text on this port too."),
    click.option(
        "--certificates",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder that keeps the authority.  [default: in the user's cache]",
    ),
    click.option("--amazon-names", is_flag=True, help="The certificate is good for Bedrock's own host names too."),
    click.option(
        "--key", "keys", multiple=True, metavar="ID:SECRET", help="Verify signatures; a made-up key. Repeat for more."
    ),
    click.option("--token", "tokens", multiple=True, metavar="TOKEN", help="Verify bearer tokens; a made-up one."),
    click.option("--strict", is_flag=True, help="Refuse all that the service is documented to refuse."),
    click.option("--idle", type=click.FloatRange(0, min_open=True), default=IDLE_S, show_default=True, help="Seconds."),
    click.option(
        "--lifetime", type=click.FloatRange(0, min_open=True), default=LIFETIME_S, show_default=True, help="Seconds."
    ),
    click.option("--concurrency", type=click.IntRange(1), default=20, show_default=True, help="Streams at once."),
    click.option(
        "--errors",
        "decoration",
        type=click.Choice([one.value for one in Decoration]),
        default=Decoration.REQUEST_ID.value,
        show_default=True,
        help="What stands before the service's error texts.",
    ),
    click.option("--model-id", "model_ids", multiple=True, metavar="ID=GEN", help="A further id, for v1, v2 or v2.5."),
    click.option("--fault", "faults", multiple=True, metavar="KIND@WHEN", help="Let something go wrong; repeatable."),
    click.option("--faults", "schedule", type=click.Path(path_type=Path), help="A TOML file with many of them."),
    click.option("--seed", type=int, help="Make ids and chance the same each time."),
    click.option(
        "--speed",
        type=click.FloatRange(0, FASTEST, min_open=True),
        default=1.0,
        show_default=True,
        help="Of the emulator's clock: its limits and pauses take 1/SPEED of the time.",
    ),
    options.as_json_option,
)


@click.command()
@_options
def command(**given: Any) -> int:
    """Be Amazon Nova Sonic for any client of it, on this machine and without an account. What it says is simulated.

    \b
      vivavoce emulate
      vivavoce emulate --plain --port 8080
      vivavoce emulate --profile published --lifetime 30 --fault http-429@open:2
      vivavoce emulate --scenario timing.toml --json

    Without --scenario or --profile the embedded model hears and answers for the agent, with the agent's tools: a client
    has to declare them. Ctrl-C ends it. docs/howto/the-emulator.md has the rest.
    """
    wanted = Wanted(**{one.name: given[one.name] for one in fields(Wanted)})
    terminal = Terminal(quiet=wanted.as_json)
    if wanted.host not in ("127.0.0.1", "::1", "localhost"):
        terminal.say(f"Anybody who reaches {wanted.host} can use it, and make faults.", "yellow")
    return clock.run(_serve(wanted, terminal), speed=wanted.speed)


async def _serve(wanted: Wanted, terminal: Terminal) -> int:
    brain, says = make_brain(wanted)
    access = Access(
        clock.wall_clock,
        {key.access_key: key for key in map(read_key, wanted.keys)},
        frozenset(wanted.tokens),
    )
    settings = EmulatorSettings(brain, access, make_rules(wanted), wanted.seed, terminal.say)
    emulator = Emulator(settings, make_faults(wanted))
    authority = None if wanted.plain else _authority(wanted)
    doors = [Door(wanted.host, wanted.port, authority.context() if authority is not None else None)]
    if wanted.plain_port is not None:
        doors.append(Door(wanted.host, wanted.plain_port))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with listening(emulator, *doors) as urls:
        _announce(terminal, urls, authority, says)
        if wanted.as_json:
            _print_ready(urls, authority, says, access)
        await stop.wait()
        terminal.say("\nEnding.")
    return Exit.OK


def make_brain(wanted: Wanted) -> tuple[MakeBrain, str]:
    """And what it is, in a few words. Raises :class:`UsageError` and what the models raise."""
    chosen = [name for name in ("agent", "scenario", "profile") if getattr(wanted, name) is not None]
    if len(chosen) > 1:
        both = " and ".join(f"--{name}" for name in chosen)
        raise UsageError(f"{both} exclude each other", hint="choose one of them")
    if wanted.scenario is not None:
        script = read_script(wanted.scenario)
        return fixed(ScriptedModel(script)), f"the script {wanted.scenario}"
    if wanted.profile is not None:
        return PublishedProfile, "published times of Nova 2 Sonic, and tones"
    file = options.in_folder(wanted.agent) if wanted.agent is not None else demo_agent()
    agent = app.read_agent(file, {}, None)
    choices = [choice for choice in agent.models if choice.name == "local"] or [ModelChoice("local")]
    (model,) = app.usable_models(agent, choices)[:1]
    return fixed(model), f"the embedded model, as {agent.name}"


def make_rules(wanted: Wanted) -> Rules:
    """Raises :class:`UsageError`."""
    models = dict(MODEL_IDS)
    for text in wanted.model_ids:
        model_id, _, name = text.rpartition("=")
        if not model_id or name not in GENERATIONS:
            raise UsageError(f"--model-id {text!r} is no ID=GENERATION", hint=f"one of {', '.join(GENERATIONS)}")
        models[model_id] = GENERATIONS[name]
    return Rules(
        strict=wanted.strict,
        idle_s=wanted.idle,
        lifetime_s=wanted.lifetime,
        concurrency=wanted.concurrency,
        decoration=Decoration(wanted.decoration),
        models=models,
    )


def make_faults(wanted: Wanted) -> list[Fault]:
    """Raises :class:`UsageError`."""
    scheduled = read_faults(wanted.schedule) if wanted.schedule is not None else []
    return [*map(parse_fault, wanted.faults), *scheduled]


def _authority(wanted: Wanted) -> Authority:
    folder = wanted.certificates or app.cache_folder() / "emulator"
    return authority_in(folder, clock.wall_clock(), amazon=wanted.amazon_names)


def _announce(terminal: Terminal, urls: Sequence[str], authority: Authority | None, says: str) -> None:
    terminal.say("Simulated Amazon Nova Sonic: no answer of it is the service's.", "bold")
    for url in urls:
        terminal.say_whole(f"  {url}")
    terminal.say(f"Its brain is {says}. Any credentials do, unless --key or --token says otherwise.")
    if authority is not None:
        terminal.say("\nTo trust its certificate:")
        for line in trust_lines(authority.certificate, urls[0], options.program()):
            terminal.say_whole(f"  {line}")
    terminal.say("\nReady. Ctrl-C ends it.")


def _print_ready(urls: Sequence[str], authority: Authority | None, says: str, access: Access) -> None:
    """The one line of ``--json``. It comes when the emulator is ready and not when it ends, so it goes past the
    redirection that keeps everything else from standard output."""
    told = {
        "simulated": True,
        "urls": list(urls),
        "brain": says,
        "verifies": access.verifies,
        "ca": str(authority.certificate) if authority is not None else None,
    }
    out = sys.__stdout__ or sys.stdout
    out.write(json.dumps(told) + "\n")
    out.flush()
