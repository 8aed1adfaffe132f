"""The composition root: what is named in files and on command lines becomes objects here, and only here.

The only module that reads the environment.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from vivavoce.agent.check import Report, check_agent
from vivavoce.agent.declaration import Agent, ModelChoice
from vivavoce.agent.file import load_agent
from vivavoce.agent.problems import Proof
from vivavoce.engine.clock import wall_clock
from vivavoce.engine.spending import why_never_spent
from vivavoce.errors import NotAvailable, SetupFault, StoreFault
from vivavoce.ledger.book import Book, default_book, parse_book
from vivavoce.ledger.cost import CallCost
from vivavoce.ledger.pricing import price_call
from vivavoce.ledger.record import CallRecord
from vivavoce.model.local.model import DESCRIPTION as LOCAL_DESCRIPTION
from vivavoce.model.local.model import EMBEDDED, LocalModel
from vivavoce.model.nova.catalogue import MODELS as NOVA_MODELS
from vivavoce.model.nova.model import DESCRIPTION as NOVA_DESCRIPTION
from vivavoce.model.nova.model import NovaModel
from vivavoce.model.port import Model
from vivavoce.model.scripted import Script, ScriptedModel, read_script
from vivavoce.server.books import Books, Shelf
from vivavoce.server.settings import ServerSettings
from vivavoce.store.apart import ReaderApart
from vivavoce.store.bookkeeper import Bookkeeper
from vivavoce.store.books import Duties, sync
from vivavoce.store.opening import open_store
from vivavoce.store.port import Ledger
from vivavoce.telemetry.courier import Courier, deliveries_for
from vivavoce.telemetry.traces import open_tracer
from vivavoce.tools import ask_servers
from vivavoce.voice.ear import why_not_here as why_no_ear

if TYPE_CHECKING:
    from vivavoce.store.store import Store

Clock = Callable[[], datetime]
"""The time of day, for agents that are asked for "tomorrow"."""

NOBODY = Agent(name="", instructions="")
"""For asking whether a model works at all, where no agent is to be had."""

_EXAMPLE_DATA = "VIVAVOCE_EXAMPLE_DATA"


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A model that an agent file can name. ``needs`` says what its settings must hold; ``paths`` are the settings that
    name files, which begin in the folder of the agent file. ``why_not_here`` is asked without settings. A ``remote``
    one has the settings ``endpoint`` and ``ca_file``."""

    name: str
    description: str
    make: Callable[[Agent, Mapping[str, Any], Clock], Model]
    why_not_here: Callable[[], str]
    needs: str = ""
    paths: tuple[str, ...] = ()
    remote: bool = False


def environment() -> Mapping[str, str]:
    return os.environ


def calls_folder() -> Path:
    """Where calls are kept unless a command says otherwise: ``VIVAVOCE_CALLS``, else ``calls`` in this folder."""
    return Path(environment().get("VIVAVOCE_CALLS") or "calls")


def store_url(calls: Path, given: str | None = None) -> str:
    """Where calls are kept once they are over: what was given, else ``VIVAVOCE_STORE``, else ``ledger.db`` in their
    folder."""
    return given or environment().get("VIVAVOCE_STORE") or f"sqlite:///{calls / 'ledger.db'}"


def price_book(own: Path | None = None) -> Book:
    """The book that comes with Vivavoce, with the prices of that file, else of ``VIVAVOCE_PRICES``, on top."""
    named = own or (Path(chosen) if (chosen := environment().get("VIVAVOCE_PRICES")) else None)
    if named is None:
        return default_book()
    try:
        text = named.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "it is no text"
        raise SetupFault(f"the price book {named} cannot be read: {why}") from error
    return default_book().merged(parse_book(text, str(named)))


@contextmanager
def open_records(calls: Path | None, store: str | None, book: Book | None = None) -> Iterator[Ledger]:
    """The store, brought up to date from the folder of calls. Raises :class:`~vivavoce.errors.SetupFault`."""
    folder = calls or calls_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    prices = book or price_book()
    with _open_store(store_url(folder, store), prices) as opened:
        sync(opened, folder, duties(prices), now=wall_clock)
        yield opened


def _open_store(url: str, book: Book) -> Store:
    """With the prices that calls are told to have been charged by."""
    store = open_store(url, now=wall_clock)
    try:
        store.put_book(book)
    except BaseException:
        store.close()
        raise
    return store


def duties(book: Book) -> Duties:
    """What is done with a call that is over, where nobody else is told of it."""
    return Duties(price=partial(price_call, book=book))


def open_books(settings: ServerSettings, calls: Path) -> Books:
    """What a server does with calls that are over. Raises :class:`~vivavoce.errors.SetupFault`."""
    url = store_url(calls, settings.store)
    book = price_book(Path(settings.prices) if settings.prices else None)
    calls.mkdir(mode=0o700, parents=True, exist_ok=True)
    shelf = Shelf(lambda: _open_store(url, book))
    with suppress(StoreFault):  # it is away: calls are kept once it is there, and the bookkeeper says so
        shelf.open()
    traced = settings.telemetry
    tracer = open_tracer(traced.otlp_endpoint, speech=traced.speech) if traced.traces else None
    webhooks = [line.made() for line in settings.webhooks]
    reader = ReaderApart()
    courier = Courier(webhooks, now=wall_clock, jitter=random.random) if webhooks else None

    def on_kept(record: CallRecord, cost: CallCost, *, fresh: bool) -> None:
        if tracer is not None and fresh:
            tracer.call_ended(record, cost)

    def stop() -> None:
        reader.close()
        if courier is not None:
            courier.close()
        if tracer is not None:
            tracer.stop()

    told = Duties(
        price=partial(price_call, book=book),
        read=reader.read,
        deliveries=lambda record, cost: deliveries_for(record, cost, webhooks),
        on_kept=on_kept,
    )
    keeper = Bookkeeper(shelf.open, calls, told, now=wall_clock, jitter=random.random, courier=courier)
    return Books(
        book=book,
        budgets=settings.budgets,
        now=wall_clock,
        keeping=keeper,
        shelf=shelf,
        on_stop=stop,
    )


def cache_folder() -> Path:
    """Where things are kept that can be made again: ``XDG_CACHE_HOME``, else as each system has it."""
    chosen = environment().get("XDG_CACHE_HOME")
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return (Path(chosen) if chosen else usual) / "vivavoce"


@contextmanager
def fresh_example_data() -> Iterator[None]:
    """While the block runs, the tools of the examples keep their databases in a folder that is gone afterwards: what
    one demo books must not be taken in the next."""
    before = os.environ.get(_EXAMPLE_DATA)
    with TemporaryDirectory(prefix="vivavoce-") as folder:
        os.environ[_EXAMPLE_DATA] = folder
        try:
            yield
        finally:
            os.environ.pop(_EXAMPLE_DATA)
            if before is not None:
                os.environ[_EXAMPLE_DATA] = before


def _make_local(agent: Agent, settings: Mapping[str, Any], now: Clock) -> LocalModel:
    return LocalModel(agent, settings, now=now, environment=environment())


def _make_scripted(agent: Agent, settings: Mapping[str, Any], now: Clock) -> ScriptedModel:
    del agent, now  # the script says it all
    if set(settings) != {"script"} or not isinstance(settings["script"], str):
        raise SetupFault("the scripted model has one setting, script: the file to follow", hint=_SCRIPTED_NEEDS)
    return ScriptedModel(read_script(Path(settings["script"])))


def _make_nova(model_id: str) -> Callable[[Agent, Mapping[str, Any], Clock], NovaModel]:
    def make(agent: Agent, settings: Mapping[str, Any], now: Clock) -> NovaModel:
        return NovaModel(agent, {"model_id": model_id, **settings}, now=now, environment=environment())

    return make


def _nova_kind(name: str, model_id: str) -> ModelKind:
    make = _make_nova(model_id)
    return ModelKind(
        name,
        f"{NOVA_MODELS[model_id].name}. {NOVA_DESCRIPTION}",
        make,
        lambda: make(NOBODY, {}, wall_clock).why_not_here(),
        paths=("ca_file",),
        remote=True,
    )


_SCRIPTED_DESCRIPTION = (
    "Simulated: follows a file of events with times and speaks in tones. For tests, and for demos of timing without a "
    "provider."
)
_SCRIPTED_NEEDS = '[models.settings] script = "timing.toml" in the agent file; see docs/reference/scripted-model.md'

MODEL_KINDS: Mapping[str, ModelKind] = {
    kind.name: kind
    for kind in (
        ModelKind(
            "local",
            LOCAL_DESCRIPTION,
            _make_local,
            lambda: _make_local(NOBODY, {}, wall_clock).why_not_here(),
            paths=("recognizer", "voice_model"),
        ),
        *(_nova_kind(nova.slug, nova.model_id) for nova in NOVA_MODELS.values()),
        ModelKind(
            "scripted",
            _SCRIPTED_DESCRIPTION,
            _make_scripted,
            lambda: ScriptedModel(Script()).why_not_here(),
            needs=f"It needs {_SCRIPTED_NEEDS}.",
            paths=("script",),
        ),
    )
}

REMOTE_MODELS = tuple(kind.name for kind in MODEL_KINDS.values() if kind.remote)


def make_model(agent: Agent, choice: ModelChoice, now: Clock = wall_clock) -> Model:
    """Raises :class:`SetupFault` for an unknown name or settings the model does not take."""
    kind = MODEL_KINDS.get(choice.name)
    if kind is None:
        known = ", ".join(MODEL_KINDS)
        raise SetupFault(f"there is no model named {choice.name!r}", hint=f"this version knows {known}")
    return kind.make(agent, choice.settings, now)


def usable_models(
    agent: Agent, choices: Sequence[ModelChoice] | None = None, *, now: Clock = wall_clock
) -> list[Model]:
    """The agent's models, or those of ``choices``, that can be used here, in order of preference. Raises
    :class:`NotAvailable`, with every model's reason, if there is none."""
    usable: list[Model] = []
    reasons: list[str] = []
    for choice in choices if choices is not None else agent.models:
        try:
            model = make_model(agent, choice, now)
            reason = model.why_not_here()
        except SetupFault as fault:
            reason = str(fault)
        if reason:
            reasons.append(f"{choice.name}: {reason}")
        else:
            usable.append(model)
    if not usable:
        raise NotAvailable(f"no model of this agent can be used here. {'; '.join(reasons)}", hint="vivavoce models")
    return usable


def read_agent(path: Path, variables: Mapping[str, str], version: str | None) -> Agent:
    """An agent file, rendered with this process's environment."""
    agent = load_agent(path, variables=variables, version=version, environment=environment(), ask_servers=ask_servers)
    if agent.turns.listens and (reason := why_no_ear()):
        raise NotAvailable(f'turns.interruption = "{agent.turns.interruption}" cannot be had here: {reason}')
    return replace(agent, models=tuple(_beside(path, choice) for choice in agent.models))


def prove_agent(path: Path, variables: Mapping[str, str], version: str | None) -> Report:
    """Everything that can be known of an agent without taking a call."""

    def problem(agent: Agent | None, choice: ModelChoice) -> str:
        try:
            return make_model(agent or NOBODY, _beside(path, choice)).why_not_here()
        except SetupFault as fault:
            return str(fault)

    report = check_agent(
        path,
        variables=variables,
        version=version,
        environment=environment(),
        model_problem=problem,
        why_no_ear=why_no_ear,
        ask_servers=ask_servers,
    )
    return replace(report, proofs=(*report.proofs, *_spend_proofs(report.agent), *_example_proofs(report.agent)))


def _spend_proofs(agent: Agent | None) -> list[Proof]:
    spend = agent.limits.spend if agent is not None else None
    if agent is None or spend is None:
        return []
    book = price_book()
    doubt = why_never_spent(agent, [choice.name for choice in agent.models], book)
    return [Proof("spend", f"at most {spend.most} {spend.currency}, at prices of {book.name}", doubt=doubt)]


def _example_proofs(agent: Agent | None) -> list[Proof]:
    """A text model in the place of the embedded one's dialogue wants no examples."""
    settings = [choice.settings for choice in agent.models if choice.name == "local"] if agent is not None else []
    if agent is None or not any(one.get("dialogue", EMBEDDED) == EMBEDDED for one in settings):
        return []
    bare = ", ".join(tool.name for tool in agent.tools if not tool.examples)
    if not bare:
        return []
    doubt = f"the embedded model knows by name alone: {bare} (give each some examples)"
    return [Proof("examples", "what callers say to want a tool", doubt=doubt)]


def _beside(agent_file: Path, choice: ModelChoice) -> ModelChoice:
    """The choice with its paths told from here instead of from the agent file's folder."""
    kind = MODEL_KINDS.get(choice.name)
    placed = {
        name: str(agent_file.parent / value)
        for name, value in choice.settings.items()
        if kind is not None and name in kind.paths and isinstance(value, str) and value
    }
    return replace(choice, settings={**choice.settings, **placed})
