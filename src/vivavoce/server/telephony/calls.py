"""``POST /v1/telephony/{carrier}/calls``: a call that we make.

``{"to", "from", "agent", "variables"}`` gives ``{"id", "carrier", "call", "to", "from", "agent"}``, with status 201,
once the carrier has taken the order; ``call`` is the carrier's own id, empty where it says none. Nobody has answered by
then. When somebody does, the carrier asks here for what is to happen, and the media stream comes as that of a call from
outside does, with a ticket for this order.

Whoever gets hold of a key that may do this can let others pay for calls to expensive numbers. So a key needs the scope
``dial`` for it, numbers have to begin with an allowed prefix, and each key may make so many calls a minute.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vivavoce.agent.declaration import Agent
from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import ChannelFault, NotAvailable, Refused, SetupFault
from vivavoce.server.access import authenticate
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import door
from vivavoce.server.keys import Caller
from vivavoce.server.limits import TokenBucket
from vivavoce.server.telephony.carrier import Account, Carrier, Exchange
from vivavoce.server.telephony.guests import Order
from vivavoce.server.telephony.settings import TelephonySettings

SCOPE = "dial"
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z")


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: str
    caller: str = msgspec.field(name="from")
    agent: str = ""
    variables: dict[str, str] = msgspec.field(default_factory=dict)


class Calls:
    """``share`` is the number of processes that take orders: each allows its part of what a key may."""

    def __init__(
        self, exchange: Exchange, carriers: Mapping[str, Carrier], settings: TelephonySettings, share: int = 1
    ) -> None:
        self._exchange = exchange
        self._carriers = carriers
        self._prefixes = settings.outbound_prefixes
        self._per_minute = settings.outbound_per_minute
        self._share = share
        self._rates: dict[str, TokenBucket] = {}

    def routes(self) -> list[BaseRoute]:
        return [Route("/v1/telephony/{carrier}/calls", self.place, methods=["POST"])]

    async def place(self, request: Request) -> Response:
        caller = self._authenticated(request)
        carrier, account = self._carrier(request.path_params["carrier"])
        asked = _asked(await request.body())
        self._check_number(asked)
        served = self._exchange.desk.find(asked.agent)
        caller.require_agent(served.name)
        if busy := self._exchange.why_not(served.name):
            raise busy
        order = Order(served.name, await _agent_for(served, asked.variables), caller.bounds)
        self._take_turn(caller)
        name = self._exchange.orders.keep(order, self._exchange.now_s())
        try:
            call = await account.place(asked.to, asked.caller, carrier.answer_url(name))
        except (ChannelFault, NotAvailable) as fault:
            self._exchange.orders.take(name, self._exchange.now_s())
            raise Refused(fault.message, status=502, code="carrier_failed", hint=fault.hint) from fault
        told = {"id": name, "carrier": carrier.name, "call": call, "to": asked.to, "from": asked.caller}
        return JSONResponse({**told, "agent": served.name}, status_code=201)

    def _authenticated(self, request: Request) -> Caller:
        caller = authenticate(request, SCOPE)
        if not door(request).keyring:
            hint = f"make one with 'vivavoce keys new NAME --scope {SCOPE}' and put it into server.toml"
            raise Refused("calls are made for API keys alone", status=403, code="missing_api_key", hint=hint)
        return caller

    def _carrier(self, name: str) -> tuple[Carrier, Account]:
        carrier = self._carriers.get(name)
        if carrier is None:
            known = ", ".join(self._carriers) or "none"
            hint = f"set up here, and able to: {known}"
            raise Refused(f"no calls can be made by {name!r} here", status=404, code="carrier_unknown", hint=hint)
        if carrier.account is None:
            hint = f"set its REST credentials in [telephony.{name}]: docs/howto/phone.md"
            message = f"{name} takes calls here, but makes none"
            raise Refused(message, status=409, code="carrier_not_set_up", hint=hint)
        return carrier, carrier.account

    def _check_number(self, asked: _Asked) -> None:
        for name, number in (("to", asked.to), ("from", asked.caller)):
            if not _NUMBER.match(number):
                hint = "write it with its country, as +14155550100"
                raise Refused(f"{name!r} is no number in E.164 form", status=400, code="invalid_number", hint=hint)
        if not self._prefixes:
            hint = 'set outbound_prefixes in [telephony] to those that may be called, as ["+1415"]'
            raise Refused("no number may be called from here", status=403, code="prefix_not_allowed", hint=hint)
        if not asked.to.startswith(self._prefixes):
            hint = "outbound_prefixes in [telephony] has those that may be"
            raise Refused("this number may not be called from here", status=403, code="prefix_not_allowed", hint=hint)

    def _take_turn(self, caller: Caller) -> None:
        own = max(1.0, self._per_minute / self._share)
        bucket = self._rates.setdefault(caller.name, TokenBucket(own / 60, own))
        now_s = loop_time_s()
        if not bucket.take(1, now_s):
            wait_s = math.ceil(bucket.wait_s(1, now_s))
            message = f"this API key may make {self._per_minute} calls a minute"
            hint = "outbound_per_minute in [telephony] says so"
            raise Refused(message, status=429, code="key_limit", retry_after_s=max(1, wait_s), hint=hint)


def _asked(body: bytes) -> _Asked:
    try:
        return msgspec.json.decode(body, type=_Asked)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "the body is no JSON"
        hint = 'send {"to": "+...", "from": "+...", "agent": "...", "variables": {}}'
        raise Refused(what, status=400, code="invalid_value", hint=hint) from error


async def _agent_for(served: ServedAgent, variables: Mapping[str, str]) -> Agent:
    if not variables:
        return served.agent
    if served.with_variables is None:
        raise Refused("this agent takes no variables", status=400, code="invalid_variables")
    try:
        return await asyncio.to_thread(served.with_variables, variables)
    except SetupFault as fault:
        raise Refused(fault.message, status=400, code="invalid_variables", hint=fault.hint) from fault
