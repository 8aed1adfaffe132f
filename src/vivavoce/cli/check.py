"""``vivavoce check``: everything that can be known of an agent without taking a call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vivavoce import app
from vivavoce.agent.schema import agent_file_schema_text
from vivavoce.cli import options
from vivavoce.cli.exits import Exit


@click.command()
@click.argument("agent_file", metavar="AGENT", required=False, type=click.Path(path_type=Path))
@options.variables
@options.version
@click.option("--schema", is_flag=True, help="Print the JSON Schema of agent files, for editors, and nothing else.")
@options.as_json
def command(agent_file: Path | None, variables: Sequence[str], version: str | None, schema: bool, as_json: bool) -> int:
    """Prove AGENT: tools importable, templates render, knowledge readable, models usable here and why not."""
    if schema:
        click.echo(agent_file_schema_text())
        return Exit.OK
    if agent_file is None:
        raise click.UsageError("name an agent file, or ask for --schema")
    file = agent_file / "agent.toml" if agent_file.is_dir() else agent_file
    report = app.prove_agent(file, options.read_variables(variables), version)
    if as_json:
        proofs = [
            {
                "subject": proof.subject,
                "holds": proof.holds,
                "found": proof.detail,
                "problems": [str(problem) for problem in proof.problems],
            }
            for proof in report.proofs
        ]
        options.print_json({"agent_file": str(file), "holds": report.holds, "proofs": proofs})
    else:
        for proof in report.proofs:
            click.echo(f"{'ok ' if proof.holds else 'BAD'}  {proof.subject}: {proof.detail}")
            for problem in proof.problems:
                click.echo(f"       {problem}")
        click.echo("\nThis agent can take calls here." if report.holds else "\nThis agent cannot take calls here yet.")
    return Exit.OK if report.holds else Exit.SETUP
