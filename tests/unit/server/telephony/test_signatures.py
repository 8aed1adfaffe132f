"""Who is let in. Expected signatures are made here by hand, or are the carriers' own examples."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vivavoce.errors import Refused
from vivavoce.server.telephony.signatures import check_plivo, check_telnyx, check_twilio, check_vonage, forms_of

NOW_S = 1_795_000_000.0
URL = "https://calls.example.com/twilio/voice"
FORM = (("To", "+18005551212"), ("Called", "+18005551212"), ("Digits", "1234"), ("Digits", "5"))
KEYED = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def mac(secret: str, text: str, algorithm: str = "sha1") -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), algorithm).digest()).decode()


def twilio(headers: dict[str, str], url: str = URL, form: Sequence[tuple[str, str]] = FORM, **more: Any) -> None:
    check_twilio(headers, url, form, **{"body": b"", "auth_token": "token", "shared_key_secret": "shared", **more})


def test_twilios_own_example() -> None:
    """From "Validating signatures from Twilio"."""
    form = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+12349013030"), ("Digits", "1234"), ("From", "+12349013030")]
    check_twilio(
        {"x-twilio-signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="},
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        [*form, ("To", "+18005551212")],
        b"",
        auth_token="12345",
        shared_key_secret="",
    )


def test_twilio_signs_with_its_token_or_with_a_shared_key() -> None:
    text = f"{URL}Called+18005551212Digits1234Digits5To+18005551212"
    twilio({"x-twilio-signature": mac("token", text)})
    twilio({"x-twilio-signature": mac("shared", text, "sha256"), "x-twilio-webhooks-signature-settings": KEYED})
    twilio({"x-twilio-signature": mac("token", text)}, shared_key_secret="")


@pytest.mark.parametrize(
    ("signed", "called"),
    [
        ("wss://calls.example.com/twilio/stream", "wss://calls.example.com/twilio/stream"),
        ("wss://calls.example.com:443/twilio/stream", "wss://calls.example.com/twilio/stream"),
        ("wss://calls.example.com/twilio/stream", "wss://calls.example.com:443/twilio/stream"),
        ("wss://calls.example.com:8443/twilio/stream", "wss://calls.example.com:8443/twilio/stream"),
        ("wss://[2001:db8::1]/twilio/stream", "wss://[2001:db8::1]:443/twilio/stream"),
        ("wss://[2001:db8::1]:443/twilio/stream", "wss://[2001:db8::1]/twilio/stream"),
        ("https://Calls.example.com/x", "https://Calls.example.com/x"),
    ],
)
def test_twilio_may_sign_the_port_or_not(signed: str, called: str) -> None:
    twilio({"x-twilio-signature": mac("token", signed)}, called, ())


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ({}, {}),
        ({"x-twilio-signature": ""}, {}),
        ({"x-twilio-signature": mac("other", URL)}, {}),
        ({"x-twilio-signature": mac("token", URL.replace("https", "http"))}, {}),
        ({"x-twilio-signature": mac("token", URL + "/")}, {}),
        ({"x-twilio-signature": mac("token", URL)}, {"auth_token": ""}),
        ({"x-twilio-signature": mac("", URL)}, {"auth_token": ""}),
        ({"x-twilio-signature": mac("token", URL)}, {"form": (("a", "b"),)}),
        ({"x-twilio-signature": mac("token", URL), "x-twilio-webhooks-signature-settings": KEYED}, {}),
        (
            {"x-twilio-signature": mac("", URL, "sha256"), "x-twilio-webhooks-signature-settings": KEYED},
            {"shared_key_secret": ""},
        ),
        (
            {"x-twilio-signature": mac("shared", URL), "x-twilio-webhooks-signature-settings": "key=k,algorithm=MD5"},
            {},
        ),
        ({"x-twilio-signature": "ÿ"}, {}),
    ],
)
def test_twilio_otherwise_is_refused(headers: dict[str, str], more: dict[str, Any]) -> None:
    with pytest.raises(Refused) as raised:
        twilio(headers, **{"form": (), **more})
    assert raised.value.status == 403


def test_a_hash_that_is_no_text_of_ours_is_refused() -> None:
    with pytest.raises(Refused, match="not the one"):
        twilio({}, f"{URL}?bodySHA256=%C3%A9", ())


def test_twilio_signs_a_body_by_its_hash() -> None:
    body = b'{"a": 1}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"x-twilio-signature": mac("token", url)}
    twilio(headers, url, (), body=body)
    with pytest.raises(Refused, match="body"):
        twilio(headers, url, (), body=b"{}")


def test_forms_of_an_address() -> None:
    assert forms_of("https://a/b?c=d") == ("https://a/b?c=d", "https://a:443/b?c=d")
    assert forms_of("wss://a:443/b") == ("wss://a:443/b", "wss://a/b")
    assert forms_of("wss://a:80/b") == ("wss://a:80/b",)


PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
).decode()


def telnyx_headers(body: bytes, timestamp: str = "1795000000") -> dict[str, str]:
    signature = base64.b64encode(PRIVATE.sign(timestamp.encode() + b"|" + body)).decode()
    return {"telnyx-timestamp": timestamp, "telnyx-signature-ed25519": signature}


def test_telnyx() -> None:
    check_telnyx(telnyx_headers(b"a=b"), b"a=b", public_key=PUBLIC, now_s=NOW_S)
    for headers, body, key, now_s in (
        (telnyx_headers(b"a=b"), b"a=c", PUBLIC, NOW_S),
        (telnyx_headers(b"a=b"), b"a=b", PUBLIC, NOW_S + 301),
        (telnyx_headers(b"a=b"), b"a=b", PUBLIC, NOW_S - 301),
        (telnyx_headers(b"a=b", ""), b"a=b", PUBLIC, NOW_S),
        (telnyx_headers(b"a=b", "9" * 400), b"a=b", PUBLIC, NOW_S),
        (telnyx_headers(b"a=b"), b"a=b", "", NOW_S),
        (telnyx_headers(b"a=b"), b"a=b", "AAAA", NOW_S),
        ({**telnyx_headers(b"a=b"), "telnyx-signature-ed25519": "*"}, b"a=b", PUBLIC, NOW_S),
        ({}, b"a=b", PUBLIC, NOW_S),
    ):
        with pytest.raises(Refused):
            check_telnyx(headers, body, public_key=key, now_s=now_s)


def plivo(signature: str, method: str = "POST", url: str = URL, form: Any = (), nonce: str = "7", **more: Any) -> None:
    headers = {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": nonce}
    check_plivo(headers, method, [url], form, **{"auth_token": "token", **more})


def test_plivo() -> None:
    """The text that is signed, as the functions of plivo-python make it."""
    plivo(mac("token", f"{URL}?Called2To1.7", "sha256"), form=[("To", "1"), ("Called", "2")])
    plivo(mac("token", f"{URL}?a=1&b=2.To1.7", "sha256"), url=URL + "?b=2&a=1", form=[("To", "1")])
    plivo(mac("token", f"{URL}?a=1&b=2.7", "sha256"), "GET", URL + "?b=2&a=1")
    plivo(mac("token", f"{URL}.7", "sha256"), "GET")
    plivo("other, " + mac("token", f"{URL}.7", "sha256"))


@pytest.mark.parametrize(
    ("signature", "more"),
    [
        ("", {}),
        (mac("other", f"{URL}.7", "sha256"), {}),
        (mac("token", f"{URL}.8", "sha256"), {}),
        (mac("token", f"{URL}.", "sha256"), {"nonce": ""}),
        (mac("", f"{URL}.7", "sha256"), {"auth_token": ""}),
        ("ÿ", {}),
    ],
)
def test_plivo_otherwise_is_refused(signature: str, more: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        plivo(signature, **more)


SECRET = "a signature secret of more than 32 bytes, as they are"


def vonage(claims: dict[str, Any], body: bytes = b"", secret: str = SECRET, scheme: str = "Bearer") -> None:
    token = jwt.encode(claims, secret, algorithm="HS256")
    check_vonage({"authorization": f"{scheme} {token}"}, body, signature_secret=SECRET, now_s=NOW_S)


def test_vonage() -> None:
    body = b'{"uuid":"1"}'
    vonage({"iat": NOW_S - 1})
    vonage({"iat": NOW_S, "exp": NOW_S + 10, "payload_hash": hashlib.sha256(body).hexdigest()}, body)
    for claims, more in (
        ({}, {}),
        ({"iat": "soon"}, {}),
        ({"iat": NOW_S - 301}, {}),
        ({"iat": NOW_S + 301}, {}),
        ({"iat": NOW_S, "exp": NOW_S - 1}, {}),
        ({"iat": NOW_S}, {"secret": SECRET + "!"}),
        ({"iat": NOW_S}, {"scheme": "Basic"}),
        ({"iat": NOW_S}, {"body": body}),
        ({"iat": NOW_S, "payload_hash": "0"}, {"body": body}),
    ):
        with pytest.raises(Refused):
            vonage(claims, **more)


def test_vonage_takes_no_other_algorithm_and_no_empty_secret() -> None:
    unsigned = jwt.encode({"iat": NOW_S}, "", algorithm="none")
    for header in (f"Bearer {unsigned}", "Bearer", "", "Bearer a.b.c"):
        with pytest.raises(Refused):
            check_vonage({"authorization": header}, b"", signature_secret=SECRET, now_s=NOW_S)
    with pytest.raises(Refused, match="cannot check"):
        check_vonage({"authorization": "Bearer x"}, b"", signature_secret="", now_s=NOW_S)
