"""Where Bedrock is, from settings and environment, and the values that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import UsageError
from vivavoce.model.bedrock.settings import BedrockSettings, Endpoint, Timeouts


@pytest.mark.parametrize(
    ("url", "endpoint", "authority"),
    [
        ("https://127.0.0.1:8443", Endpoint("127.0.0.1", 8443, tls=True), "127.0.0.1:8443"),
        ("https://x.example/", Endpoint("x.example", 443, tls=True), "x.example"),
        ("http://localhost", Endpoint("localhost", 80, tls=False), "localhost"),
        ("http://[::1]:9000", Endpoint("::1", 9000, tls=False), "[::1]:9000"),
        ("http://x:443", Endpoint("x", 443, tls=False), "x:443"),
    ],
)
def test_endpoints(url: str, endpoint: Endpoint, authority: str) -> None:
    assert Endpoint.parse(url) == endpoint
    assert endpoint.authority == authority


def test_the_endpoint_of_a_region() -> None:
    assert Endpoint.of_region("eu-north-1").authority == "bedrock-runtime.eu-north-1.amazonaws.com"
    assert Endpoint.of_region("cn-north-1").host.endswith(".amazonaws.com.cn")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8443", "ftp://x", "https://", "https://x/path", "https://x:y", "https://[x"]
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(UsageError, match="no endpoint"):
        BedrockSettings(endpoint=url)


@pytest.mark.parametrize("region", ["us east", "US-EAST-1", "useast1", "https://x", "us-east-"])
def test_what_is_no_region(region: str) -> None:
    with pytest.raises(UsageError, match="no AWS region"):
        BedrockSettings(region=region)


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2", "us-gov-west-1", "us-iso-east-1"])
def test_what_is_one(region: str) -> None:
    assert BedrockSettings(region=region).region == region


def test_other_values_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="streams_per_connection"):
        BedrockSettings(streams_per_connection=0)
    with pytest.raises(UsageError, match="open_ms of 0"):
        Timeouts(open_ms=0)


def test_what_is_empty_comes_from_the_environment() -> None:
    environment = {
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_ENDPOINT_URL": "https://a.example",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://b.example",
        "AWS_CA_BUNDLE": "/etc/ca.pem",
        "AWS_BEARER_TOKEN_BEDROCK": " key ",
        "AWS_REGION": "",
    }
    found = BedrockSettings().with_environment(environment)
    assert (found.region, found.endpoint, found.ca_file) == ("us-west-2", "https://b.example", Path("/etc/ca.pem"))
    assert found.bearer_token == "key"
    assert "key" not in repr(found)
    assert BedrockSettings().with_environment({**environment, "AWS_REGION": "us-east-1"}).region == "us-east-1"


def test_what_is_set_stays() -> None:
    settings = BedrockSettings(region="us-east-1", endpoint="http://x", ca_file=Path("a"), bearer_token="mine")
    environment = {"AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": "http://y", "AWS_CA_BUNDLE": "b"}
    assert settings.with_environment({**environment, "AWS_BEARER_TOKEN_BEDROCK": "theirs"}) == settings


def test_a_region_of_the_environment_is_checked_too() -> None:
    with pytest.raises(UsageError, match="no AWS region"):
        BedrockSettings().with_environment({"AWS_REGION": "nowhere"})
