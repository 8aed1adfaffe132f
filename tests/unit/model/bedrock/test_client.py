"""The client against a small service of ours, in memory and on virtual time: a stream from its request to its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from tests.unit.model.bedrock.service import KEYS, MODEL, NOON, Request, Service, client_of, now, on_virtual_time
from vivavoce.errors import AccessFault, ModelBusy, ModelExpired, ModelFault, ModelRefused, ModelUnreachable, UsageError
from vivavoce.model.bedrock.client import backoff_s
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.settings import Backoff, BedrockSettings, Timeouts
from vivavoce.wire.bedrock import encode_error, encode_exception
from vivavoce.wire.sigv4 import EventVerifier, Verified, epoch_ms, verify_request

HELLO, AUDIO, BYE = b'{"event":{"sessionStart":{}}}', b'{"event":{"audioInput":{}}}', b'{"event":{"sessionEnd":{}}}'


async def echo(request: Request) -> None:
    """Accepts, answers each event with itself, and ends after the client has."""
    request.accept()
    said = 0
    while not request.ended:
        await request.until(lambda: len(request.events) > said or request.ended)  # noqa: B023
        request.say(*request.events[said:])
        said = len(request.events)
    request.end()


async def received(stream: object) -> list[bytes]:
    events = []
    while (event := await stream.receive()) is not None:  # type: ignore[attr-defined]
        events.append(event)
    return events


def test_a_stream_from_its_request_to_its_end() -> None:
    async def main() -> None:
        service = Service(echo)
        client = client_of(service)
        stream = await client.open(MODEL)
        stream.send(HELLO)
        stream.send(AUDIO)
        assert [await stream.receive(), await stream.receive()] == [HELLO, AUDIO]
        stream.send(BYE)
        await stream.finish()
        assert await received(stream) == [BYE]
        [request] = service.requests
        assert request.events == [HELLO, AUDIO, BYE]
        assert request.frames[-1].event is None, "the end of input is told in a signed message"
        assert request.ended
        assert request.reset is None
        await asyncio.sleep(0.01)
        assert service.connections[0].goodbye
        assert service.connections[0].lost, "one connection for one stream goes with it"
        await client.close()

    on_virtual_time(main)


def test_everything_is_signed_as_the_service_checks_it() -> None:
    async def main() -> None:
        service = Service(echo)
        stream = await client_of(service).open(MODEL, [HELLO])
        for _ in range(3):
            await asyncio.sleep(0.7)
            stream.send(AUDIO)
        await stream.finish()
        [request] = service.requests
        verified = verify_request(request.headers, {KEYS.access_key: KEYS}.get, now_ms=epoch_ms(now()))
        assert isinstance(verified, Verified)
        assert verified.region == "us-east-1"
        chain = EventVerifier(KEYS, verified.region, verified.seed)
        for frame in request.frames:
            assert frame.instant_ms is not None
            assert chain.verify(frame.payload, frame.instant_ms, frame.signature) is None
        assert len(request.frames) == 5
        assert ("user-agent", "vivavoce/0.1.0") in request.headers

    on_virtual_time(main)
