"""What the carriers' routes share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, NamedTuple, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.channel.telephony.control import Speech
from vivavoce.channel.telephony.line import CallControl
from vivavoce.errors import Refused, SetupFault
from vivavoce.server.desk import Desk
from vivavoce.server.telephony.answering import answer_socket
from vivavoce.server.telephony.guests import Guest, Order
from vivavoce.server.telephony.kept import Kept
from vivavoce.server.telephony.requests import Webhook, socket_scheme
from vivavoce.server.telephony.tickets import Tickets
from vivavoce.wire.telephony.line import Codec, Started
from vivavoce.wire.telephony.markup import document, element, text

RINGING_S = 300.0
"""A call that we make and that is not answered by then is forgotten: no carrier lets it ring so long."""
PAPER_S = 600.0
"""So long the carrier may come for what it was told to fetch."""
XML, JSON = "application/xml", "application/json"


class Paper(NamedTuple):
    """What is written down for a carrier to fetch."""

    text: str
    media_type: str = XML


class Account(Protocol):
    """What makes calls. Raises :class:`~vivavoce.errors.ChannelFault`."""

    async def place(self, to: str, caller: str, answer_url: str) -> str:
        """The carrier's id of the call, as far as it says one. It asks at ``answer_url`` once somebody answers."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """``public_url`` is what the carriers call this server by, up to its own paths: ``https://calls.example.com``.
    Signatures are over it, so it is never taken from a request. ``now_s`` is the time of day, in seconds since 1970;
    ``ticket_key`` seals the tickets of media streams; ``mark`` makes ids of what is kept here find their way to this
    process. Raises :class:`~vivavoce.errors.SetupFault`.
    """

    desk: Desk
    public_url: str
    now_s: Callable[[], float]
    ticket_key: bytes = field(repr=False)
    mark: Callable[[str], str] = str
    papers: Kept[Paper] = field(init=False)
    orders: Kept[Order] = field(init=False)

    def __post_init__(self) -> None:
        hint = "set public_url in server.toml to the address that the carriers know, as https://calls.example.com"
        try:
            url = urlsplit(self.public_url)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError as error:
            raise SetupFault(f"{self.public_url!r} is no public address for carriers", hint=hint) from error
        if not usable or url.query or url.fragment or url.username:
            raise SetupFault(f"{self.public_url!r} is no public address for carriers", hint=hint)
        object.__setattr__(self, "papers", Kept[Paper](PAPER_S, self.mark))
        object.__setattr__(self, "orders", Kept[Order](RINGING_S, self.mark))

    def why_not(self, agent: str) -> Refused | None:
        """Why a call to this agent would not be taken now."""
        try:
            self.desk.find(agent)
        except Refused as refused:
            return refused
        reason = self.desk.readiness().reason
        return Refused("this server takes no call now", status=503, code=reason) if reason else None

    def url(self, path: str) -> str:
        return self.public_url.rstrip("/") + path

    def socket_url(self, path: str) -> str:
        scheme = socket_scheme(self.public_url)
        return f"{scheme}://{self.public_url.partition('://')[2].rstrip('/')}{path}"


class Seat(NamedTuple):
    """What the answer to a webhook says of the media stream that is to follow: its address, and what comes with it."""

    url: str
    agent: str
    call: str
    ticket: str


class Carrier(ABC):
    """One carrier's routes: those under its name for calls that come in, and those under ``/v1/telephony`` for what is
    kept in one process. Whoever asks there for what a carrier is to fetch needs no signature: the address is the proof.
    """

    name: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ("GET", "POST")

    def __init__(self, exchange: Exchange, *, insecure: bool, account: Account | None) -> None:
        self.exchange = exchange
        self.account = account
        self.insecure = insecure
        self._tickets = Tickets(self.name, exchange.ticket_key)

    def routes(self) -> list[BaseRoute]:
        own, kept = f"/{self.name}", f"/v1/telephony/{self.name}"
        return [
            Route(f"{own}/voice", self.voice, methods=self.methods),
            Route(f"{own}/voice/{{agent}}", self.voice, methods=self.methods),
            Route(f"{own}/status", self.status, methods=self.methods),
            WebSocketRoute(f"{own}/stream", self.stream),
            Route(f"{kept}/answer/{{order}}", self.answered, methods=self.methods),
            Route(f"{kept}/papers/{{paper}}", self.paper, methods=["GET", "POST"]),
            WebSocketRoute(f"{kept}/stream/{{order}}", self.stream),
        ]

    def answer_url(self, order: str) -> str:
        """Where the carrier is to ask when a call that we make was answered."""
        return self.exchange.url(f"/v1/telephony/{self.name}/answer/{order}")

    # -- what is asked ------------------------------------------------------------------------------------------------

    async def voice(self, request: Request) -> Response:
        """Somebody calls."""
        hook = await self.signed(request)
        agent = request.path_params.get("agent", "")
        if busy := self.exchange.why_not(agent):
            return self.turned_away(busy, ringing=True)
        return self.connected(self._seat(agent, hook, ""))

    async def answered(self, request: Request) -> Response:
        """Somebody was called, and answers."""
        hook = await self.signed(request)
        name = request.path_params["order"]
        order = self.exchange.orders.look(name, self.exchange.now_s())
        if order is None:
            return self.turned_away(
                Refused("nobody ordered this call", status=404, code="order_unknown"), ringing=False
            )
        if busy := self.exchange.why_not(order.name):
            return self.turned_away(busy, ringing=False)
        return self.connected(self._seat(order.name, hook, name))

    async def status(self, request: Request) -> Response:
        self.reported(await self.signed(request))
        return Response(status_code=204)

    async def paper(self, request: Request) -> Response:
        paper = self.exchange.papers.look(request.path_params["paper"], self.exchange.now_s())
        if paper is None:
            raise Refused("there is nothing of this name, or not any more", status=404, code="paper_unknown")
        return Response(paper.text, media_type=paper.media_type)

    async def stream(self, socket: WebSocket) -> None:
        self.check_socket(socket)
        await socket.accept()
        greet = partial(self._greet, socket.path_params.get("order", ""))
        await answer_socket(self.exchange.desk, socket, self.codec(), greet)

    # -- what each carrier has in its own way -------------------------------------------------------------------------

    @abstractmethod
    async def signed(self, request: Request) -> Webhook:
        """Raises :class:`~vivavoce.errors.Refused` for what does not come from the carrier."""

    @abstractmethod
    def turned_away(self, busy: Refused, *, ringing: bool) -> Response:
        """The answer for a call that is not taken; one that we made does not ring any more, and is ended."""

    @abstractmethod
    def connected(self, seat: Seat) -> Response:
        """The answer that lets the media stream come."""

    @abstractmethod
    def codec(self) -> Codec: ...

    @abstractmethod
    def control(self, started: Started, speech: Speech) -> CallControl | None:
        """None without the credentials for it."""

    def check_socket(self, socket: WebSocket) -> None:
        """Raises :class:`~vivavoce.errors.Refused`. Where a carrier does not sign this, the ticket alone lets it in."""
        del socket

    def call_of(self, hook: Webhook) -> str:
        """The call's id, if the stream will name it by the same one."""
        del hook
        return ""

    def shown(self, started: Started) -> tuple[str, str, str]:
        """The agent's name, the ticket, and the call's id as the ticket has it."""
        return started.parameters.get("agent", ""), started.parameters.get("ticket", ""), started.call

    def spoken(self, words: str, language: str) -> Paper:
        """Words for whoever answers a call that is handed over."""
        return Paper(document(element("Say", {"language": language}, text(words))))

    def reported(self, hook: Webhook) -> None:
        """The carrier says how a stream or a call goes."""
        del hook

    # -- the one who comes -------------------------------------------------------------------------------------------

    def _seat(self, agent: str, hook: Webhook, order: str) -> Seat:
        call = self.call_of(hook)
        path = f"/v1/telephony/{self.name}/stream/{order}" if order else f"/{self.name}/stream"
        ticket = self._tickets.issue(agent, call, self.exchange.now_s(), order)
        return Seat(self.exchange.socket_url(path), agent, call, ticket)

    def _greet(self, order_name: str, started: Started) -> Guest:
        agent, ticket, call = self.shown(started)
        now_s = self.exchange.now_s()
        if not self.insecure:
            self._tickets.redeem(ticket, agent, call, now_s, order_name)
        order = self.exchange.orders.take(order_name, now_s) if order_name else None
        if order_name and order is None:
            raise Refused("nobody ordered this call", status=403, code="ticket_invalid")
        agent = order.name if order else agent
        language = self.exchange.desk.find(agent).agent.language

        def speech(words: str) -> str:
            return self.publish(self.spoken(words, language))

        return Guest(agent, self.control(started, speech), order)

    def publish(self, paper: Paper) -> str:
        """Its address."""
        name = self.exchange.papers.keep(paper, self.exchange.now_s())
        return self.exchange.url(f"/v1/telephony/{self.name}/papers/{name}")


def rejected(busy: Refused, *, ringing: bool) -> Response:
    """TwiML, and TeXML."""
    if not ringing:
        return xml(document(element("Hangup")))
    return xml(document(element("Reject", {"reason": "busy"} if busy.status != 404 else {})))


def xml(markup: str) -> Response:
    return Response(markup, media_type=XML)
