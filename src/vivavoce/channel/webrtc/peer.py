"""One caller by WebRTC: a peer connection that brings sound and texts, and takes them, until it ends.

What is inside: :class:`~vivavoce.channel.webrtc.listening.Listener` makes 20 ms of the caller every 20 ms,
:class:`~vivavoce.channel.webrtc.speaking.Speaker` paces what the agent says,
:class:`~vivavoce.channel.webrtc.texts.Texts` is the data channel; aiortc does ICE, DTLS, SRTP and SCTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Protocol

from vivavoce.channel.webrtc.codecs import CODECS, make_codec
from vivavoce.channel.webrtc.jitter import JitterSettings
from vivavoce.channel.webrtc.listening import Listener
from vivavoce.channel.webrtc.offer import checked_offer, finished_answer
from vivavoce.channel.webrtc.speaking import Speaker
from vivavoce.channel.webrtc.statistics import PeerStatistics, statistics_of
from vivavoce.channel.webrtc.texts import PlayoutReport, Texts
from vivavoce.channel.webrtc.transport import (
    Clock,
    PacketReceiver,
    load_libraries,
    notice_loss,
    take_over_gathering,
    take_over_receiver,
    take_over_sender,
)
from vivavoce.errors import ChannelFault, UsageError
from vivavoce.events import ChannelEffect, HangUp

RATE_HZ = 24_000
_REPORT_EVERY_FRAMES = 50
_DRAIN_S = 0.5
_CLOSE_S = 3.0
_SOONEST_S = 0.002  # from frame to frame after a stall of ours, so that what waits in the socket is read meanwhile
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, as ``turn:host:port?transport=udp``. Of each kind aiortc uses the first."""

    url: str
    username: str = ""
    credential: str = ""

    def __post_init__(self) -> None:
        if not self.url.startswith(("stun:", "stuns:", "turn:", "turns:")):
            raise UsageError(f"an ICE server {self.url!r}", hint="write stun:host:port or turn:host:port")


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """``ports`` are the UDP ports to use, from and to, one for each address of this machine and call; None leaves the
    choice to the system. ``announce`` is the address by which callers reach this machine, where that is another than
    its own: behind a one-to-one NAT, or in a container. ``bits_per_s`` is for speech in Opus.
    """

    ice_servers: tuple[IceServer, ...] = ()
    ports: tuple[int, int] | None = None
    announce: str = ""
    connect_timeout_s: float = 30.0
    bits_per_s: int = 32_000
    jitter: JitterSettings = field(default_factory=JitterSettings)

    def __post_init__(self) -> None:
        low, high = self.ports or (1, 1)
        if not 1 <= low <= high <= _LARGEST_PORT:
            raise UsageError(f"UDP ports from {low} to {high}", hint="say the lowest, then the highest")
        try:
            ip_address(self.announce or "192.0.2.1")
        except ValueError as error:
            raise UsageError(
                f"an address to announce of {self.announce!r}", hint="browsers need it as numbers, as 203.0.113.9"
            ) from error


class PeerSink(Protocol):
    """Who is told what the peer does. ``opened`` comes first, and once. ``audio`` is called from one task, ``text`` and
    ``playout`` from another, so that a caller's sound that has to wait holds up neither; each waits for its return.
    """

    async def opened(self) -> None:
        """Connected, and events can be sent."""
        ...

    async def audio(self, pcm: bytes) -> None:
        """The caller's next 20 ms."""
        ...

    async def text(self, text: str) -> None:
        """A message of the data channel."""
        ...

    async def playout(self, report: PlayoutReport) -> None:
        """How far a response has been sent."""
        ...


class WebRtcPeer:
    """Make one for each offer: ``answer``, then ``run``. All methods are for one loop; ``close`` may come at any time.

    ``clock`` is the loop's time in seconds.
    """

    rate_hz = RATE_HZ

    def __init__(self, settings: PeerSettings, clock: Clock) -> None:
        """Raises :class:`~vivavoce.errors.NotAvailable` without the extra ``webrtc``."""
        self.settings = settings
        self._libraries = load_libraries()
        self._clock = clock
        self._changed = asyncio.Event()
        self._texts = Texts(self._changed.set)
        self._hung_up = False
        self._lost = False
        self._listener: Listener | None = None
        self._receiver: PacketReceiver | None = None
        self._speaker: Speaker | None = None
        self._connection = self._make_connection()

    @property
    def statistics(self) -> PeerStatistics | None:
        """None before an offer was answered."""
        if self._listener is None or self._receiver is None:
            return None
        return statistics_of(self._listener, RATE_HZ, self._receiver.lost_packets)

    @property
    def queued_samples(self) -> int:
        """What waits to be said to the caller."""
        return self._speaker.queued_samples if self._speaker else 0

    async def answer(self, offer: str) -> str:
        """Our answer, with all candidates. Raises :class:`~vivavoce.errors.UsageError` for an offer that cannot be
        answered, saying why, and :class:`~vivavoce.errors.Refused` if no UDP port is free. Then, too, ``close``.
        """
        checked = checked_offer(offer)
        connection, libraries = self._connection, self._libraries
        transceiver = connection.addTransceiver(libraries.media.AudioStreamTrack(), direction="sendrecv")
        self._receiver = take_over_receiver(libraries, transceiver, self._packet_received, self._clock)
        _prefer_our_codecs(transceiver)
        try:
            await connection.setRemoteDescription(libraries.aiortc.RTCSessionDescription(sdp=checked, type="offer"))
        except libraries.exceptions.OperationError as error:
            raise UsageError("the offer's audio has no codec of ours", hint="offer Opus, PCMU or PCMA") from error
        except _UNREADABLE as error:
            raise UsageError(f"the offer cannot be read: {error}", hint="send the browser's offer unchanged") from error
        self._use_first_codec(transceiver)
        transport = transceiver.receiver.transport
        notice_loss(transport, self._way_lost)
        take_over_gathering(libraries, transport.transport, self.settings.ports)
        await connection.setLocalDescription(await connection.createAnswer())
        return finished_answer(connection.localDescription.sdp, self.settings.bits_per_s, self.settings.announce)

    async def run(self, sink: PeerSink) -> None:
        """Lives as long as the connection: returns when the caller has left or ``HangUp`` was performed. Raises
        :class:`~vivavoce.errors.ChannelFault` if the peer never connects, never opens the data channel, or is lost,
        and whatever ``sink`` raises.
        """
        try:
            await self._open()
            await sink.opened()
            async with asyncio.TaskGroup() as group:
                works = [group.create_task(self._hear(sink)), group.create_task(self._tell(sink))]
                await self._until_over()
                for work in works:
                    work.cancel()
        except BaseExceptionGroup as failures:
            raise _first(failures) from failures
        finally:
            await self.close()

    def send(self, event: bytes) -> None:
        """An event as UTF-8, over the data channel. Raises :class:`~vivavoce.errors.UsageError` for one that is too
        large. A peer that takes none for too long is lost, and ``run`` says so.
        """
        self._texts.send(event)

    def perform(self, effect: ChannelEffect) -> None:
        """As :meth:`vivavoce.channel.port.Channel.perform`; the reports go to the sink."""
        if isinstance(effect, HangUp):
            self._hung_up = True
            self._changed.set()
        elif self._speaker is not None:
            self._speaker.perform(effect)

    async def close(self) -> None:
        """Ends everything, events that were sent given a moment to arrive. May be called again."""
        self._hung_up = True
        self._changed.set()
        if self._connection.connectionState == "connected":
            await self._texts.drained(_DRAIN_S)
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._connection.close()
        except TimeoutError:
            pass  # aiortc waits for ever for a closing of its own that was cancelled, as when a loop is shut down

    def _make_connection(self) -> Any:
        aiortc = self._libraries.aiortc
        servers = [
            aiortc.RTCIceServer(urls=server.url, username=server.username or None, credential=server.credential or None)
            for server in self.settings.ice_servers
        ]
        # An empty list is not the same as none: with none aiortc asks a public STUN server.
        configuration = aiortc.RTCConfiguration(iceServers=servers, bundlePolicy=aiortc.RTCBundlePolicy.MAX_BUNDLE)
        connection = aiortc.RTCPeerConnection(configuration)
        connection.on("connectionstatechange", self._state_changed)
        connection.on("datachannel", self._texts.adopt)
        return connection

    def _use_first_codec(self, transceiver: Any) -> None:
        """One codec for the whole call, so that neither side switches in its middle."""
        codec = transceiver._codecs[0]
        transceiver._codecs = [codec]
        decoder, encoder = make_codec(self._libraries.av, codec.mimeType, RATE_HZ, self.settings.bits_per_s)
        self._listener = Listener(decoder, RATE_HZ, self.settings.jitter)
        self._speaker = Speaker(encoder, RATE_HZ, self._texts.report)
        take_over_sender(self._libraries, transceiver.sender, self._speaker.next_payload)

    def _packet_received(self, packet: Any) -> None:
        if self._listener is not None:
            self._listener.insert(
                packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload, now_s=self._clock()
            )

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                while not (self._texts.is_open and self._connection.connectionState == "connected"):
                    self._raise_if_lost()
                    if self._connection.connectionState == "closed":
                        raise ChannelFault("the peer left before it had opened its data channel")
                    await self._change()
        except TimeoutError as error:
            missing = "opened its data channel" if self._connection.connectionState == "connected" else "connected"
            raise ChannelFault(
                f"the peer has not {missing} within {self.settings.connect_timeout_s:g} s",
                hint="is UDP open between both, and the announced address right?",
            ) from error

    async def _until_over(self) -> None:
        while not self._hung_up and self._texts.is_open and self._connection.connectionState == "connected":
            await self._change()
            self._raise_if_lost()

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise ChannelFault("the connection to the peer was lost", hint="the caller may call again")
        self._texts.raise_if_flooded()

    def _state_changed(self) -> None:
        # Of a connection that failed aiortc soon says that it is closed.
        self._lost |= self._connection.connectionState == "failed"
        self._changed.set()

    def _way_lost(self) -> None:
        self._lost = True
        self._changed.set()

    async def _change(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def _hear(self, sink: PeerSink) -> None:
        assert self._listener is not None
        assert self._receiver is not None
        assert self._speaker is not None
        due_s = self._clock()
        self._listener.buffer.skip()
        while True:
            spoken = self._speaker.frames
            for _ in range(_REPORT_EVERY_FRAMES):
                due_s += self._listener.until_next_s
                await asyncio.sleep(max(_SOONEST_S, due_s - self._clock()))
                await sink.audio(self._listener.frame(self._clock()))
            await self._receiver.report()
            if self._speaker.frames == spoken:
                raise ChannelFault("nothing is sent to the peer any more")

    async def _tell(self, sink: PeerSink) -> None:
        while True:
            news = await self._texts.next()
            await (sink.text(news) if isinstance(news, str) else sink.playout(news))


# What aiortc's reader of SDP raises for text that is none.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError)


def _prefer_our_codecs(transceiver: Any) -> None:
    capabilities = type(transceiver.sender).getCapabilities("audio").codecs
    transceiver.setCodecPreferences([each for wanted in CODECS for each in capabilities if each.mimeType == wanted])


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
