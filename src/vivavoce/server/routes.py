"""The routes that are not calls: whether the server lives, whether it takes calls, whom it serves."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vivavoce.server.access import authenticate
from vivavoce.server.client_secrets import client_secrets
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import Door, door
from vivavoce.server.forward import fetched
from vivavoce.server.metrics import CONTENT_TYPE, OPENMETRICS, Sample, accepts_openmetrics, merged
from vivavoce.server.process import resident_bytes
from vivavoce.server.routing import socket_of


async def healthz(_request: Request) -> Response:
    """The process lives and its loop turns."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Whether a call would be taken now; load balancers look here."""
    state = door(request).desk.readiness()
    return JSONResponse(state.told(), status_code=200 if state.ready else 503)


async def models(request: Request) -> Response:
    """What ``?model=`` may name, as OpenAI lists models."""
    data = [
        {"id": served.name, "object": "model", "created": 0, "owned_by": "vivavoce"} for served in _callable(request)
    ]
    return JSONResponse({"object": "list", "data": data})


async def agents(request: Request) -> Response:
    """The same, with more of what each is."""
    data = [
        {
            "id": served.name,
            "object": "agent",
            "name": served.agent.name,
            "language": served.agent.language,
            "models": list(served.models),
        }
        for served in _callable(request)
    ]
    return JSONResponse({"object": "list", "data": data})


async def metrics(request: Request) -> Response:
    """Of all workers, each labelled; with ``worker`` in the query, of this one alone."""
    authenticate(request, "metrics")
    here = door(request)
    openmetrics = accepts_openmetrics(request.headers.get("accept", ""))
    texts = [_metrics_of(here, openmetrics=openmetrics)]
    if here.siblings is not None and "worker" not in request.query_params:
        headers = request.scope["headers"]
        others = [socket_of(here.siblings, number) for number in range(1, here.settings.workers + 1)]
        del others[here.worker - 1]
        asked = (fetched(path, "/metrics?worker", headers) for path in others)
        texts += [body.decode() for body in await asyncio.gather(*asked)]
    return Response(merged(texts), headers={"content-type": OPENMETRICS if openmetrics else CONTENT_TYPE})


def _metrics_of(here: Door, *, openmetrics: bool) -> str:
    state = here.desk.readiness()
    gauges = [
        Sample("vivavoce_live_calls", (), here.desk.admission.here.calls),
        Sample("vivavoce_max_calls", (), state.limit),
        Sample("vivavoce_draining", (), float(here.desk.admission.draining)),
        Sample("vivavoce_loop_lag_p99_seconds", (), round(state.lag_ms / 1000, 6)),
        Sample("vivavoce_resident_bytes", (), resident_bytes()),
    ]
    by_agent = Counter(live.agent.name for live in here.desk.live.values())
    gauges += [Sample("vivavoce_agent_calls", (("agent", name),), by_agent[name]) for name in here.desk.agents]
    by_model = here.desk.admission.here.by_model
    quotas = here.settings.quotas
    for model in {**quotas, **by_model}:
        gauges.append(Sample("vivavoce_model_sessions", (("model", model),), by_model.get(model, 0)))
    for model, quota in quotas.items():
        gauges.append(Sample("vivavoce_model_sessions_quota", (("model", model),), quota.sessions))
    read = [sample for source in here.read_for_metrics for sample in source()]
    return here.metrics.exposition([*gauges, *read], openmetrics=openmetrics, worker=str(here.worker))


def _callable(request: Request) -> list[ServedAgent]:
    """What this caller may call."""
    caller = authenticate(request)
    agents = door(request).desk.agents
    return [served for name, served in agents.items() if caller.may_call(name)]


ROUTES = (
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/v1/models", models),
    Route("/v1/agents", agents),
    Route("/v1/realtime/client_secrets", client_secrets, methods=["POST"]),
    Route("/metrics", metrics),
)
