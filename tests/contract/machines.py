"""Where the peers run: a Python environment and a Node folder of their own, made once below ``build/``."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).parent / "peers"
BUILT = ROOT / "build" / "contract"
PYTHON_PACKAGES = ("aws-sdk-bedrock-runtime==0.12.0", "awscrt==0.32.2")
NODE_PACKAGES = ("@aws-sdk/client-bedrock-runtime@3.1164.0",)
REALTIME_NODE_PACKAGES = ("@openai/agents-realtime@0.20.0", "openai@7.57.0", "ws@8.23.0", "zod@4.6.7")
OLDEST_PYTHON = (3, 12)
OLDEST_NODE = 18
INSTALL_LIMIT_S = 150
ATTEMPTS = 2


class NoPeer(Exception):
    """This machine cannot run a peer, and why."""


def python_peer() -> list[str]:
    """How to run the AWS Python SDK. Raises :class:`NoPeer`."""
    if sys.platform != "linux":
        raise NoPeer("the AWS Python SDK's transport can be told whom to trust, for one process, on Linux alone")
    interpreter = next(filter(_is_usable, _new_pythons()), None)
    if interpreter is None:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise NoPeer(f"the AWS Python SDK needs Python {oldest} or later, and there is none here (PATH, pyenv, uv)")
    folder = BUILT / "aws-python"
    python = folder / "bin" / "python"
    with _one_at_a_time():
        if not _is_made(folder, (interpreter, *PYTHON_PACKAGES)):
            shutil.rmtree(folder, ignore_errors=True)
            # Our own pip installs there: some interpreters come without one, and adding it is one more step to fail.
            _install([interpreter, "-m", "venv", "--without-pip", str(folder)], BUILT)
            pip = [sys.executable, "-m", "pip", "--python", str(python)]
            _install([*pip, "install", "--quiet", *PYTHON_PACKAGES], BUILT)
            _mark_made(folder, (interpreter, *PYTHON_PACKAGES))
    return [str(python), str(PEERS / "aws_python.py")]


def javascript_peer() -> list[str]:
    """How to run the AWS JavaScript SDK. Raises :class:`NoPeer`."""
    return _node_peer("aws_javascript.mjs", "aws-javascript", NODE_PACKAGES)


def realtime_peer(script: str) -> tuple[list[str], Path]:
    """How to run one of OpenAI's JavaScript SDKs, and where. Raises :class:`NoPeer`."""
    folder = BUILT / "realtime-javascript"
    return _node_peer(script, folder.name, REALTIME_NODE_PACKAGES), folder


def _node_peer(script: str, name: str, packages: tuple[str, ...]) -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoPeer("JavaScript SDKs need node and npm (on Debian, as root: apt-get install nodejs npm)")
    version = subprocess.run([node, "--version"], capture_output=True, check=True, text=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise NoPeer(f"the JavaScript SDKs need Node {OLDEST_NODE} or later, and this is {version}")
    folder = BUILT / name
    with _one_at_a_time():
        if not _is_made(folder, packages):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "package.json").write_text('{"private": true}\n')
            _install([npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *packages], folder)
            _mark_made(folder, packages)
    return [node, str(PEERS / script)]


def peer_folder(peer: str) -> Path:
    return BUILT / f"aws-{peer}"


def _new_pythons() -> Iterator[str]:
    if sys.version_info >= OLDEST_PYTHON:
        yield sys.executable
    names = [f"python3.{minor}" for minor in range(OLDEST_PYTHON[1], 20)]
    yield from filter(None, map(shutil.which, names))
    versions = Path.home() / ".pyenv" / "versions"
    for folder in sorted(versions.glob("3.*")) if versions.is_dir() else []:
        parts = folder.name.split(".")
        if len(parts) > 1 and parts[1].isdecimal() and (3, int(parts[1])) >= OLDEST_PYTHON:
            yield str(folder / "bin" / "python")
    if uv := shutil.which("uv"):
        found = subprocess.run([uv, "python", "find", ">=3.12"], capture_output=True, check=False, text=True)
        if found.returncode == 0:
            yield found.stdout.strip()


def _is_usable(interpreter: str) -> bool:
    """pyenv puts names of versions on the PATH that are not chosen, and they only say so when run."""
    asked = f"import sys, venv; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return subprocess.run([interpreter, "-c", asked], capture_output=True, check=False).returncode == 0


def _is_made(folder: Path, of: tuple[str, ...]) -> bool:
    stamp = folder / "made-of"
    return stamp.exists() and stamp.read_text() == "\n".join(of)


def _mark_made(folder: Path, of: tuple[str, ...]) -> None:
    (folder / "made-of").write_text("\n".join(of))


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Tests run in several processes, and two of them may want the same folder made."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(command: list[str], folder: Path) -> None:
    """In continuous integration a package that cannot be had fails the run; elsewhere there may be no network."""
    folder.mkdir(parents=True, exist_ok=True)
    why = ""
    for _ in range(ATTEMPTS):
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, check=False, text=True, timeout=INSTALL_LIMIT_S
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            why = str(error)
            continue
        if done.returncode == 0:
            return
        why = f"exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    failed = f"{' '.join(command[:6])} ... failed {ATTEMPTS} times: {why}"
    if os.environ.get("CI"):
        pytest.fail(failed)
    raise NoPeer(failed)
