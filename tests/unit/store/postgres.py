"""Debian's PostgreSQL server, started for a test run from its own programs: a free port of the loopback, a folder that
is thrown away, nothing on the machine changed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER, PASSWORD = "vivavoce", "not-a-secret"
_READY_S, _STOP_S = 30, 10


class PostgresServer:
    """One server. It can be stopped and started again on the same port."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def url(self, database: str, *, password: str = PASSWORD) -> str:
        return f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty one."""
        self._made += 1
        name = f"store_{self._made}"
        with self._connected() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        options = f"-U {USER} -A scram-sha-256 -E UTF8 --locale=C --no-sync".split()
        command = [program("initdb"), "-D", str(self._folder / "data"), *options, f"--pwfile={secret}"]
        subprocess.run(command, check=True, timeout=60, capture_output=True, **_as_somebody(self._folder))

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", str(self._folder / "data"), *options],
                stdout=log,
                stderr=log,
                **_as_somebody(self._folder),
            )
        until = time.monotonic() + _READY_S
        while True:
            try:
                with self._connected():
                    return
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    pytest.fail("PostgreSQL did not start: " + (self._folder / "log").read_text()[-2000:])
                time.sleep(0.05)

    def stop(self) -> None:
        """At once, whoever is connected."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)
        self._process = None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        where = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": "postgres"}
        with psycopg.connect(**where, autocommit=True, connect_timeout=5) as connection:  # type: ignore[arg-type]
            yield connection


@contextlib.contextmanager
def running_server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="vivavoce-postgres-"))
    if (somebody := _somebody()) is not None:
        os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    server = PostgresServer(folder, _free_port())
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def program(name: str) -> str:
    """Debian keeps the server's programs off the path, by version."""
    found = shutil.which(name)
    inside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if found is None and not inside:
        pytest.fail(
            f"PostgreSQL's {name} is missing: sh scripts/debian_packages.sh postgres, or apt-get install postgresql"
        )
    return found or str(inside[-1])


def _somebody() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; None where we are somebody else."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _as_somebody(folder: Path) -> dict[str, Any]:
    somebody = _somebody()
    if somebody is None:
        return {"cwd": folder}
    return {"cwd": folder, "user": somebody.pw_uid, "group": somebody.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
