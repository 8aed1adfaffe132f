"""How Bedrock is reached, as data: where, as whom, and how long to wait for what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from vivavoce.errors import UsageError

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")

# What AWS's own tools look for, the first that is set.
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL")
_CA_VARIABLES = ("AWS_CA_BUNDLE",)
_BEARER_VARIABLES = ("AWS_BEARER_TOKEN_BEDROCK",)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In milliseconds, each for the step that it names.

    ``connect_ms``: TCP, TLS and the peer's HTTP/2 settings. ``open_ms``: from the request to the response's headers.
    ``quiet_ms``: a connection on which nothing came for so long is asked with a PING, ``ping_ms``: and given up when no
    answer comes. ``idle_ms``: a stream whose service sends no event for so long is given up although its connection
    lives; longer than the service itself lets a session idle, which is 295 s. ``finish_ms``: for the service to end its
    side after ours. ``farewell_ms``: for the last bytes of a connection to go out.
    """

    connect_ms: int = 10_000
    open_ms: int = 15_000
    quiet_ms: int = 4_000
    ping_ms: int = 4_000
    idle_ms: int = 300_000
    finish_ms: int = 5_000
    farewell_ms: int = 1_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise UsageError(f"{name} of {getattr(self, name)}", hint="a timeout is more than 0 ms")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long a busy service is asked again while a stream is opened: ``attempts`` in all, a wait
    between nothing and ``first_ms`` after the first, twice that after each further one up to ``longest_ms``, and no
    more than ``total_ms`` of waiting."""

    attempts: int = 5
    first_ms: int = 300
    longest_ms: int = 4_000
    total_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class BedrockSettings:
    """Empty means: look where AWS's tools look. ``endpoint`` is a URL; ``http://`` speaks HTTP/2 without TLS, which
    only an emulator takes. ``ca_file`` holds the certificates to trust in place of the usual ones. ``bearer_token`` is
    a Bedrock API key.
    """

    region: str = ""
    profile: str = ""
    endpoint: str = ""
    ca_file: Path | None = None
    bearer_token: str = field(default="", repr=False)
    streams_per_connection: int = 1
    unsent_limit_bytes: int = 4 * 1024 * 1024
    """A stream with more than this waiting for the peer, a minute and a half of audio, is given up."""
    timeouts: Timeouts = Timeouts()
    backoff: Backoff = Backoff()

    def __post_init__(self) -> None:
        if self.region and not _REGION.fullmatch(self.region):
            raise UsageError(f"{self.region!r} is no AWS region", hint="regions look like us-east-1")
        if self.streams_per_connection < 1:
            raise UsageError(
                f"{self.streams_per_connection} streams on a connection", hint="streams_per_connection is 1 or more"
            )
        if self.endpoint:
            Endpoint.parse(self.endpoint)

    def with_environment(self, environment: Mapping[str, str]) -> BedrockSettings:
        """What is empty here, as the environment has it."""
        ca_file = self.ca_file or _first(environment, _CA_VARIABLES)
        return replace(
            self,
            region=self.region or _first(environment, _REGION_VARIABLES),
            endpoint=self.endpoint or _first(environment, _ENDPOINT_VARIABLES),
            ca_file=Path(ca_file) if ca_file else None,
            bearer_token=self.bearer_token or _first(environment, _BEARER_VARIABLES),
        )


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name].strip() for name in names if environment.get(name, "").strip()), "")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, and whether with TLS."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """As AWS's SDKs write it: without the scheme's own port, and an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Raises UsageError."""
        hint = "an endpoint is a URL such as https://127.0.0.1:8443"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"{url!r} is no endpoint: {error}", hint=hint) from None
        if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
            raise UsageError(f"{url!r} is no endpoint", hint=hint)
        return cls(host, port or (443 if parts.scheme == "https" else 80), parts.scheme == "https")

    @classmethod
    def of_region(cls, region: str) -> Endpoint:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return cls(f"bedrock-runtime.{region}.{suffix}", 443, tls=True)
