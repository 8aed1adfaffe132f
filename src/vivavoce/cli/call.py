"""``vivavoce call``: an agent answers a caller made of sound files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vivavoce.channel.wav import PATIENCE_MS, Manners, load_utterances, wav_channel
from vivavoce.cli import options
from vivavoce.cli.answering import answer, changing
from vivavoce.cli.captions import Captions, Loading
from vivavoce.cli.exits import Outcome
from vivavoce.cli.options import Chosen
from vivavoce.cli.report import as_object, print_report, report_on
from vivavoce.cli.terminal import Terminal
from vivavoce.errors import UsageError

RATE_HZ = 16_000
FASTEST = 100.0


@click.command()
@click.option(
    "--wav",
    "wavs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="What the caller says; repeat for more turns. WAV, FLAC or Ogg of any rate.",
)
@click.option(
    "--barge-in",
    "barge_ins",
    multiple=True,
    metavar="N:MS",
    help="Say the N-th file MS milliseconds after the agent began to speak, over it.",
)
@click.option("--straight", is_flag=True, help="Say one file after the other without waiting for the agent.")
@click.option(
    "--patience",
    "patience_ms",
    type=click.IntRange(100, 10_000),
    default=PATIENCE_MS,
    show_default=True,
    metavar="MS",
    help="Quiet after which the caller takes the agent's turn to be over.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, FASTEST, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the call's clock: 4 takes a quarter of the time, if this machine keeps up.",
)
@options.agent_options
def command(
    chosen: Chosen, wavs: Sequence[Path], barge_ins: Sequence[str], straight: bool, patience_ms: int, speed: float
) -> Outcome:
    """Call AGENT (an agent.toml or its folder) with sound files: captions as they come, then a table of turns.

    The caller waits for the greeting, says the first file, waits for the reply, says the next, and hangs up after the
    last reply.

    \b
      vivavoce call my-agent --wav question.wav
      vivavoce call my-agent --wav hello.flac --wav booking.flac --json
      vivavoce call my-agent --wav one.wav --wav two.wav --barge-in 2:1200

    The timeline is kept in the folder of calls, and the sound beside it if the agent file says [recording] keep = true.
    """
    terminal = Terminal(quiet=chosen.as_json)
    agent = chosen.read_agent()
    models = chosen.usable_models(agent)
    with terminal.working("reading the sound files ..."):
        utterances = load_utterances(wavs, read_barge_ins(barge_ins, len(wavs)), RATE_HZ)
    with Loading(terminal) as loading:
        called = answer(
            agent,
            lambda: wav_channel(utterances, RATE_HZ, Manners(patience_ms, straight=straight)),
            models,
            calls=chosen.calls,
            witnesses=[loading, Captions(terminal)],
            speed=speed,
            changing=changing(chosen.usable_models),
        )
    with terminal.working("reading the timeline back ..."):
        report = report_on(called, speed=speed)
    print_report(terminal, report)
    return Outcome(report.exit, as_object(report))


def read_barge_ins(given: Sequence[str], files: int) -> dict[int, int]:
    """``N:MS``, N counted from 1, as a map of index to milliseconds."""
    moments: dict[int, int] = {}
    for pair in given:
        number, _, after_ms = pair.partition(":")
        if not (number.isdecimal() and after_ms.isdecimal() and 1 <= int(number) <= files):
            raise UsageError(f"--barge-in {pair!r} is no N:MS with N from 1 to {files}", hint="for example 2:1200")
        moments[int(number) - 1] = int(after_ms)
    return moments
