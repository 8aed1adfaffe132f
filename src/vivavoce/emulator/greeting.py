"""Words that a client wants said as they stand: the service has no event for it, so it is asked for in plain words."""

from __future__ import annotations

EXACTLY = "Say exactly the following, word for word, and nothing else:"


def words_to_say(text: str) -> str | None:
    """The words, if this text asks for them to be said as they stand."""
    _, found, words = text.partition(EXACTLY)
    return words.strip().strip('"') or None if found else None
