"""``vivavoce demo``: the main job, with nothing but this package installed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import click

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.channel.wav import CallerUtterance, Manners, load_utterances, wav_channel
from vivavoce.cli import options
from vivavoce.cli.answering import answer
from vivavoce.cli.captions import Captions, Loading
from vivavoce.cli.exits import Outcome
from vivavoce.cli.report import Report, as_object, print_report, report_on
from vivavoce.cli.terminal import Terminal
from vivavoce.demo import TODAY, demo_agent, demo_caller

RATE_HZ = 16_000
SPEED = 1.0
"""A demonstration of latency is at real time."""
MANNERS = Manners()


@click.command()
@options.calls_option
@options.as_json_option
def command(calls: Path | None, as_json: bool) -> Outcome:
    """A recorded caller talks with the car dealership of the examples, on the embedded model, at real time.

    \b
      vivavoce demo
      vivavoce demo --json | jq .first_audio_ms

    Takes about a minute and a half. The call is recorded (the demo is the only verb that records without being asked);
    its sound and timeline are kept, and the timeline is replayed to prove that the core would do the same again.
    """
    terminal = Terminal(quiet=as_json)
    agent = dataclasses.replace(app.read_agent(demo_agent(), {}, None), record=True)
    models = app.usable_models(agent, now=lambda: TODAY)
    terminal.say(f"A recorded caller calls {agent.name} on {TODAY:%A}, {TODAY.day} {TODAY:%B %Y}.")
    terminal.say(f"Model: {models[0].profile.name}. The call is recorded. Ctrl-C ends it.\n")
    with app.fresh_example_data(), Loading(terminal) as loading:
        called = answer(
            agent,
            lambda: wav_channel(_utterances(), RATE_HZ, MANNERS),
            models,
            calls=calls,
            witnesses=[loading, Captions(terminal)],
            speed=SPEED,
        )
    with terminal.working("reading the timeline back ..."):
        report = report_on(called, speed=SPEED)
    print_report(terminal, report)
    _print_what_next(terminal)
    return Outcome(report.exit, {**as_object(report), "knowledge_answers": knowledge_answers(report, agent)})


def _print_what_next(terminal: Terminal) -> None:
    program = options.program()
    folder = demo_agent().parent
    here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    extra = "" if find_spec("sounddevice") else ", after pip install sounddevice"
    terminal.say("\nYour turn", "bold")
    talk, init = f"{program} talk {here}", f"{program} init my-agent"
    width = max(len(talk), len(init))
    terminal.say_whole(f"  {talk:{width}}   microphone and loudspeaker{extra}")
    terminal.say_whole(f"  {init:{width}}   an agent of your own")


def _utterances() -> list[CallerUtterance]:
    rows = demo_caller()
    moments = {index: row.barge_in_after_ms for index, row in enumerate(rows) if row.barge_in_after_ms is not None}
    return load_utterances([row.path for row in rows], moments, RATE_HZ)


def knowledge_answers(report: Report, agent: Agent) -> int:
    """Turns in which the agent said a whole sentence of its knowledge, and not because a tool said so."""
    known = {
        sentence
        for knowledge in agent.knowledge
        for line in knowledge.text.splitlines()
        if not line.startswith("#")
        for sentence in _sentences([line])
    }
    return sum(1 for turn in report.turns if not turn.tools and known & set(_sentences(turn.agent)))


def _sentences(texts: Iterable[str]) -> list[str]:
    """In small letters and without punctuation, so that wording alone is compared."""
    split = (part for text in texts for part in re.split(r"(?<=[.!?])\s+", text))
    plain = (" ".join(re.findall(r"[a-z0-9']+", part.lower())) for part in split)
    return [sentence for sentence in plain if len(sentence.split()) >= 4]
