"""Calls made, ended and handed over through the carriers' REST interfaces.

Beside a media stream a carrier takes orders for the call itself. An answer that says that the call is already over is
no fault. ``api_url`` may name another server, for tests and for a carrier's regions.

Each carrier has its account, which makes calls and gives a control for each. The carrier comes back for what is to
happen: ``answer_url`` answers as for a call that comes in, and ``speech`` gives an address at which words are, in the
carrier's own markup, for whoever answers a call that is handed over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vivavoce.channel.telephony.rest import ask, missing, part, text_of
from vivavoce.errors import ChannelFault
from vivavoce.wire.telephony.markup import document, element, text

_TOKEN_S: Final = 60

Speech = Callable[[str], str]


def nobody_speaks(_words: str) -> str:
    """A :data:`Speech` where there is no server that the carrier could ask."""
    raise ChannelFault("nobody can tell whoever answers what the call is about", hint="transfer without a summary")


class NoControl:
    """Where calls are controlled by nothing but their stream."""

    def __init__(self, hint: str = "") -> None:
        self._hint = (
            hint or "set the carrier's REST credentials in server.toml, or a transfer_webhook in the agent file"
        )

    async def hang_up(self) -> None:
        """Closing the stream has to do."""

    async def transfer(self, to: str, summary: str) -> None:
        del to, summary
        raise ChannelFault("this line cannot be transferred from here", hint=self._hint)


def is_sip(to: str) -> bool:
    return to.startswith(("sip:", "sips:"))


def dialling(to: str, whisper_url: str) -> str:
    """TwiML, and TeXML, for a call that is handed over. What ``whisper_url`` answers is run "on the called party's end,
    after they answer, but before the parties are connected" (Twilio, "TwiML Voice: <Number>").
    """
    whisper = {"url": whisper_url} if whisper_url else {}
    return document(element("Dial", {}, element("Sip" if is_sip(to) else "Number", whisper, text(to))))


# -- Twilio ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """The Calls resource of Twilio's REST API, 2010-04-01."""

    account_sid: str
    auth_token: str = field(repr=False)
    api_url: str = "https://api.twilio.com"

    async def place(self, to: str, caller: str, answer_url: str) -> str:
        """The call's SID. A machine that answers is noticed by us, so Twilio's own detection is not asked for."""
        told = await self.ask("Calls.json", {"To": to, "From": caller, "Url": answer_url, "Method": "POST"}, {})
        return text_of(told, "sid")

    async def ask(self, path: str, form: Mapping[str, str], over: Mapping[int, str]) -> Mapping[str, Any]:
        url = f"{self.api_url}/2010-04-01/Accounts/{part(self.account_sid)}/{path}"
        return await ask("POST", url, over, data=form, auth=(self.account_sid, self.auth_token))


@dataclass(frozen=True, slots=True)
class TwilioControl:
    """A call of Twilio's. Other TwiML takes the place of the one with the stream, which ends by it."""

    account: TwilioAccount
    call_sid: str
    speech: Speech = nobody_speaks

    async def hang_up(self) -> None:
        await self._update({"Status": "completed"})

    async def transfer(self, to: str, summary: str) -> None:
        await self._update({"Twiml": dialling(to, self.speech(summary) if summary else "")})

    async def _update(self, form: dict[str, str]) -> None:
        # 404 with code 20404: the call is not there any more.
        await self.account.ask(f"Calls/{part(self.call_sid)}.json", form, {404: ""})


# -- Telnyx ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TelnyxAccount:
    """Telnyx's Call Control commands and TeXML REST commands, v2. ``account_sid`` and ``application_id``, that of a
    TeXML application, are for the latter: they make calls, and hand them over with a summary.
    """

    api_key: str = field(repr=False)
    account_sid: str = ""
    application_id: str = ""
    api_url: str = "https://api.telnyx.com"

    async def place(self, to: str, caller: str, answer_url: str) -> str:
        """The call's SID, where Telnyx says it: its example of an answer has none."""
        if not (self.account_sid and self.application_id):
            raise ChannelFault(
                "Telnyx makes calls for a TeXML application, and none is set",
                hint="set account_sid and application_id in [telephony.telnyx]",
            )
        body = {"ApplicationSid": self.application_id, "To": to, "From": caller, "Url": answer_url}
        told = await self.ask(f"texml/Accounts/{part(self.account_sid)}/Calls", {}, json=body)
        return text_of(told, "call_sid", "sid")

    async def ask(self, path: str, over: Mapping[int, str], **content: Any) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {self.api_key}"}
        return await ask("POST", f"{self.api_url}/v2/{path}", over, headers=headers, **content)


@dataclass(frozen=True, slots=True)
class TelnyxControl:
    """A call of Telnyx's. Without a summary it is handed over by the command ``transfer``. That one can play a sound
    file to whoever answers, but speaks no words; so with a summary TeXML takes the place of the one with the stream
    ("Update call"). Nobody tried whether Telnyx takes a stream's ``call_control_id`` for the TeXML call's SID (both
    look alike in its examples), nor whether its ``<Number>`` has Twilio's ``url``.
    """

    account: TelnyxAccount
    call_control_id: str
    speech: Speech = nobody_speaks

    async def hang_up(self) -> None:
        await self._command("hangup", {})

    async def transfer(self, to: str, summary: str) -> None:
        if not summary:
            return await self._command("transfer", {"to": to})
        if not self.account.account_sid:
            hint = "set account_sid in [telephony.telnyx], or transfer without a summary"
            raise ChannelFault("Telnyx speaks a summary to whoever answers by TeXML alone", hint=hint)
        path = f"texml/Accounts/{part(self.account.account_sid)}/Calls/{part(self.call_control_id)}"
        await self.account.ask(path, {}, data={"Texml": dialling(to, self.speech(summary))})
        return None

    async def _command(self, action: str, body: dict[str, str]) -> None:
        # 422 with code 90018: the call has already ended.
        path = f"calls/{part(self.call_control_id)}/actions/{action}"
        await self.account.ask(path, {404: "", 422: "90018"}, json=body)


# -- Plivo -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlivoAccount:
    """Plivo's Call resource, v1."""

    auth_id: str
    auth_token: str = field(repr=False)
    api_url: str = "https://api.plivo.com"

    async def place(self, to: str, caller: str, answer_url: str) -> str:
        """The request's UUID: Plivo's answer to it knows no call yet."""
        body = {"from": caller, "to": to, "answer_url": answer_url, "answer_method": "POST"}
        return text_of(await self.ask("POST", "", body, {}), "request_uuid")

    async def ask(self, method: str, call: str, body: Any, over: Mapping[int, str]) -> Mapping[str, Any]:
        url = f"{self.api_url}/v1/Account/{part(self.auth_id)}/Call/{call}"
        return await ask(method, url, over, json=body, auth=(self.auth_id, self.auth_token))


def plivo_dialling(to: str, whisper_url: str) -> str:
    """XML for a call that is handed over. ``confirmSound`` answers with what "is played to the called party when the
    call is answered"; without a ``confirmKey`` they are connected after it (Plivo, "The Dial element").
    """
    whisper = {"confirmSound": whisper_url} if whisper_url else {}
    return document(element("Dial", whisper, element("User" if is_sip(to) else "Number", {}, text(to))))


@dataclass(frozen=True, slots=True)
class PlivoControl:
    """A call of Plivo's. ``markup`` gives an address that answers with the XML given: Plivo takes none itself."""

    account: PlivoAccount
    call_uuid: str
    markup: Callable[[str], str]
    speech: Speech = nobody_speaks

    async def hang_up(self) -> None:
        await self._ask("DELETE", None)

    async def transfer(self, to: str, summary: str) -> None:
        xml = plivo_dialling(to, self.speech(summary) if summary else "")
        await self._ask("POST", {"legs": "aleg", "aleg_url": self.markup(xml), "aleg_method": "POST"})

    async def _ask(self, method: str, body: dict[str, str] | None) -> None:
        await self.account.ask(method, f"{part(self.call_uuid)}/", body, {404: ""})


# -- Vonage ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VonageAccount:
    """Vonage's Voice API, v1, with an application's private key (PEM). ``now_s`` is the time of day."""

    application_id: str
    private_key: str = field(repr=False)
    now_s: Callable[[], float]
    api_url: str = "https://api.nexmo.com"

    async def place(self, to: str, caller: str, answer_url: str) -> str:
        """The call's UUID."""
        body = {
            "to": [phone(to)],
            "from": phone(caller),
            "answer_url": [answer_url],
            "answer_method": "POST",
        }
        return text_of(await self.ask("POST", "", body, {}), "uuid")

    async def ask(self, method: str, call: str, body: Any, over: Mapping[int, str]) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {self._token()}"}
        return await ask(method, f"{self.api_url}/v1/calls{call}", over, json=body, headers=headers)

    def _token(self) -> str:
        try:
            import jwt
        except ImportError as error:
            raise missing("PyJWT") from error
        now_s = int(self.now_s())
        times = {"iat": now_s, "exp": now_s + _TOKEN_S}
        claims = {"application_id": self.application_id, "jti": secrets.token_hex(16), **times}
        return jwt.encode(claims, self.private_key, algorithm="RS256")


def phone(number: str) -> dict[str, Any]:
    """An endpoint of Vonage's; numbers have no plus there."""
    return {"type": "phone", "number": number.removeprefix("+")}


@dataclass(frozen=True, slots=True)
class VonageControl:
    """A call of Vonage's. ``onAnswer`` of an endpoint names "an NCCO to execute in the number being connected to,
    before that call is joined" (Vonage, "NCCO reference", of telephones alone).
    """

    account: VonageAccount
    call_uuid: str
    speech: Speech = nobody_speaks

    async def hang_up(self) -> None:
        await self._update({"action": "hangup"})

    async def transfer(self, to: str, summary: str) -> None:
        endpoint: dict[str, Any] = {"type": "sip", "uri": to} if is_sip(to) else phone(to)
        if summary and is_sip(to):
            hint = "transfer without a summary, or to a number"
            raise ChannelFault("Vonage speaks a summary to telephones alone, not to SIP addresses", hint=hint)
        if summary:
            endpoint["onAnswer"] = {"url": self.speech(summary)}
        ncco = [{"action": "connect", "endpoint": [endpoint]}]
        await self._update({"action": "transfer", "destination": {"type": "ncco", "ncco": ncco}})

    async def _update(self, body: dict[str, Any]) -> None:
        await self.account.ask("PUT", f"/{part(self.call_uuid)}", body, {404: ""})
