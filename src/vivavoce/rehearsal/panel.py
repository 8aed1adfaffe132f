"""The panel: calls put together, in figures with their counts. ``docs/reference/scores.md`` says what each means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vivavoce.events import FloorVerdict
from vivavoce.rehearsal.barge_in import StopTime, stop_times
from vivavoce.rehearsal.figures import Figure, Spread, mean, rate, ratio, spread
from vivavoce.rehearsal.outcomes import Conversation, Outcomes, judge
from vivavoce.rehearsal.resumption import Resumption, resumptions
from vivavoce.rehearsal.slots import corrected_slots
from vivavoce.rehearsal.truth import SaidKind

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Cancellations:
    """How often the model had broken off its reply for what was then found to be no interruption, and how often what it
    had made by then was played on."""

    cut: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Panel:
    """``rows`` are tau-voice's symbols and a few of our own, ``spreads`` latencies in seconds."""

    calls: int
    rows: dict[str, Figure]
    spreads: dict[str, Spread]
    cancellations: Cancellations

    def value(self, symbol: str) -> float | None:
        return self.rows[symbol].value

    def as_object(self) -> dict[str, Any]:
        """As JSON: numbers rounded to a thousandth."""
        return {
            "calls": self.calls,
            "panel": {symbol: _figure_object(figure) for symbol, figure in self.rows.items()},
            "seconds": {name: _spread_object(found) for name, found in self.spreads.items()},
            "self_cancellations": {
                "cut": self.cancellations.cut,
                "repaired": self.cancellations.repaired,
                "unrepaired": self.cancellations.cut - self.cancellations.repaired,
            },
        }


MEANINGS = {
    "L_R": "seconds from the caller's end to the answer",
    "R_R": "turns that were answered before the caller spoke again",
    "R_Y": "interruptions for which the agent stopped within 2 s",
    "L_Y": "seconds until it had stopped",
    "I_A": "times the agent began into the caller's words, per turn",
    "S_BC": "backchannels over which it went on",
    "S_VT": "coughs and hesitations over which it went on",
    "S_ND": "other people's talk over which it went on",
    "early": "answers that began into the caller's end",
    "resumed": "false stops after which it went on with the same words",
    "repeated": "of what it then said, the share already heard",
    "corrected": "corrections of which the last value reached the tool",
}


def panel(conversations: Sequence[Conversation]) -> Panel:
    judged = [judge(conversation) for conversation in conversations]
    stops = [_stops(*pair) for pair in zip(conversations, judged, strict=True)]
    taken_up = [resumptions(call, outcome.reactions) for call, outcome in zip(conversations, judged, strict=True)]
    rows = _turn_rows(judged) | _reaction_rows(judged) | _resumption_rows(taken_up)
    rows["corrected"] = rate([corrected_slots(conversation) for conversation in conversations])
    spreads = {
        "answer": spread([_latencies(outcome) for outcome in judged]),
        "detect": _stop_spread(stops, lambda stop: stop.detect_us),
        "decide": _stop_spread(stops, lambda stop: stop.decide_us),
        "flush": _stop_spread(stops, lambda stop: stop.flush_us),
        "drain": _stop_spread(stops, lambda stop: stop.drain_us),
        "paused": _stop_spread(stops, lambda stop: stop.paused_us),
        "stopped": _stop_spread(stops, lambda stop: stop.stopped_us),
        "heard": _stop_spread(stops, lambda stop: stop.heard_us),
        "late": spread([_late(conversation) for conversation in conversations]),
        "resumed": spread([[_s(one.latency_us) for one in call if one.latency_us is not None] for call in taken_up]),
    }
    return Panel(len(conversations), rows, spreads, _cancellations(conversations))


def _turn_rows(judged: Sequence[Outcomes]) -> dict[str, Figure]:
    return {
        "L_R": mean([_latencies(outcome) for outcome in judged]),
        "R_R": rate([[answer.latency_us is not None for answer in outcome.answers] for outcome in judged]),
        "I_A": ratio([(outcome.intrusions, outcome.turns) for outcome in judged]),
        "early": rate([[answer.early for answer in outcome.answers] for outcome in judged]),
    }


def _reaction_rows(judged: Sequence[Outcomes]) -> dict[str, Figure]:
    interruptions = [outcome.reactions_to(SaidKind.INTERRUPTION) for outcome in judged]
    stops = [[_s(one.stop_us) for one in call if one.stop_us is not None] for call in interruptions]
    return {
        "R_Y": rate([[reaction.yielded for reaction in call] for call in interruptions]),
        "L_Y": mean(stops),
        "S_BC": rate([_kept(outcome, SaidKind.BACKCHANNEL) for outcome in judged]),
        "S_VT": rate([_kept(outcome, SaidKind.TIC) for outcome in judged]),
        "S_ND": rate([_kept(outcome, SaidKind.OTHERS) for outcome in judged]),
    }


def _kept(outcome: Outcomes, kind: SaidKind) -> list[bool]:
    """Over the agent's speech and in silence."""
    over = [not reaction.yielded for reaction in outcome.reactions_to(kind)]
    return over + [not responded for said, responded in outcome.responded if said is kind]


def _resumption_rows(taken_up: Sequence[Sequence[Resumption]]) -> dict[str, Figure]:
    repeated = [[one.repeat_ratio for one in call if one.repeat_ratio is not None] for call in taken_up]
    return {"resumed": rate([[one.resumed for one in call] for call in taken_up]), "repeated": mean(repeated)}


def _latencies(outcome: Outcomes) -> list[float]:
    return [_s(answer.latency_us) for answer in outcome.answers if answer.latency_us is not None]


def _late(conversation: Conversation) -> list[float]:
    marks = conversation.marks
    return [_s(us) for us in marks.arrivals.late_us(marks.rate_hz)] if marks is not None and marks.rate_hz else []


def _stops(conversation: Conversation, outcome: Outcomes) -> list[StopTime]:
    return stop_times(conversation, outcome.reactions_to(SaidKind.INTERRUPTION))


def _stop_spread(stops: Sequence[Sequence[StopTime]], part: Callable[[StopTime], int]) -> Spread:
    return spread([[_s(part(stop)) for stop in call] for call in stops])


def _cancellations(conversations: Sequence[Conversation]) -> Cancellations:
    decisions = [decided for call in conversations if call.marks for _, decided in call.marks.decisions]
    cut = [decided for decided in decisions if decided.cut and decided.verdict is FloorVerdict.KEPT]
    return Cancellations(len(cut), sum(decided.rescued > 0 for decided in cut))


def _s(us: int) -> float:
    return us / _US


def _figure_object(figure: Figure) -> dict[str, Any]:
    shown = {"events": figure.events, "calls": figure.calls}
    if figure.too_few:
        return {"value": "too few", **shown}
    return {"value": _rounded(figure.value), "low": _rounded(figure.low), "high": _rounded(figure.high), **shown}


def _spread_object(found: Spread) -> dict[str, Any]:
    shown = {"events": found.events, "calls": found.calls}
    if found.p50 is None:
        return {"p50": "too few", **shown}
    names = ("p50", "p95", "worst_p50", "worst_p95")
    return {**{name: _rounded(getattr(found, name)) for name in names}, **shown}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
