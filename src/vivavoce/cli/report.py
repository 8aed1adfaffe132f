"""What a command says of a call that is over: a table for people, an object for programs. Both read the timeline on
disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from vivavoce.cli.exits import Exit
from vivavoce.engine.answer import AnsweredCall
from vivavoce.events import Disposition
from vivavoce.ledger.figures import first_audio_ms, percentile
from vivavoce.ledger.turns import Turn, fold_turns
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import Replay, replay
from vivavoce.timeline.write import TIMELINE_FILE

_GOOD_ENDS = (Disposition.COMPLETED, Disposition.HANDOFF, Disposition.SILENCE, Disposition.TOO_LONG)


@dataclass(frozen=True, slots=True)
class Report:
    """A call, read back from its timeline and replayed."""

    call: AnsweredCall
    timeline: Timeline
    turns: list[Turn]
    replay: Replay

    @property
    def exit(self) -> Exit:
        if self.call.store_failure:
            return Exit.STORE
        if self.call.result.disposition is Disposition.STOPPED:
            return Exit.INTERRUPTED
        return Exit.OK if self.call.result.disposition in _GOOD_ENDS and self.replay.identical else Exit.NOT_HELD


def report_on(call: AnsweredCall) -> Report:
    timeline = read_timeline(call.folder)
    return Report(call, timeline, fold_turns(timeline.lines), replay(timeline))


def as_object(report: Report, *, speed: float = 1.0) -> dict[str, Any]:
    """The call as JSON. Latencies are given only for calls at real time: at another speed they mean nothing."""
    call = report.call
    latencies = first_audio_ms(report.turns) if speed == 1.0 else []
    return {
        "call": call.call,
        "agent": report.timeline.header.agent,
        "simulated": report.timeline.header.simulated,
        "speed": speed,
        "disposition": call.result.disposition.value,
        "reason": call.result.reason,
        "turns": [_turn_object(turn, speed) for turn in report.turns],
        "tool_calls": sum(len(turn.tools) for turn in report.turns),
        "barge_ins": sum(turn.interrupted for turn in report.turns),
        "first_audio_ms": {
            "n": len(latencies),
            "p50": _rounded(percentile(latencies, 0.5)),
            "p95": _rounded(percentile(latencies, 0.95)),
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


def print_report(console: Console, report: Report, *, speed: float = 1.0) -> None:
    """The table, and where the files are."""
    table = Table(title=f"Call {report.call.call}", title_justify="left")
    for heading in ("turn", "first audio", "reply", "heard", "tools"):
        table.add_column(heading, justify="right")
    table.add_column("caller", overflow="fold", ratio=1)
    for turn in report.turns:
        latency = turn.first_audio_ms if speed == 1.0 else None
        table.add_row(
            str(turn.number),
            "-" if latency is None else f"{latency:.0f} ms",
            f"{turn.reply_ms / 1000:.1f} s",
            "-" if turn.heard_share is None else f"{turn.heard_share:.0%}{' cut' if turn.interrupted else ''}",
            f"{turn.tool_ms:.0f} ms" if turn.tools else "-",
            " ".join(turn.caller) or "(the agent begins)",
        )
    console.print()
    console.print(table)
    _print_figures(console, report, speed)
    _print_files(console, report)


def _print_figures(console: Console, report: Report, speed: float) -> None:
    latencies = first_audio_ms(report.turns)
    if speed != 1.0:
        console.print(f"First audio is not shown: the call ran at {speed:g} times real time.")
    elif latencies:
        p50, p95 = percentile(latencies, 0.5), percentile(latencies, 0.95)
        console.print(
            f"End of speech to first audio over {len(latencies)} turns: p50 {p50:.0f} ms, p95 {p95:.0f} ms "
            "(server side: no network, no loudspeaker)."
        )
    if report.timeline.header.simulated:
        console.print("The model was simulated: its figures say nothing about a provider.")
    facts, effects = report.replay.facts, report.replay.effects
    if report.replay.identical:
        console.print(f"Replay: {facts} facts give the same {effects} effects again.")
    else:
        console.print(f"[bold red]Replay differs[/] after {facts} facts: see 'vivavoce replay {report.call.folder}'.")


def _print_files(console: Console, report: Report) -> None:
    call = report.call
    console.print(f"Timeline:  {call.folder / TIMELINE_FILE}", soft_wrap=True)
    if call.recording is not None:
        console.print(f"Recording: {call.recording} (caller left, agent right)", soft_wrap=True)
    else:
        console.print("No recording: the agent file does not allow it ([recording] keep = true).")
    if call.store_failure:
        console.print(f"[bold red]Not all was kept:[/] {call.store_failure}", soft_wrap=True)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
