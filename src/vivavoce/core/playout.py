"""What the caller has heard: for every response the samples generated, sent and played, and the words they carry.

``played <= sent <= generated`` holds at all times, whatever a channel reports. Once a response is flushed no sample of
it is sent any more, so stale audio cannot reach a caller who has taken the turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from vivavoce.core.machine import Machine
from vivavoce.events import ConnectionId, Evidence, ResponseId


class Playout(StrEnum):
    """How far one response is on its way to the ear."""

    OPEN = "open"  # more audio may come
    ENDING = "ending"  # all of it was sent, the channel still plays
    FLUSHING = "flushing"  # told to stop, waiting for the channel to say where it stopped
    PLAYED = "played"
    CUT = "cut"


class PlayoutMove(StrEnum):
    """What can happen to a response on its way."""

    FINISH = "finish"
    PLAY_OUT = "play_out"
    FLUSH = "flush"
    STOP = "stop"


PLAYOUT_TABLE = {
    (Playout.OPEN, PlayoutMove.FINISH): Playout.ENDING,
    (Playout.ENDING, PlayoutMove.PLAY_OUT): Playout.PLAYED,
    (Playout.OPEN, PlayoutMove.FLUSH): Playout.FLUSHING,
    (Playout.ENDING, PlayoutMove.FLUSH): Playout.FLUSHING,
    (Playout.FLUSHING, PlayoutMove.STOP): Playout.CUT,
}


@dataclass(slots=True)
class ResponsePlayout:
    """One response on its way to the caller's ear. ``segments`` are ``(position, text)``, positions growing."""

    response: ResponseId
    connection: ConnectionId  # of the session that makes it
    machine: Machine[Playout, PlayoutMove] = field(default_factory=lambda: Machine(PLAYOUT_TABLE, Playout.OPEN))
    generated: int = 0
    sent: int = 0
    played: int = 0
    evidence: Evidence = Evidence.ASSUMED
    segments: list[tuple[int, str]] = field(default_factory=list)

    @property
    def state(self) -> Playout:
        return self.machine.state

    @property
    def audible(self) -> bool:
        """Some of it may still be heard, now or later."""
        state = self.machine.state
        return state is Playout.OPEN or state is Playout.ENDING

    def send(self, samples: int) -> None:
        self.generated += samples
        self.sent += samples

    def drop(self, samples: int) -> None:
        """Generated, but too late to be sent."""
        self.generated += samples

    def say(self, at: int, text: str, *, final: bool = False) -> None:
        """Words from position ``at`` on. Pieces that claim no later place than the last share its stretch; ``final``
        ones replace the words of a piece that begins just there.
        """
        places = [start for start, _ in self.segments] if final else []
        if at in places:
            self.segments[places.index(at)] = (at, text)
        elif self.segments and at <= self.segments[-1][0]:
            start, earlier = self.segments.pop()
            self.segments.append((start, f"{earlier} {text}"))
        else:
            self.segments.append((at, text))

    def report(self, played: int, evidence: Evidence) -> None:
        """The channel's word, within reason: never beyond what was sent, and never back, unless who played it tells
        better what was assumed.
        """
        guessed = evidence is Evidence.PLAYED and self.evidence is Evidence.ASSUMED
        self.played = max(0 if guessed else self.played, min(played, self.sent))
        self.evidence = evidence

    def heard_text(self) -> str:
        """The words within the first ``played`` samples."""
        return self._text_until(self.played)

    def text_for_memory(self) -> str:
        """The words that will have been heard: what is sent and not cut off will be."""
        return self._text_until(self.sent if self.audible or self.state is Playout.PLAYED else self.played)

    def _text_until(self, position: int) -> str:
        """The words within the first ``position`` samples.

        A segment that lies there in part gives as many of its words as its share of samples: whole words only, counted
        by letters, since neither we nor most providers know where each word lies.
        """
        heard: list[str] = []
        for index, (start, text) in enumerate(self.segments):
            end = self.segments[index + 1][0] if index + 1 < len(self.segments) else self.generated
            if position >= end and end > start:
                heard.append(text)
            elif position > start:
                heard.append(_leading_words(text, (position - start) / (end - start)))
        return " ".join(part for part in heard if part)


def _leading_words(text: str, share: float) -> str:
    budget = share * len(text)
    taken: list[str] = []
    used = 0
    for word in text.split():
        used += len(word) + bool(taken)
        if used > budget:
            break
        taken.append(word)
    return " ".join(taken)


class Playouts:
    """All responses of a call, in the order begun."""

    __slots__ = ("_active", "_responses")

    def __init__(self) -> None:
        self._responses: dict[ResponseId, ResponsePlayout] = {}
        self._active: list[ResponsePlayout] = []  # those that may be audible: an hour's call has few at a time

    def begin(self, response: ResponseId, connection: ConnectionId) -> ResponsePlayout:
        """A response that another connection had begun and made nothing of begins anew."""
        self._active = [playout for playout in self._active if playout.response != response]
        playout = self._responses[response] = ResponsePlayout(response, connection)
        self._active.append(playout)
        return playout

    def get(self, response: ResponseId) -> ResponsePlayout | None:
        return self._responses.get(response)

    @property
    def audible(self) -> list[ResponsePlayout]:
        """Responses of which something may still be heard, now or later."""
        self._active = [playout for playout in self._active if playout.audible]
        return self._active

    @property
    def unplayed(self) -> int:
        """Samples that were sent and may still be heard."""
        unplayed = 0
        for playout in self.audible:
            unplayed += playout.sent - playout.played
        return unplayed
