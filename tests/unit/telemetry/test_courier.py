"""Webhooks: what is told, how it is signed, when it is tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import msgspec
import pytest

from tests.unit.telemetry.records import CALL, COST
from vivavoce.ledger.delivery import Again, Delivery, GivenUp, Taken
from vivavoce.telemetry.courier import (
    MAX_ANSWER_BYTES,
    TRIED_FOR_S,
    CallWebhook,
    Courier,
    deliveries_for,
    safe_url,
    waited_s,
)

NOW = datetime(2026, 11, 27, 10, 0, 30, tzinfo=UTC)
HOOK = CallWebhook("https://crm.example.com/calls", "whsec")


def sent(answer: Callable[[httpx.Request], httpx.Response], attempts: int = 0) -> Taken | Again | GivenUp:
    (delivery,) = deliveries_for(CALL, COST, [HOOK])
    transport = httpx.MockTransport(answer)
    with Courier([HOOK], now=lambda: NOW, jitter=lambda: 0.5, transport=transport) as courier:
        return courier.send(msgspec.structs.replace(delivery, attempts=attempts))


def status(code: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(
        code, content=iter(()), headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def verified(secret: str, header: str, body: bytes, now_s: float) -> bool:
    """As docs/howto/webhooks.md tells receivers to, and by nothing of ours."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(now_s - int(parts["t"])) <= 300


def test_who_wants_to_hear_of_a_call_is_told_once() -> None:
    others = (
        CallWebhook("https://a.example.com", agents=("other",)),
        CallWebhook("https://b.example.com", tenants=("",)),
        CallWebhook("https://c.example.com", agents=("desk",), tenants=("acme",)),
    )
    deliveries = deliveries_for(CALL, COST, [HOOK, *others, HOOK])
    assert [delivery.url for delivery in deliveries] == [HOOK.url, "https://c.example.com"]
    assert deliveries == deliveries_for(CALL, COST, [HOOK, *others])
    assert len({delivery.delivery for delivery in deliveries}) == 2


def test_no_words_are_told_unless_they_are_asked_for() -> None:
    plain, wordy = deliveries_for(CALL, COST, [HOOK, CallWebhook("https://w.example.com", words=True)])
    assert not any(word in plain.body for word in (b"estate", b"We have", b"goodbye"))
    told = json.loads(plain.body)
    assert (told["type"], told["call"], told["tenant"]) == ("call.ended", "c-1", "acme")
    assert told["latency_ms"] == {"basis": "events", "turns": 1, "p50": 1201.0, "max": 1201.0}
    assert told["cost"]["amounts"] == {"USD": "0.012"}
    assert told["tokens"]["speech_out"] == 200
    assert json.loads(wordy.body)["said"][1]["heard"] == "We have"


def test_a_receiver_can_tell_that_it_is_from_us() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204, content=iter(()))

    assert sent(answer) == Taken()
    header, body = seen[0].headers["vivavoce-signature"], seen[0].content
    assert verified("whsec", header, body, NOW.timestamp())
    assert not verified("other", header, body, NOW.timestamp())
    assert not verified("whsec", header, body + b" ", NOW.timestamp())
    assert not verified("whsec", header, body, NOW.timestamp() + 301)
    assert seen[0].headers["vivavoce-delivery"].startswith("dl_")


@pytest.mark.parametrize("code", [302, 400, 404, 429, 500, 503])
def test_what_is_not_taken_is_tried_again(code: int) -> None:
    assert sent(status(code, Location="https://elsewhere.example.com")) == Again(5.0, f"answered with status {code}")


def test_an_address_that_is_gone_is_given_up() -> None:
    assert isinstance(sent(status(410)), GivenUp)


@pytest.mark.parametrize(
    ("asked", "after_s"),
    [("120", 120), ("1", 5), ("Fri, 27 Nov 2026 10:02:30 GMT", 120), ("soon", 5), ("9" * 400, 5), ("999999", 86_400)],
)
def test_waits_as_long_as_it_is_asked_to(asked: str, after_s: float) -> None:
    answer = sent(status(503, Retry_After=asked))
    assert isinstance(answer, Again)
    assert answer.after_s == after_s


def test_no_answer_is_no_fault_of_ours_and_tells_no_secret() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused by whsec.example.com")

    assert sent(broken) == Again(5.0, "no answer: ConnectError")


def test_tries_for_a_day() -> None:
    waits = []
    for attempts in range(100):
        answer = sent(status(500), attempts)
        if isinstance(answer, GivenUp):
            break
        assert isinstance(answer, Again)
        waits.append(answer.after_s)
    assert waits == sorted(waits)
    assert TRIED_FOR_S <= waited_s(attempts) <= TRIED_FOR_S + 4 * 3600
    assert isinstance(answer, GivenUp)
    assert "in a day" in answer.why


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 8192
            yield bytes(8192)

    assert sent(lambda _: httpx.Response(200, content=endless())) == Taken()
    assert read <= MAX_ANSWER_BYTES + 2 * 8192


def test_an_address_that_is_not_in_the_settings_is_left_to_another_server_for_a_day() -> None:
    with Courier([], now=lambda: NOW, jitter=lambda: 0.0) as courier:
        delivery = Delivery(delivery="d", call="c", url="https://gone.example.com", body=b"{}")
        assert isinstance(courier.send(delivery), Again)
        assert isinstance(courier.send(msgspec.structs.replace(delivery, attempts=100)), GivenUp)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://crm.example.com/x", True),
        ("http://127.0.0.1:9/x", True),
        ("http://localhost/x", True),
        ("http://[::1]/x", True),
        ("http://crm.example.com/x", False),
        ("http://127.evil.example.com", False),
        ("https://name:secret@crm.example.com", False),
        ("ftp://crm.example.com", False),
        ("https://", False),
        ("https://[x", False),
        ("", False),
    ],
)
def test_plain_http_goes_to_this_machine_alone(url: str, safe: bool) -> None:
    assert safe_url(url) is safe


def test_plain_http_is_for_those_who_ask_for_it() -> None:
    assert safe_url("http://crm.lan/x", plain_http=True)
    assert not safe_url("ftp://crm.lan/x", plain_http=True)


@pytest.mark.slow
def test_a_real_server_gets_it() -> None:
    got: list[tuple[str, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers["Vivavoce-Signature"], body))
            self.send_response(503 if len(got) == 1 else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        hook = CallWebhook(f"http://127.0.0.1:{server.server_port}/calls", "whsec")
        (delivery,) = deliveries_for(CALL, COST, [hook])
        with Courier([hook], now=lambda: NOW, jitter=lambda: 0.0) as courier:
            assert isinstance(courier.send(delivery), Again)
            assert courier.send(delivery) == Taken()
        server.shutdown()
        thread.join()
    assert all(verified("whsec", header, body, NOW.timestamp()) for header, body in got)
    assert len(got) == 2
