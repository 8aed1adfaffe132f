"""What is kept of calls that are over, for whoever may read it (``calls:read``): lists, single calls with their sound,
latency, money. Any worker can answer, since all read the same store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from vivavoce.console.marks import marks_of
from vivavoce.console.peaks import MOST_POINTS, peaks_of
from vivavoce.errors import AudioFileError, Refused, SetupFault, StoreFault, TimelineError, UsageError
from vivavoce.ledger.record import Basis, TurnKind, TurnRecord
from vivavoce.server.access import authenticate
from vivavoce.server.door import door
from vivavoce.server.record_filters import (
    DIMENSIONS,
    LIMIT,
    MOST,
    bad_value,
    read_basis,
    read_dimensions,
    read_filter,
    read_number,
    read_order,
)
from vivavoce.store.port import CallFilter, CostRow, Dimension, LatencyRow, Records, StoredCall
from vivavoce.timeline.write import RECORDING_FILE

PRIVATE = {"Cache-Control": "private, no-store"}
SOUND = {"Cache-Control": "private, max-age=3600", "Vary": "Authorization, Api-Key"}
_FURTHEST_US = 10**15

T = TypeVar("T")


def records_of(request: Request) -> Records:
    """The store. Raises :class:`~vivavoce.errors.Refused` (503) where this server has none."""
    found = door(request).records
    if found is None:
        hint = "its log says why"
        raise Refused("this server has no store of calls, or could not open it", status=503, code="no_store", hint=hint)
    return found


async def records(request: Request) -> Response:
    """``GET /v1/records``: a page of calls."""
    which = read_filter(request.query_params, _visible(request), "order", "limit", "after")
    order, limit = read_order(request.query_params), read_number(request.query_params, "limit", LIMIT, MOST)
    after = request.query_params.get("after", "")
    store = records_of(request)
    page = await _asked(lambda: store.list_calls(which, order=order, limit=limit, after=after))
    return _told({"object": "list", "data": page.rows, "total": page.total, "after": page.after})


async def record(request: Request) -> Response:
    """``GET /v1/records/{call}``: all that is known of one, and what stands on its time axis."""
    found = await _found(request)
    store = records_of(request)

    def marks() -> object:
        timeline = store.timeline(found.record.call)
        try:
            return None if timeline is None else marks_of(timeline)
        except TimelineError:
            return None  # what was folded of it holds; only the picture is missing

    return _told({"object": "record", **_of_call(found), "marks": await _asked(marks)})


async def timeline(request: Request) -> Response:
    """``GET /v1/records/{call}/timeline``: the file, as it was written."""
    found = await _found(request)
    store = records_of(request)
    body = await _asked(lambda: store.timeline(found.record.call))
    if body is None:
        raise Refused("the timeline of this call is not kept", status=404, code="timeline_not_kept")
    return Response(body, media_type="application/jsonl", headers=PRIVATE)


async def audio(request: Request) -> Response:
    """``GET /v1/records/{call}/audio``: the recording, whole or a range of it."""
    path = await _recording(request)
    return FileResponse(path, media_type="audio/wav", headers=SOUND)


async def waveform(request: Request) -> Response:
    """``GET /v1/records/{call}/waveform``: its outline in ``points``, whole or from ``begin_us`` to ``end_us``."""
    query = request.query_params
    points = read_number(query, "points", 1_000, MOST_POINTS)
    begin_us = read_number(query, "begin_us", 0, _FURTHEST_US, 0)
    end_us = read_number(query, "end_us", _FURTHEST_US, _FURTHEST_US, 0)
    path = await _recording(request)
    try:
        return _told(await asyncio.to_thread(peaks_of, path, points, begin_us, end_us), SOUND)
    except AudioFileError as error:
        raise _no_sound() from error


async def latency(request: Request) -> Response:
    """``GET /v1/latency``: percentiles, by kind and the dimensions of ``by``, on one ``basis``."""
    which = read_filter(request.query_params, _visible(request), "by", "basis")
    by, basis = read_dimensions(request.query_params), read_basis(request.query_params)
    store = records_of(request)
    rows = await _asked(lambda: store.latency(which, by, basis=basis))
    return _told({"object": "list", "data": [_grouped(row) for row in rows]})


async def costs(request: Request) -> Response:
    """``GET /v1/costs``: sums by the dimensions of ``by``."""
    which = read_filter(request.query_params, _visible(request), "by")
    by = read_dimensions(request.query_params, "kind")
    store = records_of(request)
    rows = await _asked(lambda: store.costs(which, by))
    return _told({"object": "list", "data": [_grouped(row) for row in rows]})


async def trouble(request: Request) -> Response:
    """``GET /v1/trouble``: how the calls of each day ended."""
    which = read_filter(request.query_params, _visible(request))
    store = records_of(request)
    return _told({"object": "list", "data": await _asked(lambda: store.trouble(which))})


async def values(request: Request) -> Response:
    """``GET /v1/values/{dimension}``: those that there are, for menus."""
    agents = _visible(request)
    dimension = request.path_params["dimension"]
    if dimension not in DIMENSIONS:
        raise bad_value("dimension", f"{dimension!r} is none of {', '.join(DIMENSIONS)}")
    store = records_of(request)
    return _told({"object": "list", "data": await _asked(lambda: _values(store, dimension, agents))})


def _values(store: Records, dimension: Dimension, agents: Sequence[str] | None) -> list[str]:
    """Of those calls that may be seen, and of no others."""
    if dimension == "kind":
        return [kind.value for kind in TurnKind]
    if agents is None:
        return store.values(dimension)
    rows = store.costs(CallFilter(agents=tuple(agents)), [dimension])
    return sorted({dict(row.group)[dimension] for row in rows})


def _visible(request: Request) -> list[str] | None:
    """The agents, as calls name them, that whoever asks may see; None for all. A name that two served agents have is
    seen by who may call both."""
    caller = authenticate(request, "calls:read")
    if not caller.agents and not caller.agent:
        return None
    served = door(request).desk.agents.items()
    closed = {one.agent.name for name, one in served if not caller.may_call(name)}
    return sorted({one.agent.name for name, one in served if caller.may_call(name)} - closed)


async def _found(request: Request) -> StoredCall:
    """The call that the request names, if whoever asks may see it."""
    visible = _visible(request)
    store, call = records_of(request), request.path_params["call"]

    def find() -> StoredCall | None:
        try:
            return None if "\0" in call else store.find(call)
        except UsageError:  # the beginning of several, which are not told to everybody
            return None

    found = await _asked(find)
    if found is None or found.record.call != call or (visible is not None and found.record.agent not in visible):
        raise Refused("no call of this id is kept", status=404, code="call_id_not_found")
    return found


async def _recording(request: Request) -> Path:
    found = await _found(request)
    path = door(request).desk.calls / Path(found.record.call).name / RECORDING_FILE
    if not found.recorded or not await asyncio.to_thread(path.is_file):
        raise _no_sound()
    return path


def _no_sound() -> Refused:
    return Refused("the sound of this call is not kept here", status=404, code="sound_not_kept")


async def _asked(question: Callable[[], T]) -> T:
    """Off the loop. Raises :class:`~vivavoce.errors.Refused`: 503 while the database is away, 400 for what makes no
    sense to it."""
    try:
        return await asyncio.to_thread(question)
    except UsageError as error:
        raise Refused(str(error), status=400, code="invalid_value") from error
    except (StoreFault, SetupFault) as fault:  # the latter where it lets nobody in any more
        message = "the store of calls cannot be reached"
        raise Refused(message, status=503, code="store_unavailable", retry_after_s=5) from fault


def _of_call(found: StoredCall) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(found)
    for turn, shown in zip(found.record.turns, told["record"]["turns"], strict=True):
        shown.update(_latencies(turn))
    return told


def _latencies(turn: TurnRecord) -> dict[str, float | None]:
    named = {f"{basis.value}_ms": turn.latency_ms(basis) for basis in Basis}
    silence_ms = None if turn.silence_us is None else turn.silence_us / 1000
    return {**named, "model_ms": turn.model_ms, "server_ms": turn.server_ms, "silence_ms": silence_ms}


def _grouped(row: LatencyRow | CostRow) -> dict[str, Any]:
    return {**msgspec.to_builtins(row), "group": dict(row.group)}


def _told(value: object, headers: dict[str, str] = PRIVATE) -> Response:
    """As JSON: money as text, instants as ISO 8601."""
    return Response(msgspec.json.encode(value), media_type="application/json", headers=headers)


RECORD_ROUTES = (
    Route("/v1/records", records),
    Route("/v1/records/{call}", record),
    Route("/v1/records/{call}/timeline", timeline),
    Route("/v1/records/{call}/audio", audio),
    Route("/v1/records/{call}/waveform", waveform),
    Route("/v1/latency", latency),
    Route("/v1/costs", costs),
    Route("/v1/trouble", trouble),
    Route("/v1/values/{dimension}", values),
)
