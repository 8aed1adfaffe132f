from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.unit.cli.agents import Command
from vivavoce.cli.exits import Exit
from vivavoce.cli.filters import read_instant
from vivavoce.errors import UsageError

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=2)))
"""In UTC it is still the day before."""


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(days=14)),
        ("today", datetime(2026, 3, 1, tzinfo=UTC)),
        ("yesterday", datetime(2026, 2, 28, tzinfo=UTC)),
        ("2026-02-03", datetime(2026, 2, 3, tzinfo=UTC)),
        ("2026-02-03T04:05", datetime(2026, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-02-03T04:05+01:00", datetime(2026, 2, 3, 3, 5, tzinfo=UTC)),
    ],
)
def test_instants(text: str, instant: datetime) -> None:
    assert read_instant(text, NOW, "--since") == instant


@pytest.mark.parametrize("text", ["soon", "7", "7 d", "-7d", "2026-02-30", "2026-13-01", ""])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(UsageError, match=r"--until .* is no day and no instant"):
        read_instant(text, NOW, "--until")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("calls", "list", "--since", "soon"), "--since 'soon' is no day and no instant"),
        (("calls", "list", "--dearer-than", "much"), "--dearer-than 'much' is no amount"),
        (("calls", "list", "--dearer-than", "NaN"), "--dearer-than 'NaN' is no amount"),
        (("latency", "--by", "kind"), "kinds are told apart in any case"),
        (("costs", "--by", "weather"), "'weather' is nothing to tell calls apart by"),
        (("costs", "--prices", "none.toml"), "the price book none.toml cannot be read"),
        (("calls", "export", "--format", "parquet"), "needs a file"),
        (("calls", "export", "--json"), "needs a file"),
        (("calls", "what"), "No such command 'what'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_opened(
    vivavoce: Command, arguments: tuple[str, ...], told: str
) -> None:
    ran = vivavoce(*arguments)
    assert ran.code == Exit.SETUP
    assert told in ran.err
