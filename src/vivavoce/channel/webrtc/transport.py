"""aiortc from within: a receiver that leaves packets to us, a sender that asks us for them, UDP ports of a range.

aiortc 1.16 offers none of these from outside, and its audio jitter buffer adds 80 ms always and 280 ms for good after
one lost packet (its issue 543). The version is pinned, and a test fails where its inside is no longer what is
used here. aiortc is loaded when the first peer is made: it takes a third of a second.
"""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from vivavoce.errors import NotAvailable, Refused

_MODULES = (
    "aiortc",
    "aiortc.exceptions",
    "aiortc.rtcrtpreceiver",
    "aiortc.rtcrtpsender",
    "aiortc.rtp",
    "aiortc.mediastreams",
    "aioice.ice",
    "av",
)
_LOOPBACK = "127.0.0.1"

Clock = Callable[[], float]
"""Seconds of the loop's time."""
NextPayload = Callable[[], Awaitable[tuple[bytes, int]]]


class Libraries(NamedTuple):
    """The modules of aiortc, aioice and PyAV."""

    aiortc: Any
    exceptions: Any
    receiver: Any
    sender: Any
    rtp: Any
    media: Any
    ice: Any
    av: Any


@lru_cache(maxsize=1)
def load_libraries() -> Libraries:
    """Raises :class:`NotAvailable`, saying what to install."""
    try:
        return Libraries(*map(importlib.import_module, _MODULES))
    except ImportError as error:
        raise NotAvailable("WebRTC needs the package aiortc", hint="pip install 'vivavoce[webrtc]'") from error


class PacketReceiver:
    """Stands in the place of aiortc's ``RTCRtpReceiver``: no thread, no decoder, no buffer. ``on_packet`` is given
    every RTP packet of the negotiated payload types. Reports of reception (RFC 3550, 6.4.2) are sent when ``report`` is
    called, about once a second.
    """

    def __init__(
        self, libraries: Libraries, transport: Any, ssrc: int, on_packet: Callable[[Any], None], clock: Clock
    ) -> None:
        self.transport = transport
        self.lost_packets = 0
        self._enabled = True  # written by the transceiver, as the direction says
        self._track: Any = None  # written by the connection
        self._libraries = libraries
        self._ssrc = ssrc
        self._on_packet = on_packet
        self._clock = clock
        self._clock_rates: dict[int, int] = {}
        self._sources: dict[int, Any] = {}
        self._sender_reports: dict[int, tuple[int, float]] = {}

    @property
    def track(self) -> Any:
        return self._track

    def setTransport(self, transport: Any) -> None:  # noqa: N802  # theirs
        self.transport = transport

    def _set_rtcp_ssrc(self, ssrc: int) -> None:
        self._ssrc = ssrc

    async def receive(self, parameters: Any) -> None:
        if not self._clock_rates:
            self._clock_rates = {codec.payloadType: codec.clockRate for codec in parameters.codecs}
            self.transport._register_rtp_receiver(self, parameters)

    async def stop(self) -> None:
        self.transport._unregister_rtp_receiver(self)

    async def getStats(self) -> dict[str, Any]:  # noqa: N802  # theirs
        return {}

    def _handle_disconnect(self) -> None:
        pass

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        del arrival_time_ms  # of the wall clock; what counts here is the loop's
        clock_rate = self._clock_rates.get(packet.payload_type)
        if clock_rate is None or not self._enabled:
            return
        source = self._sources.get(packet.ssrc)
        if source is None:
            # One source at a time is reported on. A peer that changes it has begun anew.
            self._sources = {packet.ssrc: self._libraries.receiver.StreamStatistics(clock_rate)}
            source = self._sources[packet.ssrc]
        source.add(packet)
        self._on_packet(packet)

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        if isinstance(packet, self._libraries.rtp.RtcpSrPacket):
            middle = (packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF
            self._sender_reports = {packet.ssrc: (middle, self._clock())}

    async def report(self) -> None:
        """Tell the sender what arrived: browsers adapt their error correction and bit rate to it."""
        rtp, now_s = self._libraries.rtp, self._clock()
        reports = []
        for ssrc, source in self._sources.items():
            self.lost_packets = max(0, source.packets_lost)
            last_report, heard_s = self._sender_reports.get(ssrc, (0, now_s))
            reports.append(
                rtp.RtcpReceiverInfo(
                    ssrc=ssrc,
                    fraction_lost=source.fraction_lost,
                    packets_lost=source.packets_lost,
                    highest_sequence=source.max_seq,
                    jitter=source.jitter,
                    lsr=last_report,
                    dlsr=min(0xFFFFFFFF, int((now_s - heard_s) * 65536)),
                )
            )
        if reports:
            with suppress(ConnectionError):  # the connection's own state says so too
                await self.transport._send_rtp(bytes(rtp.RtcpRrPacket(ssrc=self._ssrc, reports=reports)))


def take_over_receiver(
    libraries: Libraries, transceiver: Any, on_packet: Callable[[Any], None], clock: Clock
) -> PacketReceiver:
    """Put a :class:`PacketReceiver` into a transceiver that has not been negotiated."""
    transport, ssrc = transceiver.receiver.transport, transceiver.sender._ssrc
    ours = PacketReceiver(libraries, transport, ssrc, on_packet, clock)
    transceiver._RTCRtpTransceiver__receiver = ours
    return ours


def take_over_sender(libraries: Libraries, sender: Any, next_payload: NextPayload) -> None:
    """Have the sender's task await ``next_payload``, a coroutine that gives the next payload and its timestamp when
    they are due. The sender adds the RTP header and its reports.
    """

    async def next_encoded_frame(codec: Any) -> Any:
        del codec
        payload, timestamp = await next_payload()
        return libraries.sender.RTCEncodedFrame([payload], timestamp, None)

    sender._next_encoded_frame = next_encoded_frame


def notice_loss(dtls_transport: Any, lost: Callable[[], None]) -> None:
    """Call ``lost`` when ICE ends by itself, because the peer no longer consents (RFC 7675). To the connection that
    looks like a peer that has left.
    """
    ice_connection = dtls_transport.transport.iceGatherer._connection

    def changed() -> None:
        if dtls_transport.state == "closed" and ice_connection._closing:
            lost()

    dtls_transport.on("statechange", changed)


def take_over_gathering(libraries: Libraries, ice_transport: Any, ports: tuple[int, int] | None) -> None:
    """Have host candidates bound to UDP ports from ``ports[0]`` to ``ports[1]``, and to the loopback address on a
    machine that has no other.
    """
    connection = ice_transport.iceGatherer._connection
    theirs = connection.get_component_candidates

    async def get_component_candidates(component: int, addresses: list[str], timeout: int = 5) -> list[Any]:  # noqa: ASYNC109
        if ports is None and addresses:
            return list(await theirs(component, addresses, timeout))
        ours = [await _bound(libraries.ice, connection, at, component, ports) for at in addresses or [_LOOPBACK]]
        bound = [protocol for protocol in ours if protocol is not None]
        if not bound and ports is not None:
            raise Refused(
                f"no UDP port is free from {ports[0]} to {ports[1]}",
                status=503,
                code="no_media_port",
                retry_after_s=5,
                hint="give the server a larger range",
            )
        connection._protocols += bound
        reflexive = await _reflexive(libraries.ice, connection, bound, timeout)
        return [protocol.local_candidate for protocol in bound] + reflexive + list(await theirs(component, [], timeout))

    connection.get_component_candidates = get_component_candidates


async def _bound(ice: Any, connection: Any, address: str, component: int, ports: tuple[int, int] | None) -> Any:
    """A protocol on a free port of the range, from a random one on; None if there is none."""
    loop = asyncio.get_running_loop()
    low, high = ports or (0, 0)
    count = high - low + 1
    start = secrets.randbelow(count)
    for step in range(count):
        local = (address, low + (start + step) % count)
        try:
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: ice.StunProtocol(connection), local_addr=local
            )
        except OSError:
            continue
        host, port = transport.get_extra_info("sockname")[:2]
        protocol.local_candidate = ice.Candidate(
            foundation=ice.candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=ice.candidate_priority(component, "host"),
            host=host,
            port=port,
            type="host",
        )
        return protocol
    return None


async def _reflexive(ice: Any, connection: Any, protocols: list[Any], wait_s: int) -> list[Any]:
    """What a STUN server, if there is one, says of our IPv4 addresses."""
    asked = [protocol for protocol in protocols if connection.stun_server and ":" not in protocol.local_candidate.host]
    if not asked:
        return []
    tasks = [asyncio.ensure_future(ice.server_reflexive_candidate(each, connection.stun_server)) for each in asked]
    done, pending = await asyncio.wait(tasks, timeout=wait_s)
    for task in pending:
        task.cancel()
    return [task.result()[0] for task in done if task.exception() is None]
