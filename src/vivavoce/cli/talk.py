"""``vivavoce talk``: you are the caller."""

from __future__ import annotations

from collections.abc import Coroutine

import click
from rich.console import Console

from vivavoce import app
from vivavoce.channel.microphone import MicrophoneChannel, MicrophoneSettings, list_devices
from vivavoce.cli import options
from vivavoce.cli.answering import answer
from vivavoce.cli.captions import Captions
from vivavoce.cli.options import Chosen
from vivavoce.cli.panel import Panel
from vivavoce.cli.report import as_object, print_report, report_on


def _print_devices(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    for device in list_devices():
        default = ", default" if device.default_input or device.default_output else ""
        click.echo(f"{device.index:3}  {device.name}  ({device.inputs} in, {device.outputs} out{default})")
    ctx.exit()


@click.command()
@options.agent_options
@click.option("--input", "input_device", default=None, help="Microphone: its number or a part of its name.")
@click.option("--output", "output_device", default=None, help="Loudspeaker: its number or a part of its name.")
@click.option("--rate", "rate_hz", default=16_000, show_default=True, help="Of the sound device, in Hz.")
@click.option("--push-to-talk", is_flag=True, help="The microphone is closed until you press the space bar.")
@click.option("--half-duplex", is_flag=True, help="Close the microphone while the agent speaks: for open loudspeakers.")
@click.option(
    "--devices",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_devices,
    help="List the sound devices and leave.",
)
def command(
    chosen: Chosen,
    input_device: str | None,
    output_device: str | None,
    rate_hz: int,
    push_to_talk: bool,
    half_duplex: bool,
) -> int:
    """Talk with AGENT through microphone and loudspeaker, with captions and levels.

    Nothing cancels echo here: wear a headset, or use --half-duplex, or the agent will hear itself and stop.
    """
    models = app.usable_models(chosen.agent, chosen.models)
    settings = MicrophoneSettings(rate_hz, _device(input_device), _device(output_device), half_duplex)
    console = Console(quiet=chosen.as_json, highlight=False)
    line: list[MicrophoneChannel] = []

    def open_line() -> MicrophoneChannel:
        line.append(MicrophoneChannel(settings))
        return line[0]

    def show_panel() -> Coroutine[None, None, None]:
        return Panel(console, line[0], push_to_talk=push_to_talk).run()

    called = answer(
        chosen.agent,
        open_line,
        models,
        calls=chosen.calls,
        witnesses=[Captions(console)],
        beside=show_panel,
    )
    report = report_on(called)
    print_report(console, report)
    if chosen.as_json:
        options.print_json(as_object(report))
    return report.exit


def _device(named: str | None) -> int | str | None:
    return int(named) if named is not None and named.isdecimal() else named
