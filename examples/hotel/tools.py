"""The concierge's tools: tables, taxis, wake-up calls and things for the room, over a small SQLite database.

The database is made at the first call: in the folder that ``VIVAVOCE_EXAMPLE_DATA`` names, else in ``data/`` beside
this file, else (a checkout that cannot be written to) in the system's temporary folder. Delete it to start again.
"""

import datetime as dt
import getpass
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

Restaurant = Literal["garden", "rooftop"]
Item = Literal["towels", "pillows", "blanket", "iron", "toothbrush", "robe"]
Destination = Literal["airport", "station", "city centre", "harbour"]

OPEN = {
    "garden": (dt.time(12), dt.time(21, 30)),
    "rooftop": (dt.time(18), dt.time(22)),
}
SEATS, LARGEST_PARTY, MOST_OF_AN_ITEM = 24, 10, 6
FARES = {"airport": 45, "station": 12, "city centre": 15, "harbour": 9}
MINUTES = {"towels": 10, "pillows": 10, "blanket": 10, "iron": 15, "toothbrush": 10, "robe": 15}
SINGULAR = {"towels": "towel", "pillows": "pillow"}

SCHEMA = """
CREATE TABLE rooms (room INTEGER PRIMARY KEY);
CREATE TABLE tables_booked (
    restaurant TEXT NOT NULL, date TEXT NOT NULL, time TEXT NOT NULL, party_size INTEGER NOT NULL
);
CREATE TABLE items (room INTEGER NOT NULL REFERENCES rooms, item TEXT NOT NULL, quantity INTEGER NOT NULL);
CREATE TABLE taxis (room INTEGER NOT NULL REFERENCES rooms, destination TEXT NOT NULL, time TEXT NOT NULL);
CREATE TABLE wake_up_calls (room INTEGER PRIMARY KEY REFERENCES rooms, time TEXT NOT NULL);
"""
ROOMS = tuple((floor * 100 + door,) for floor in range(1, 6) for door in range(1, 21))


def book_table(restaurant: Restaurant, party_size: int, date: dt.date, time: dt.time) -> dict[str, Any]:
    """Book a table in one of the hotel's restaurants.

    Args:
        restaurant: The garden restaurant or the rooftop restaurant.
        party_size: How many people will come.
        date: The day.
        time: When they will sit down.
    """
    opens, closes = OPEN[restaurant]
    if not 1 <= party_size <= LARGEST_PARTY:
        return {"booked": False, "reason": f"We seat parties of up to {LARGEST_PARTY}."}
    if not opens <= time <= closes:
        hours = f"between {_spoken_time(opens)} and {_spoken_time(closes)}"
        return {"booked": False, "reason": f"The {restaurant} restaurant seats guests {hours}."}
    with _database() as database:
        taken = database.execute(
            "SELECT COALESCE(SUM(party_size), 0) FROM tables_booked"
            " WHERE restaurant = ? AND date = ? AND substr(time, 1, 2) = ?",
            (restaurant, date.isoformat(), time.strftime("%H")),
        ).fetchone()[0]
        if taken + party_size > SEATS:
            return {"booked": False, "reason": f"The {restaurant} restaurant is full at {_spoken_time(time)}."}
        database.execute(
            "INSERT INTO tables_booked VALUES (?, ?, ?, ?)",
            (restaurant, date.isoformat(), time.strftime("%H:%M"), party_size),
        )
    return {"booked": True, "day": _spoken_date(date), "at": _spoken_time(time)}


def request_item(room: int, item: Item, quantity: int = 1) -> dict[str, Any]:
    """Send something to a guest's room.

    Args:
        room: The room number.
        item: What to send.
        quantity: How many.
    """
    if not 1 <= quantity <= MOST_OF_AN_ITEM:
        return {"on_its_way": False, "reason": f"We can send up to {MOST_OF_AN_ITEM} at a time."}
    with _database() as database:
        if reason := _why_no_room(database, room):
            return {"on_its_way": False, "reason": reason}
        database.execute("INSERT INTO items VALUES (?, ?, ?)", (room, item, quantity))
    return {"on_its_way": True, "what": _counted(item, quantity), "minutes": MINUTES[item]}


def order_taxi(room: int, destination: Destination, time: dt.time) -> dict[str, Any]:
    """Order a taxi for a guest.

    Args:
        room: The room number.
        destination: Where to.
        time: When it should be at the door.
    """
    with _database() as database:
        if reason := _why_no_room(database, room):
            return {"ordered": False, "reason": reason}
        database.execute("INSERT INTO taxis VALUES (?, ?, ?)", (room, destination, time.strftime("%H:%M")))
    return {"ordered": True, "at": _spoken_time(time), "fare": FARES[destination]}


def wake_up_call(room: int, time: dt.time) -> dict[str, Any]:
    """Set a guest's wake-up call. A later one replaces it.

    Args:
        room: The room number.
        time: When to call.
    """
    with _database() as database:
        if reason := _why_no_room(database, room):
            return {"set": False, "reason": reason}
        database.execute("INSERT OR REPLACE INTO wake_up_calls VALUES (?, ?)", (room, time.strftime("%H:%M")))
    return {"set": True, "at": _spoken_time(time)}


def _why_no_room(database: sqlite3.Connection, room: int) -> str:
    known = database.execute("SELECT 1 FROM rooms WHERE room = ?", (room,)).fetchone()
    return "" if known else f"There is no room {room} in this house."


def _counted(item: str, quantity: int) -> str:
    """As it is said: ``An iron``, ``A towel``, ``3 towels``."""
    if quantity == 1:
        singular = SINGULAR.get(item, item)
        return f"{'An' if singular[0] in 'aeiou' else 'A'} {singular}"
    return f"{quantity} {item if item in SINGULAR else _plural(item)}"


def _plural(item: str) -> str:
    return f"{item}es" if item.endswith("sh") else f"{item}s"


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
    connection = sqlite3.connect(_folder() / "harbour-house.sqlite", timeout=5, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.executemany("INSERT INTO rooms VALUES (?)", ROOMS)
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
