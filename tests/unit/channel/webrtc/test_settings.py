"""What a peer may be told."""

from __future__ import annotations

import pytest

from vivavoce.channel.webrtc.peer import IceServer, PeerSettings
from vivavoce.errors import UsageError


@pytest.mark.parametrize("ports", [(0, 10), (20, 10), (1, 65_536), (-5, -1)])
def test_ports_that_are_none(ports: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="UDP ports from"):
        PeerSettings(ports=ports)


@pytest.mark.parametrize("address", ["example.com", "203.0.113", "203.0.113.9:5000"])
def test_an_address_that_browsers_cannot_use(address: str) -> None:
    with pytest.raises(UsageError, match="an address to announce"):
        PeerSettings(announce=address)


def test_an_ice_server_without_its_scheme() -> None:
    with pytest.raises(UsageError, match=r"an ICE server 'example\.com'"):
        IceServer("example.com")


def test_what_is_right() -> None:
    settings = PeerSettings((IceServer("turn:example.com:3478", "u", "p"),), (40_000, 40_000), "2001:db8::1")
    assert settings.ports == (40_000, 40_000)
    assert PeerSettings().ice_servers == ()
