"""``vivavoce check``: everything that can be known of an agent without taking a call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from vivavoce import app
from vivavoce.agent.check import Report
from vivavoce.agent.schema import agent_file_schema_text
from vivavoce.cli import options
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.terminal import Terminal, plain


@click.command()
@options.variables_option
@options.version_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of agent files, for editors, and nothing else.")
@options.as_json_option
@options.agent_argument
def command(
    agent_file: Path | None, variables: Sequence[str], version: str | None, schema: bool, as_json: bool
) -> Outcome:
    """Prove AGENT (an agent.toml or its folder): keys, templates, knowledge, tools, and whether its models work here.

    \b
      vivavoce check my-agent
      vivavoce check my-agent --version brief --var city=Riverside
      vivavoce check --schema > agent.schema.json

    Every problem is told at once, with its file and line. No call is made and no
    function is called; MCP servers are asked which tools they have.
    """
    terminal = Terminal(quiet=as_json)
    if schema:
        text = agent_file_schema_text()
        terminal.say_whole(text.rstrip())
        return Outcome(Exit.OK, json.loads(text))
    file = options.in_folder(agent_file)
    with terminal.working("proving the agent ..."):
        report = app.prove_agent(file, options.read_variables(variables), version)
    _print(terminal, report)
    return Outcome(Exit.OK if report.holds else Exit.SETUP, _object(file, report))


def _print(terminal: Terminal, report: Report) -> None:
    for proof in report.proofs:
        found = f": {plain(proof.detail)}" if proof.detail else ""
        mark, style = ("BAD", "bold red") if not proof.holds else ("???", "yellow") if proof.doubt else ("ok ", "")
        terminal.say_whole(f"{mark}  {proof.subject}{found}", style)
        if proof.doubt:
            terminal.say_whole(f"     {plain(proof.doubt)}")
        for problem in proof.problems:
            terminal.say_whole(f"     {plain(str(problem))}")
    terminal.say()
    terminal.say(
        "This agent can take calls here." if report.holds else "This agent cannot take calls here yet.", "bold"
    )


def _object(file: Path, report: Report) -> dict[str, object]:
    proofs = [
        {
            "subject": proof.subject,
            "holds": proof.holds,
            "found": proof.detail,
            "doubt": proof.doubt,
            "problems": [str(problem) for problem in proof.problems],
        }
        for proof in report.proofs
    ]
    return {"agent_file": str(file), "holds": report.holds, "proofs": proofs}
