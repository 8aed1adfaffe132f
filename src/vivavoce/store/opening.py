"""Opening a store without making everybody who might wait for SQLAlchemy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vivavoce.store.store import Store


def open_store(url: str, *, now: Callable[[], datetime]) -> Store:
    """:meth:`vivavoce.store.store.Store.open`, loaded when it is called."""
    store: type[Store] = importlib.import_module("vivavoce.store.store").Store
    return store.open(url, now=now)
