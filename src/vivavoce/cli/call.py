"""``vivavoce call``: an agent answers a caller made of sound files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from vivavoce import app
from vivavoce.channel.wav import Manners, load_utterances, wav_channel
from vivavoce.cli import options
from vivavoce.cli.answering import answer
from vivavoce.cli.captions import Captions
from vivavoce.cli.options import Chosen
from vivavoce.cli.report import as_object, print_report, report_on
from vivavoce.errors import UsageError

RATE_HZ = 16_000


@click.command()
@options.agent_options
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
@click.option(
    "--straight", is_flag=True, help="Play the file through as it was recorded, without waiting for the agent."
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    help="Of the call's clock: 4 takes a quarter of the time, if this machine keeps up.",
)
def command(chosen: Chosen, wavs: Sequence[Path], barge_ins: Sequence[str], straight: bool, speed: float) -> int:
    """Call AGENT with sound files and print captions, a table of turns, and where the recording is.

    \b
    vivavoce call examples/dealership/agent.toml --wav hello.wav --wav booking.wav
    vivavoce call examples/hotel --wav one.wav --wav two.wav --barge-in 2:1200
    """
    utterances = load_utterances(wavs, _read_barge_ins(barge_ins, len(wavs)), RATE_HZ)
    models = app.usable_models(chosen.agent, chosen.models)
    console = Console(quiet=chosen.as_json, highlight=False)
    called = answer(
        chosen.agent,
        lambda: wav_channel(utterances, RATE_HZ, Manners(straight=straight)),
        models,
        calls=chosen.calls,
        witnesses=[Captions(console)],
        speed=speed,
    )
    report = report_on(called)
    print_report(console, report, speed=speed)
    if chosen.as_json:
        options.print_json(as_object(report, speed=speed))
    return report.exit


def _read_barge_ins(given: Sequence[str], files: int) -> dict[int, int]:
    """``N:MS``, N counted from 1, as a map of index to milliseconds."""
    moments: dict[int, int] = {}
    for pair in given:
        number, _, after_ms = pair.partition(":")
        if not (number.isdecimal() and after_ms.isdecimal() and 1 <= int(number) <= files):
            raise UsageError(f"--barge-in {pair!r} is no N:MS with N from 1 to {files}", hint="for example 2:1200")
        moments[int(number) - 1] = int(after_ms)
    return moments
