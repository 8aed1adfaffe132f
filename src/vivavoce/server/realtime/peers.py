"""``/v1/realtime/calls``: sessions over WebRTC, their sound beside the protocol's events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from vivavoce.channel.webrtc.peer import IceServer, PeerSettings, WebRtcPeer
from vivavoce.channel.webrtc.texts import PlayoutReport
from vivavoce.engine.clock import loop_time_s
from vivavoce.errors import NotAvailable, Refused, UsageError, VivavoceError
from vivavoce.server.access import authenticate
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import Door, door
from vivavoce.server.keys import Caller
from vivavoce.server.limits import ClientRates
from vivavoce.server.realtime.conversation import Conversation
from vivavoce.server.realtime.ids import new_id
from vivavoce.server.realtime.line import Line
from vivavoce.server.realtime.offers import new_front, served_to
from vivavoce.server.settings import WebRtc
from vivavoce.wire.realtime.configuration import AudioOver
from vivavoce.wire.realtime.front import Front

_SDP = "application/sdp"
_log = logging.getLogger(__name__)


async def make_call(request: Request) -> Response:
    """``POST /v1/realtime/calls``: an offer in, an answer out; the call begins once the peer is connected."""
    here = door(request)
    caller = authenticate(request)
    sdp, asked = await _offer(request)
    name = request.query_params.get("model", "") or str(asked.get("model", ""))
    served = served_to(here, caller, name)
    ids = here.marked(new_id("rtc")), here.marked(new_id("sess"))
    front = new_front(here, served, ids[1], AudioOver.MEDIA, caller.session_config, asked)
    call = _PeerCall(here, caller, served, front, ids)
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    here.background.start(call.run(sdp, answer), name="peer")
    headers = {"Location": f"/v1/realtime/calls/{ids[0]}"}
    return Response(await answer, 201, headers, media_type=_SDP)


async def hang_up(request: Request) -> Response:
    """``POST /v1/realtime/calls/{call_id}/hangup``."""
    here = door(request)
    caller = authenticate(request)
    session = here.sessions.get(request.path_params["call_id"])
    if session.caller_name != caller.name:
        raise Refused("there is no such call here, or it is over", status=404, code="call_id_not_found")
    session.hang_up("hung up by request")
    return Response()


async def only_for_sip(request: Request) -> Response:
    """``accept``, ``reject`` and ``refer`` are for calls that OpenAI's SIP trunk announces."""
    here = door(request)
    authenticate(request)
    here.sessions.get(request.path_params["call_id"])
    raise Refused("this call did not come by SIP: it is answered already", status=400, code="invalid_call_state")


def peer_settings(settings: WebRtc) -> PeerSettings:
    servers = tuple(IceServer(line.url, line.username, line.credential) for line in settings.ice_servers)
    return PeerSettings(servers, settings.ports, settings.announce, settings.connect_timeout_s, settings.bits_per_s)


async def _offer(request: Request) -> tuple[str, Mapping[str, object]]:
    """The offer, and what it asks of the session: as plain SDP, or as a form with the parts ``sdp`` and ``session``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _SDP:
        return (await request.body()).decode("utf-8", "replace"), {}
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        hint = f"send the offer as {_SDP}, or as a form with the parts sdp and session"
        raise Refused(
            f"a call cannot begin with {kind or 'nothing'}", status=415, code="unsupported_content_type", hint=hint
        )
    form = await request.form(max_files=2, max_fields=2)
    try:
        sdp, session = [await _text_of(form.get(part)) for part in ("sdp", "session")]
    finally:
        await form.close()
    try:
        asked = msgspec.json.decode(session) if session else {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("the part 'session' is no JSON", status=400, code="invalid_json") from error
    if not isinstance(asked, dict):
        raise Refused("the part 'session' is no JSON object", status=400, code="invalid_json")
    return sdp, asked


async def _text_of(part: UploadFile | str | None) -> str:
    if isinstance(part, UploadFile):
        return (await part.read()).decode("utf-8", "replace")
    return part or ""


@dataclass(frozen=True, slots=True)
class _PeerCall:
    """One peer from its offer to its end. ``ids`` are those of the call and of the session."""

    here: Door
    caller: Caller
    served: ServedAgent
    front: Front
    ids: tuple[str, str]

    async def run(self, sdp: str, answer: asyncio.Future[str]) -> None:
        """What goes wrong before the answer is there is told by it."""
        try:
            with self.here.desk.admit(self.served, self.caller.bounds):
                peer = WebRtcPeer(peer_settings(self.here.settings.webrtc), loop_time_s)
                try:
                    answer.set_result(await peer.answer(sdp))
                    await self._talk(peer)
                finally:
                    await peer.close()
        except Exception as fault:
            if answer.done():
                raise
            answer.set_exception(_as_refusal(fault) if isinstance(fault, VivavoceError) else fault)
        finally:
            answer.cancel()  # unless it is there

    async def _talk(self, peer: WebRtcPeer) -> None:
        outlet = _PeerOutlet(peer)
        line = Line("webrtc", peer.perform)
        conversation = Conversation(self.here.desk, self.served, self.front, outlet, line, self.caller.name)
        limits = self.here.settings.limits
        sink = _Sink(conversation, ClientRates(limits.events_per_s, limits.bytes_per_s, limits.message_bytes))
        with self.here.sessions.holding(conversation, *self.ids):
            async with asyncio.TaskGroup() as tasks:
                connection = tasks.create_task(self._carry(peer, sink, conversation))
                opened = tasks.create_task(sink.is_open.wait())
                ended = tasks.create_task(conversation.ended())  # hung up, before anybody came
                await asyncio.wait({connection, opened, ended}, return_when=asyncio.FIRST_COMPLETED)
                opened.cancel()
                ended.cancel()
                if not connection.done():
                    await conversation.run()
                    await peer.close()

    async def _carry(self, peer: WebRtcPeer, sink: _Sink, conversation: Conversation) -> None:
        """Runs the peer; when it is gone, so is the caller, if one ever came."""
        try:
            await peer.run(sink)
        except VivavoceError as fault:
            self.here.metrics.count("vivavoce_sessions_cut_total", reason="peer_lost")
            conversation.lose(str(fault))
        else:
            conversation.hang_up("the client closed the connection")


class _Sink:
    """Implements :class:`~vivavoce.channel.webrtc.peer.PeerSink`."""

    def __init__(self, conversation: Conversation, rates: ClientRates) -> None:
        self.is_open = asyncio.Event()
        self._conversation = conversation
        self._rates = rates

    async def opened(self) -> None:
        self.is_open.set()
        await self._conversation.opened()  # the peer may have sent something already

    async def audio(self, pcm: bytes) -> None:
        self._conversation.hear(pcm)
        await self._conversation.room()

    async def text(self, text: str) -> None:
        if wait_s := self._rates.take_in_time(len(text), loop_time_s()):
            await asyncio.sleep(wait_s)  # the peer is lost if it sends much more meanwhile
        self._conversation.receive(text)
        await self._conversation.revised()

    async def playout(self, report: PlayoutReport) -> None:
        self._conversation.put(report)


class _PeerOutlet:
    """Implements :class:`~vivavoce.server.realtime.audience.Outlet` over the data channel."""

    def __init__(self, peer: WebRtcPeer) -> None:
        self._peer = peer

    def send(self, message: str) -> None:
        try:
            self._peer.send(message.encode())
        except UsageError:
            _log.warning("an event was too large for a data channel and was not sent")

    def close(self, code: int = 1000, reason: str = "") -> None:
        """The peer is closed when the conversation is over."""


def _as_refusal(fault: VivavoceError) -> VivavoceError:
    match fault:
        case Refused():
            return fault
        case NotAvailable():
            return Refused(fault.message, status=501, code="webrtc_not_available", hint=fault.hint)
        case _:
            return Refused(fault.message, status=400, code="invalid_offer", hint=fault.hint)
