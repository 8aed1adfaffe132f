"""Words that a client wants said as they stand: the service has no event for it, so it is asked for in plain words."""

from __future__ import annotations

from vivavoce.model.nova.instructions import SAY

_ASKED = SAY.strip()


def words_to_say(text: str) -> str | None:
    """The words, if this text asks for them to be said as they stand, as our own client does."""
    _, asked, words = text.partition(_ASKED)
    return words.strip() or None if asked else None
