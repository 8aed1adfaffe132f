"""The client against a small service of ours, in memory and on virtual time: a stream from its request to its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from tests.unit.model.bedrock.service import (
    AUDIO,
    BYE,
    HELLO,
    KEYS,
    MODEL,
    NOON,
    Request,
    Service,
    client_of,
    echo,
    now,
    on_virtual_time,
    received,
)
from vivavoce.errors import (
    AccessFault,
    ModelUnreachable,
    UsageError,
)
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.wire.sigv4 import EventVerifier, Verified, epoch_ms, verify_request


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


def test_a_service_that_ends_first_is_answered_with_our_end() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            request.accept()
            request.end()

        service = Service(script)
        stream = await client_of(service).open(MODEL)
        assert await received(stream) == []
        await asyncio.sleep(0.1)
        assert service.requests[0].ended
        assert service.requests[0].reset is None
        assert service.connections[0].lost
        await stream.finish()

    on_virtual_time(main)


def test_a_service_that_does_not_end_is_left_in_time() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            request.accept()

        service = Service(script)
        stream = await client_of(service).open(MODEL)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await stream.finish()
        assert loop.time() - began == pytest.approx(5.0)
        assert await stream.receive() is None
        await asyncio.sleep(0.1)
        [request] = service.requests
        assert request.frames[-1].event is None
        assert request.ended
        assert request.reset is ErrorCodes.CANCEL
        assert service.connections[0].lost

    on_virtual_time(main)


def test_the_end_comes_although_nobody_reads() -> None:
    """What the model still had to say is more than the stream's window."""

    async def main() -> None:
        many = 3000

        async def script(request: Request) -> None:
            request.accept()
            await request.until(lambda: bool(request.events))
            request.say(*[b"x" * 600] * many)
            await request.until(lambda: request.ended and not request.unsent)
            request.end()

        service = Service(script)
        stream = await client_of(service).open(MODEL, [HELLO])
        await asyncio.sleep(1)
        assert service.requests[0].unsent, "the window holds the service back"
        await stream.finish()
        assert await received(stream) == [b"x" * 600] * many

    on_virtual_time(main)


def test_reading_opens_the_window() -> None:
    async def main() -> None:
        many = 3000

        async def script(request: Request) -> None:
            request.accept()
            request.say(*[b"x" * 600] * many)
            await request.until(lambda: request.ended)
            request.end()

        service = Service(script)
        stream = await client_of(service).open(MODEL)
        assert [await stream.receive() for _ in range(many)] == [b"x" * 600] * many
        assert not service.requests[0].unsent
        await stream.finish()

    on_virtual_time(main)


def test_the_window_of_the_service_is_honoured() -> None:
    async def main() -> None:
        service = Service(echo, settings={SettingCodes.INITIAL_WINDOW_SIZE: 10_000})
        service.opens_window = False
        stream = await client_of(service).open(MODEL)
        events = [b"%d" % number + b"x" * 1500 for number in range(10)]
        for event in events:
            stream.send(event)
        await asyncio.sleep(0.1)
        [request] = service.requests
        assert request.received_bytes == 10_000
        sent = sum(len(event) for event in events)
        assert stream.unsent_bytes > sent - 10_000
        connection = service.connections[0]
        connection.h2.increment_flow_control_window(100_000, request.stream_id)
        connection.flush()
        await asyncio.sleep(0.1)
        assert stream.unsent_bytes == 0
        assert request.events == events
        await stream.finish()
        assert await received(stream) == events

    on_virtual_time(main)


def test_a_message_larger_than_a_frame_goes_in_several() -> None:
    async def main() -> None:
        service = Service(echo)
        stream = await client_of(service).open(MODEL)
        large = b"y" * 100_000
        stream.send(large)
        stream.send(AUDIO)
        assert [await stream.receive(), await stream.receive()] == [large, AUDIO]
        await stream.finish()

    on_virtual_time(main)


def test_a_service_that_takes_nothing_more_is_given_up() -> None:
    async def main() -> None:
        service = Service(echo, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1000})
        service.opens_window = False
        settings = BedrockSettings(region="us-east-1", unsent_limit_bytes=50_000)
        stream = await client_of(service, settings).open(MODEL)
        for _ in range(40):
            stream.send(b"z" * 1500)
        with pytest.raises(ModelUnreachable, match="takes no more"):
            await stream.receive()
        await asyncio.sleep(0.1)
        assert service.requests[0].reset is ErrorCodes.CANCEL
        service.stop()

    on_virtual_time(main)


def test_a_transport_that_is_full_holds_the_sender_back() -> None:
    async def main() -> None:
        service = Service(echo, settings={SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
        stream = await client_of(service).open(MODEL)
        link = service.network.links[0]
        link.stall(up=True, down=False)
        events = [b"%d" % number + b"x" * 1500 for number in range(100)]
        for event in events:
            stream.send(event)
        assert stream.unsent_bytes > 150_000
        assert link.client.get_write_buffer_size() < 100_000, "the rest waits where it can be dropped"
        link.resume()
        assert [await stream.receive() for _ in events] == events
        await stream.finish()

    on_virtual_time(main)


def test_going_away_lets_open_streams_finish() -> None:
    async def main() -> None:
        service = Service(echo)
        settings = BedrockSettings(region="us-east-1", streams_per_connection=2)
        client = client_of(service, settings)
        first = await client.open(MODEL)
        service.connections[0].goaway(last_stream_id=1)
        await asyncio.sleep(0.1)
        second = await client.open(MODEL)
        assert len(service.connections) == 2, "what is new goes elsewhere"
        for stream in (first, second):
            stream.send(AUDIO)
            assert await stream.receive() == AUDIO
            await stream.finish()
        await asyncio.sleep(0.1)
        assert service.connections[0].lost, "and the old connection goes with its last stream"
        await client.close()

    on_virtual_time(main)


def test_several_streams_share_a_connection_up_to_both_limits() -> None:
    async def main(peer: int, ours: int, expected: int) -> None:
        service = Service(echo, settings={SettingCodes.MAX_CONCURRENT_STREAMS: peer})
        client = client_of(service, BedrockSettings(region="us-east-1", streams_per_connection=ours))
        streams = await asyncio.gather(*(client.open(MODEL) for _ in range(6)))
        assert len(service.connections) == expected
        for stream in streams:
            stream.send(AUDIO)
        assert [await stream.receive() for stream in streams] == [AUDIO] * 6
        await asyncio.gather(*(stream.finish() for stream in streams))
        assert not any(connection.lost for connection in service.connections), "kept for the next"
        await client.close()
        assert all(connection.lost for connection in service.connections)

    on_virtual_time(lambda: main(peer=100, ours=6, expected=1))
    on_virtual_time(lambda: main(peer=2, ours=6, expected=3))
    on_virtual_time(lambda: main(peer=100, ours=4, expected=2))


def test_a_dropped_stream_gives_back_what_it_took_of_the_shared_window() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            request.accept()
            request.say(*[b"x" * 6000] * 120)

        service = Service(script)
        client = client_of(service, BedrockSettings(region="us-east-1", streams_per_connection=2))
        for _ in range(40):
            stream = await client.open(MODEL)
            await asyncio.sleep(0.01)
            assert await stream.receive() == b"x" * 6000
            stream.abort()
        assert len(service.connections) == 1
        await client.close()

    on_virtual_time(main)


def test_the_first_events_do_not_wait_for_the_answer() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            await request.until(lambda: request.events == [HELLO, AUDIO])
            await echo(request)

        stream = await client_of(Service(script)).open(MODEL, [HELLO, AUDIO])
        assert [await stream.receive(), await stream.receive()] == [HELLO, AUDIO]
        await stream.finish()

    on_virtual_time(main)


def test_a_bearer_key_opens_a_stream_without_signatures() -> None:
    async def main() -> None:
        service = Service(echo)
        stream = await client_of(service, identities=FixedIdentity(Identity(bearer_token="abc"))).open(MODEL)
        stream.send(AUDIO)
        assert await stream.receive() == AUDIO
        await stream.finish()
        [request] = service.requests
        assert ("authorization", "Bearer abc") in request.headers
        assert [frame.instant_ms for frame in request.frames] == [None]
        assert request.ended

    on_virtual_time(main)


def test_when_the_credentials_expire_is_known() -> None:
    async def main() -> None:
        service = Service(echo)
        expire = NOON + timedelta(hours=1)
        stream = await client_of(service, identities=FixedIdentity(Identity(KEYS, expire=expire))).open(MODEL)
        assert stream.credentials_expire == expire
        await stream.finish()

    on_virtual_time(main)


def test_without_a_region_or_a_model_nothing_is_begun() -> None:
    async def main() -> None:
        service = Service(echo)
        with pytest.raises(AccessFault, match="AWS_REGION"):
            await client_of(service, BedrockSettings()).open(MODEL)
        with pytest.raises(AccessFault, match="AWS_REGION"):
            await client_of(service, BedrockSettings()).check()
        await client_of(service).check()
        with pytest.raises(UsageError, match="no model id"):
            await client_of(service).open("")
        assert service.connections == []

    on_virtual_time(main)


def test_closing_the_client_fails_what_is_open() -> None:
    async def main() -> None:
        service = Service(echo)
        client = client_of(service)
        stream = await client.open(MODEL)
        reading = asyncio.create_task(received(stream))
        await asyncio.sleep(0.1)
        await client.close()
        with pytest.raises(ModelUnreachable, match="closed here"):
            await reading
        assert service.connections[0].goodbye
        assert service.connections[0].lost
        service.stop()

    on_virtual_time(main)
