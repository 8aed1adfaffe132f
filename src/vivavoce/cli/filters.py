"""Which calls a command is about, and where they are kept: the options that all commands over the store share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import click

from vivavoce import app
from vivavoce.cli import options
from vivavoce.cli.exits import Outcome
from vivavoce.cli.terminal import Terminal
from vivavoce.engine.clock import wall_clock
from vivavoce.errors import UsageError
from vivavoce.events import Disposition
from vivavoce.ledger.record import TurnKind
from vivavoce.store.port import CallFilter, Dimension, Ledger

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

store_option = click.option(
    "--store",
    metavar="URL",
    default=None,
    help="Where finished calls are kept.  [default: $VIVAVOCE_STORE, else ledger.db in the folder of calls]",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the calls are: what ``--calls`` and ``--store`` say, None where they say nothing."""

    calls: Path | None
    store: str | None

    @contextmanager
    def open(self) -> Iterator[Ledger]:
        """The store, brought up to date from the folder of calls, which is said on a terminal while it lasts."""
        with ExitStack() as stack:
            with Terminal(stderr=True).working("bringing the store up to date ..."):
                ledger = stack.enter_context(app.open_records(self.calls, self.store))
            yield ledger


@dataclass(frozen=True, slots=True)
class Given:
    """The options of :func:`filter_options`, as they were typed."""

    since: str | None
    until: str | None
    agent: str | None
    tenant: str | None
    model: str | None
    channel: str | None
    disposition: str | None
    kind: str | None
    text: str | None
    simulated: bool | None
    torn: bool
    slower_than_ms: float | None
    dearer_than: str | None

    def read(self, now: datetime) -> CallFilter:
        """Raises :class:`UsageError` for an instant or an amount that is none."""
        return CallFilter(
            since=None if self.since is None else read_instant(self.since, now, "--since"),
            until=None if self.until is None else read_instant(self.until, now, "--until"),
            agent=self.agent or "",
            tenant=self.tenant,
            model=self.model or "",
            channel=self.channel or "",
            disposition=self.disposition or "",
            kind=None if self.kind is None else TurnKind(self.kind),
            simulated=self.simulated,
            torn=True if self.torn else None,
            text=self.text or "",
            slower_than_ms=self.slower_than_ms,
            dearer_than=None if self.dearer_than is None else _read_amount(self.dearer_than),
        )


def place_options(command: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """``--calls``, ``--store`` and ``--json``; the command gets a :class:`Place` first."""

    @functools.wraps(command)
    def with_place(*, calls: Path | None, store: str | None, **given: Any) -> Outcome:
        return command(Place(calls, store), **given)

    decorated: Callable[..., Outcome] = with_place
    for option in (options.as_json_option, options.calls_option, store_option):
        decorated = option(decorated)
    return decorated


def filter_options(command: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Give a command the options that choose calls, and those of :func:`place_options`; it gets a :class:`Place` and a
    :class:`CallFilter` first."""
    names = [field.name for field in fields(Given)]

    @functools.wraps(command)
    def with_filter(place: Place, **given: Any) -> Outcome:
        chosen = Given(**{name: given.pop(name) for name in names})
        return command(place, chosen.read(wall_clock()), **given)

    decorated = place_options(with_filter)
    for option in reversed(_FILTERS):
        decorated = option(decorated)
    return decorated


def _one_of(what: str, words: type[StrEnum]) -> str:
    return f"{what}: {', '.join(words)}."


_FILTERS = (
    click.option("--since", metavar="WHEN", help="From then on: 7d, 24h, today, 2026-03-02, 2026-03-02T09:15+01:00."),
    click.option("--until", metavar="WHEN", help="Before then, likewise."),
    click.option("--agent", metavar="NAME", help="Of this agent."),
    click.option("--tenant", metavar="NAME", help="Of this tenant; '' is those of none."),
    click.option("--model", metavar="NAME", help="In which this model spoke."),
    click.option("--channel", metavar="NAME", help="That came in by this channel."),
    click.option(
        "--disposition",
        type=click.Choice([one.value for one in Disposition]),
        metavar="WORD",
        help=_one_of("That ended so", Disposition),
    ),
    click.option(
        "--kind",
        type=click.Choice([one.value for one in TurnKind]),
        metavar="KIND",
        help=_one_of("With a turn of this kind", TurnKind),
    ),
    click.option("--text", metavar="WORDS", help="With these words in the id, the reason, or what was said."),
    click.option("--simulated/--real", default=None, help="With a stand-in for a model, or without.  [default: both]"),
    click.option("--torn", is_flag=True, help="Whose process did not live to end them."),
    click.option("--slower-than-ms", type=click.FloatRange(0), metavar="MS", help="With a slower turn than that."),
    click.option("--dearer-than", metavar="AMOUNT", help="That cost more than that, in any currency."),
)


def by_option(default: str, *, kinds: bool) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """``--by``, several times or with commas between. ``kinds``: turns are told apart by kind in any case."""
    known = [one for one in _DIMENSIONS if one != "kind"]

    def read(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
        names = [name.strip() for one in given for name in one.split(",") if name.strip()]
        for name in names:
            if name not in known:
                also = "; kinds are told apart in any case" if name == "kind" and kinds else ""
                raise UsageError(f"--by {name!r} is nothing to tell calls apart by{also}", hint=", ".join(known))
        return tuple(dict.fromkeys(names))

    return click.option(
        "--by",
        multiple=True,
        default=(default,) if default else (),
        metavar="WHAT",
        callback=read,
        help=f"Tell apart by {', '.join(known)}; repeat for more.  [default: {default or 'nothing'}]",
    )


def read_instant(text: str, now: datetime, option: str) -> datetime:
    """``7d``, ``24h``, ``today``, ``yesterday``, a day (its beginning) or an instant, of UTC unless it has an offset.
    Raises :class:`UsageError`."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    if ago := re.fullmatch(r"(\d{1,5})([mhdw])", text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "7d, 24h, today, 2026-03-02 or 2026-03-02T09:15+01:00"
        raise UsageError(f"{option} {text!r} is no day and no instant", hint=hint) from error
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _read_amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"--dearer-than {text!r} is no amount", hint="for example 0.25")
    return amount
