"""Who is at the other end of a connection: :func:`authenticate`, which every route that costs something asks first.

Keys come as ``Authorization: Bearer``, as Azure's ``api-key`` header, or, since browsers cannot set headers of a
WebSocket, as the subprotocol ``openai-insecure-api-key.<key>`` beside ``realtime``.

Where a page's origin is told it has to be the server's own or an allowed one. Where there are no keys, the server is
reached by this machine alone, and a page of elsewhere must not reach it through the browser: so ``Host`` has to name
this machine, which a name rebound to 127.0.0.1 does not.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from vivavoce.errors import Refused
from vivavoce.server.door import Door, door
from vivavoce.server.gate import Arrival
from vivavoce.server.keys import ANYONE, Caller
from vivavoce.server.secrets import PREFIX as SECRET_PREFIX
from vivavoce.server.settings import ServerSettings, is_loopback

REALTIME_SUBPROTOCOL = "realtime"
_KEY_SUBPROTOCOL = "openai-insecure-api-key."
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def authenticate(connection: HTTPConnection, scope: str = "calls", *others: str) -> Caller:
    """Whoever calls, who may do what ``scope`` or one of the ``others`` says. Raises
    :class:`~vivavoce.errors.Refused`: 401 without a good key, 403 for what that key may not do and for origins that
    are not allowed.
    """
    here = door(connection)
    check_origin(connection, here.settings)
    caller = _caller(connection, here)
    if caller.scopes.isdisjoint(others):
        caller.require(scope)
    vouch(connection)
    return caller


def vouch(connection: HTTPConnection) -> None:
    """Whoever is at the other end has shown who it is, here or in a way of its own, and no longer counts among those
    of whom nothing is known."""
    arrival = _arrival(connection)
    if arrival is not None:
        arrival.vouch()


def abort_connection(connection: HTTPConnection) -> None:
    """Cut it off, whatever is still to be sent."""
    arrival = _arrival(connection)
    if arrival is not None:
        arrival.abort()


def check_origin(connection: HTTPConnection, settings: ServerSettings) -> None:
    """Raises :class:`~vivavoce.errors.Refused` (403). Programs that are no browsers tell no origin and pass."""
    host = connection.headers.get("host", "")
    if not settings.keys and not _is_own_name(host, settings):
        raise Refused(
            "a server without API keys is only for this machine",
            status=403,
            code="host_not_allowed",
            hint="call it as localhost, or give it keys, or name the host in allowed_hosts",
        )
    origin = connection.headers.get("origin")
    if origin is None or origin in settings.allowed_origins or "*" in settings.allowed_origins:
        return
    if not _same_place(origin, host):
        hint = "name it in allowed_origins of server.toml"
        raise Refused("pages of this origin may not call here", status=403, code="origin_not_allowed", hint=hint)


def subprotocol(connection: HTTPConnection) -> str | None:
    """What to answer a WebSocket that offers subprotocols: exactly ``realtime``, never the one with the key in it."""
    return REALTIME_SUBPROTOCOL if REALTIME_SUBPROTOCOL in _offered(connection) else None


def key_of(connection: HTTPConnection) -> str:
    """The key or secret that was sent, empty if there is none."""
    kind, _, value = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    azure = connection.headers.get("api-key", "").strip()
    if azure:
        return azure
    keys = [offer for offer in _offered(connection) if offer.startswith(_KEY_SUBPROTOCOL)]
    return keys[0].removeprefix(_KEY_SUBPROTOCOL) if keys else ""


def _arrival(connection: HTTPConnection) -> Arrival | None:
    """None where the application runs without our listeners, as in tests."""
    found = connection.scope.get("state", {}).get("arrival")
    assert found is None or isinstance(found, Arrival)
    return found


def _caller(connection: HTTPConnection, here: Door) -> Caller:
    key = key_of(connection)
    if key.startswith(SECRET_PREFIX):
        return _holder_of_secret(key, here)
    if not here.keyring:
        return ANYONE
    if not key:
        hint = "send it as Authorization: Bearer KEY"
        raise Refused("this server needs an API key", status=401, code="missing_api_key", hint=hint)
    caller = here.keyring.holder_of(key)
    if caller is None:
        raise Refused("this API key is not known here", status=401, code="invalid_api_key")
    return caller


def _holder_of_secret(secret: str, here: Door) -> Caller:
    ticket = here.sealer.open(secret)
    issuer = here.keyring.named(ticket.key_name) if here.keyring else ANYONE
    if issuer is None:
        hint = "ask for a new one"
        raise Refused("the API key of this secret is gone", status=401, code="invalid_api_key", hint=hint)
    return replace(issuer, scopes=frozenset({"calls"}), session_config=ticket.session, agent=ticket.agent)


def _offered(connection: HTTPConnection) -> list[str]:
    lines = connection.headers.getlist("sec-websocket-protocol")
    return [offer.strip() for line in lines for offer in line.split(",")]


def _is_own_name(host: str, settings: ServerSettings) -> bool:
    name = _hostname(host)
    return name is not None and (is_loopback(name) or name in settings.allowed_hosts)


def _same_place(origin: str, host: str) -> bool:
    """Whether a page comes from this server. TLS may end before us: then the page's scheme is not ours, and only the
    name and the port can be compared."""
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}")
        usual = _PORTS.get(page.scheme)
        return bool(page.hostname) and (page.hostname, page.port or usual) == (here.hostname, here.port or usual)
    except ValueError:  # a port that is no number
        return False


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # brackets that hold no address
        return None
