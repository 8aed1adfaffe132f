"""aiortc's inside is what we take it for. Where a new version fails here, read what it changed before raising a pin."""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import requires, version
from types import SimpleNamespace
from typing import Any

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, rtcpeerconnection, rtcrtpreceiver, rtcrtpsender
from aiortc.codecs import CODECS
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket, RtpPacket

from vivavoce.channel.webrtc.transport import PacketReceiver, load_libraries, take_over_gathering, take_over_receiver
from vivavoce.errors import NotAvailable

pytestmark = pytest.mark.slow


def source_of(thing: Any) -> str:
    return inspect.getsource(thing)


def test_the_pin_is_what_is_installed() -> None:
    pins = [each for each in requires("vivavoce") or [] if each.startswith("aiortc")]
    assert pins
    assert pins[0].startswith("aiortc==1.16")
    assert version("aiortc").startswith("1.16.")


def test_all_that_a_connection_asks_of_a_receiver_ours_has() -> None:
    """Everything that aiortc's own modules touch on a receiver."""
    public = {name for name in vars(rtcrtpreceiver.RTCRtpReceiver) if not name.startswith(("__", "_RTCRtpReceiver__"))}
    unused = {"getCapabilities", "getSynchronizationSources", "_run_rtcp", "_send_rtcp", "_send_rtcp_nack"}
    unused |= {"_send_rtcp_pli", "transport"}
    assert {name for name in public - unused if not hasattr(PacketReceiver, name)} == set()
    for name in ("receive", "stop", "_handle_rtp_packet", "_handle_rtcp_packet", "getStats"):
        theirs, ours = getattr(rtcrtpreceiver.RTCRtpReceiver, name), getattr(PacketReceiver, name)
        assert asyncio.iscoroutinefunction(theirs)
        assert asyncio.iscoroutinefunction(ours)
        assert list(inspect.signature(theirs).parameters) == list(inspect.signature(ours).parameters)


def test_the_sender_asks_for_frames_where_we_answer() -> None:
    sender = rtcrtpsender.RTCRtpSender
    assert list(inspect.signature(sender._next_encoded_frame).parameters) == ["self", "codec"]
    assert "await self._next_encoded_frame(codec)" in source_of(sender._run_rtp)
    assert list(inspect.signature(rtcrtpsender.RTCEncodedFrame).parameters) == ["payloads", "timestamp", "audio_level"]


def test_a_transceiver_gives_the_receiver_that_we_put_into_it() -> None:
    async def negotiate() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver: Any = connection.addTransceiver("audio")
        ours = take_over_receiver(load_libraries(), transceiver, lambda packet: None, lambda: 0.0)
        assert transceiver.receiver is ours
        assert connection.getReceivers() == [ours]
        assert "transceiver._codecs = common" in source_of(rtcpeerconnection.RTCPeerConnection.setRemoteDescription)
        assert await connection.getStats() is not None
        await connection.close()

    asyncio.run(negotiate())


def test_gathering_goes_through_what_we_replace() -> None:
    connection = aioice.ice.Connection
    assert "self.get_component_candidates(component=component, addresses=addresses)" in source_of(
        connection.gather_candidates
    )
    assert list(inspect.signature(connection.get_component_candidates).parameters) == [
        "self",
        "component",
        "addresses",
        "timeout",
    ]
    ours = connection(ice_controlling=False)
    assert ours._protocols == []
    assert ours._closing is False
    assert ours.stun_server is None


class Transport:
    """Takes what is sent over it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def _send_rtp(self, data: bytes) -> None:
        self.sent.append(data)

    def _register_rtp_receiver(self, receiver: Any, parameters: Any) -> None: ...

    def _unregister_rtp_receiver(self, receiver: Any) -> None: ...


def test_reception_is_reported_on() -> None:
    async def receive() -> None:
        now_s, transport = 10.0, Transport()
        received: list[Any] = []
        receiver = PacketReceiver(load_libraries(), transport, 77, received.append, lambda: now_s)
        codecs = [CODECS["audio"][0]]
        await receiver.receive(RTCRtpReceiveParameters(codecs=codecs))
        for number in range(100):
            if number % 10 != 3:
                packet = RtpPacket(payload_type=96, sequence_number=number, timestamp=number * 960)
                packet.ssrc = 5
                await receiver._handle_rtp_packet(packet, arrival_time_ms=0)
        await receiver._handle_rtp_packet(RtpPacket(payload_type=13), arrival_time_ms=0)
        info = RtcpSenderInfo(ntp_timestamp=0x1234_5678_9ABC_DEF0, rtp_timestamp=0, packet_count=1, octet_count=1)
        await receiver._handle_rtcp_packet(RtcpSrPacket(ssrc=5, sender_info=info))
        now_s = 10.5
        await receiver.report()
        await receiver.stop()
        assert len(received) == 90
        assert receiver.lost_packets == 10
        report = RtcpRrPacket.parse(transport.sent[0][4:], 1)
        [source] = report.reports
        assert isinstance(source, RtcpReceiverInfo)
        assert (report.ssrc, source.ssrc, source.packets_lost, source.highest_sequence) == (77, 5, 10, 99)
        assert (source.lsr, source.dlsr) == (0x5678_9ABC, 0x8000)
        assert source.fraction_lost == pytest.approx(25, abs=1)

    asyncio.run(receive())


def test_without_aiortc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_import(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", no_import)
    load_libraries.cache_clear()
    with pytest.raises(NotAvailable, match=r"pip install 'vivavoce\[webrtc\]'"):
        load_libraries()


def gathering(monkeypatch: pytest.MonkeyPatch, addresses: list[str], ports: tuple[int, int] | None) -> list[Any]:
    """The candidates of a connection that knows a STUN server, which says 203.0.113.9 of all."""

    async def ask(protocol: Any, server: tuple[str, int]) -> tuple[str, None]:
        assert server == ("stun.example.com", 3478)
        if protocol.local_candidate.host == "127.0.0.2":
            raise OSError("no answer")
        return f"203.0.113.9 for {protocol.local_candidate.host}", None

    async def gather() -> list[Any]:
        connection = aioice.ice.Connection(ice_controlling=False, stun_server=("stun.example.com", 3478))
        transport = SimpleNamespace(iceGatherer=SimpleNamespace(_connection=connection))
        take_over_gathering(load_libraries(), transport, ports)
        candidates = await connection.get_component_candidates(1, addresses)
        await connection.close()
        return candidates

    monkeypatch.setattr(aioice.ice, "server_reflexive_candidate", ask)
    return asyncio.run(gather())


def test_addresses_from_a_stun_server_come_with_those_of_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, reflexive = gathering(monkeypatch, ["127.0.0.1", "127.0.0.2"], (42_000, 42_050))
    assert (first.host, second.host) == ("127.0.0.1", "127.0.0.2")
    assert 42_000 <= first.port <= 42_050
    assert reflexive == "203.0.113.9 for 127.0.0.1"


def test_a_machine_without_a_network_is_reached_by_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gathering(monkeypatch, [], None)[0].host == "127.0.0.1"
