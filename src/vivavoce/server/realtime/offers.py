"""What a client that comes in is offered: the agent, with what the client's secret or its offer says of the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from vivavoce.errors import Refused
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import Door
from vivavoce.server.keys import Caller
from vivavoce.server.realtime.ids import new_id
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.configuration import AudioOver, Offer
from vivavoce.wire.realtime.front import Front
from vivavoce.wire.realtime.session import configured


def served_to(here: Door, caller: Caller, name: str) -> ServedAgent:
    """The agent that a client asks for. Raises :class:`~vivavoce.errors.Refused`."""
    wanted = name or caller.agent or str((caller.session_config or {}).get("model", ""))
    served = here.desk.find(wanted)
    caller.require_agent(served.name)
    return replace(served, agent=replace(served.agent, tenant=caller.tenant)) if caller.tenant else served


def new_front(
    here: Door, served: ServedAgent, session_id: str, audio_over: AudioOver, *asked: Mapping[str, object] | None
) -> Front:
    """``asked`` is what was asked of the session before it began, the later on top. Raises
    :class:`~vivavoce.errors.Refused` for what cannot be.
    """
    agent = served.agent
    offer = Offer(
        session=session_id,
        model=served.name,
        voice=agent.voice,
        voices=served.voices,
        server_tools=frozenset(tool.name for tool in agent.tools),
        expires_at=int(here.now().timestamp()) + agent.limits.call_ms // 1000,
        interruption=agent.turns.interruption,
    )
    for session in (one for one in asked if one):
        offer = _with(offer, session)
    return Front(offer, new_id, audio_over=audio_over)


def _with(offer: Offer, session: Mapping[str, object]) -> Offer:
    try:
        configuration = configured(offer, {"type": "realtime", **session})
    except Complaint as complaint:
        where = f"{complaint.param}: " if complaint.param else ""
        raise Refused(where + complaint.message, status=400, code=complaint.code) from None
    return msgspec.structs.replace(offer, configuration=configuration)
