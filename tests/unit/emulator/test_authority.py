"""The emulator's certificates: who they are good for, how long they are kept, and that TLS takes them."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.unit.emulator.clients import virtual_now
from vivavoce.emulator.admission import Access
from vivavoce.emulator.authority import SERVER_DAYS, Authority, authority_in
from vivavoce.emulator.listen import Door, listening
from vivavoce.emulator.service import Emulator, EmulatorSettings, fixed
from vivavoce.errors import StoreFault, UsageError
from vivavoce.model.scripted import Script, ScriptedModel

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def read(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_made_once_and_kept(tmp_path: Path) -> None:
    first = authority_in(tmp_path / "new" / "folder", NOW)
    served = first.server.read_bytes()
    assert authority_in(tmp_path / "new" / "folder", NOW + timedelta(days=30)) == first
    assert first.server.read_bytes() == served


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, NOW)
    for key in (authority.key, tmp_path / "ca-key.pem"):
        assert key.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca-key.pem", "ca.pem", "server-key.pem", "server.pem"]


def test_a_new_server_certificate_of_the_same_authority(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, NOW)
    trusted, served = authority.certificate.read_bytes(), authority.server.read_bytes()
    authority_in(tmp_path, NOW + timedelta(days=SERVER_DAYS - 1))
    assert authority.certificate.read_bytes() == trusted, "who trusted it goes on trusting it"
    assert authority.server.read_bytes() != served


def test_a_new_authority_when_the_old_one_runs_out(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, NOW)
    trusted = authority.certificate.read_bytes()
    authority_in(tmp_path, NOW + timedelta(days=800))
    assert authority.certificate.read_bytes() != trusted


@pytest.mark.parametrize("file", ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"])
@pytest.mark.parametrize("damage", [None, b"nonsense"])
def test_what_is_missing_or_damaged_is_made_again(tmp_path: Path, file: str, damage: bytes | None) -> None:
    authority_in(tmp_path, NOW)
    if damage is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(damage)
    authority = authority_in(tmp_path, NOW)
    authority.context()
    read(authority.server).verify_directly_issued_by(read(authority.certificate))


def test_it_is_good_for_this_machine_alone(tmp_path: Path) -> None:
    plain, amazon = authority_in(tmp_path, NOW), authority_in(tmp_path, NOW, amazon=True)
    hosts = read(plain.server).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert hosts.get_values_for_type(x509.DNSName) == ["localhost"]
    assert list(map(str, hosts.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]
    hosts = read(amazon.server).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "bedrock-runtime.us-east-1.amazonaws.com" in hosts.get_values_for_type(x509.DNSName)
    limits = read(plain.certificate).extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert next(name.value for name in limits.value.permitted_subtrees or ()) == "localhost"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFault, match="cannot keep the emulator's certificates"):
        authority_in(tmp_path / "file" / "below", NOW)


def emulator() -> Emulator:
    return Emulator(EmulatorSettings(fixed(ScriptedModel(Script())), Access(virtual_now)))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls_with_alpn(tmp_path: Path, host: str) -> None:
    authority = authority_in(tmp_path, datetime.now(UTC))

    async def main() -> str | None:
        async with listening(emulator(), Door("127.0.0.1", 0, authority.context()), Door("127.0.0.1", 0)) as urls:
            assert [url.partition(":")[0] for url in urls] == ["https", "http"]
            return await _negotiated(authority, host, int(urls[0].rpartition(":")[2]))

    assert asyncio.run(main()) == "h2"


def test_who_breaks_off_the_handshake_leaves_nothing(tmp_path: Path) -> None:
    authority = authority_in(tmp_path, datetime.now(UTC))

    async def main() -> None:
        being = emulator()
        async with listening(being, Door("127.0.0.1", 0, authority.context())) as (url,):
            for hello in (b"", b"GET / HTTP/1.1\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
                writer.write(hello)
                writer.write_eof()
                await reader.read()  # until the emulator has hung up
                writer.close()
            assert being.connections == set()

    asyncio.run(main())


async def _negotiated(authority: Authority, host: str, port: int) -> str | None:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
    secured = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    agreed: str | None = secured.selected_alpn_protocol()
    return agreed


def test_a_port_that_is_taken() -> None:
    async def main() -> None:
        async with listening(emulator(), Door("127.0.0.1", 0)) as (url,):
            with pytest.raises(UsageError, match="cannot listen on"):
                async with listening(emulator(), Door("127.0.0.1", int(url.rpartition(":")[2]))):
                    pass

    asyncio.run(main())
