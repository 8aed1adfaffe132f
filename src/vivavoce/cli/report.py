"""What a command says of a call that is over: a table for people, an object for programs. Both read the timeline on
disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from vivavoce.cli.exits import Exit
from vivavoce.cli.terminal import Terminal, plain
from vivavoce.engine.answer import AnsweredCall
from vivavoce.errors import StoreFault, TimelineError
from vivavoce.events import AudioLost, CallerConnected, Disposition, SwapMoment
from vivavoce.ledger.figures import first_audio_ms, percentile
from vivavoce.ledger.swaps import Swap, fold_swaps
from vivavoce.ledger.turns import Turn, fold_turns
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import Replay, replay
from vivavoce.timeline.write import TIMELINE_FILE

_EXITS = {
    Disposition.STOPPED: Exit.INTERRUPTED,
    Disposition.CHANNEL_LOST: Exit.PEER,
    Disposition.MODEL_LOST: Exit.PEER,
    Disposition.FAILED: Exit.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class Report:
    """A call, read back from its timeline and replayed. ``speed`` is that of the call's clock."""

    call: AnsweredCall
    timeline: Timeline
    turns: list[Turn]
    replay: Replay
    speed: float = 1.0

    @property
    def exit(self) -> Exit:
        if self.call.store_failure:
            return Exit.STORE
        if not self.replay.identical:
            return Exit.NOT_HELD
        return _EXITS.get(self.call.result.disposition, Exit.OK)

    @property
    def latencies_ms(self) -> list[float]:
        """Empty for a call that was not at real time: there they mean nothing."""
        return first_audio_ms(self.turns) if self.speed == 1.0 else []

    @property
    def swaps(self) -> list[Swap]:
        """Each time another model session took over."""
        return fold_swaps(self.timeline.lines, self.turns)

    @property
    def audio_lost_ms(self) -> float:
        """Of the caller's speech, what the model could not keep up with."""
        values = (line.value for line in self.timeline.lines)
        return self._ms(sum(value.samples for value in values if isinstance(value, AudioLost)))

    @property
    def peak_audio_ms(self) -> float:
        """The most sound of one side that waited at once."""
        return self._ms(self.call.result.inbox.peak_audio_samples)

    def _ms(self, samples: int) -> float:
        values = (line.value for line in self.timeline.lines)
        rate_hz = next((value.rate_hz for value in values if isinstance(value, CallerConnected)), 0)
        return samples / rate_hz * 1000 if rate_hz else 0.0


def report_on(call: AnsweredCall, *, speed: float = 1.0) -> Report:
    """Raises :class:`StoreFault` if the disk took nothing of the call that could be read back."""
    try:
        timeline = read_timeline(call.folder)
    except TimelineError as error:
        if call.store_failure:
            raise StoreFault(f"nothing of this call was kept: {call.store_failure}") from error
        raise
    return Report(call, timeline, fold_turns(timeline.lines), replay(timeline), speed)


def as_object(report: Report) -> dict[str, Any]:
    """The call as JSON."""
    call = report.call
    return {
        "call": call.call,
        "agent": report.timeline.header.agent,
        "simulated": report.timeline.header.simulated,
        "speed": report.speed,
        "disposition": call.result.disposition.value,
        "reason": call.result.reason,
        "turns": [_turn_object(turn, report.speed) for turn in report.turns],
        "tool_calls": sum(len(turn.tools) for turn in report.turns),
        "barge_ins": sum(turn.interrupted for turn in report.turns),
        "first_audio_ms": {
            "n": len(report.latencies_ms),
            "p50": _rounded(percentile(report.latencies_ms, 0.5)),
            "p95": _rounded(percentile(report.latencies_ms, 0.95)),
        },
        "swaps": [_swap_object(swap) for swap in report.swaps],
        "audio_lost_ms": _rounded(report.audio_lost_ms),
        "queue": {
            "facts": call.result.inbox.taken,
            "peak_waiting": call.result.inbox.peak_waiting,
            "peak_audio_ms": _rounded(report.peak_audio_ms),
        },
        "replay_identical": report.replay.identical,
        "store_failure": call.store_failure or None,
        "files": {
            "timeline": str(call.folder / TIMELINE_FILE),
            "recording": None if call.recording is None else str(call.recording),
        },
    }


def _turn_object(turn: Turn, speed: float) -> dict[str, Any]:
    return {
        "turn": turn.number,
        "caller": " ".join(turn.caller),
        "agent": " ".join(turn.agent),
        "first_audio_ms": _rounded(turn.first_audio_ms) if speed == 1.0 else None,
        "reply_ms": _rounded(turn.reply_ms),
        "heard_share": None if turn.heard_share is None else round(turn.heard_share, 3),
        "interrupted": turn.interrupted,
        "tool_ms": _rounded(turn.tool_ms),
        "tools": [
            {"name": use.name, "arguments": use.arguments, "status": use.status, "result": use.result}
            for use in turn.tools
        ],
    }


def _swap_object(swap: Swap) -> dict[str, Any]:
    return {
        "at_ms": _rounded(swap.at_us / 1000),
        "moment": swap.moment.value,
        "reason": swap.reason or None,
        "replayed_ms": _rounded(swap.replayed_ms),
        "lost_ms": _rounded(swap.lost_ms),
        "gap_ms": _rounded(swap.gap_ms),
    }


def print_report(terminal: Terminal, report: Report) -> None:
    """The table of turns, the figures, and where the files are."""
    terminal.say()
    terminal.say_whole(f"Call {report.call.call}", "bold")
    if any(turn.caller or turn.generated for turn in report.turns):
        terminal.show(_table(report))
    _print_figures(terminal, report)
    _print_files(terminal, report)


def _table(report: Report) -> Table:
    """Numbers are never wrapped; what was said takes the room that is left."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for heading in ("turn", "first audio", "reply", "heard", "tools"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("caller", overflow="fold")
    for turn in report.turns:
        latency = turn.first_audio_ms if report.speed == 1.0 else None
        heard = "-" if turn.heard_share is None else f"{turn.heard_share:.0%}"
        table.add_row(
            str(turn.number),
            "-" if latency is None else f"{latency:.0f} ms",
            f"{turn.reply_ms / 1000:.1f} s" if turn.generated else "-",
            f"cut {heard}" if turn.interrupted else heard,
            f"{turn.tool_ms:.0f} ms" if turn.tools else "-",
            plain(" ".join(turn.caller)) or ("(the agent begins)" if turn.number == 0 else "(nothing understood)"),
        )
    return table


def _print_figures(terminal: Terminal, report: Report) -> None:
    terminal.say()
    if report.speed != 1.0:
        terminal.say(f"First audio  is not shown: the call ran at {report.speed:g} times real time.")
    elif latencies := report.latencies_ms:
        p50, p95 = percentile(latencies, 0.5), percentile(latencies, 0.95)
        terminal.say(
            f"First audio  p50 {p50:.0f} ms, p95 {p95:.0f} ms after the end of speech, over {_turns(len(latencies))}."
        )
        terminal.say("             On this machine: no network, no loudspeaker.", "dim")
    if report.timeline.header.simulated:
        terminal.say("Model        simulated: its figures say nothing about a provider.")
    if swaps := report.swaps:
        terminal.say(f"Sessions     {_sessions(swaps)}")
    if report.audio_lost_ms:
        lost = f"Caller       {report.audio_lost_ms:.0f} ms of speech were dropped: this machine could not keep up."
        terminal.say(lost, "bold red")
    facts, effects = report.replay.facts, report.replay.effects
    if report.replay.identical:
        terminal.say(f"Replay       identical: {facts} facts give the same {effects} effects again.")
    else:
        differs = f"Replay       differs after {facts} facts: see 'vivavoce replay {report.call.folder}'."
        terminal.say(differs, "bold red")


def _print_files(terminal: Terminal, report: Report) -> None:
    call = report.call
    terminal.say_whole(f"Timeline     {call.folder / TIMELINE_FILE}")
    if call.recording is not None:
        terminal.say_whole(f"Recording    {call.recording} (caller left, agent right)")
    else:
        terminal.say("Recording    none; the agent file asks for one with [recording] keep = true")
    if call.store_failure:
        terminal.say_whole(f"Not kept     {call.store_failure}", "bold red")


def _sessions(swaps: Sequence[Swap]) -> str:
    recovered = sum(swap.moment is SwapMoment.RECOVERY for swap in swaps)
    kinds = [f"{len(swaps) - recovered} renewed" if len(swaps) > recovered else "", f"{recovered} lost and replaced"]
    gaps = [swap.gap_ms for swap in swaps if swap.gap_ms is not None]
    told = f"{len(swaps) + 1}: {', '.join(kind for kind in kinds if kind and not kind.startswith('0'))}"
    lost_ms = sum(swap.lost_ms for swap in swaps)
    return f"{told}; longest gap {max(gaps, default=0):.0f} ms, caller audio lost {lost_ms:.0f} ms."


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
