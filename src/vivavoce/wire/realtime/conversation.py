"""The conversation: its items in order, under the ids that the client knows."""

from __future__ import annotations

from vivavoce.events import PastTurn, Speaker
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.items import Item

ITEMS_LIMIT = 5_000
"""Of one conversation; the oldest are forgotten beyond it. Two hours of quick talk have half as many."""
ROOT = "root"
"""The place before the first item."""
BYTES_LIMIT = 8_000_000
"""Of the text of all items together, as they came; the oldest are forgotten beyond it."""
_SPEAKERS = {"user": Speaker.CALLER, "assistant": Speaker.AGENT}


class Conversation:
    """Bounded, and as the client sees it."""

    __slots__ = ("_bytes", "_items", "_order")

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._order: list[str] = []
        self._bytes = 0

    @property
    def items(self) -> list[Item]:
        """In order."""
        return [self._items[item] for item in self._order]

    @property
    def last(self) -> str | None:
        return self._order[-1] if self._order else None

    def get(self, item: str) -> Item | None:
        return self._items.get(item)

    def append(self, item: Item) -> str | None:
        """Returns the id of the item before it."""
        previous = self.last
        self._put(item, len(self._order))
        return previous

    def insert(self, item: Item, after: str | None) -> str | None:
        """At the end without ``after``. Returns the id of the item before it."""
        if item.id in self._items:
            message = f"Error adding item: an item with the id '{item.id}' already exists."
            raise Complaint(message, code="item_create_duplicate_item_id", param="item.id")
        if after is None or after == self.last:
            return self.append(item)
        if after != ROOT and after not in self._items:
            message = f"Error adding item: the previous item with id '{after}' does not exist."
            raise Complaint(message, code="item_create_invalid_previous_item_id", param="previous_item_id")
        place = 0 if after == ROOT else self._order.index(after) + 1
        self._put(item, place)
        return None if after == ROOT else after

    def _put(self, item: Item, place: int) -> None:
        self._order.insert(place, item.id)
        self._items[item.id] = item
        self._bytes += item.size
        while len(self._order) > 1 and (len(self._order) > ITEMS_LIMIT or self._bytes > BYTES_LIMIT):
            self.remove(self._order[0])

    def before(self, item: str) -> str | None:
        """The id of the item before this one."""
        place = self._order.index(item) if item in self._items else 0
        return self._order[place - 1] if place else None

    def remove(self, item: str) -> Item | None:
        if item in self._items:
            self._order.remove(item)
            self._bytes -= self._items[item].size
        return self._items.pop(item, None)

    def unanswered(self) -> list[Item]:
        """The items at the end that the call does not know and that ask for an answer: the client's words, and what the
        system says to them.
        """
        asked: list[Item] = []
        for name in reversed(self._order):
            item = self._items[name]
            if item.known or item.role not in ("user", "system"):
                break
            asked.append(item)
        return asked[::-1]

    def unknown(self) -> list[Item]:
        """All items that the call does not know, in order."""
        return [item for item in self._items.values() if not item.known]

    def turns(self, without: list[Item] | None = None) -> tuple[PastTurn, ...]:
        """What was said, as far as it is known in words."""
        left_out = {item.id for item in without or ()}
        return tuple(
            PastTurn(_SPEAKERS[item.role], item.text)
            for item in self.items
            if item.role in _SPEAKERS and item.text and item.id not in left_out
        )
