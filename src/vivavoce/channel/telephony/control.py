"""Calls ended and handed over through the carriers' REST interfaces.

Beside a media stream a carrier takes orders for the call itself. Every request has a limit of time; an answer that says
that the call is already over is no fault. ``api_url`` may name another server, for tests and for a carrier's regions.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final
from urllib.parse import quote

from vivavoce.errors import ChannelFault, NotAvailable

TIMEOUT_S: Final = 5.0
_TOKEN_S: Final = 60


@dataclass(frozen=True, slots=True)
class TwilioControl:
    """The Calls resource of Twilio's REST API, 2010-04-01."""

    account_sid: str
    auth_token: str = field(repr=False)
    call_sid: str
    api_url: str = "https://api.twilio.com"

    async def hang_up(self) -> None:
        await self._update({"Status": "completed"})

    async def transfer(self, to: str) -> None:
        await self._update({"Twiml": f"<Response><Dial>{escape(to)}</Dial></Response>"})

    async def _update(self, form: dict[str, str]) -> None:
        url = f"{self.api_url}/2010-04-01/Accounts/{_part(self.account_sid)}/Calls/{_part(self.call_sid)}.json"
        # 404 with code 20404: the call is not there any more.
        await _request("POST", url, {404: ""}, data=form, auth=(self.account_sid, self.auth_token))


@dataclass(frozen=True, slots=True)
class TelnyxControl:
    """Telnyx's Call Control commands, v2."""

    api_key: str = field(repr=False)
    call_control_id: str
    api_url: str = "https://api.telnyx.com"

    async def hang_up(self) -> None:
        await self._command("hangup", {})

    async def transfer(self, to: str) -> None:
        await self._command("transfer", {"to": to})

    async def _command(self, action: str, body: dict[str, str]) -> None:
        url = f"{self.api_url}/v2/calls/{_part(self.call_control_id)}/actions/{action}"
        headers = {"authorization": f"Bearer {self.api_key}"}
        # 422 with code 90018: the call has already ended.
        await _request("POST", url, {404: "", 422: "90018"}, json=body, headers=headers)


@dataclass(frozen=True, slots=True)
class PlivoControl:
    """Plivo's Call resource, v1. ``transfer_url`` answers with the XML that a transferred call goes on with; ``{to}``
    in it is the number.
    """

    auth_id: str
    auth_token: str = field(repr=False)
    call_uuid: str
    transfer_url: str = ""
    api_url: str = "https://api.plivo.com"

    async def hang_up(self) -> None:
        await self._request("DELETE", None)

    async def transfer(self, to: str) -> None:
        if not self.transfer_url:
            raise ChannelFault("Plivo transfers a call by an address that answers with XML, and none is set")
        await self._request("POST", {"legs": "aleg", "aleg_url": self.transfer_url.replace("{to}", _part(to))})

    async def _request(self, method: str, body: dict[str, str] | None) -> None:
        url = f"{self.api_url}/v1/Account/{_part(self.auth_id)}/Call/{_part(self.call_uuid)}/"
        await _request(method, url, {404: ""}, json=body, auth=(self.auth_id, self.auth_token))


@dataclass(frozen=True, slots=True)
class VonageControl:
    """Vonage's Voice API, v1, with an application's private key (PEM). ``now_s`` is the time of day."""

    application_id: str
    private_key: str = field(repr=False)
    call_uuid: str
    now_s: Callable[[], float]
    api_url: str = "https://api.nexmo.com"

    async def hang_up(self) -> None:
        await self._update({"action": "hangup"})

    async def transfer(self, to: str) -> None:
        ncco = [{"action": "connect", "endpoint": [{"type": "phone", "number": to.removeprefix("+")}]}]
        await self._update({"action": "transfer", "destination": {"type": "ncco", "ncco": ncco}})

    async def _update(self, body: dict[str, Any]) -> None:
        url = f"{self.api_url}/v1/calls/{_part(self.call_uuid)}"
        headers = {"authorization": f"Bearer {self._token()}"}
        await _request("PUT", url, {404: ""}, json=body, headers=headers)

    def _token(self) -> str:
        try:
            import jwt
        except ImportError as error:
            raise _missing("PyJWT") from error
        now_s = int(self.now_s())
        times = {"iat": now_s, "exp": now_s + _TOKEN_S}
        claims = {"application_id": self.application_id, "jti": secrets.token_hex(16), **times}
        return jwt.encode(claims, self.private_key, algorithm="RS256")


async def _request(method: str, url: str, over: Mapping[int, str], **content: Any) -> None:
    """``over`` says by which answers, with which word in them, a call is over already."""
    try:
        import httpx
    except ImportError as error:
        raise _missing("httpx") from error
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            answer = await client.request(method, url, **content)
    except httpx.HTTPError as error:
        raise ChannelFault(f"the carrier's REST interface did not answer: {type(error).__name__}") from error
    status = answer.status_code
    if answer.is_success or (status in over and over[status] in answer.text):
        return
    raise ChannelFault(
        f"the carrier's REST interface answered with status {status}",
        hint="are the credentials those of the account that the call belongs to?" if status in (401, 403) else "",
    )


def _part(text: str) -> str:
    """One part of a path, whatever is in it."""
    return quote(text, safe="")


def _missing(package: str) -> NotAvailable:
    hint = "install it with: pip install 'vivavoce[telephony]'"
    return NotAvailable(f"calls by telephone need {package}, which is not installed", hint=hint)
