"""How the server is set up: the file ``server.toml``, read and checked. The command line has the last word.

docs/reference/server.md lists every setting.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from vivavoce.errors import SetupFault, UsageError
from vivavoce.server.telephony.settings import TelephonySettings
from vivavoce.telemetry.courier import CallWebhook, safe_url

AtLeastOne = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Scope = Literal["calls", "secrets", "calls:read", "calls:control", "metrics", "dial"]
"""What a key may be used for: to call, to make secrets for browsers, to read what calls say, to decide about
their tools and let their callers wait, to read the metrics, to have telephones called."""
SCOPES: tuple[Scope, ...] = ("calls", "secrets", "calls:read", "calls:control", "metrics", "dial")

CALLS_EACH = 50
"""What a process serves in time, measured: docs/reference/server.md."""
MAX_FILE_BYTES = 1_048_576

_AMOUNT = re.compile(r"(?=.*[1-9])[0-9]+(\.[0-9]+)?\Z")
T = TypeVar("T")


class KeyLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One API key as the file has it: its hash and what it may do. 0 calls a minute or at once is no limit. ``tenant``
    is whose calls they are that it makes."""

    name: Name
    sha256: Sha256
    scopes: tuple[Scope, ...] = ("calls", "secrets")
    agents: tuple[str, ...] = ()
    max_calls: Annotated[int, Meta(ge=0)] = 0
    calls_per_minute: Annotated[int, Meta(ge=0)] = 0
    tenant: str = ""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What one peer may take of the server."""

    handshake_s: Positive = 10.0
    idle_connection_s: Positive = 30.0
    unauthenticated_connections: AtLeastOne = 256
    connections_per_address: AtLeastOne = 100
    """New ones a second; twice as many at once."""
    header_bytes: Annotated[int, Meta(ge=4096)] = 32_768
    body_bytes: Annotated[int, Meta(ge=1024)] = 65_536
    message_bytes: Annotated[int, Meta(ge=65_536)] = 24 * 1024 * 1024
    events_per_s: AtLeastOne = 500
    bytes_per_s: Annotated[int, Meta(ge=65_536)] = 2 * 1024 * 1024
    waiting_bytes: Annotated[int, Meta(ge=65_536)] = 4 * 1024 * 1024
    """What may wait for a client that does not read; then its session ends."""
    waiting_ms: AtLeastOne = 20_000


class Quota(Struct, frozen=True, forbid_unknown_fields=True):
    """How many sessions of a model a provider lets us have at once, and which share of the calls' number is kept free
    for renewals, which hold two for a moment."""

    sessions: AtLeastOne
    spare: Share = 0.1


class IceServerLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A STUN or TURN server for callers by WebRTC: ``turn:host:port?transport=udp``."""

    url: str
    username: str = ""
    credential: str = ""


class WebRtc(Struct, frozen=True, forbid_unknown_fields=True):
    """How peers reach us. ``ports`` are the UDP ports to use, from and to; without them the system chooses.
    ``announce`` is the address that callers are told, where it is not this machine's own."""

    ice_servers: tuple[IceServerLine, ...] = ()
    ports: tuple[Annotated[int, Meta(ge=1, le=65535)], Annotated[int, Meta(ge=1, le=65535)]] | None = None
    announce: str = ""
    connect_timeout_s: Positive = 30.0
    bits_per_s: Annotated[int, Meta(ge=6_000, le=510_000)] = 32_000


class WebhookLine(Struct, frozen=True, forbid_unknown_fields=True):
    """An address that is told of every call that is over, or of those of some agents or tenants. ``words``: with what
    was said. ``plain_http``: it is elsewhere and has no TLS, and that is wanted."""

    url: str
    secret: Annotated[str, Meta(min_length=16)]
    agents: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    words: bool = False
    plain_http: bool = False

    def made(self) -> CallWebhook:
        return CallWebhook(self.url, self.secret, self.agents, self.tenants, self.words)


class TelemetryLine(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether calls become OpenTelemetry traces, where they go (else ``OTEL_EXPORTER_OTLP_ENDPOINT``), and whether what
    was said goes with them."""

    traces: bool = False
    otlp_endpoint: str = ""
    speech: bool = False


class BudgetLine(Struct, frozen=True, forbid_unknown_fields=True):
    """What calls may cost together in a ``period``, of an ``agent`` (by the name in its file), of a ``tenant``, or of
    all. At ``warn_at`` of it ``warning`` is said in each live call, at ``downgrade_at`` the call goes on with
    ``downgrade_to`` if that is one of its models; used up, live calls end politely (``then`` "end") or go on
    (``"refuse"``), and no new one is let in."""

    name: Name
    most: str
    agent: str = ""
    tenant: str = ""
    currency: str = "USD"
    period: Literal["day", "month"] = "day"
    warn_at: Share = 0.8
    warning: str = ""
    downgrade_at: Share = 0.0
    downgrade_to: str = ""
    then: Literal["end", "refuse"] = "end"

    @property
    def amount(self) -> Decimal:
        return Decimal(self.most)

    def covers(self, agent: str, tenant: str) -> bool:
        """Whether a call of theirs counts."""
        return self.agent in ("", agent) and self.tenant in ("", tenant)


class ServerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    tls_cert: str = ""
    tls_key: str = ""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    max_calls: AtLeastOne | None = None
    drain_s: Annotated[float, Meta(ge=0)] = 60.0
    max_lag_ms: AtLeastOne = 200
    websocket: Literal["vivavoce", "websockets-sansio", "websockets", "wsproto"] = "vivavoce"
    public_url: str = ""
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    keys: tuple[KeyLine, ...] = ()
    keys_file: str = ""
    limits: Limits = Limits()
    quotas: dict[str, Quota] = msgspec.field(default_factory=dict)
    webrtc: WebRtc = WebRtc()
    telephony: TelephonySettings = TelephonySettings()
    webhooks: tuple[WebhookLine, ...] = ()
    telemetry: TelemetryLine = TelemetryLine()
    budgets: tuple[BudgetLine, ...] = ()
    store: str = ""
    prices: str = ""

    @property
    def calls_at_once(self) -> int:
        """``max_calls``, or as many as the processes can serve."""
        return self.max_calls or CALLS_EACH * self.workers


class _KeysFile(Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[KeyLine, ...] = ()


def read_settings(path: Path) -> ServerSettings:
    """Paths in the file begin in its folder. Raises :class:`SetupFault` with what is wrong and where."""
    settings = _read(path, ServerSettings)
    named = {
        name: str(path.parent / value)
        for name in ("tls_cert", "tls_key", "keys_file", "prices")
        if (value := getattr(settings, name))
    }
    return msgspec.structs.replace(settings, **named)


def finished(settings: ServerSettings) -> ServerSettings:
    """With the keys of its keys file. Raises :class:`SetupFault` for what makes no sense together."""
    keys = settings.keys
    if settings.keys_file:
        keys = (*keys, *_read(Path(settings.keys_file), _KeysFile).keys)
    names = [key.name for key in keys]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SetupFault(
            f"two API keys have the name {twice[0]!r}", hint="a key is limited by its name; choose another"
        )
    for budget in settings.budgets:
        if not _AMOUNT.match(budget.most):
            hint = 'write it as text, more than nothing: "50.00"'
            raise SetupFault(f"the budget {budget.name!r} has the amount {budget.most!r}", hint=hint)
    if not keys and not is_loopback(settings.host):
        raise UsageError(
            f"listening on {settings.host} without API keys would let anybody in",
            hint="make a key with 'vivavoce keys new NAME', put it into server.toml, and add --config server.toml",
        )
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise UsageError("TLS needs two files", hint="give --tls-cert and --tls-key, both in PEM")
    for webhook in settings.webhooks:
        _check_webhook(webhook)
    return msgspec.structs.replace(settings, keys=keys, keys_file="")


def _check_webhook(webhook: WebhookLine) -> None:
    if not safe_url(webhook.url, plain_http=webhook.plain_http):
        raise SetupFault(
            "a webhook has an address to which what is known of calls may not go",
            hint="it needs https://, or http:// to this machine; plain_http = true allows http:// to others",
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine and nothing else can reach it."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _read(path: Path, kind: type[T]) -> T:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SetupFault(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise SetupFault(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    try:
        table: dict[str, Any] = tomllib.loads(data.decode())
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        what = str(error).replace(" - at `$", " - at `").replace("Object contains", "There is an").replace("``", "`")
        raise SetupFault(f"{path}: {what}", hint="docs/reference/server.md lists the settings") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SetupFault(f"{path} is no TOML: {error}") from error
