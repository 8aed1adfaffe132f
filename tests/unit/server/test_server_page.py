"""docs/reference/server.md says what the server is: every setting, route, code and metric, and no other."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.house.source import ROOT, modules
from vivavoce.server.families import COUNTERS, GAUGES
from vivavoce.server.routes import ROUTES
from vivavoce.server.settings import BudgetLine, KeyLine, Limits, ServerSettings, TelemetryLine, WebhookLine, WebRtc

PAGE = (ROOT / "docs" / "reference" / "server.md").read_text("utf-8")


def table(title: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n.*?^\|[^\n]*\n\|[-|]+\n(.*?)\n(?!\|)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in found[1].splitlines()]


def names(cell: str) -> list[str]:
    return re.findall(r"`([a-z][\w:]*)`", cell)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Settings", ServerSettings),
        ("Limits", Limits),
        ("WebRTC", WebRtc),
        ("API keys", KeyLine),
        ("Budgets", BudgetLine),
        ("Webhooks", WebhookLine),
        ("Traces", TelemetryLine),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings(title: str, kind: type[msgspec.Struct]) -> None:
    told = [name for row in table(title) for name in names(row[0])]
    assert sorted(told) == sorted(kind.__struct_fields__)


def test_defaults_of_limits() -> None:
    for row in table("Limits"):
        told = [float(number) for number in re.findall(r"\d+", row[1])]
        assert told == [float(getattr(Limits(), name)) for name in names(row[0])], row


def test_codes() -> None:
    own = [*modules("src/vivavoce/server/"), *modules("src/vivavoce/console/")]
    sources = "\n".join(module.text for module in own if "/telephony/" not in module.path)
    used = set(re.findall(r'code="([a-z_]+)"', sources)) | {"unknown_parameter"}
    used |= set(re.findall(r'40\d: "([a-z_]+)"', sources)) | {"internal_error"}
    told = {code for row in table("Refusals") for code in names(row[1])}
    assert told == used


def test_metrics() -> None:
    assert [names(row[0])[0] for row in table("Metrics")] == [*COUNTERS, *GAUGES]


def test_routes() -> None:
    told = {path for row in table("Routes") for path in re.findall(r"`(?:GET|POST|WS) ([^`?]+)", row[0])}
    assert {route.path for route in ROUTES} - told == set()
