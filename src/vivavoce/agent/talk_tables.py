"""An agent file's limits and what the agent may do with the call, as the values that the engine reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from vivavoce.agent.declaration import CallControl, Destination, Limits, OtherAgent, Spend, Webhook
from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.source import Source
from vivavoce.agent.talk_shape import ControlTable, LimitsTable, SpendTable


def limits_of(table: LimitsTable) -> Limits:
    return Limits(
        silence_ms=round(table.silence_s * 1000),
        call_ms=round(table.call_s * 1000),
        result_bytes=table.result_bytes,
        reprompts=tuple(table.reprompts),
        reprompt_ms=round(table.reprompt_s * 1000),
        warning=table.warning,
        warning_ms=round(table.warning_s * 1000),
        spend=_spend(table.spend),
    )


def spend_problems(source: Source, limits: LimitsTable, models: Sequence[str]) -> list[Problem]:
    """Where the model to change to is none of the agent's, or is the one that it begins with."""
    name = limits.spend.downgrade_to if limits.spend is not None else None
    where = source.where("limits", "spend", "downgrade_to")
    if name is None or name in models[1:]:
        return []
    if name not in models:
        return [
            Problem(where, f'downgrade_to is "{name}", which is no model of this agent', did_you_mean(name, models))
        ]
    return [Problem(where, f'downgrade_to is "{name}", which every call begins with', "name one of the others")]


def control_of(
    source: Source, table: ControlTable, environment: Mapping[str, str]
) -> tuple[CallControl, list[Problem]]:
    """What the agent may do with the call, and what is missing for it."""
    webhook, problems = _webhook(source, table, environment)
    control = CallControl(
        transfer=tuple(Destination(name, one.to, one.description, one.warm) for name, one in table.transfer.items()),
        transfer_webhook=webhook,
        collect_digits=table.collect_digits,
        send_digits=table.send_digits,
        hold=table.hold,
        hold_ms=round(table.hold_s * 1000),
        notes=table.notes,
        languages=tuple(table.languages),
        agents=tuple(OtherAgent(name, source.folder / one.file, one.description) for name, one in table.agents.items()),
    )
    for name, one in table.agents.items():
        if not (source.folder / one.file).exists():
            where = source.where("control", "agents", name, "file")
            problems.append(Problem(where, f"there is no {one.file}", "paths begin in the folder of this file"))
    return control, problems


def _spend(table: SpendTable | None) -> Spend | None:
    if table is None:
        return None
    return Spend(
        most=Decimal(table.most),
        currency=table.currency,
        warning=table.warning,
        warn_at=table.warn_at,
        downgrade_at=table.downgrade_at,
        downgrade_to=table.downgrade_to or "",
    )


def _webhook(
    source: Source, table: ControlTable, environment: Mapping[str, str]
) -> tuple[Webhook | None, list[Problem]]:
    webhook = table.transfer_webhook
    if webhook is None:
        return None, []
    if webhook.secret is None:
        return Webhook(webhook.url), []
    secret = environment.get(webhook.secret.env, "")
    if secret:
        return Webhook(webhook.url, secret), []
    where = source.where("control", "transfer_webhook", "secret")
    return Webhook(webhook.url), [
        Problem(where, "the webhook's secret has no value", f"set {webhook.secret.env} in the environment")
    ]
