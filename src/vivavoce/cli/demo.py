"""``vivavoce demo``: the main job, with nothing but this package installed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.channel.wav import CallerUtterance, load_utterances, wav_channel
from vivavoce.cli import options
from vivavoce.cli.answering import answer
from vivavoce.cli.captions import Captions
from vivavoce.cli.report import Report, as_object, print_report, report_on
from vivavoce.demo import TODAY, demo_agent, demo_caller

RATE_HZ = 16_000


@click.command()
@options.calls
@options.as_json
def command(calls: Path | None, as_json: bool) -> int:
    """Hear a recorded caller talk with the car dealership of the examples, on the embedded model, at real time.

    Takes about two minutes. The call is recorded (the demo is the only verb that records without being asked); its
    sound and timeline are kept, and the timeline is replayed to prove that the core would do the same again.
    """
    agent = dataclasses.replace(options.read_agent(demo_agent(), (), None), record=True)
    models = app.usable_models(agent, now=lambda: TODAY)
    console = Console(quiet=as_json, highlight=False)
    console.print(f"A recorded caller calls {agent.name}. Model: {models[0].profile.name}. {TODAY:%A, %-d %B %Y}.\n")
    called = answer(
        agent,
        lambda: wav_channel(_utterances(), RATE_HZ),
        models,
        calls=calls,
        witnesses=[Captions(console)],
    )
    report = report_on(called)
    print_report(console, report)
    console.print(
        "\nYour turn:  vivavoce talk examples/dealership   (microphone and loudspeaker)\n"
        "            vivavoce init my-agent              (an agent of your own)"
    )
    if as_json:
        options.print_json(_object(report, agent))
    return report.exit


def _utterances() -> list[CallerUtterance]:
    rows = demo_caller()
    moments = {index: row.barge_in_after_ms for index, row in enumerate(rows) if row.barge_in_after_ms is not None}
    return load_utterances([row.path for row in rows], moments, RATE_HZ)


def _object(report: Report, agent: Agent) -> dict[str, Any]:
    return {**as_object(report), "knowledge_answers": _knowledge_answers(report, agent)}


def _knowledge_answers(report: Report, agent: Agent) -> int:
    """Turns in which the agent said a whole sentence of its knowledge."""
    known = {
        sentence
        for knowledge in agent.knowledge
        for line in knowledge.text.splitlines()
        if not line.startswith("#")
        for sentence in _sentences([line])
    }
    return sum(1 for turn in report.turns if known & set(_sentences(turn.agent)))


def _sentences(texts: Iterable[str]) -> list[str]:
    """In small letters and without punctuation, so that wording alone is compared."""
    split = (part for text in texts for part in re.split(r"(?<=[.!?])\s+", text))
    plain = (" ".join(re.findall(r"[a-z0-9']+", part.lower())) for part in split)
    return [sentence for sentence in plain if len(sentence.split()) >= 4]
