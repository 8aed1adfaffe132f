"""Print an interpreter that has AWS's Python SDK for Bedrock's bidirectional stream; make it where there is none.

The SDK wants Python 3.12 and Vivavoce does with 3.11, so that it lives in an environment of its own, ``.venv/aws-sdk``.
Says on standard error why there is none, and exits with 3, where no such Python is found or nothing can be installed.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv" / "aws-sdk"
# uvloop, h2 and msgspec are for our own client, so that a benchmark can run both on the same interpreter.
PACKAGES = ("aws-sdk-bedrock-runtime==0.12.*", "awscrt>=0.32", "uvloop>=0.21", "h2>=4.2", "msgspec>=0.19")
NO_SDK = 3


def interpreters() -> Iterator[str]:
    yield sys.executable
    for minor in (14, 13, 12):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    yield from map(str, sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python"), reverse=True))


def runs(python: str, statement: str) -> bool:
    try:
        return subprocess.run([python, "-c", statement], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def refuse(reason: str) -> None:
    print(f"no AWS Python SDK: {reason}", file=sys.stderr)
    sys.exit(NO_SDK)


def make(python: Path) -> None:
    recent = "import sys; sys.exit(sys.version_info < (3, 12))"
    base = next((found for found in interpreters() if runs(found, recent)), None)
    if base is None:
        refuse("it wants Python 3.12 or later, and none was found")
        return
    shutil.rmtree(HOME, ignore_errors=True)
    for command in (
        [base, "-m", "venv", str(HOME)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES],
    ):
        ran = subprocess.run(command, capture_output=True, check=False, text=True)
        if ran.returncode:
            lines = (ran.stderr or ran.stdout).strip().splitlines() or ["no reason given"]
            shutil.rmtree(HOME, ignore_errors=True)
            refuse(f"it cannot be installed: {lines[-1]}")


def main() -> None:
    python = HOME / "bin" / "python"
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "aws-sdk.lock").open("w") as lock:  # two test runs may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not runs(str(python), "import aws_sdk_bedrock_runtime, awscrt, h2, msgspec"):
            make(python)
    print(python)


if __name__ == "__main__":
    main()
