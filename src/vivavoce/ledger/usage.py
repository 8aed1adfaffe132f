"""Which turn used how many tokens, of which session, and what of them was for telling a session what it had to know.

Tokens that went in belong to the turn that is current when they are reported; tokens that came out to the turn in which
the session last began to make something. So what was made for a reply that the caller cut off is not counted to the
turn in which they did, though the report comes in that one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.events import (
    ConnectionId,
    ResponseStarted,
    SwapModel,
    TokenCounts,
    ToolRequested,
    UsageReported,
)
from vivavoce.ledger.heeding import Handlers
from vivavoce.ledger.kinds import Sessions
from vivavoce.ledger.record import UsageGap, UsageRecord, summed
from vivavoce.ledger.turns import Turns


@dataclass(slots=True)
class _Used:
    """By one session in one turn. The ``told_`` ones came in before the caller had begun another turn with it."""

    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0
    told_speech: int = 0
    told_text: int = 0


@dataclass(slots=True)
class _Session:
    """``made_in`` is the turn of what it last began to make; ``took_over_in`` the one that was current when it took
    over, ``replayed`` what it was then given again, and ``given`` what it had been given in all by the last report of
    that turn."""

    used: dict[int, _Used] = field(default_factory=dict)
    total: TokenCounts | None = None
    made_in: int | None = None
    took_over_in: int | None = None
    replayed: int = 0
    given: int = 0

    def of(self, turn: int) -> _Used:
        return self.used.setdefault(turn, _Used())

    def renewal(self, used: _Used) -> TokenCounts:
        """The text that it was told, and of the sound, the share that was replayed."""
        if self.took_over_in is None:
            return TokenCounts()
        replayed = min(self.replayed, self.given)
        speech = used.told_speech * replayed // self.given if self.given else 0
        return TokenCounts(speech_in=speech, text_in=used.told_text)


class Usage:
    """Counts tokens as they are reported, whether or not the session still counts for the call: they are paid for."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._sessions: dict[ConnectionId, _Session] = {}

    @property
    def handlers(self) -> Handlers:
        return {
            UsageReported: self._reported,
            SwapModel: self._swapped,
            ResponseStarted: self._made,
            ToolRequested: self._made,
        }

    def told(self, sessions: Sessions) -> tuple[UsageRecord, ...]:
        """By turn, then by session."""
        records = [
            UsageRecord(
                turn=turn,
                connection=connection,
                model=sessions.name(connection),
                tokens=TokenCounts(used.speech_in, used.speech_out, used.text_in, used.text_out),
                renewal=session.renewal(used),
            )
            for connection, session in self._sessions.items()
            for turn, used in session.used.items()
        ]
        return tuple(sorted(records, key=lambda record: (record.turn, record.connection)))

    def gaps(self, sessions: Sessions, usage: tuple[UsageRecord, ...]) -> tuple[UsageGap, ...]:
        """The sessions of which the provider's last total is not the sum of its reports."""
        gaps: list[UsageGap] = []
        for connection, session in self._sessions.items():
            counted = summed(record.tokens for record in usage if record.connection == connection)
            if session.total is not None and session.total != counted:
                gaps.append(
                    UsageGap(
                        connection=connection, model=sessions.name(connection), summed=counted, total=session.total
                    )
                )
        return tuple(gaps)

    def _reported(self, _at: int, value: UsageReported) -> None:
        session = self._of(value.connection)
        current = self._turns.turns[-1].number
        into = session.of(current)
        into.speech_in += value.speech_in
        into.text_in += value.text_in
        if session.took_over_in is None or session.took_over_in == current:
            into.told_speech += value.speech_in
            into.told_text += value.text_in
            session.given = self._turns.arrivals.given(value.connection)
        out = session.of(current if session.made_in is None else session.made_in)
        out.speech_out += value.speech_out
        out.text_out += value.text_out
        if value.total is not None:
            session.total = value.total

    def _swapped(self, _at: int, value: SwapModel) -> None:
        session = self._of(value.connection)
        session.took_over_in = self._turns.turns[-1].number
        session.replayed = value.replayed

    def _made(self, _at: int, value: ResponseStarted | ToolRequested) -> None:
        self._of(value.connection).made_in = self._turns.turns[-1].number

    def _of(self, connection: ConnectionId) -> _Session:
        session = self._sessions.get(connection)
        if session is None:
            session = self._sessions[connection] = _Session()
        return session
