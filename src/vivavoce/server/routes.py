"""The routes that are not calls: whether the server lives, whether it takes calls, whom it serves."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vivavoce.server.door import door


async def healthz(_request: Request) -> Response:
    """The process lives and its loop turns."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Whether a call would be taken now; load balancers look here."""
    state = door(request).desk.readiness()
    return JSONResponse(state.told(), status_code=200 if state.ready else 503)


async def models(request: Request) -> Response:
    """What ``?model=`` may name, as OpenAI lists models."""
    desk = door(request).desk
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "vivavoce"} for name in desk.agents]
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
        for served in door(request).desk.agents.values()
    ]
    return JSONResponse({"object": "list", "data": data})


ROUTES = (
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/v1/models", models),
    Route("/v1/agents", agents),
)
