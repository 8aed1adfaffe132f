"""``vivavoce dial``: let a server call somebody."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import click

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.options import read_variables
from vivavoce.cli.terminal import Terminal
from vivavoce.errors import PeerFault, UsageError, VivavoceError

KEY_VARIABLE = "VIVAVOCE_API_KEY"
CARRIERS = ("twilio", "telnyx", "plivo", "vonage")
LIMIT_S = 30.0


@click.command()
@click.argument("carrier", type=click.Choice(CARRIERS))
@click.argument("to", metavar="TO")
@click.option("--from", "caller", required=True, metavar="NUMBER", help="A number of yours at the carrier.")
@click.option("--agent", default="", metavar="NAME", help="Who talks, as the server calls it.  [default: the first]")
@options.variables_option
@click.option(
    "--server", default="http://127.0.0.1:8000", show_default=True, metavar="URL", help="Where the server is."
)
@options.as_json_option
def command(
    carrier: str, to: str, caller: str, agent: str, variables: Sequence[str], server: str, as_json: bool
) -> Outcome:
    """Let a server call the number TO, and an agent talk with whoever answers.

    \b
      export VIVAVOCE_API_KEY=vv_...
      vivavoce dial twilio +14155550100 --from +14155550199 --agent front-desk

    The key needs the scope 'dial', and the number a prefix that the server allows: docs/howto/phone.md.
    """
    order = {"to": to, "from": caller, "agent": agent, "variables": read_variables(variables)}
    told = post(f"{server.rstrip('/')}/v1/telephony/{quote(carrier)}/calls", order, key_of(app.environment()))
    call = f", which {carrier} knows as {told['call']}" if told.get("call") else ""
    Terminal(quiet=as_json).say(f"{carrier} calls {told.get('to', to)} for {told.get('agent', agent)}{call}.")
    return Outcome(Exit.OK, told)


def key_of(environment: Mapping[str, str]) -> str:
    """From the environment: what is on a command line, everybody on the machine can read."""
    key = environment.get(KEY_VARIABLE, "")
    if not key or not key.isascii() or not key.isprintable():
        hint = f"export {KEY_VARIABLE}=..., a key with the scope 'dial': vivavoce keys new NAME --scope dial"
        raise UsageError(f"there is no API key in {KEY_VARIABLE}", hint=hint)
    return key


def post(url: str, told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object that is answered. Raises :class:`~vivavoce.errors.VivavoceError` with what the server says."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{url} is no address of a server", hint="as --server https://calls.example.com")
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(told).encode(), headers)  # noqa: S310  # http and https alone
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310
            return _object(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise _fault(error.code, _object(error.read())) from error
    except (OSError, ValueError) as error:
        hint = "is 'vivavoce serve' running there? --server says where"
        raise PeerFault("the server could not be asked", hint=hint) from error


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _fault(status: int, told: Mapping[str, Any]) -> VivavoceError:
    error = told.get("error")
    said = error if isinstance(error, dict) else {}
    message = str(said.get("message") or f"the server answered with status {status}")
    if said.get("code") == "unknown_url":
        message, hint = "no carrier is set up at this server", "docs/howto/phone.md says how"
        return UsageError(message, hint=hint)
    return PeerFault(message) if status == 429 or status >= 500 else UsageError(message)
