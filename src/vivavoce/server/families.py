"""What ``/metrics`` offers: every name with its kind, labels and meaning: docs/reference/metrics-exported.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]

WAITS_S = (0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.5, 3.5, 4.0, 5.0, 7.5, 10.0)
"""The bounds of the objectives are among them: a share of turns within an objective is then exact."""
PARTS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 10.0)
GAPS_S = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0)
CALLS_S = (5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 480.0, 600.0, 900.0, 1800.0, 3600.0)


class Family(NamedTuple):
    """One name. ``buckets`` are a histogram's bounds in seconds."""

    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


COUNTERS: Mapping[str, Family] = {
    "vivavoce_calls_total": Family("counter", "Calls that began, by agent.", ("agent",)),
    "vivavoce_calls_ended_total": Family(
        "counter", "Calls that ended, by agent and disposition.", ("agent", "disposition")
    ),
    "vivavoce_calls_refused_total": Family("counter", "Calls that were not let in, by reason.", ("reason",)),
    "vivavoce_requests_refused_total": Family("counter", "Requests that were not let in, by reason.", ("reason",)),
    "vivavoce_connections_refused_total": Family(
        "counter", "Connections that were closed before a request, by reason.", ("reason",)
    ),
    "vivavoce_sessions_cut_total": Family(
        "counter", "Sessions ended because their client did not keep a limit, by reason.", ("reason",)
    ),
}
GAUGES: Mapping[str, Family] = {
    "vivavoce_live_calls": Family("gauge", "Calls that are live in this process."),
    "vivavoce_max_calls": Family("gauge", "How many calls may be live at once, in all processes."),
    "vivavoce_draining": Family("gauge", "1 while the server lets its last calls end."),
    "vivavoce_loop_lag_p99_seconds": Family("gauge", "How late the event loop was, over the last ten seconds."),
    "vivavoce_resident_bytes": Family("gauge", "Memory of this process."),
}
"""docs/reference/server.md lists these two."""

_TURN = ("agent", "model", "channel", "kind", "simulated")
_MONEY = ("currency", "tenant", "simulated")

OF_CALLS: Mapping[str, Family] = {
    "vivavoce_turn_latency_seconds": Family(
        "histogram", "From the caller's end of speech to the agent's first sound.", (*_TURN, "basis"), WAITS_S
    ),
    "vivavoce_turn_share_seconds": Family("histogram", "What a turn's latency is made of.", (*_TURN, "part"), PARTS_S),
    "vivavoce_turns_total": Family("counter", "Turns of calls that are over.", _TURN),
    "vivavoce_barge_ins_total": Family("counter", "Turns in which the caller cut the agent off.", _TURN),
    "vivavoce_call_duration_seconds": Family(
        "histogram", "From opening to end.", ("agent", "channel", "simulated"), CALLS_S
    ),
    "vivavoce_calls_set_up_total": Family(
        "counter", "Calls that are over, by what came of setting them up.", ("agent", "channel", "simulated", "outcome")
    ),
    "vivavoce_calls_dropped_total": Family(
        "counter", "Answered calls that neither side ended.", ("agent", "channel", "simulated", "reason")
    ),
    "vivavoce_calls_torn_total": Family("counter", "Calls whose process did not live to end them.", ("agent",)),
    "vivavoce_tokens_total": Family("counter", "Tokens by the provider's own count.", ("model", "kind", "simulated")),
    "vivavoce_usage_gaps_total": Family(
        "counter", "Connections whose total is not the sum of what was reported.", ("model",)
    ),
    "vivavoce_spend_total": Family("counter", "What calls cost, in units of the currency.", ("item", "name", *_MONEY)),
    "vivavoce_unheard_spend_total": Family("counter", "Of that, for speech that was not heard.", _MONEY),
    "vivavoce_renewal_spend_total": Family("counter", "Of that, for telling sessions what was said before.", _MONEY),
    "vivavoce_silence_spend_total": Family("counter", "Of that, for the caller's silence.", _MONEY),
    "vivavoce_unpriced_calls_total": Family("counter", "Calls that used what has no price.", ("name", "simulated")),
    "vivavoce_tool_calls_total": Family("counter", "Tool calls.", ("tool", "status")),
    "vivavoce_tool_duration_seconds": Family("histogram", "How long tools ran.", ("tool",), WAITS_S),
    "vivavoce_swaps_total": Family("counter", "Times another model session took over.", ("moment", "simulated")),
    "vivavoce_swap_gap_seconds": Family("histogram", "The silence that a swap added.", ("moment", "simulated"), GAPS_S),
    "vivavoce_audio_lost_seconds_total": Family("counter", "Callers' audio that no model got.", ("agent", "simulated")),
    "vivavoce_call_errors_total": Family("counter", "Faults of models, channels and tools in calls.", ("agent",)),
}
READ: Mapping[str, Family] = {
    "vivavoce_agent_calls": Family("gauge", "Live calls in this process, by agent.", ("agent",)),
    "vivavoce_model_sessions": Family("gauge", "Live calls in this process, by the model they began with.", ("model",)),
    "vivavoce_model_sessions_quota": Family("gauge", "Sessions that the provider allows at once.", ("model",)),
    "vivavoce_bookkeeper_backlog_calls": Family("gauge", "Calls that are over and not in the store yet."),
    "vivavoce_bookkeeper_oldest_seconds": Family("gauge", "How long the oldest of them has waited."),
    "vivavoce_bookkeeper_kept_total": Family("counter", "Calls that were put into the store."),
    "vivavoce_bookkeeper_failures_total": Family("counter", "Tries to write to the store that failed."),
    "vivavoce_deliveries_total": Family("counter", "Tries to tell webhooks, by how they went.", ("result",)),
    "vivavoce_traces_total": Family("counter", "Calls that were handed to the trace exporter."),
}
"""Read when somebody asks; the bookkeeper's only where there is one."""

FAMILIES: Mapping[str, Family] = {**COUNTERS, **GAUGES, **OF_CALLS, **READ}
