"""``vivavoce keys``: API keys for ``vivavoce serve``."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.terminal import Terminal
from vivavoce.errors import UsageError
from vivavoce.server.keys import hash_of, new_key
from vivavoce.server.settings import SCOPES, KeyLine


@click.command()
@click.argument("action", type=click.Choice(["new"]))
@click.argument("name", metavar="NAME")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What the key may be used for; repeat for more.  [default: calls, secrets]",
)
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="May call this agent only; repeat for more.")
@click.option("--max-calls", type=click.IntRange(1), default=None, help="Live calls at once.  [default: no limit]")
@click.option("--calls-per-minute", type=click.IntRange(1), default=None, help="[default: no limit]")
@options.as_json_option
def command(
    action: str,
    name: str,
    scopes: Sequence[str],
    agents: Sequence[str],
    max_calls: int | None,
    calls_per_minute: int | None,
    as_json: bool,
) -> Outcome:
    """Make an API key for the server. It is shown once; what the server keeps is its hash.

    \b
      vivavoce keys new shop >> server.toml
      vivavoce keys new website --scope secrets --agent front-desk
    """
    del action  # there is one
    key = new_key()
    line = key_line(
        {
            "name": name,
            "sha256": hash_of(key),
            "scopes": list(scopes) or ["calls", "secrets"],
            "agents": list(agents),
            "max_calls": max_calls or 0,
            "calls_per_minute": calls_per_minute or 0,
        }
    )
    text = as_toml(line)
    Terminal(quiet=as_json, stderr=True).say_whole(f"The key, shown this once:\n\n  {key}\n\nFor server.toml:\n")
    click.echo(text)
    return Outcome(Exit.OK, {"name": name, "key": key, "toml": text})


def key_line(told: dict[str, object]) -> KeyLine:
    """Raises :class:`UsageError`."""
    try:
        return msgspec.convert(told, KeyLine)
    except msgspec.ValidationError as error:
        hint = "letters, digits, '.', '_' and '-', at most 63 of them"
        raise UsageError(f"{told['name']!r} is no name for a key", hint=hint) from error


def as_toml(line: KeyLine) -> str:
    """The table of a key, without what is as usual."""
    usual = KeyLine(name=line.name, sha256=line.sha256)
    rows = ["[[keys]]"]
    for field in KeyLine.__struct_fields__:
        value = getattr(line, field)
        if field in ("name", "sha256", "scopes") or value != getattr(usual, field):
            rows.append(f"{field} = {_toml_value(value)}")
    return "\n".join(rows)


def _toml_value(value: object) -> str:
    """JSON's texts, numbers and lists are TOML's."""
    return msgspec.json.encode(value).decode()
