"""The client against a service that refuses, fails, falls silent or goes away, in memory and on virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from tests.unit.model.bedrock.service import (
    AUDIO,
    HELLO,
    KEYS,
    MODEL,
    Request,
    Script,
    Service,
    client_of,
    echo,
    now,
    on_virtual_time,
    received,
)
from vivavoce.errors import (
    AccessFault,
    CredentialsExpired,
    ModelBusy,
    ModelExpired,
    ModelFault,
    ModelRefused,
    ModelUnreachable,
    VivavoceError,
)
from vivavoce.model.bedrock.client import BedrockClient, backoff_s
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.settings import Backoff, BedrockSettings, Timeouts
from vivavoce.wire.bedrock import encode_error, encode_event, encode_exception
from vivavoce.wire.sigv4 import Verified, epoch_ms, verify_request


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
        (403, "ExpiredTokenException", "The security token is expired", CredentialsExpired, "renew"),
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


class Renewable(FixedIdentity):
    """Keys of which fresh ones can be had as often as ``fresh`` says."""

    def __init__(self, fresh: int) -> None:
        super().__init__(Identity(KEYS))
        self.fresh = fresh
        self.asked = 0

    async def renew(self) -> bool:
        self.asked += 1
        return self.asked <= self.fresh


def test_expired_credentials_are_renewed_and_tried_once_more() -> None:
    async def main() -> None:
        async def script(request: Request) -> None:
            if service.requests.index(request) == 0:
                await refusing(403, "ExpiredTokenException", "The security token is expired")(request)
            else:
                await echo(request)

        service, identities = Service(script), Renewable(fresh=9)
        client = client_of(service, ONE_TRY, identities=identities)
        stream = await client.open(MODEL)
        await stream.finish()
        await client.close()
        assert (len(service.requests), identities.asked) == (2, 1)
        service.stop()

    on_virtual_time(main)


@pytest.mark.parametrize(("fresh", "requests"), [(0, 1), (9, 2)])
def test_credentials_that_stay_expired_are_a_fault(fresh: int, requests: int) -> None:
    async def main() -> None:
        service = Service(refusing(403, "ExpiredTokenException", "The security token is expired"))
        client = client_of(service, ONE_TRY, identities=Renewable(fresh))
        with pytest.raises(CredentialsExpired):
            await client.open(MODEL)
        await client.close()
        assert len(service.requests) == requests
        service.stop()

    on_virtual_time(main)


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


@pytest.mark.parametrize("status", ["200", "403"])
def test_an_answer_with_its_end_and_a_reset_in_one_read(status: str) -> None:
    """The service ends streams so, and TCP may bring all of it at once."""

    async def main() -> None:
        mistakes: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))

        async def script(request: Request) -> None:
            h2, stream_id = request.connection.h2, request.stream_id
            h2.send_headers(stream_id, [(":status", status), ("x-amzn-errortype", "AccessDeniedException")])
            h2.send_data(stream_id, encode_event(AUDIO) if status == "200" else b'{"message":"no"}', end_stream=True)
            h2.reset_stream(stream_id, ErrorCodes.NO_ERROR)
            request.connection.flush()

        client = client_of(Service(script))
        if status == "200":
            stream = await client.open(MODEL)
            assert await received(stream) == [AUDIO]
            await stream.finish()
        else:
            with pytest.raises(AccessFault, match="no "):
                await client.open(MODEL)
        await client.close()
        assert mistakes == []

    on_virtual_time(main)


def test_a_refusal_that_does_not_end_is_told_all_the_same() -> None:
    async def script(request: Request) -> None:
        h2 = request.connection.h2
        h2.send_headers(request.stream_id, [(":status", "403"), ("x-amzn-errortype", "AccessDeniedException")])
        h2.send_data(request.stream_id, b'{"message":"not for you"}')
        request.connection.flush()

    error = failure_of(script)
    assert isinstance(error, AccessFault)
    assert "not for you" in error.message


def test_an_end_within_a_message_is_a_fault() -> None:
    async def script(request: Request) -> None:
        request.accept()
        request.send(encode_error("x", "y")[:-3])
        request.end()

    assert "middle of a message" in str(failure_of(script))


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


def test_a_refused_bearer_key_is_named() -> None:
    async def main() -> None:
        text = "Authentication failed: Please make sure your API Key is valid."
        service = Service(refusing(403, "AccessDeniedException", text))
        client = client_of(service, identities=FixedIdentity(Identity(bearer_token="abc")))
        with pytest.raises(AccessFault, match="AWS_BEARER_TOKEN_BEDROCK"):
            await client.open(MODEL)

    on_virtual_time(main)
