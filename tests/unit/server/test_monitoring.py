"""The dashboard and the alerts in examples/monitoring ask for what the server exposes, by labels that are there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.house.source import ROOT
from vivavoce.server.families import FAMILIES

FOLDER = ROOT / "examples" / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text("utf-8"))
ALERTS = re.findall(r"- alert: (\w+)\n +expr: >-\n +(.+)\n +for: \w+\n", (FOLDER / "alerts.yml").read_text("utf-8"))
EXPRESSIONS = [expression for _, expression in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
]
SELECTOR = re.compile(r"(vivavoce_\w+)(?:\{([^}]*)\})?")
BY = re.compile(r"by \(([^)]*)\)")


def mistakes(expression: str) -> Iterator[str]:
    """What Prometheus would answer with nothing at all, and not with an error."""
    labels: set[str] = {"worker", "le"}
    for name, matchers in SELECTOR.findall(expression):
        family = FAMILIES.get(name) or FAMILIES.get(name.removesuffix("_bucket"))
        if family is None:
            yield f"no {name}"
            continue
        if name.endswith("_bucket") != (family.kind == "histogram"):
            yield f"{name} is a {family.kind}"
        labels |= set(family.labels)
        used = re.findall(r'(\w+)(?:=~|!=|!~|=)"', matchers)
        yield from (f"{name} has no {label}" for label in used if label not in (*family.labels, "worker", "le"))
    grouped = {label.strip() for group in BY.findall(expression) for label in group.split(",")}
    yield from (f"nothing has {label}" for label in grouped - labels)
    for opening, closing in ("()", "{}", "[]"):
        if expression.count(opening) != expression.count(closing):
            yield f"{opening} is not closed"
    if "histogram_quantile" in expression and not all("le" in group.split(", ") for group in BY.findall(expression)):
        yield "a quantile without le"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression_asks_for_what_there_is(expression: str) -> None:
    assert list(mistakes(expression)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "vivavoce_nothing_total",
        'vivavoce_calls_total{color="red"}',
        "sum by (color) (vivavoce_calls_total)",
        "vivavoce_turn_latency_seconds",
        "sum(vivavoce_calls_total",
        "histogram_quantile(0.9, sum by (kind) (rate(vivavoce_turn_latency_seconds_bucket[5m])))",
    ],
)
def test_a_mistake_would_be_noticed(wrong: str) -> None:
    assert list(mistakes(wrong))


def test_every_metric_is_on_the_dashboard_or_watched() -> None:
    seen = {name.removesuffix("_bucket") for text in EXPRESSIONS for name, _ in SELECTOR.findall(text)}
    left_out = {"vivavoce_calls_total", "vivavoce_draining", "vivavoce_live_calls", "vivavoce_traces_total"}
    assert set(FAMILIES) - seen <= left_out


def test_every_objective_has_an_alert() -> None:
    names = " ".join(name for name, _ in ALERTS)
    for part in ("CallSetup", "CallsDropped", "RenewalsFail", "RenewalGap", "LatencyMedian", "LatencyP95", "LatencyP99",
                 "ToolTurns", "OwnLatency", "ModelSessions"):  # fmt: skip
        assert part in names
    assert len(ALERTS) == (FOLDER / "alerts.yml").read_text("utf-8").count("- alert:")


def test_panels_do_not_cover_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
