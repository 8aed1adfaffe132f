"""The dealership's tools: what is in stock, and booking a test drive, over a small SQLite database.

The database is made and filled at the first call: in the folder that ``VIVAVOCE_EXAMPLE_DATA`` names, else in ``data/``
beside this file, else (a checkout that cannot be written to) in the system's temporary folder. Delete it to start
again.
"""

import datetime as dt
import getpass
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from vivavoce.agent import Spoken

BodyStyle = Literal["hatchback", "estate", "saloon", "suv", "convertible", "van"]
Model = Literal["Aurora", "Beacon", "Cascade", "Meridian", "Nomad", "Summit"]

FIRST_DRIVE, LAST_DRIVE, LAST_DRIVE_SATURDAY = dt.time(9), dt.time(17), dt.time(15)
SATURDAY, SUNDAY = 5, 6

SCHEMA = """
CREATE TABLE cars (
    id INTEGER PRIMARY KEY, model TEXT NOT NULL, body_style TEXT NOT NULL, color TEXT NOT NULL, price INTEGER NOT NULL
);
CREATE TABLE test_drives (
    model TEXT NOT NULL, date TEXT NOT NULL, time TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (model, date, time)
);
"""
CARS = (
    ("Aurora", "hatchback", "blue", 14_900),
    ("Aurora", "hatchback", "red", 16_200),
    ("Aurora", "hatchback", "white", 17_400),
    ("Aurora", "saloon", "silver", 18_900),
    ("Beacon", "estate", "grey", 19_500),
    ("Beacon", "estate", "green", 22_300),
    ("Beacon", "hatchback", "black", 15_800),
    ("Cascade", "saloon", "blue", 23_900),
    ("Cascade", "saloon", "white", 26_500),
    ("Cascade", "convertible", "red", 31_000),
    ("Cascade", "convertible", "silver", 33_500),
    ("Meridian", "saloon", "black", 34_900),
    ("Meridian", "estate", "blue", 36_200),
    ("Meridian", "suv", "grey", 38_700),
    ("Nomad", "van", "white", 24_600),
    ("Nomad", "van", "silver", 27_800),
    ("Nomad", "suv", "green", 28_400),
    ("Summit", "suv", "white", 29_900),
    ("Summit", "suv", "black", 35_600),
    ("Summit", "suv", "blue", 41_200),
)


def find_cars(
    body_style: BodyStyle | None = None,
    model: Model | None = None,
    max_price: int | None = None,
) -> dict[str, Any]:
    """Find cars in stock, the cheapest first.

    Args:
        body_style: The kind of car the caller wants.
        model: The model the caller named.
        max_price: The most the caller would pay, in dollars.
    """
    with _database() as database:
        found = database.execute(
            "SELECT model, body_style, color, price FROM cars"
            " WHERE (?1 IS NULL OR body_style = ?1) AND (?2 IS NULL OR model = ?2) AND (?3 IS NULL OR price <= ?3)"
            " ORDER BY price",
            (body_style, model, max_price),
        ).fetchall()
    return {"count": len(found), "cars": [dict(car) for car in found[:3]]}


def book_test_drive(model: Model, date: dt.date, time: dt.time, name: Annotated[str, Spoken("name")]) -> dict[str, Any]:
    """Book a test drive. The same booking made twice is one booking.

    Args:
        model: The model to drive.
        date: The day of the drive.
        time: When it starts.
        name: The name of the driver.
    """
    if reason := _why_closed(date, time):
        return {"booked": False, "reason": reason}
    slot = (model, date.isoformat(), time.strftime("%H:%M"))
    with _database() as database:
        database.execute("INSERT OR IGNORE INTO test_drives VALUES (?, ?, ?, ?)", (*slot, name))
        holder = database.execute(
            "SELECT name FROM test_drives WHERE model = ? AND date = ? AND time = ?", slot
        ).fetchone()["name"]
    if holder.casefold() != name.casefold():
        return {"booked": False, "reason": f"The {model} is already taken at {_spoken_time(time)}."}
    return {"booked": True, "model": model, "day": _spoken_date(date), "at": _spoken_time(time)}


def _why_closed(date: dt.date, time: dt.time) -> str:
    if date.weekday() == SUNDAY:
        return "There are no test drives on Sundays."
    last = LAST_DRIVE_SATURDAY if date.weekday() == SATURDAY else LAST_DRIVE
    if not FIRST_DRIVE <= time <= last:
        return f"Test drives start between {_spoken_time(FIRST_DRIVE)} and {_spoken_time(last)} that day."
    return ""


def _spoken_date(date: dt.date) -> str:
    """As it is said: ``on Wednesday, September 16th``."""
    ending = "th" if 11 <= date.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(date.day % 10, "th")
    return f"on {date:%A, %B} {date.day}{ending}"


def _spoken_time(time: dt.time) -> str:
    """As it is said: ``10 AM``, ``2:30 PM``."""
    hour, half = (time.hour % 12 or 12), ("AM" if time.hour < 12 else "PM")
    return f"{hour}:{time.minute:02} {half}" if time.minute else f"{hour} {half}"


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """A connection of this call's own, so that calls may run side by side; what it wrote is kept if nothing was
    raised."""
    connection = sqlite3.connect(_folder() / "northgate.sqlite", timeout=5, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.executemany("INSERT INTO cars (model, body_style, color, price) VALUES (?, ?, ?, ?)", CARS)
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
