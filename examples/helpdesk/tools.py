"""The help desk's tools: reset a password after an identity check, open a ticket, ask how one is doing, erase a lost
phone; over SQLite.

The identity check is here and not in the instructions: whatever a caller says to the model, nothing is reset unless the
number and the code belong together, and three failures lock the account. The answer never tells which of the two was
wrong.

The database is made and filled at the first call: in the folder that ``VIVAVOCE_EXAMPLE_DATA`` names, else in ``data/``
beside this file, else (a checkout that cannot be written to) in the system's temporary folder. Delete it to start
again.
"""

import getpass
import hmac
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from vivavoce.agent import Spoken

Category = Literal["laptop", "printer", "network", "email", "phone", "software"]
Urgency = Literal["low", "normal", "high"]

MOST_FAILURES = 3
PROMISES = {
    "low": "look at it within a week",
    "normal": "call you back within one working day",
    "high": "call you back within an hour",
}

SCHEMA = """
CREATE TABLE employees (number TEXT PRIMARY KEY, first_name TEXT NOT NULL, security_code TEXT NOT NULL);
CREATE TABLE failures (number TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE resets (id INTEGER PRIMARY KEY, number TEXT NOT NULL REFERENCES employees);
CREATE TABLE tickets (
    number INTEGER PRIMARY KEY, category TEXT NOT NULL, urgency TEXT NOT NULL, status TEXT NOT NULL
);
"""
EMPLOYEES = (
    ("10428", "Alice", "7391"),
    ("11573", "Brian", "2046"),
    ("12690", "Carla", "8815"),
    ("20317", "Derek", "4120"),
    ("21984", "Elena", "9657"),
    ("23456", "Frank", "1188"),
    ("30275", "Grace", "5032"),
    ("31846", "Hassan", "6274"),
    ("34901", "Irene", "3409"),
    ("41762", "Jacob", "7720"),
    ("45018", "Karen", "2963"),
    ("50639", "Louis", "8541"),
)
TICKETS = (
    (4817, "laptop", "normal", "waiting for a new battery"),
    (4818, "printer", "low", "fixed"),
    (4819, "network", "high", "being worked on right now"),
    (4820, "software", "normal", "waiting for your manager's approval"),
    (4821, "email", "normal", "in the queue"),
    (4822, "phone", "low", "ready to be picked up"),
)


def reset_password(
    employee_number: Annotated[str, Spoken("digits", length=5)],
    security_code: Annotated[str, Spoken("digits", length=4)],
) -> dict[str, Any]:
    """Reset an employee's password if the number and the security code belong together.

    Args:
        employee_number: The five digits on the badge.
        security_code: The caller's own four digits.
    """
    with _database() as database:
        failures = database.execute("SELECT count FROM failures WHERE number = ?", (employee_number,)).fetchone()
        failed = failures["count"] if failures else 0
        if failed >= MOST_FAILURES:
            return {"reset": False, "locked": True, "attempts_left": 0}
        employee = database.execute("SELECT * FROM employees WHERE number = ?", (employee_number,)).fetchone()
        # An unknown number is compared too, and counted too: the answer must not tell which numbers exist.
        expected = employee["security_code"] if employee else "none"
        if not hmac.compare_digest(expected.encode(), security_code.encode()):
            database.execute("INSERT OR REPLACE INTO failures VALUES (?, ?)", (employee_number, failed + 1))
            left = MOST_FAILURES - failed - 1
            return {"reset": False, "locked": left == 0, "attempts_left": left}
        database.execute("DELETE FROM failures WHERE number = ?", (employee_number,))
        database.execute("INSERT INTO resets (number) VALUES (?)", (employee_number,))
    return {"reset": True, "first_name": employee["first_name"]}


def wipe_phone(employee_number: Annotated[str, Spoken("digits", length=5)]) -> dict[str, Any]:
    """Erase an employee's lost or stolen phone. It cannot be taken back, and somebody at the desk must approve of it.

    Args:
        employee_number: The five digits on the badge.
    """
    with _database() as database:
        employee = database.execute("SELECT number FROM employees WHERE number = ?", (employee_number,)).fetchone()
        if employee is None:
            return {"wiped": False}
        database.execute("INSERT INTO tickets (category, urgency, status) VALUES ('phone', 'high', 'being erased')")
    return {"wiped": True}


def open_ticket(category: Category, urgency: Urgency = "normal") -> dict[str, Any]:
    """Open a ticket for something that is broken or missing.

    Args:
        category: What it is about.
        urgency: How urgent it is.
    """
    with _database() as database:
        number = database.execute(
            "INSERT INTO tickets (category, urgency, status) VALUES (?, ?, 'in the queue') RETURNING number",
            (category, urgency),
        ).fetchone()["number"]
    return {"ticket_number": str(number), "urgency": urgency, "promise": PROMISES[urgency]}


def ticket_status(ticket_number: Annotated[str, Spoken("digits", length=4)]) -> dict[str, Any]:
    """Say how a ticket is doing.

    Args:
        ticket_number: The four digits of the ticket.
    """
    with _database() as database:
        ticket = database.execute(
            "SELECT category, status FROM tickets WHERE number = ?", (int(ticket_number),)
        ).fetchone()
    if ticket is None:
        return {"found": False}
    about = {"network": "the network", "email": "email", "software": "software"}
    return {
        "found": True,
        "about": about.get(ticket["category"], f"a {ticket['category']}"),
        "status": ticket["status"],
    }


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """A connection of this call's own, so that calls may run side by side; what it wrote is kept if nothing was
    raised."""
    connection = sqlite3.connect(_folder() / "helpdesk.sqlite", timeout=5, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.executemany("INSERT INTO employees VALUES (?, ?, ?)", EMPLOYEES)
            connection.executemany("INSERT INTO tickets VALUES (?, ?, ?, ?)", TICKETS)
            connection.execute("PRAGMA user_version = 1")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()  # without a COMMIT, SQLite takes everything back


def _folder() -> Path:
    beside, temporary = Path(__file__).parent / "data", Path(tempfile.gettempdir()) / f"vivavoce-{getpass.getuser()}"
    named = os.environ.get("VIVAVOCE_EXAMPLE_DATA")
    for folder in [Path(named)] if named else [beside, temporary]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise PermissionError("nowhere to keep the database: set VIVAVOCE_EXAMPLE_DATA to a folder that can be written to")
