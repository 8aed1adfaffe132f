"""The client against a small service of ours, in memory and on virtual time: a stream from its request to its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from tests.unit.model.bedrock.service import (
    KEYS,
    MODEL,
    NOON,
    Request,
    Script,
    Service,
    client_of,
    now,
    on_virtual_time,
)
from vivavoce.errors import (
    AccessFault,
    ModelBusy,
    ModelExpired,
    ModelFault,
    ModelRefused,
    ModelUnreachable,
    UsageError,
    VivavoceError,
)
from vivavoce.model.bedrock.client import BedrockClient, backoff_s
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.port import Stream
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


async def received(stream: Stream) -> list[bytes]:
    events = []
    while (event := await stream.receive()) is not None:
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


def failure_of(script: Script, *, settings: BedrockSettings | None = None, speaks: bool = True) -> VivavoceError:
    """What the reader of a stream gets that this script answers."""

    async def attempt(client: BedrockClient) -> None:
        stream = await client.open(MODEL)
        try:
            await received(stream)
        finally:
            stream.abort()
            stream.send(AUDIO)  # does nothing, and does not fail
            await stream.finish()

    async def main() -> VivavoceError:
        service = Service(script, speaks=speaks)
        client = client_of(service, settings)
        with pytest.raises(VivavoceError) as caught:
            await attempt(client)
        await client.close()
        service.stop()
        return caught.value

    return on_virtual_time(main)


def refusing(status: int, name: str, message: str) -> Script:
    async def script(request: Request) -> None:
        headers = [("x-amzn-errortype", f"{name}:http://internal.amazon.com/coral/"), ("x-amzn-requestid", "r7")]
        request.respond(status, headers, b'{"message":"' + message.encode() + b'"}')

    return script


ONE_TRY = BedrockSettings(region="us-east-1", backoff=Backoff(attempts=1))


@pytest.mark.parametrize(
    ("status", "name", "message", "kind", "hint"),
    [
        (400, "ValidationException", "The provided model identifier is invalid.", ModelRefused, "model's id"),
        (403, "AccessDeniedException", "User is not authorized", AccessFault, "InvokeModelWithBidirectionalStream"),
        (403, "UnrecognizedClientException", "The security token is invalid.", AccessFault, "access key"),
        (403, "InvalidSignatureException", "Signature expired: now", AccessFault, "clock"),
        (403, "ExpiredTokenException", "The security token is expired", AccessFault, "renew"),
        (404, "ResourceNotFoundException", "Could not resolve the model", ModelRefused, "model's id"),
        (429, "ThrottlingException", "Too many requests", ModelBusy, "quota"),
        (503, "ServiceUnavailableException", "later", ModelBusy, ""),
        (500, "InternalServerException", "oh", ModelFault, ""),
    ],
)
def test_a_request_that_is_refused(status: int, name: str, message: str, kind: type, hint: str) -> None:
    error = failure_of(refusing(status, name, message), settings=ONE_TRY)
    assert type(error) is kind
    assert isinstance(error, kind)
    assert f"{message} [{name}, request r7]" in str(error)
    assert hint in str(error)


@pytest.mark.parametrize(
    ("raw", "kind", "retryable"),
    [
        (encode_exception("validationException", "Duplicate prompt name: x"), ModelRefused, False),
        (encode_exception("validationException", "System instability detected. Please retry."), ModelFault, True),
        (encode_exception("modelTimeoutException", "Model has timed out in processing"), ModelExpired, True),
        (encode_exception("throttlingException", "slow down"), ModelBusy, True),
        (encode_error("InternalFailure", "oh"), ModelFault, True),
        (b"HTTP/1.1 200 OK\r\n\r\n", ModelUnreachable, True),
    ],
)
def test_a_stream_that_fails_on_its_way(raw: bytes, kind: type[ModelFault], retryable: bool) -> None:
    async def script(request: Request) -> None:
        request.accept()
        request.send(raw)

    error = failure_of(script)
    assert type(error) is kind
    assert isinstance(error, ModelFault)
    assert error.retryable is retryable


def test_what_came_before_a_fault_is_read_first() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            request.accept()
            request.say(HELLO, AUDIO)
            request.reset_with(ErrorCodes.INTERNAL_ERROR)

        stream = await client_of(Service(script)).open(MODEL)
        await asyncio.sleep(1)
        assert [await stream.receive(), await stream.receive()] == [HELLO, AUDIO]
        for _ in range(2):
            with pytest.raises(ModelUnreachable, match="INTERNAL_ERROR"):
                await stream.receive()

    on_virtual_time(main)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCodes.NO_ERROR, ModelUnreachable),
        (ErrorCodes.CANCEL, ModelUnreachable),
        (ErrorCodes.REFUSED_STREAM, ModelBusy),
        (ErrorCodes.ENHANCE_YOUR_CALM, ModelBusy),
    ],
)
def test_a_reset(code: ErrorCodes, kind: type) -> None:
    async def script(request: Request) -> None:
        request.accept()
        request.reset_with(code)

    error = failure_of(script)
    assert type(error) is kind
    assert code.name in str(error)


def test_a_reset_after_the_end_is_in_order() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            request.accept()
            request.say(AUDIO)
            request.end()
            request.reset_with(ErrorCodes.NO_ERROR)

        stream = await client_of(Service(script)).open(MODEL)
        assert await received(stream) == [AUDIO]
        await stream.finish()

    on_virtual_time(main)


def test_an_end_within_a_message_is_a_fault() -> None:
    async def script(request: Request) -> None:
        request.accept()
        request.send(encode_error("x", "y")[:-3])
        request.end()

    assert "middle of a message" in str(failure_of(script))


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


def test_a_stream_that_a_goaway_leaves_out_is_opened_again() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            if len(service.requests) == 1:
                request.connection.goaway(last_stream_id=0)
            else:
                await echo(request)

        service = Service(script)
        stream = await client_of(service).open(MODEL)
        assert len(service.requests) == 2
        await stream.finish()

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


def test_a_peer_that_allows_no_stream_is_busy() -> None:
    async def main() -> None:
        service = Service(echo, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 0})
        with pytest.raises(ModelBusy, match="no further stream"):
            await client_of(service, ONE_TRY).open(MODEL)
        await asyncio.sleep(0.1)
        assert service.connections[0].lost

    on_virtual_time(main)


def test_half_open() -> None:
    """A network that swallows everything: four seconds of silence, a PING, four seconds without an answer."""

    async def main() -> None:
        service = Service(echo)
        stream = await client_of(service).open(MODEL)
        service.network.links[0].stall()
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ModelUnreachable, match="PING"):
            await stream.receive()
        assert 8 <= loop.time() - began <= 9
        service.stop()

    on_virtual_time(main)


def test_a_quiet_connection_that_answers_is_kept() -> None:
    async def main() -> None:
        service = Service(echo)
        stream = await client_of(service).open(MODEL)
        await asyncio.sleep(60)
        assert 7 <= service.connections[0].pings <= 15
        stream.send(AUDIO)
        assert await stream.receive() == AUDIO
        await stream.finish()

    on_virtual_time(main)


def test_a_service_that_lives_and_says_nothing_is_given_up_at_last() -> None:
    async def main() -> None:
        service = Service(echo)
        settings = BedrockSettings(region="us-east-1", timeouts=Timeouts(idle_ms=60_000))
        stream = await client_of(service, settings).open(MODEL)
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ModelUnreachable, match="sent nothing"):
            await stream.receive()
        assert 60 <= loop.time() - began <= 75.1
        service.stop()

    on_virtual_time(main)


def test_a_cut_connection() -> None:
    async def main() -> None:
        service = Service(echo)
        stream = await client_of(service).open(MODEL)
        asyncio.get_running_loop().call_later(1, service.network.links[0].cut)
        with pytest.raises(ModelUnreachable, match="reset"):
            await stream.receive()
        stream.send(AUDIO)
        await stream.finish()
        assert stream.unsent_bytes == 0
        service.stop()

    on_virtual_time(main)


def test_a_service_that_closes_the_connection() -> None:
    async def script(request: Request) -> None:
        request.accept()
        assert request.connection.transport is not None
        request.connection.transport.close()

    assert "closed the connection" in str(failure_of(script))


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(40), b"\xff" * 9])
def test_a_peer_that_speaks_something_else(garbage: bytes) -> None:
    async def script(request: Request) -> None:
        assert request.connection.transport is not None
        request.connection.transport.write(garbage)

    error = failure_of(script)
    assert type(error) is ModelUnreachable
    assert "HTTP/2" in str(error)


def test_a_peer_without_a_word() -> None:
    error = failure_of(echo, speaks=False)
    assert type(error) is ModelUnreachable
    assert "within 10000 ms" in str(error)


def test_a_request_without_an_answer() -> None:
    async def script(request: Request) -> None:
        while not request.connection.lost:
            await asyncio.sleep(1)
            request.connection.h2.ping(b"12345678")
            request.connection.flush()

    error = failure_of(script)
    assert type(error) is ModelUnreachable
    assert "did not answer the request within 15000 ms" in str(error)


def test_giving_up_the_wait_leaves_nothing() -> None:
    async def main() -> None:
        async def silent(request: Request) -> None:
            del request

        service = Service(silent)
        opening = asyncio.create_task(client_of(service).open(MODEL))
        await asyncio.sleep(1)
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        await asyncio.sleep(0.1)
        assert service.requests[0].reset is ErrorCodes.CANCEL
        assert service.connections[0].lost

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


def test_a_busy_service_is_asked_again_and_told_everything_anew() -> None:
    async def main() -> list[float]:
        async def script(request: Request) -> None:
            if len(service.requests) < 4:
                await refusing(429, "ThrottlingException", "Too many requests")(request)
            else:
                await echo(request)

        service = Service(script)
        stream = await client_of(service).open(MODEL, [HELLO])
        assert await stream.receive() == HELLO
        await stream.finish()
        verified = [
            verify_request(r.headers, {KEYS.access_key: KEYS}.get, now_ms=epoch_ms(now())) for r in service.requests
        ]
        assert all(isinstance(found, Verified) for found in verified)
        return service.began_s

    began = on_virtual_time(main)
    waits = [later - earlier for earlier, later in pairwise(began)]
    assert all(wait <= bound + 0.001 for wait, bound in zip(waits, (0.3, 0.6, 1.2), strict=True))
    assert sum(waits) > 0


def test_a_service_that_stays_busy() -> None:
    async def main() -> int:
        service = Service(refusing(429, "ThrottlingException", "Too many requests"))
        with pytest.raises(ModelBusy):
            await client_of(service).open(MODEL)
        return len(service.requests)

    assert on_virtual_time(main) == 5


def test_backoff_is_bounded_and_repeatable() -> None:
    backoff = Backoff(attempts=50, first_ms=100, longest_ms=800, total_ms=5000)
    waits = list(backoff_s(backoff, Random(3)))
    assert waits == list(backoff_s(backoff, Random(3)))
    assert waits != list(backoff_s(backoff, Random(4)))
    assert sum(waits) == pytest.approx(5.0)
    assert max(waits) <= 0.8
    assert waits[0] <= 0.1
    assert list(backoff_s(Backoff(attempts=1), Random(3))) == []


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


def test_a_refused_bearer_key_is_named() -> None:
    async def main() -> None:
        text = "Authentication failed: Please make sure your API Key is valid."
        service = Service(refusing(403, "AccessDeniedException", text))
        client = client_of(service, identities=FixedIdentity(Identity(bearer_token="abc")))
        with pytest.raises(AccessFault, match="AWS_BEARER_TOKEN_BEDROCK"):
            await client.open(MODEL)

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
