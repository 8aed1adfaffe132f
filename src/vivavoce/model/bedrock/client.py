"""Our client of Bedrock's bidirectional stream.

Not AWS's Python SDK: that takes three times the CPU for a message and cannot be given a CA, a clock or a transport
(``benchmarks/bedrock_client.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from vivavoce import __version__
from vivavoce.errors import AccessFault, CredentialsExpired, ModelBusy, ModelUnreachable, UsageError
from vivavoce.model.bedrock.connect import Connect, SocketConnect
from vivavoce.model.bedrock.http2 import Http2Connection
from vivavoce.model.bedrock.identity import ChainedIdentity, Identity, IdentitySource
from vivavoce.model.bedrock.settings import Backoff, BedrockSettings, Endpoint
from vivavoce.model.bedrock.stream import BedrockStream, Sealing
from vivavoce.wire.bedrock import CONTENT_TYPE, invoke_path
from vivavoce.wire.sigv4 import EventSigner, epoch_ms, sign_request

_USER_AGENT = ("user-agent", f"vivavoce/{__version__}")
_CONTENT_TYPE = ("content-type", CONTENT_TYPE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where this client's requests go."""

    region: str
    endpoint: Endpoint
    connect: Connect


class BedrockClient:
    """Implements :class:`vivavoce.model.bedrock.port.Bedrock`.

    ``now`` is the time of day, for signatures. ``random`` spreads the attempts of many clients. ``identities`` and
    ``connect`` stand in the place of AWS's credential chain and of a socket. One client serves all calls of a process.
    """

    def __init__(
        self,
        settings: BedrockSettings,
        *,
        now: Callable[[], datetime],
        environment: Mapping[str, str],
        random: Random,
        identities: IdentitySource | None = None,
        connect: Connect | None = None,
    ) -> None:
        self._settings = settings.with_environment(environment)
        self._now = now
        self._random = random
        self._identities = identities or ChainedIdentity(self._settings, environment)
        self._connect_with = connect
        self._place: _Place | None = None
        self._connections: set[Http2Connection] = set()
        self._choosing = asyncio.Lock()

    async def open(self, model_id: str, opening: Sequence[bytes] = ()) -> BedrockStream:
        """As the port says. A busy service is asked again, as the settings' backoff has it; one that finds the
        credentials expired, once more with fresh ones."""
        if not model_id:
            raise UsageError("no model id", hint="for instance amazon.nova-2-sonic-v1:0")
        waits_s = backoff_s(self._settings.backoff, self._random)
        renewed = False
        while True:
            try:
                return await self._open_once(model_id, opening)
            except CredentialsExpired:
                if renewed or not await self._identities.renew():
                    raise
                renewed = True
                continue
            except ModelBusy:
                wait_s = next(waits_s, None)
                if wait_s is None:
                    raise
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Close what connections there are, and wait for the last bytes to go."""
        lost = [connection.lost for connection in self._connections]
        for connection in list(self._connections):
            connection.close()
        if lost:
            await asyncio.wait(lost, timeout=2 * self._settings.timeouts.farewell_ms / 1000)

    async def check(self) -> None:
        """Whether there are credentials and a region. Raises AccessFault; connects to nobody but the credentials'
        own source."""
        await self._identities.identity()
        await self._find_place()

    async def _open_once(self, model_id: str, opening: Sequence[bytes]) -> BedrockStream:
        identity = await self._identities.identity()
        place = await self._find_place()
        connection = await self._connection(place)
        try:
            stream = self._request(connection, place, identity, model_id)
        except BaseException:
            if self._settings.streams_per_connection == 1:
                connection.close()
            raise
        for event in opening:
            stream.send(event)
        await stream.accepted()
        return stream

    def _request(self, connection: Http2Connection, place: _Place, identity: Identity, model_id: str) -> BedrockStream:
        path = invoke_path(model_id)
        pseudo = [
            (":method", "POST"),
            (":scheme", "https" if place.endpoint.tls else "http"),
            (":authority", place.endpoint.authority),
            (":path", path),
        ]
        if identity.keys is None:
            bearer = ("authorization", f"Bearer {identity.bearer_token}")
            headers = [*pseudo, _CONTENT_TYPE, bearer, _USER_AGENT]
            return BedrockStream(connection, headers, Sealing(None, self._now), self._settings)
        signed = sign_request(
            identity.keys,
            place.region,
            place.endpoint.authority,
            path,
            [_CONTENT_TYPE],
            instant_ms=epoch_ms(self._now()),
        )
        signer = EventSigner(identity.keys, place.region, signed.seed)
        headers = [*pseudo, *signed.headers, _USER_AGENT]
        return BedrockStream(connection, headers, Sealing(signer, self._now, identity.expire), self._settings)

    async def _find_place(self) -> _Place:
        if self._place is None:
            region = self._settings.region or await self._identities.region()
            if not region:
                raise AccessFault("no AWS region is set", hint="set AWS_REGION, for instance to us-east-1")
            url = self._settings.endpoint
            endpoint = Endpoint.parse(url) if url else Endpoint.of_region(region)
            connect = self._connect_with or SocketConnect(endpoint, self._settings.ca_file)
            self._place = _Place(region, endpoint, connect)
        return self._place

    async def _connection(self, place: _Place) -> Http2Connection:
        """One that takes a further stream now."""
        if self._settings.streams_per_connection == 1:
            return await self._connect(place)
        async with self._choosing:  # many calls that begin together share what the first of them connects
            for connection in self._connections:
                if connection.free_slots > 0:
                    return connection
            return await self._connect(place)

    async def _connect(self, place: _Place) -> Http2Connection:
        connect_ms = self._settings.timeouts.connect_ms
        connection = Http2Connection(self._settings.timeouts, streams=self._settings.streams_per_connection)
        try:
            async with asyncio.timeout(connect_ms / 1000):
                await place.connect(lambda: connection)
                self._keep(connection)
                await asyncio.shield(connection.settled)
        except TimeoutError:
            connection.close()
            raise ModelUnreachable(
                f"no connection to {place.endpoint.authority} within {connect_ms} ms",
                hint="check the region, the endpoint and the network",
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep(self, connection: Http2Connection) -> None:
        self._connections.add(connection)
        connection.lost.add_done_callback(lambda _: self._connections.discard(connection))


def backoff_s(backoff: Backoff, random: Random) -> Iterator[float]:
    """The waits between attempts, in seconds: each drawn between nothing and a bound that doubles, which spreads
    clients that were refused together better than a wait with a little noise on it."""
    left_s = backoff.total_ms / 1000
    for attempt in range(backoff.attempts - 1):
        bound_ms = min(backoff.longest_ms, backoff.first_ms * 2**attempt)
        wait_s = min(left_s, random.uniform(0, bound_ms / 1000))
        left_s -= wait_s
        yield wait_s
        if left_s <= 0:
            return
