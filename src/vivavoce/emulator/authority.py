"""A certificate authority of this machine's own, and a certificate of it for the emulator.

Made once, kept in a folder, used again until it runs out. Its key stays there and is readable by its owner alone: who
holds it can pose as any host towards whoever trusts the authority. So the authority is limited, by name constraints,
to this machine and the names of Bedrock that were asked for.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.errors import StoreFault

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

LOCAL_NAMES = ("localhost",)
_REGIONS = ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")
AUTHORITY_DAYS = 825
"""The longest that some systems take from an authority of one's own."""
SERVER_DAYS = 90
RENEW_BEFORE = timedelta(days=2)
_V4, _V6 = IPv4Address("127.0.0.1"), IPv6Address("::1")


@dataclass(frozen=True, slots=True)
class Authority:
    """The files: ``certificate`` is what clients are to trust, ``server`` and ``key`` are the emulator's own."""

    certificate: Path
    server: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For the server: TLS 1.2 or later, with ALPN ``h2``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server, self.key)
        context.set_alpn_protocols(["h2"])
        return context


def names_for(*, amazon: bool) -> tuple[str, ...]:
    """The host names of the server's certificate."""
    hosts = tuple(f"bedrock-runtime.{region}.amazonaws.com" for region in _REGIONS) if amazon else ()
    return (*LOCAL_NAMES, *hosts)


def authority_in(folder: Path, now: datetime, *, amazon: bool = False) -> Authority:
    """The authority that is kept in ``folder``, made or renewed where need be. Raises :class:`StoreFault`."""
    suffix = "-amazon" if amazon else ""
    authority = Authority(
        folder / f"ca{suffix}.pem", folder / f"server{suffix}.pem", folder / f"server{suffix}-key.pem"
    )
    names = names_for(amazon=amazon)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _still_good(authority, names, now):
            _make(authority, folder / f"ca{suffix}-key.pem", names, now)
    except OSError as error:
        raise StoreFault(f"{folder} cannot keep the emulator's certificates: {error.strerror}") from error
    return authority


def _still_good(authority: Authority, names: Sequence[str], now: datetime) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        ca = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
        server = x509.load_pem_x509_certificate(authority.server.read_bytes())
        key = load_pem_private_key(authority.key.read_bytes(), None)
        server.verify_directly_issued_by(ca)
        hosts = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    in_time = all(one.not_valid_before_utc <= now < one.not_valid_after_utc - RENEW_BEFORE for one in (ca, server))
    return (
        in_time
        and key.public_key() == server.public_key()
        and set(names) <= set(hosts.get_values_for_type(x509.DNSName))
    )


def _make(authority: Authority, ca_key_file: Path, names: Sequence[str], now: datetime) -> None:
    """A certificate of the authority that is there, or of a new one if that has run out or cannot be used."""
    from cryptography.hazmat.primitives.asymmetric import ec

    kept = _read_authority(authority.certificate, ca_key_file, now)
    if kept is None:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _authority_certificate(ca_key, names, now)
        _write_private(ca_key_file, _pem_of_key(ca_key))
        _write(authority.certificate, _pem(ca))
    else:
        ca, ca_key = kept
    key = ec.generate_private_key(ec.SECP256R1())
    server = _server_certificate(key, ca, ca_key, names, now)
    _write_private(authority.key, _pem_of_key(key))
    _write(authority.server, _pem(server) + _pem(ca))


def _read_authority(
    certificate: Path, key_file: Path, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        ca = x509.load_pem_x509_certificate(certificate.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    good = now < ca.not_valid_after_utc - timedelta(days=SERVER_DAYS) and key.public_key() == ca.public_key()
    return (ca, key) if good and isinstance(key, ec.EllipticCurvePrivateKey) else None


def _authority_certificate(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Vivavoce emulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Vivavoce emulator, this machine only ({now:%Y-%m-%d})"),
        ]
    )
    permitted: list[x509.GeneralName] = [x509.DNSName(host) for host in names]
    permitted += [x509.IPAddress(IPv4Network("127.0.0.0/8")), x509.IPAddress(IPv6Network("::1/128"))]
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _server_certificate(
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    hosts: list[x509.GeneralName] = [*(x509.DNSName(name) for name in names), x509.IPAddress(_V4), x509.IPAddress(_V6)]
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = (
        _builder(subject, ca.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_id, critical=False)
    )
    return builder.sign(ca_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all: another emulator may be reading."""
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.write_bytes(data)
    half.replace(file)


def _write_private(file: Path, data: bytes) -> None:
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
    half.replace(file)
