"""All routes of the carriers that are set up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from starlette.routing import BaseRoute

from vivavoce.engine.clock import wall_clock
from vivavoce.server.desk import Desk
from vivavoce.server.telephony.asterisk import Asterisk
from vivavoce.server.telephony.carrier import Exchange
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
) -> list[BaseRoute]:
    """For an application that tells a :class:`~vivavoce.errors.Refused` by its status, sockets too. ``public_url`` is
    that of :class:`Exchange`, ``ticket_key`` this server's own, the same in all its processes. Raises
    :class:`~vivavoce.errors.SetupFault`.
    """
    exchange = Exchange(desk, public_url, lambda: now().timestamp(), ticket_key)
    if settings.lets_anybody_in:
        _log.warning("a carrier is set up as insecure: whoever reaches this server can call as that carrier")
    found: list[BaseRoute] = []
    if settings.twilio is not None:
        found += Twilio(exchange, settings.twilio).routes()
    if settings.telnyx is not None:
        found += Telnyx(exchange, settings.telnyx).routes()
    if settings.plivo is not None:
        found += Plivo(exchange, settings.plivo).routes()
    if settings.vonage is not None:
        found += Vonage(exchange, settings.vonage).routes()
    if settings.asterisk is not None:
        found += Asterisk(exchange, settings.asterisk).routes()
    return found
