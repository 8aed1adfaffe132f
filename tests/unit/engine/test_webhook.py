from __future__ import annotations

import hashlib
import hmac
import json

import httpx
import pytest

from vivavoce.agent.declaration import Webhook
from vivavoce.engine.clock import VirtualLoop
from vivavoce.engine.webhook import order
from vivavoce.errors import PeerFault
from vivavoce.wire.webhook import SIGNATURE

WEBHOOK = Webhook("https://pbx.example.com/transfers", "whsec")


def ordered(*answers: int | httpx.HTTPError, webhook: Webhook = WEBHOOK) -> list[httpx.Request]:
    """The requests that came, each answered in turn."""
    left, seen = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        told = left.pop(0)
        if isinstance(told, httpx.HTTPError):
            raise told
        return httpx.Response(told, headers={"Location": "https://elsewhere.example.com"})

    loop = VirtualLoop()
    try:
        loop.run_until_complete(
            order(
                webhook,
                {"call": "c1", "to": "+15550100"},
                idempotency_key="c1/t1",
                now_s=lambda: 1_700_000_000.9 + len(seen),
                transport=httpx.MockTransport(answer),
            )
        )
    finally:
        loop.close()
        ordered.seen = seen  # type: ignore[attr-defined]
    return seen


def test_an_order_is_signed_over_its_time_and_its_body() -> None:
    (request,) = ordered(204)
    assert json.loads(request.content) == {"call": "c1", "to": "+15550100"}
    signed = hmac.new(b"whsec", b"1700000000." + request.content, hashlib.sha256).hexdigest()
    assert request.headers[SIGNATURE] == f"t=1700000000,v1={signed}"
    assert request.headers["content-type"] == "application/json"


def test_without_a_secret_nothing_is_signed() -> None:
    (request,) = ordered(200, webhook=Webhook("https://pbx.example.com/transfers"))
    assert SIGNATURE not in request.headers


@pytest.mark.parametrize("first", [503, 429, httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_it_is_tried_once_more_under_the_same_key_and_signed_anew(first: int | httpx.HTTPError) -> None:
    one, two = ordered(first, 200)
    assert one.headers["idempotency-key"] == two.headers["idempotency-key"] == "c1/t1"
    assert one.content == two.content
    assert one.headers[SIGNATURE] != two.headers[SIGNATURE]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((404,), "answered with status 404"),
        ((302,), "answered with status 302"),
        ((500, 502), "answered with status 502"),
        ((httpx.ConnectError("refused"), httpx.ConnectError("refused")), "gave no answer"),
    ],
)
def test_anything_but_success_is_a_fault(answers: tuple[int | httpx.HTTPError, ...], said: str) -> None:
    with pytest.raises(PeerFault, match=said):
        ordered(*answers)
