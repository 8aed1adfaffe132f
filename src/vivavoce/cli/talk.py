"""``vivavoce talk``: you are the caller."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from vivavoce.channel.microphone import MicrophoneChannel, MicrophoneSettings, list_devices
from vivavoce.cli import options
from vivavoce.cli.answering import answer, changing
from vivavoce.cli.captions import Captions
from vivavoce.cli.exits import Exit, Outcome
from vivavoce.cli.options import Chosen
from vivavoce.cli.panel import Panel
from vivavoce.cli.report import as_object, print_report, report_on
from vivavoce.cli.terminal import Terminal


@click.command()
@click.option("--input", "input_device", metavar="DEVICE", help="Microphone: its number or a part of its name.")
@click.option("--output", "output_device", metavar="DEVICE", help="Loudspeaker: its number or a part of its name.")
@click.option(
    "--rate",
    "rate_hz",
    type=click.IntRange(8_000, 48_000),
    default=16_000,
    show_default=True,
    help="Of the sound device, in Hz.",
)
@click.option("--push-to-talk", is_flag=True, help="The microphone is closed until you press the space bar.")
@click.option("--half-duplex", is_flag=True, help="Close the microphone while the agent speaks: for open loudspeakers.")
@click.option("--devices", is_flag=True, help="List the sound devices and leave.")
@options.agent_options
def command(chosen: Chosen, *, devices: bool, push_to_talk: bool, **sound: Any) -> Outcome:
    """Talk with AGENT (an agent.toml or its folder) through microphone and loudspeaker, with captions and levels.

    \b
      vivavoce talk --devices
      vivavoce talk my-agent
      vivavoce talk my-agent --half-duplex

    Keys: m mutes, q hangs up. Nothing cancels echo here: wear a headset, or use --half-duplex, or the agent will hear
    itself and stop.
    """
    if devices:
        return _list_devices(as_json=chosen.as_json)
    agent = chosen.read_agent()
    models = chosen.usable_models(agent)
    terminal = Terminal(quiet=chosen.as_json)
    panel = Panel(terminal, push_to_talk=push_to_talk)
    called = answer(
        agent,
        lambda: panel.watch(MicrophoneChannel(_settings(**sound))),
        models,
        calls=chosen.calls,
        witnesses=[panel, Captions(terminal)],
        beside=panel.run,
        changing=changing(chosen.usable_models),
    )
    with terminal.working("reading the timeline back ..."):
        report = report_on(called)
    print_report(terminal, report)
    if lost_ms := panel.microphone_lost_ms:
        lost = f"Microphone   {lost_ms:.0f} ms were lost: this machine could not keep up."
        terminal.say(lost, "bold red")
    return Outcome(report.exit, {**as_object(report), "microphone_lost_ms": round(lost_ms, 1)})


def _list_devices(*, as_json: bool) -> Outcome:
    terminal = Terminal(quiet=as_json)
    found = list_devices()
    for device in found:
        default = ", default" if device.default_input or device.default_output else ""
        terminal.say_whole(f"{device.index:3}  {device.name}  ({device.inputs} in, {device.outputs} out{default})")
    if not found:
        terminal.say("This machine has no sound device.")
    return Outcome(Exit.OK, [asdict(device) for device in found])


def _settings(
    input_device: str | None, output_device: str | None, rate_hz: int, half_duplex: bool
) -> MicrophoneSettings:
    return MicrophoneSettings(rate_hz, _device(input_device), _device(output_device), half_duplex)


def _device(named: str | None) -> int | str | None:
    return int(named) if named is not None and named.isdecimal() else named
