"""The signature of webhooks."""

from __future__ import annotations

from vivavoce.wire.webhook import signature


def test_signature_is_what_openssl_makes() -> None:
    # printf '1700000000.{"type":"call.ended"}' | openssl dgst -sha256 -hmac whsec
    expected = "e3c994b91ec7150ed9ad81e73aa3548fab88fd74f1c8d3043f0834c85c376103"
    assert signature("whsec", 1_700_000_000, b'{"type":"call.ended"}') == f"t=1700000000,v1={expected}"
