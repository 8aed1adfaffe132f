"""HTTP/2 as other clients speak it: GOAWAY from the client, unsigned frames, bearer tokens, windows, bad bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from tests.unit.emulator.clients import BEGAN, KEYS, V2, virtual_now
from vivavoce.emulator.admission import Access
from vivavoce.emulator.server import DRAIN_LIMIT_S, HALF_CLOSE_GRACE_S, HANDSHAKE_LIMIT_S, UNUSED_LIMIT_S
from vivavoce.emulator.service import SIMULATED, Emulator, EmulatorSettings, fixed
from vivavoce.engine.clock import run
from vivavoce.model.bedrock.memory import Link
from vivavoce.model.scripted import Say, Script, ScriptedModel, Step, When
from vivavoce.wire.bedrock import CONTENT_TYPE, ResponseDecoder, ServiceError, encode_input, invoke_path
from vivavoce.wire.nova_input import (
    ContentEnd,
    ContentStart,
    InputEvent,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    encode,
)
from vivavoce.wire.sigv4 import EventSigner, Keys, epoch_ms, sign_request

Headers = list[tuple[str, str]]
HELLO: Sequence[InputEvent] = (
    SessionStart(),
    PromptStart(prompt="p", voice="amy", output_rate_hz=24_000),
    ContentStart(prompt="p", content="t", type="TEXT", role="USER", interactive=True),
    TextInput(prompt="p", content="t", text="Hello."),
    ContentEnd(prompt="p", content="t"),
)
ANSWER = Step(when=When.TEXT, wait_ms=100, say=Say(text="Hello there.", ms=2000))


class Raw(asyncio.Protocol):
    """A client that is nothing but h2."""

    def __init__(self, **settings: int) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        if settings:
            codes = {SettingCodes[name]: value for name, value in settings.items()}
            self.h2.local_settings.update({int(code): value for code, value in codes.items()})
        self.events: list[Event] = []
        self.body = bytearray()
        self.lost = False
        self.takes = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self.events.append(event)
            if isinstance(event, DataReceived):
                self.body += event.data or b""
                if self.takes:
                    self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    def request(self, headers: Headers, body: bytes = b"", *, end: bool = False) -> int:
        stream_id = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream_id, headers)
        if body or end:
            self.h2.send_data(stream_id, body, end_stream=end)
        self.flush()
        return stream_id

    def send(self, stream_id: int, body: bytes, *, end: bool = False) -> None:
        self.h2.send_data(stream_id, body, end_stream=end)
        self.flush()

    def response(self, stream_id: int = 1) -> dict[str, str]:
        (found,) = [e for e in self.events if isinstance(e, ResponseReceived) and e.stream_id == stream_id]
        return {
            str(name, "utf-8") if isinstance(name, bytes) else name: str(value) for name, value in found.headers or ()
        }

    def ended(self, kind: type[Event] = StreamEnded) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    def told(self) -> list[object]:
        decoder = ResponseDecoder()
        decoder.feed(bytes(self.body))
        found = []
        while (item := decoder.next()) is not None:
            found.append(json.loads(item)["event"] if isinstance(item, bytes) else item)
        return found


def with_raw(
    talk: Callable[[Emulator, Callable[..., Raw]], Awaitable[None]], *steps: Step, access: Access | None = None
) -> None:
    async def main() -> None:
        brain = fixed(ScriptedModel(Script(step=steps)))
        settings = EmulatorSettings(brain, access or Access(virtual_now), seed=1)
        emulator = Emulator(settings)

        def connect(**options: int) -> Raw:
            raw = Raw(**options)
            Link(raw, emulator.protocol())
            return raw

        await talk(emulator, connect)
        emulator.close()
        await asyncio.sleep(1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main(), virtual=True)


def pseudo(path: str = invoke_path(V2), method: str = "POST") -> Headers:
    return [(":method", method), (":scheme", "http"), (":authority", "localhost:1"), (":path", path)]


BEARER: Headers = [*pseudo(), ("authorization", "Bearer some-key"), ("content-type", CONTENT_TYPE)]


def plain(events: Sequence[InputEvent]) -> bytes:
    """Events in frames that nobody signed."""
    return b"".join(encode_input(encode(event)) for event in events)


def signed(
    events: Sequence[InputEvent], keys: Keys = KEYS, *, path: str = invoke_path(V2)
) -> tuple[Headers, bytes, EventSigner]:
    now = epoch_ms(BEGAN)
    request = sign_request(keys, "us-east-1", "localhost:1", path, [("content-type", CONTENT_TYPE)], instant_ms=now)
    signer = EventSigner(keys, "us-east-1", request.seed)
    body = b"".join(signer.sign(encode_input(encode(event)), now) for event in events)
    return [*pseudo(path), *request.headers], body, signer


async def soon(seconds: float = 0.05) -> None:
    await asyncio.sleep(seconds)


def names(raw: Raw) -> list[str]:
    return [next(iter(event)) for event in raw.told() if isinstance(event, dict)]


def test_headers_come_at_once_and_say_that_it_is_simulated() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.request(BEARER)
        await soon(0)
        await soon(0)
        response = raw.response()
        assert response[":status"] == "200"
        assert response["content-type"] == CONTENT_TYPE
        assert response[SIMULATED[0]] == SIMULATED[1]
        assert len(response["x-amzn-requestid"]) == 36

    with_raw(talk)


def test_goaway_of_the_client_ends_nothing() -> None:
    """The JavaScript SDK sends it as soon as the response's headers are there."""

    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        stream_id = raw.request(BEARER)
        await soon()
        raw.transport.write(bytes.fromhex("000008070000000000" + "00000000" + "00000000"))
        raw.send(stream_id, plain(HELLO))
        await soon(1)
        assert "audioOutput" in names(raw)
        raw.send(stream_id, plain([SessionEnd()]), end=True)
        await soon()
        assert names(raw)[-1] in ("completionEnd", "usageEvent")
        assert raw.ended()

    with_raw(talk, ANSWER)


@pytest.mark.parametrize(
    "path", [invoke_path(V2), invoke_path(V2) + "?", f"/model/{V2}/invoke-with-bidirectional-stream"]
)
def test_paths_as_clients_write_them(path: str) -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.request([*pseudo(path), *BEARER[4:]])
        await soon()
        assert raw.response()[":status"] == "200"

    with_raw(talk)


REFUSED = {
    "another path": ([*pseudo("/model"), *BEARER[4:]], 404, "UnknownOperationException"),
    "another method": ([*pseudo(method="PUT"), *BEARER[4:]], 404, "UnknownOperationException"),
    "another model": ([*pseudo(invoke_path("amazon.titan")), *BEARER[4:]], 400, "ValidationException"),
    "nobody": ([*pseudo(), ("content-type", CONTENT_TYPE)], 403, "MissingAuthenticationTokenException"),
    "half a signature": (
        [*pseudo(), ("authorization", "AWS4-HMAC-SHA256 Credential=x")],
        403,
        "IncompleteSignatureException",
    ),
    "an empty token": ([*pseudo(), ("authorization", "Bearer ")], 403, "AccessDeniedException"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_in_the_services_form(case: str) -> None:
    headers, status, error = REFUSED[case]

    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        stream_id = raw.request(headers)
        raw.send(stream_id, b"what is still on its way")
        await soon()
        response = raw.response()
        assert response[":status"] == str(status)
        assert response["x-amzn-errortype"].startswith(f"{error}:http://")
        assert "message" in json.loads(raw.body)
        assert raw.ended()
        assert emulator.open_streams == 0

    with_raw(talk)


# -- signatures ------------------------------------------------------------------------------------------------------

VERIFIES = Access(virtual_now, {KEYS.access_key: KEYS}, frozenset({"some-key"}))


def test_any_signature_will_do_unless_keys_are_given() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        headers, body, _ = signed(HELLO, Keys("AKIAOTHER", "whatever"))
        raw.request(headers, body)
        await soon(1)
        assert "audioOutput" in names(raw)

    with_raw(talk, ANSWER)


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        (Keys("AKIAOTHER", "whatever"), "UnrecognizedClientException"),
        (Keys(KEYS.access_key, "wrong"), "InvalidSignatureException"),
    ],
)
def test_with_keys_no_other_will(keys: Keys, error: str) -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.request(signed(HELLO, keys)[0])
        await soon()
        assert raw.response()["x-amzn-errortype"].startswith(error)

    with_raw(talk, access=VERIFIES)


def test_a_wrong_clock_is_named() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        await asyncio.sleep(301)
        raw = connect()
        raw.request(signed(HELLO)[0])
        await soon()
        assert "Signature expired: 20260302T090000Z is now earlier than" in json.loads(raw.body)["message"]

    with_raw(talk, access=VERIFIES)


def test_the_chain_of_events_is_checked() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        headers, body, signer = signed(HELLO)
        raw = connect()
        stream_id = raw.request(headers, body)
        await soon(1)
        assert "audioOutput" in names(raw)
        signer.sign(b"never sent", epoch_ms(BEGAN))
        raw.send(stream_id, signer.sign(encode_input(encode(SessionEnd())), epoch_ms(BEGAN)))
        await soon()
        error = raw.told()[-1]
        assert isinstance(error, ServiceError)
        assert error.code == "InvalidSignatureException"
        assert raw.ended()

    with_raw(talk, ANSWER, access=VERIFIES)


def test_events_of_a_signed_request_have_to_be_signed() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.request(signed(())[0], plain(HELLO))
        await soon()
        (error,) = raw.told()
        assert isinstance(error, ServiceError)

    with_raw(talk, access=VERIFIES)


def test_a_bearers_events_may_be_plain_or_a_chain_from_nothing() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        signer = EventSigner(KEYS, "us-east-1", "")
        chained = b"".join(signer.sign(encode_input(encode(event)), epoch_ms(BEGAN)) for event in HELLO)
        for body in (plain(HELLO), chained):
            raw = connect()
            raw.request(BEARER, body)
            await soon(1)
            assert "audioOutput" in names(raw)
        raw = connect()
        raw.request([*pseudo(), ("authorization", "Bearer other-key")])
        await soon()
        assert raw.response()[":status"] == "403"

    with_raw(talk, ANSWER, access=VERIFIES)


# -- ends, windows, strangers ----------------------------------------------------------------------------------------


def test_a_signed_empty_frame_is_the_end_of_input() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        headers, body, signer = signed(HELLO)
        raw = connect()
        raw.request(headers, body + signer.sign(b"", epoch_ms(BEGAN)), end=True)
        await soon()
        assert "completionEnd" in names(raw)
        assert raw.ended()
        assert not raw.ended(StreamReset)

    with_raw(talk)


def test_who_does_not_end_its_side_is_reset_in_the_end() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.request(BEARER, plain([SessionStart(), SessionEnd()]))
        await soon(HALF_CLOSE_GRACE_S - 1)
        assert raw.ended()
        assert not raw.ended(StreamReset), "some clients hang if it comes at once"
        await soon(2)
        (reset,) = [event for event in raw.events if isinstance(event, StreamReset)]
        assert reset.error_code == ErrorCodes.NO_ERROR

    with_raw(talk)


def test_the_clients_window_is_kept() -> None:
    """What it does not take waits, and comes when it does."""

    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.takes = False
        stream_id = raw.request(BEARER, plain(HELLO))
        await soon(5)
        assert len(raw.body) == 65_535
        raw.takes = True
        raw.h2.acknowledge_received_data(65_535, stream_id)
        raw.flush()
        await soon(5)
        assert sum(name == "audioOutput" for name in names(raw)) == 25

    with_raw(talk, ANSWER)


def test_who_does_not_read_to_the_end_is_reset_in_the_end() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.takes = False
        stream_id = raw.request(BEARER, plain(HELLO))
        await soon(2)
        raw.send(stream_id, plain([SessionEnd()]), end=True)
        await soon(DRAIN_LIMIT_S - 1)
        assert not raw.ended(StreamReset)
        await soon(2)
        assert raw.ended(StreamReset)

    with_raw(talk, ANSWER)


def test_frames_against_the_protocol_end_the_connection() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        raw.transport.write(bytes(9))  # DATA of no stream
        await soon()
        assert raw.ended(ConnectionTerminated)
        assert raw.lost

    with_raw(talk)


def test_connections_that_ask_for_nothing_are_closed() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        never, once = connect(), connect()
        once.request(BEARER, plain([SessionEnd()]), end=True)
        await soon(HANDSHAKE_LIMIT_S + 1)
        assert (never.lost, once.lost) == (True, False)
        await soon(UNUSED_LIMIT_S)
        assert once.lost
        assert emulator.connections == set()

    with_raw(talk)


def test_a_stream_that_the_client_resets_is_gone() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        raw = connect()
        stream_id = raw.request(BEARER, plain(HELLO))
        await soon(0.2)
        assert emulator.open_streams == 1
        raw.h2.reset_stream(stream_id, ErrorCodes.CANCEL)
        raw.flush()
        await soon()
        assert emulator.open_streams == 0

    with_raw(talk, ANSWER)


# -- the small door --------------------------------------------------------------------------------------------------


async def ask(connect: Callable[..., Raw], method: str, path: str, body: bytes = b"") -> tuple[str, dict[str, object]]:
    raw = connect()
    raw.request(pseudo(path, method), body, end=True)
    await soon()
    return raw.response()[":status"], json.loads(raw.body)


def test_status_and_faults_by_http() -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        status, told = await ask(connect, "GET", "/_emulator")
        assert (status, told["simulated"], told["streams"]) == ("200", True, 0)
        order = json.dumps({"fault": "http-429@open:2", "faults": ["mute@3"]}).encode()
        assert await ask(connect, "POST", "/_emulator/faults", order) == (
            "200",
            {"happened": 0, "pending": ["http-429@open:2", "mute@open+3"]},
        )
        assert (await ask(connect, "GET", "/_emulator/faults/"))[1] == {"pending": ["http-429@open:2", "mute@open+3"]}
        raw = connect()
        raw.request(BEARER)
        await soon()
        happened = await ask(connect, "POST", "/_emulator/faults", b'{"fault": "rst-stream=CANCEL"}')
        assert happened[1]["happened"] == 1
        assert raw.ended(StreamReset)
        assert (await ask(connect, "DELETE", "/_emulator/faults"))[1] == {"pending": []}

    with_raw(talk)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/_emulator/faults", b"{", "400"),
        ("POST", "/_emulator/faults", b'{"fault": "gremlins"}', "400"),
        ("POST", "/_emulator/faults", b'{"other": 1}', "400"),
        ("PUT", "/_emulator/faults", b"", "404"),
        ("GET", "/_emulator/other", b"", "404"),
    ],
)
def test_orders_that_make_no_sense(method: str, path: str, body: bytes, status: str) -> None:
    async def talk(emulator: Emulator, connect: Callable[..., Raw]) -> None:
        answered, told = await ask(connect, method, path, body)
        assert answered == status
        assert told["error"]

    with_raw(talk)
