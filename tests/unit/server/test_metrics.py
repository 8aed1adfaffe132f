"""What the metrics say of calls, how much of it there can be, and how several workers' become one."""

from __future__ import annotations

import re

import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.house.source import ROOT
from tests.unit.telemetry.records import CALL, COST
from vivavoce.server.families import FAMILIES, OF_CALLS, READ
from vivavoce.server.metrics import OTHER, SERIES, VALUES, Metrics, Sample, accepts_openmetrics, merged
from vivavoce.server.observations import set_up
from vivavoce.telemetry.identity import trace_hex

PAGE = (ROOT / "docs" / "reference" / "metrics-exported.md").read_text("utf-8")
QUOTA = Sample("vivavoce_model_sessions_quota", (("model", "nova"),), 20)


def told(metrics: Metrics) -> dict[str, float]:
    """By name and labels, the bounds of buckets apart."""
    values = {}
    for family in read_text(metrics.exposition()):
        for name, labels, value, *_ in family.samples:
            if not name.endswith("_bucket"):
                values[" ".join([name, *(labels[label] for label in sorted(labels))])] = value
    return values


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.call_ended(CALL, COST)
    return metrics


def test_a_call_is_told_in_full(metrics: Metrics) -> None:
    values = told(metrics)
    # Labels in the order of their names: agent, basis or channel, kind, model, part, simulated.
    assert values["vivavoce_turn_latency_seconds_sum desk events twilio tool nova-2-sonic false"] == 1.201
    assert values["vivavoce_turn_latency_seconds_sum desk played twilio tool nova-2-sonic false"] == 1.251
    assert values["vivavoce_turn_share_seconds_sum desk twilio tool nova-2-sonic server false"] == 0.003
    assert values["vivavoce_turn_share_seconds_sum desk twilio tool nova-2-sonic tool false"] == 0.4
    assert values["vivavoce_barge_ins_total desk twilio tool nova-2-sonic false"] == 1
    assert values["vivavoce_call_duration_seconds_sum desk twilio false"] == 20
    assert values["vivavoce_calls_set_up_total desk twilio answered false"] == 1
    assert values["vivavoce_tokens_total speech_out nova-2-sonic false"] == 200
    assert values["vivavoce_spend_total USD model nova-2-sonic false acme"] == 0.012
    assert values["vivavoce_unheard_spend_total USD false acme"] == 0.004
    assert values["vivavoce_unpriced_calls_total twilio false"] == 1
    assert values["vivavoce_tool_calls_total ok find_car"] == 1
    assert values["vivavoce_swaps_total turn_end false"] == 1
    assert values["vivavoce_audio_lost_seconds_total desk false"] == 0.5
    assert not any(name.startswith(("vivavoce_calls_dropped", "vivavoce_calls_torn")) for name in values)


def test_a_turn_that_was_told_before_counts_once() -> None:
    metrics = Metrics()
    metrics.turn(CALL, CALL.turns[0])
    metrics.turn(CALL, CALL.turns[1])
    metrics.call_ended(CALL, COST, turns_told=2)
    again = Metrics()
    again.call_ended(CALL, COST)
    assert told(metrics) == told(again)


@pytest.mark.parametrize(
    ("disposition", "torn", "answered_us", "outcome", "dropped"),
    [
        ("completed", False, 1, "answered", None),
        ("model_lost", False, 1, "answered", "model_lost"),
        ("", True, 1, "answered", "torn"),
        ("completed", False, None, "abandoned", None),
        ("model_lost", False, None, "failed", None),
        ("", True, None, "failed", None),
    ],
)
def test_set_up_and_drops(
    disposition: str, torn: bool, answered_us: int | None, outcome: str, dropped: str | None
) -> None:
    record = msgspec.structs.replace(CALL, disposition=disposition, torn=torn, answered_us=answered_us)
    metrics = Metrics()
    metrics.call_ended(record, COST)
    values = told(metrics)
    assert set_up(record) == outcome
    assert [name.split()[3] for name in values if name.startswith("vivavoce_calls_dropped_total")] == (
        [dropped] if dropped else []
    )
    assert ("vivavoce_calls_torn_total desk" in values) is torn


def test_openmetrics_leads_from_a_bucket_to_a_trace(metrics: Metrics) -> None:
    text = metrics.exposition(openmetrics=True, worker="1")
    families = {family.name: family for family in read_openmetrics(text)}  # type: ignore[no-untyped-call]
    buckets = [
        sample
        for sample in families["vivavoce_turn_latency_seconds"].samples
        if sample.exemplar and sample.labels["basis"] == "events"
    ]
    assert [sample.labels["le"] for sample in buckets] == ["1.5"]
    assert buckets[0].exemplar.labels == {"trace_id": trace_hex("c-1")}
    assert "trace_id" not in metrics.exposition()


@pytest.mark.parametrize("openmetrics", [False, True])
def test_workers_texts_become_one(metrics: Metrics, openmetrics: bool) -> None:
    other = Metrics()
    other.count("vivavoce_calls_total", agent="desk")
    other.call_ended(CALL, COST)
    texts = [one.exposition([QUOTA], openmetrics=openmetrics, worker=str(n)) for n, one in enumerate((metrics, other))]
    text = merged([*texts, ""])
    families = {family.name: family for family in (read_openmetrics if openmetrics else read_text)(text)}
    workers = {sample.labels["worker"] for sample in families["vivavoce_turn_latency_seconds"].samples}
    assert workers == {"0", "1"}
    assert text.count("# TYPE vivavoce_turn_latency_seconds histogram") == 1
    assert text.count("# EOF") == int(openmetrics)
    assert not openmetrics or text.endswith("# EOF\n")


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c", "\n", "\r"])
def test_a_name_cannot_begin_a_line_of_its_own(end: str) -> None:
    named = Metrics()
    named.count("vivavoce_calls_total", agent=f"x{end}vivavoce_calls_total 9")
    text = named.exposition()
    assert merged([text]) == text


def test_counters_read_elsewhere_are_counters() -> None:
    text = Metrics().exposition([Sample("vivavoce_bookkeeper_failures_total", (), 3)])
    assert "# TYPE vivavoce_bookkeeper_failures_total counter\nvivavoce_bookkeeper_failures_total 3.0" in text


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", True),
        ("application/openmetrics-text; version=0.0.1", True),
        ("text/plain", False),
        ("*/*", False),
        ("", False),
        ("application/openmetrics-text;q=0", False),
    ],
)
def test_who_gets_openmetrics(accept: str, openmetrics: bool) -> None:
    assert accepts_openmetrics(accept) is openmetrics


def test_names_do_not_grow_without_end() -> None:
    metrics = Metrics()
    for number in range(VALUES + 50):
        metrics.count("vivavoce_calls_total", agent=f"agent-{number}")
    values = {dict(sample.labels)["agent"]: sample.value for sample in metrics.samples()}
    assert len(values) == VALUES + 1
    assert values[OTHER] == 50
    for number in range(SERIES + 100):
        labels = {"tool": f"t{number % 90}", "status": f"s{number // 90}"}
        metrics.count("vivavoce_tool_calls_total", **labels)
    tools = [sample for sample in metrics.samples() if sample.name == "vivavoce_tool_calls_total"]
    assert sum(sample.value for sample in tools) == SERIES + 100
    assert len(tools) <= SERIES + 10


def test_no_label_can_hold_a_call() -> None:
    assert {label for family in FAMILIES.values() for label in family.labels} & {"call", "caller", "text"} == set()


def test_page_lists_every_name() -> None:
    rows = re.findall(r"^\| `(vivavoce_\w+)` \| (\w+) \| ([^|]*) \|", PAGE, re.MULTILINE)
    assert {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == {
        name: (family.kind, family.labels) for name, family in {**OF_CALLS, **READ}.items()
    }
