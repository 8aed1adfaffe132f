"""Counts, gauges and histograms for Prometheus: one registry for each process, and several processes' texts as one.

In Prometheus' text format 0.0.4, or in OpenMetrics with an exemplar, the call's ``trace_id``, in each bucket.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.record import CallRecord, TurnRecord
from vivavoce.server.families import FAMILIES, Family
from vivavoce.server.observations import Observation, of_call, of_turn
from vivavoce.telemetry.identity import trace_hex

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_EOF = "# EOF"

VALUES = 100
"""Of one label that is not a fixed set of ours: what comes later is :data:`OTHER`."""
SERIES = 1000
"""Of one name, histograms' buckets not counted; past them every such label is :data:`OTHER`."""
OTHER = "other"
OPEN_LABELS = frozenset({"agent", "channel", "model", "tool", "tenant", "name", "currency"})

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """One value, of one of :data:`~vivavoce.server.families.FAMILIES`."""

    name: str
    labels: Labels
    value: float


class Metrics:
    """Those of one process. Every method may be called by any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._meters: dict[str, Counter | Histogram] = {}
        self._bounds = _Bounds()
        self._lock = threading.Lock()

    def count(self, name: str, **labels: str) -> None:
        """One more. ``name`` is a counter among :data:`~vivavoce.server.families.FAMILIES`."""
        self._add(Observation(name, 1.0, labels))

    def turn(self, call: CallRecord, turn: TurnRecord) -> None:
        """One turn that is over, told once."""
        self._add_all(of_turn(call, turn), trace_hex(call.call))

    def call_ended(self, record: CallRecord, cost: CallCost, *, turns_told: int = 0) -> None:
        """A call that is over, told once, with its turns but for those that :meth:`turn` was given before."""
        for turn in record.turns[turns_told:]:
            self.turn(record, turn)
        self._add_all(of_call(record, cost), trace_hex(record.call))

    def samples(self) -> Iterator[Sample]:
        """All counters."""
        for metric in self._collected():
            for sample in metric.samples:
                if metric.type == "counter":
                    yield Sample(sample.name, tuple(sorted(sample.labels.items())), sample.value)

    def exposition(self, read: Iterable[Sample] = (), *, openmetrics: bool = False, **everywhere: str) -> str:
        """The text. ``read`` are values of this moment, ``everywhere`` labels of every sample."""
        metrics = [*self._collected(), *_families(read)]
        collector = cast("CollectorRegistry", _Collected([_labelled(metric, everywhere) for metric in metrics]))
        write = _write_openmetrics if openmetrics else generate_latest
        return write(collector).decode()

    def _collected(self) -> Iterator[Metric]:
        with self._lock:
            found = list(self._registry.collect())
        order = {name: place for place, name in enumerate(FAMILIES)}
        for metric in found:
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
        yield from sorted(found, key=lambda metric: order.get(metric.name, order.get(f"{metric.name}_total", 0)))

    def _add_all(self, observations: Iterable[Observation], trace: str) -> None:
        for observation in observations:
            self._add(observation, trace)

    def _add(self, observation: Observation, trace: str = "") -> None:
        name, value, labels = observation
        with self._lock:
            meter = self._meters.get(name)
            if meter is None:
                meter = self._meters[name] = _meter(name, FAMILIES[name], self._registry)
            bounded = self._bounds.bounded(name, labels)
        one: Any = meter.labels(**bounded) if bounded else meter
        if isinstance(meter, Histogram):
            one.observe(value, {"trace_id": trace} if trace else None)
        else:
            one.inc(value)


def accepts_openmetrics(accept: str) -> bool:
    """Whether whoever asks with this ``Accept`` takes OpenMetrics, which Prometheus does unless told not to."""
    for offer in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in offer.split(";"))
        if kind == "application/openmetrics-text" and "q=0" not in parameters and "version=2.0.0" not in parameters:
            return True
    return False


def merged(texts: Iterable[str]) -> str:
    """Several processes' texts as one: a name is explained once, all its samples follow, and the end comes once."""
    by_name: dict[str, list[str]] = {}
    ends = False
    for text in texts:
        name = ""
        for line in text.split("\n"):  # and at nothing else that ends a line: a name may have it in it
            if line == _EOF:
                ends = True
            elif line.startswith("# "):
                name = line.split(" ", 3)[2]
                lines = by_name.setdefault(name, [])
                if line not in lines[:3]:
                    lines.append(line)
            elif line:
                by_name.setdefault(name or line.partition("{")[0].partition(" ")[0], []).append(line)
    return "\n".join([*(line for lines in by_name.values() for line in lines), *([_EOF] if ends else []), ""])


class _Bounds:
    """Keeps the number of series small, whatever names come."""

    def __init__(self) -> None:
        self._values: dict[str, set[str]] = {}
        self._series: dict[str, set[tuple[str, ...]]] = {}

    def bounded(self, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        known = self._series.setdefault(name, set())
        if tuple(labels.values()) in known:
            return dict(labels)
        bounded = {label: self._value(label, value) for label, value in labels.items()}
        if len(known) >= SERIES and tuple(bounded.values()) not in known:
            return {label: OTHER if label in OPEN_LABELS else value for label, value in bounded.items()}
        known.add(tuple(bounded.values()))
        return bounded

    def _value(self, label: str, value: str) -> str:
        if label not in OPEN_LABELS:
            return value
        values = self._values.setdefault(label, set())
        if value not in values and len(values) >= VALUES:
            return OTHER
        values.add(value)
        return value


class _Collected:
    """What prometheus-client writes out, in the place of a registry."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _write_openmetrics(collector: CollectorRegistry) -> bytes:
    write = cast("Callable[[CollectorRegistry], bytes]", openmetrics_exposition.generate_latest)
    return write(collector)


def _meter(name: str, family: Family, registry: CollectorRegistry) -> Counter | Histogram:
    if family.kind == "histogram":
        return Histogram(name, family.meaning, family.labels, buckets=family.buckets, registry=registry)
    return Counter(name, family.meaning, family.labels, registry=registry)


def _families(samples: Iterable[Sample]) -> Iterator[Metric]:
    by_name: dict[str, dict[tuple[str, ...], float]] = {}
    for name, labels, value in samples:
        given = dict(labels)
        by_name.setdefault(name, {})[tuple(given[label] for label in FAMILIES[name].labels)] = value
    for name, family in FAMILIES.items():
        if name in by_name:
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(name, family.meaning, labels=family.labels)
            for values, value in by_name[name].items():
                metric.add_metric(values, value)
            yield metric


def _labelled(metric: Metric, everywhere: Mapping[str, str]) -> Metric:
    """With those labels too."""
    changed = copy.copy(metric)
    changed.samples = [sample._replace(labels={**everywhere, **sample.labels}) for sample in metric.samples]
    return changed
