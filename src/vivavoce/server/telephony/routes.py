"""All routes of the carriers that are set up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from starlette.routing import BaseRoute

from vivavoce.engine.clock import wall_clock
from vivavoce.server.desk import Desk
from vivavoce.server.telephony.asterisk import Asterisk
from vivavoce.server.telephony.calls import Calls
from vivavoce.server.telephony.carrier import Carrier, Exchange
from vivavoce.server.telephony.plivo import Plivo
from vivavoce.server.telephony.settings import TelephonySettings
from vivavoce.server.telephony.telnyx import Telnyx
from vivavoce.server.telephony.twilio import Twilio
from vivavoce.server.telephony.vonage import Vonage

_log = logging.getLogger(__name__)


def routes(
    desk: Desk,
    settings: TelephonySettings,
    *,
    public_url: str,
    ticket_key: bytes,
    now: Callable[[], datetime] = wall_clock,
    mark: Callable[[str], str] = str,
    workers: int = 1,
) -> list[BaseRoute]:
    """For an application that tells a :class:`~vivavoce.errors.Refused` by its status, sockets too. ``public_url`` and
    ``mark`` are those of :class:`Exchange`, ``ticket_key`` this server's own, the same in all its ``workers``. Raises
    :class:`~vivavoce.errors.SetupFault`.
    """
    exchange = Exchange(desk, public_url, lambda: now().timestamp(), ticket_key, mark)
    if settings.lets_anybody_in:
        _log.warning("a carrier is set up as insecure: whoever reaches this server can call as that carrier")
    carriers = {carrier.name: carrier for carrier in _set_up(exchange, settings)}
    found = [route for carrier in carriers.values() for route in carrier.routes()]
    if settings.asterisk is not None:
        found += Asterisk(exchange, settings.asterisk).routes()
    return found + Calls(exchange, carriers, settings, workers).routes()


def _set_up(exchange: Exchange, settings: TelephonySettings) -> list[Carrier]:
    """Those that come by webhooks."""
    found: list[Carrier] = []
    if settings.twilio is not None:
        found.append(Twilio(exchange, settings.twilio))
    if settings.telnyx is not None:
        found.append(Telnyx(exchange, settings.telnyx))
    if settings.plivo is not None:
        found.append(Plivo(exchange, settings.plivo))
    if settings.vonage is not None:
        found.append(Vonage(exchange, settings.vonage))
    return found
