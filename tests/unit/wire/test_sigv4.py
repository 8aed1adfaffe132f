"""Signatures: the reference's vector to the byte, and everything a service refuses."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest

from vivavoce.wire.bedrock import CONTENT_TYPE, encode_input, invoke_path
from vivavoce.wire.sigv4 import (
    EventSigner,
    EventVerifier,
    Keys,
    Refused,
    Scope,
    SignedRequest,
    Verified,
    amazon_date,
    bearer_token,
    canonical_request,
    epoch_ms,
    sign_request,
    signing_key,
    verify_request,
)

KEYS = Keys("AKIDEXAMPLE", "SECRETKEYEXAMPLE")
REGION = "us-east-1"
HOST = "bedrock-runtime.us-east-1.amazonaws.com"
PATH = invoke_path("amazon.nova-2-sonic-v1:0")
NOW_MS = 1767323045678  # 2026-01-02T03:04:05.678Z
SEED = "57c7951d5964108da70ee284dd2c249259a971982edffc4bc868066ff634f012"

# Equal, byte for byte, to what AWS's Python signer makes at the same instant; test_aws_signers.py does it anew.
OUTER = (
    "000000de00000043bc320e7b053a64617465080000019b7ca98f2e103a6368756e6b2d7369676e6174757265060020ffda87e0733dad1e3323"
    "3031197c56b084a8418c66225c6994ec1ae79a4389910000008b0000004b421ac6f20d3a6d6573736167652d747970650700056576656e740b"
    "3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b22627974"
    "6573223a2265794a6c646d56756443493665794a7a5a584e7a615739755257356b496a703766583139227d8f5d651338e5e7df"
)
END = (
    "0000005300000043f5447a58053a64617465080000019b7ca98f2e103a6368756e6b2d7369676e617475726506002019a535c3a1c910157b14"
    "b0b9ce18eca4c85a124a9526f66c63c426025cf1b0ccd0ef1fa8"
)
INNER = encode_input(b'{"event":{"sessionEnd":{}}}')


def signed(keys: Keys = KEYS, instant_ms: int = NOW_MS) -> SignedRequest:
    return sign_request(keys, REGION, HOST, PATH, [("content-type", CONTENT_TYPE)], instant_ms=instant_ms)


def sent(request: SignedRequest, **changed: str) -> list[tuple[str, str]]:
    """What a server sees; ``changed`` replaces headers, with _ for -, and an empty value removes one."""
    headers = dict([(":method", "POST"), (":authority", HOST), (":path", PATH), *request.headers])
    for name, value in changed.items():
        headers[name.replace("_", "-")] = value
    return [(name, value) for name, value in headers.items() if value]


def verify(headers: list[tuple[str, str]], now_ms: int = NOW_MS, keys: Keys | None = KEYS) -> Verified | Refused:
    return verify_request(headers, lambda key: keys if keys and key == keys.access_key else None, now_ms=now_ms)


def test_the_request_of_the_vector() -> None:
    canonical = canonical_request(
        "POST",
        PATH,
        [
            ("content-type", CONTENT_TYPE),
            ("host", HOST),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
            ("x-amz-date", "20260102T030405Z"),
        ],
    )
    assert canonical.splitlines()[:3] == [
        "POST",
        "/model/amazon.nova-2-sonic-v1%253A0/invoke-with-bidirectional-stream",
        "",
    ]
    request = signed()
    assert request.seed == SEED
    assert dict(request.headers) == {
        "content-type": CONTENT_TYPE,
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-EVENTS",
        "x-amz-date": "20260102T030405Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature={SEED}",
    }


def test_the_events_of_the_vector() -> None:
    signer = EventSigner(KEYS, REGION, SEED)
    assert signer.sign(INNER, NOW_MS).hex() == OUTER
    assert signer.sign(b"", NOW_MS).hex() == END


def test_what_is_signed_verifies() -> None:
    assert verify(sent(signed())) == Verified(KEYS.access_key, REGION, SEED)
    temporary = Keys("ASIA", "secret", "token")
    request = signed(temporary)
    assert ("x-amz-security-token", "token") in request.headers
    assert isinstance(verify(sent(request), keys=temporary), Verified)


def test_the_bare_question_mark_of_the_python_sdk_is_not_signed() -> None:
    assert isinstance(verify([(n, v + "?" if n == ":path" else v) for n, v in sent(signed())]), Verified)


def test_the_javascript_sdk_signs_the_pseudo_header() -> None:
    """Its list of signed headers, made here as it makes it."""
    date = amazon_date(NOW_MS)
    names = [":authority", "content-type", "x-amz-content-sha256", "x-amz-date"]
    values = [HOST, CONTENT_TYPE, "STREAMING-AWS4-HMAC-SHA256-EVENTS", date]
    canonical = canonical_request("POST", PATH, list(zip(names, values, strict=True)))
    assert ":authority:" + HOST in canonical
    scope = Scope(date[:8], REGION)
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(signing_key(KEYS.secret_key, scope), text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    headers = [(":method", "POST"), (":path", PATH), *zip(names, values, strict=True), ("authorization", authorization)]
    assert isinstance(verify(headers), Verified)


@pytest.mark.parametrize(
    ("headers", "error", "part"),
    [
        (sent(signed(), authorization=""), "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (sent(signed(), authorization="Bearer x"), "MissingAuthenticationTokenException", "Missing"),
        (sent(signed(), authorization="AWS4-HMAC-SHA256 Credential=a"), "IncompleteSignatureException", "'Signature'"),
        (
            sent(signed(), authorization="AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x"),
            "IncompleteSignatureException",
            "5 slash-delimited",
        ),
        (
            sent(
                signed(),
                authorization="AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request, "
                "SignedHeaders=host, Signature=x",
            ),
            "InvalidSignatureException",
            "correct service",
        ),
        (
            sent(
                signed(),
                authorization="AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, "
                "SignedHeaders=x-amz-date, Signature=x",
            ),
            "InvalidSignatureException",
            "must be a 'SignedHeader'",
        ),
        (sent(signed(Keys("OTHER", "x"))), "UnrecognizedClientException", "security token"),
        (sent(signed(Keys("AKIDEXAMPLE", "x"))), "InvalidSignatureException", "does not match"),
        (sent(signed(), content_type="text/plain"), "InvalidSignatureException", "does not match"),
        (sent(signed(), **{":path": "/model/other/invoke"}), "InvalidSignatureException", "does not match"),
        (sent(signed(), x_amz_date="20260103T030405Z"), "InvalidSignatureException", "Date in Credential scope"),
        (sent(signed(), x_amz_date="20260102"), "IncompleteSignatureException", "ISO-8601"),
    ],
)
def test_what_is_not_signed_as_it_should_be_is_refused(headers: list[tuple[str, str]], error: str, part: str) -> None:
    refused = verify(headers)
    assert isinstance(refused, Refused)
    assert refused.error == error
    assert part in refused.message


@pytest.mark.parametrize(
    ("late_s", "part"),
    [
        (299, None),
        (301, "Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z (20260102T030906Z - 5 min.)"),
        (-299, None),
        (-302, "Signature not yet current: 20260102T030405Z is still later than 20260102T030403Z"),
    ],
)
def test_a_wrong_clock_is_told_apart_from_a_wrong_key(late_s: int, part: str | None) -> None:
    found = verify(sent(signed()), now_ms=NOW_MS + late_s * 1000)
    if part is None:
        assert isinstance(found, Verified)
    else:
        assert isinstance(found, Refused)
        assert found.message.startswith(part)


def test_a_temporary_key_needs_its_token() -> None:
    temporary = Keys("ASIA", "secret", "token")
    assert verify(sent(signed(Keys("ASIA", "secret"))), keys=temporary) == Refused(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    )


def test_a_chain_breaks_where_an_event_is_changed_left_out_or_moved() -> None:
    signer = EventSigner(KEYS, REGION, SEED)
    frames = [signer.sign(INNER, NOW_MS + late) for late in (0, 400, 1400, 86_400_000)]
    parts = [(frame[83 - 4 : -4], int.from_bytes(frame[19:27], "big"), frame[47:79]) for frame in frames]

    def refused(order: list[int]) -> list[bool]:
        verifier = EventVerifier(KEYS, REGION, SEED)
        return [verifier.verify(*parts[at]) is not None for at in order]

    assert refused([0, 1, 2, 3]) == [False, False, False, False]
    assert refused([0, 2]) == [False, True]
    assert refused([1, 0]) == [True, False]
    payload, instant_ms, signature = parts[0]
    assert EventVerifier(KEYS, REGION, SEED).verify(payload + b"x", instant_ms, signature) is not None
    assert EventVerifier(KEYS, REGION, SEED).verify(payload, instant_ms + 1, signature) is not None
    assert EventVerifier(KEYS, REGION, SEED).verify(payload, -(2**63), signature) is not None
    assert EventVerifier(KEYS, REGION, SEED).verify(payload, 2**63 - 1, signature) is not None


def test_instants() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)
    assert epoch_ms(at) == NOW_MS
    assert epoch_ms(at.astimezone(timezone(timedelta(hours=9)))) == NOW_MS
    assert amazon_date(NOW_MS) == "20260102T030405Z"
    assert amazon_date(NOW_MS + 321) == "20260102T030405Z"


def test_bearer_tokens() -> None:
    assert bearer_token([("authorization", "Bearer abc")]) == "abc"
    assert bearer_token(signed().headers) is None
    assert bearer_token([]) is None


def test_no_secret_is_in_the_text_of_keys() -> None:
    assert "secret" not in repr(Keys("ASIA", "secret", "secret-token"))
