"""Real sockets: TLS with ALPN, a certificate nobody trusts, a server that speaks something else, and none at all."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.model.bedrock.service import AUDIO, KEYS, MODEL, Service, echo
from vivavoce.engine.clock import run, wall_clock
from vivavoce.errors import AccessFault, ModelUnreachable
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.settings import BedrockSettings, Timeouts
from vivavoce.model.bedrock.stream import BedrockStream

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 127.0.0.1, with its key in the same file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return path


def tls(certificate: Path, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(list(protocols))
    return context


Check = Callable[[BedrockClient], Coroutine[Any, Any, None]]


def against(check: Check, server_tls: ssl.SSLContext | None, settings: Callable[[str], BedrockSettings]) -> None:
    """A client against the test's service on a socket."""

    async def main() -> None:
        service = Service(echo)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(service.connection, "127.0.0.1", 0, ssl=server_tls)
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if server_tls else "http"
        client = BedrockClient(
            settings(f"{scheme}://127.0.0.1:{port}"),
            now=wall_clock,
            environment={},
            random=Random(1),
            identities=FixedIdentity(Identity(KEYS)),
        )
        try:
            await check(client)
        finally:
            await client.close()
            server.close()
            await server.wait_closed()
            service.stop()

    run(main())


async def talks(client: BedrockClient) -> None:
    streams: list[BedrockStream] = [await client.open(MODEL) for _ in range(3)]
    for stream in streams:
        stream.send(AUDIO)
        stream.send(b"x" * 50_000)
    for stream in streams:
        assert await stream.receive() == AUDIO
        assert await stream.receive() == b"x" * 50_000
        await stream.finish()


@pytest.mark.parametrize("share", [1, 3])
def test_tls_with_an_authority_of_ones_own(certificate: Path, share: int) -> None:
    against(
        talks,
        tls(certificate, "h2"),
        lambda url: BedrockSettings(
            region="us-east-1", endpoint=url, ca_file=certificate, streams_per_connection=share
        ),
    )


def test_without_tls() -> None:
    against(talks, None, lambda url: BedrockSettings(region="us-east-1", endpoint=url))


def test_a_certificate_that_nobody_trusts_names_the_setting(certificate: Path) -> None:
    async def fails(client: BedrockClient) -> None:
        with pytest.raises(AccessFault, match="AWS_CA_BUNDLE") as caught:
            await client.open(MODEL)
        assert "self-signed certificate" in str(caught.value)

    against(fails, tls(certificate, "h2"), lambda url: BedrockSettings(region="us-east-1", endpoint=url))


def test_a_server_without_http2(certificate: Path) -> None:
    async def fails(client: BedrockClient) -> None:
        with pytest.raises(ModelUnreachable, match="does not speak HTTP/2"):
            await client.open(MODEL)

    against(
        fails,
        tls(certificate, "http/1.1"),
        lambda url: BedrockSettings(region="us-east-1", endpoint=url, ca_file=certificate),
    )


def test_a_server_in_clear_text_is_told_from_one_that_is_not_there() -> None:
    async def fails(client: BedrockClient) -> None:
        with pytest.raises(ModelUnreachable, match=r"does not speak TLS.*http://"):
            await client.open(MODEL)

    against(fails, None, lambda url: BedrockSettings(region="us-east-1", endpoint=url.replace("http://", "https://")))


@pytest.mark.parametrize("contents", [None, b"", b"no certificate"])
def test_an_authority_that_cannot_be_read(tmp_path: Path, certificate: Path, contents: bytes | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if contents is not None:
        ca_file.write_bytes(contents)

    async def fails(client: BedrockClient) -> None:
        with pytest.raises(AccessFault, match=r"ca\.pem cannot be used"):
            await client.open(MODEL)

    against(
        fails, tls(certificate, "h2"), lambda url: BedrockSettings(region="us-east-1", endpoint=url, ca_file=ca_file)
    )


@pytest.mark.parametrize(
    ("endpoint", "part"),
    [
        ("http://127.0.0.1:1", "Connection refused .is `vivavoce emulate` running"),
        ("http://name.invalid:80", "there is no host name.invalid"),
    ],
)
def test_nobody_there(endpoint: str, part: str) -> None:
    async def main() -> None:
        client = BedrockClient(
            BedrockSettings(region="us-east-1", endpoint=endpoint, timeouts=Timeouts(connect_ms=5000)),
            now=wall_clock,
            environment={},
            random=Random(1),
            identities=FixedIdentity(Identity(KEYS)),
        )
        with pytest.raises(ModelUnreachable, match=part):
            await client.open(MODEL)
        await client.close()

    run(main())
