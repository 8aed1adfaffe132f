"""The functions that the agent may call. Add your own, and name them in agent.toml."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from vivavoce.agent import Spoken

DATABASE = Path(__file__).parent / "messages.sqlite"
TABLE = "CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY, name TEXT, phone_number TEXT)"


def take_message(name: Annotated[str, Spoken("name")], phone_number: Annotated[str, Spoken("phone")]) -> dict[str, Any]:
    """Take a message: somebody calls back.

    Args:
        name: Who called.
        phone_number: Where to call back.
    """
    with closing(sqlite3.connect(DATABASE, timeout=5)) as database, database:
        database.execute(TABLE)
        row = database.execute("INSERT INTO messages (name, phone_number) VALUES (?, ?)", (name, phone_number))
        return {"number": row.lastrowid}
