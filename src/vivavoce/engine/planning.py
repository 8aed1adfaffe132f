"""What the core must know of an agent, and the ear that its policy wants."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.engine.spending import tool_price
from vivavoce.errors import SetupFault
from vivavoce.events import CallPlan, SpendPlan, ToolPlan
from vivavoce.model.port import Model
from vivavoce.voice.ear import make_ear
from vivavoce.voice.port import Ear
from vivavoce.voice.recogniser import Recogniser

_log = logging.getLogger(__name__)


def plan_of(agent: Agent, models: Sequence[Model], spend: SpendPlan | None = None) -> CallPlan:
    """The first fact of a call. ``spend`` is the most that it may cost, at the prices of its models."""
    limits, turns = agent.limits, agent.turns
    return CallPlan(
        agent=agent.name,
        models=tuple(model.profile.name for model in models),
        greeting=agent.greeting,
        farewell=agent.farewell,
        apology=agent.apology,
        interruption=turns.interruption,
        protect_greeting=turns.protect_greeting,
        pause_us=turns.pause_ms * 1000,
        decide_us=turns.decide_ms * 1000,
        backchannel_us=turns.backchannel_ms * 1000,
        tail_us=turns.tail_ms * 1000,
        silence_limit_us=limits.silence_ms * 1000,
        reprompts=limits.reprompts,
        reprompt_us=limits.reprompt_ms * 1000,
        call_limit_us=limits.call_ms * 1000,
        call_warning=limits.warning,
        call_warning_us=limits.warning_ms * 1000,
        hold_limit_us=agent.control.hold_ms * 1000,
        spend=spend,
        voicemail=agent.voicemail.action,
        voicemail_message=agent.voicemail.message,
        tools=tool_plans(agent),
    )


def tool_plans(agent: Agent) -> tuple[ToolPlan, ...]:
    """Of the tools of which the core must know more than their names."""
    return tuple(_tool_plan(tool) for tool in agent.tools if _is_more_than_a_name(tool))


def ear_for(agent: Agent, rate_hz: int, *, outbound: bool = False, recogniser: Recogniser | None = None) -> Ear | None:
    """Who hears the caller beside the model, if anybody is to. Raises :class:`~vivavoce.errors.SetupFault` where the
    agent's policy of turns needs an ear that cannot be had. To whom it is only a help, for digits that are said or a
    machine that answers, the call goes on without. ``recogniser`` takes the place of the one that calls share.
    """
    if not (agent.turns.listens or outbound or agent.control.collect_digits):
        return None
    try:
        english = agent.language.partition("-")[0] == "en"
        return make_ear(rate_hz, outbound=outbound, english=english, recogniser=recogniser)
    except SetupFault as fault:
        if agent.turns.listens:
            raise
        _log.warning("nobody hears the caller beside the model: %s", fault.message)
        return None


def _is_more_than_a_name(tool: Tool) -> bool:
    return bool(tool.lead_in or tool.supersedable or tool.approval or tool.price)


def _tool_plan(tool: Tool) -> ToolPlan:
    return ToolPlan(
        name=tool.name,
        lead_in=tool.lead_in,
        lead_in_us=tool.lead_in_ms * 1000,
        progress=tool.progress,
        progress_us=tool.progress_ms * 1000,
        supersedable=tool.supersedable,
        approval=tool.approval,
        approval_us=tool.approval_ms * 1000,
        price=tool_price(tool),
    )
