"""The data channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from vivavoce.channel.webrtc.texts import LABEL, Texts
from vivavoce.engine.clock import run
from vivavoce.errors import ChannelFault, UsageError
from vivavoce.events import Evidence, PlayoutStopped, ResponseId, Samples


class Channel:
    """What aiortc gives, as far as it is used."""

    def __init__(self, label: str = LABEL) -> None:
        self.label = label
        self.readyState = "open"
        self.bufferedAmount = 0
        self.sent: list[str] = []
        self.handlers: dict[str, list[Callable[..., Any]]] = {}

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        self.handlers.setdefault(event, []).append(handler)

    def happen(self, event: str, *values: Any) -> None:
        for handler in self.handlers.get(event, []):
            handler(*values)

    def send(self, text: str) -> None:
        self.sent.append(text)
        self.bufferedAmount += len(text)


def opened() -> tuple[Texts, Channel, list[int]]:
    changes: list[int] = []
    texts, channel = Texts(lambda: changes.append(1)), Channel()
    texts.adopt(channel)
    return texts, channel, changes


def test_what_comes_is_told_in_order_with_the_reports() -> None:
    async def tell() -> None:
        texts, channel, _ = opened()
        stopped = PlayoutStopped(ResponseId("r"), Samples(5), Evidence.PACED)
        channel.happen("message", "one")
        texts.report(stopped)
        channel.happen("message", b"tw\xc3\xb6 \xff")
        assert [await texts.next() for _ in range(3)] == ["one", stopped, "twö \ufffd"]

    run(tell(), virtual=True)


def test_only_the_first_channel_of_our_name_is_used() -> None:
    texts, first = Texts(lambda: None), Channel()
    texts.adopt(Channel("chat"))
    assert not texts.is_open
    texts.adopt(first)
    texts.adopt(Channel())
    texts.send("hällo".encode())
    assert first.sent == ["hällo"]


def test_opening_and_closing_are_noticed() -> None:
    texts, channel, changes = opened()
    channel.readyState = "closed"
    channel.happen("close")
    assert not texts.is_open
    assert len(changes) == 2
    texts.send(b"too late")
    assert channel.sent == []


def test_an_event_of_256_kib_is_ours_to_avoid() -> None:
    texts, _, _ = opened()
    with pytest.raises(UsageError, match="262144 bytes"):
        texts.send(bytes(256 * 1024))
    texts.raise_if_flooded()


def test_a_peer_that_reads_nothing_and_one_that_writes_too_much_are_at_fault() -> None:
    texts, channel, changes = opened()
    for _ in range(30):
        texts.send(b"x" * 200_000)
    assert len(channel.sent) == 20
    assert len(changes) > 1
    with pytest.raises(ChannelFault, match="does not take"):
        texts.raise_if_flooded()

    texts, channel, _ = opened()
    for _ in range(1_001):
        channel.happen("message", "x")
    with pytest.raises(ChannelFault, match="more than can be read"):
        texts.raise_if_flooded()


def test_the_end_waits_for_what_was_sent_but_not_for_long() -> None:
    async def end() -> None:
        loop, (texts, channel, _) = asyncio.get_running_loop(), opened()
        await texts.drained(0.5)
        assert loop.time() == 0
        texts.send(b"last")
        loop.call_later(0.1, channel.happen, "bufferedamountlow")
        await texts.drained(0.5)
        assert loop.time() == pytest.approx(0.1)
        await texts.drained(0.5)
        assert loop.time() == pytest.approx(0.6)

    run(end(), virtual=True)
