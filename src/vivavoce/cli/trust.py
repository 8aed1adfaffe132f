"""How to make clients trust the emulator's authority, one line for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote


def trust_lines(certificate: Path, url: str, program: str) -> Iterator[str]:
    """Lines to type. None changes what the machine trusts."""
    file = quote(str(certificate.absolute()))
    yield f"Vivavoce     AWS_CA_BUNDLE={file} {program} call AGENT --model nova-2-sonic --endpoint {url} --wav FILE"
    yield f"AWS Python   SSL_CERT_FILE={file} python ..."
    yield f"AWS JS       NODE_EXTRA_CA_CERTS={file} node ..."
    yield f"Java         keytool -importcert -noprompt -alias emulator -file {file} -keystore e.p12 -storepass local1"
    yield "             java -Djavax.net.ssl.trustStore=e.p12 -Djavax.net.ssl.trustStorePassword=local1 ..."
    yield f"curl         curl --cacert {file} {url}/_emulator"
