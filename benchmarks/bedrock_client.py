"""What a message costs our Bedrock client and AWS's Python SDK, and how many streams one core carries.

python benchmarks/bedrock_client.py [--quick]

Every stream sends 31.25 audio messages a second over TLS to an endpoint in a process of its own and receives 25, as a
call does. Both clients run on the same interpreter, with uvloop, in a process of their own; a message's cost is the CPU
time of that process by the messages of both directions, what paces them included. A time on the way is from where one
side asks to send to where the other has the event.
"""

from __future__ import annotations

import ipaddress
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from _common import finish
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUDGET = {"cpu_ratio_20_streams": 0.4, "cpu_ratio_50_streams": 0.4, "streams_per_core_at_p99_10_ms": 150}
RATIOS = ("cpu_ratio_20_streams", "cpu_ratio_50_streams")
P99_MS = 10.0
CORE_PERCENT = 90.0


class Endpoint:
    """The far end, in its own process."""

    def __init__(self, folder: Path) -> None:
        certificate, key = make_certificate(folder)
        self.ca_file = certificate
        script = str(HERE / "_bedrock_endpoint.py")
        self._process = subprocess.Popen(
            [sys.executable, script, str(certificate), str(key)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.port = self._read()

    def say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def report(self) -> dict[str, float]:
        self.say("report")
        figures: dict[str, float] = json.loads(self._read())
        return figures

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            sys.exit("the endpoint of the benchmark has died")
        return line


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def load(python: str, endpoint: Endpoint, client: str, streams: int, seconds: float, share: int = 1) -> dict[str, Any]:
    """One run of one client, with what both ends saw."""
    arguments = [client, endpoint.port, str(endpoint.ca_file), str(streams), "1.5", str(seconds), str(share)]
    with subprocess.Popen(
        [python, str(HERE / "_bedrock_load.py"), *arguments], stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "begin":
            sys.exit(f"the client {client!r} did not begin")
        endpoint.say("reset")
        line = process.stdout.readline()
    if not line:
        sys.exit(f"the client {client!r} has died")
    result: dict[str, Any] = json.loads(line)
    if result["failed"]:
        sys.exit(f"{result['failed']} streams of the client {client!r} have failed")
    result["out_ms"] = endpoint.report()
    print(
        f"{client:5} {streams:4} streams{' on ' + str(-(-streams // share)) if share > 1 else '':6}"
        f"{result['cpu_percent']:7.1f} % CPU {result['us_per_message']:7.1f} us/message"
        f"   out p50 {result['out_ms']['p50']:7.2f} p99 {result['out_ms']['p99']:8.2f} ms"
        f"   in p50 {result['in_ms']['p50']:6.2f} p99 {result['in_ms']['p99']:7.2f} ms",
        flush=True,
    )
    return result


def ratio(python: str, endpoint: Endpoint, streams: int, seconds: float, rounds: int) -> float:
    """Ours by the SDK's, in turn so that a busy machine is busy for both; the median."""
    ratios: list[float] = []
    for _ in range(rounds):
        sdk = load(python, endpoint, "sdk", streams, seconds)
        ours = load(python, endpoint, "ours", streams, seconds)
        ratios.append(ours["us_per_message"] / sdk["us_per_message"])
    return statistics.median(ratios)


def streams_per_core(python: str, endpoint: Endpoint, steps: tuple[int, ...], seconds: float) -> dict[str, Any]:
    """The last of ``steps`` up to which every one kept its time. Each may try four times: on a machine with other work
    the slowest hundredth tells of that."""
    last: dict[str, Any] = {"streams": 0}
    for streams in steps:
        for _ in range(4):
            result = load(python, endpoint, "ours", streams, seconds)
            p99_ms = max(result["out_ms"]["p99"], result["in_ms"]["p99"])
            if p99_ms <= P99_MS and result["cpu_percent"] <= CORE_PERCENT:
                last = {"streams": streams, "p99_ms": p99_ms, "cpu_percent": result["cpu_percent"]}
                break
        else:
            break
    return last


def main() -> None:
    quick = "--quick" in sys.argv
    found = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "aws_python_sdk.py")], stdout=subprocess.PIPE, text=True, check=False
    )
    python = found.stdout.strip() if found.returncode == 0 else sys.executable
    seconds, rounds = (3.0, 1) if quick else (20.0, 3)
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        endpoint = Endpoint(Path(folder))
        if found.returncode == 0:
            for streams in (20, 50):
                measured[f"cpu_ratio_{streams}_streams"] = round(ratio(python, endpoint, streams, seconds, rounds), 3)
        core = streams_per_core(
            python, endpoint, (150,) if quick else (150, 200, 250, 300, 350, 400, 450, 500), seconds
        )
        if not quick:
            if found.returncode == 0:
                load(python, endpoint, "sdk", 100, seconds)
            load(python, endpoint, "ours", 100, seconds)
            load(python, endpoint, "ours", 100, seconds, share=20)
        endpoint.stop()
    measured["streams_per_core_at_p99_10_ms"] = core["streams"]
    measured |= {f"core_{name}": value for name, value in core.items() if name != "streams"}
    if found.returncode:
        print("the ratios are not measured: there is no AWS Python SDK here")
        measured |= dict.fromkeys(RATIOS)
    holds = core["streams"] >= BUDGET["streams_per_core_at_p99_10_ms"] and all(
        measured[name] is not None and measured[name] <= BUDGET[name] for name in RATIOS
    )
    finish("bedrock_client", measured, BUDGET, holds)


if __name__ == "__main__":
    main()
