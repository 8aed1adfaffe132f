"""Counts and gauges in Prometheus' text format, version 0.0.4. A dozen of them: no library is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTERS: Mapping[str, str] = {
    "vivavoce_calls_total": "Calls that began, by agent.",
    "vivavoce_calls_ended_total": "Calls that ended, by agent and disposition.",
    "vivavoce_calls_refused_total": "Calls that were not let in, by reason.",
    "vivavoce_requests_refused_total": "Requests that were not let in, by reason.",
    "vivavoce_connections_refused_total": "Connections that were closed before a request, by reason.",
    "vivavoce_sessions_cut_total": "Sessions ended because their client did not keep a limit, by reason.",
}
GAUGES: Mapping[str, str] = {
    "vivavoce_live_calls": "Calls that are live in this process.",
    "vivavoce_max_calls": "How many calls may be live at once, in all processes.",
    "vivavoce_draining": "1 while the server lets its last calls end.",
    "vivavoce_loop_lag_p99_seconds": "How late the event loop was, over the last ten seconds.",
    "vivavoce_resident_bytes": "Memory of this process.",
}
"""docs/reference/server.md lists them."""

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """One value, of one of :data:`COUNTERS` or :data:`GAUGES`."""

    name: str
    labels: Labels
    value: float


class Metrics:
    """The counts of one process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Labels]] = Counter()

    def count(self, name: str, **labels: str) -> None:
        """One more. ``name`` is one of :data:`COUNTERS`, and the values of labels are few and ours."""
        assert name in COUNTERS
        self._counts[name, tuple(sorted(labels.items()))] += 1

    def samples(self) -> Iterator[Sample]:
        for (name, labels), value in self._counts.items():
            yield Sample(name, labels, value)


def exposition(samples: Iterable[Sample], **everywhere: str) -> str:
    """The text. ``everywhere`` are labels of every sample."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines: list[str] = []
    for kind, names in (("counter", COUNTERS), ("gauge", GAUGES)):
        for name, meaning in names.items():
            if name in by_name:
                lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
                lines += [_line(sample, everywhere) for sample in by_name[name]]
    return "\n".join([*lines, ""])


def merged(texts: Iterable[str]) -> str:
    """Several processes' texts as one: a name is explained once, and all its samples follow."""
    by_name: dict[str, list[str]] = {}
    for line in (line for text in texts for line in text.splitlines() if line):
        name = line.split(" ", 3)[2] if line.startswith("#") else line.partition("{")[0].partition(" ")[0]
        lines = by_name.setdefault(name, [])
        if not (line.startswith("#") and line in lines):
            lines.append(line)
    return "\n".join([*(line for lines in by_name.values() for line in lines), ""])


def _line(sample: Sample, everywhere: Mapping[str, str]) -> str:
    labels = {**everywhere, **dict(sample.labels)}
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    value = int(sample.value) if sample.value == int(sample.value) else sample.value
    return f"{sample.name}{{{inside}}} {value}" if inside else f"{sample.name} {value}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
