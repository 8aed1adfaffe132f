"""What the ledger knows of one call: turns with their latency, tools, tokens, swaps. No price is in here: a call can be
priced again.

Instants are microseconds since the call was opened, counts are samples at the call's rate, and None is what cannot be
told. ``docs/reference/metrics.md`` has every figure with its formula.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from vivavoce.events import TokenCounts


class TurnKind(StrEnum):
    """Which turns a latency may be compared with. A turn has the first of these that holds for it."""

    OPENING = "opening"  # turn 0: what the agent says before the caller has spoken
    FAILOVER = "failover"  # a session was lost while the caller waited, or a lost or another model's was replaced
    RENEWAL = "renewal"  # the first answer of a session that took over as planned
    TOOL = "tool"  # a tool ran before the answer
    INTERRUPTED = "interrupted"  # the caller took the turn while the agent was heard
    FIRST = "first"  # the caller's first turn
    CLEAN = "clean"


class Basis(StrEnum):
    """What a latency was counted by. Two of different basis are never put into one percentile."""

    EVENTS = "events"  # model's end of speech -> first audio sent
    PLAYED = "played"  # model's end of speech -> first audible sample played, by the channel's evidence
    AUDIO = "audio"  # caller's last audible sample -> first audible sample, both measured on the recording


class ToolRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call. ``price`` is what the agent declares that one costs, None where it declares nothing."""

    name: str
    status: str
    started_us: int
    finished_us: int | None = None
    price: Decimal | None = None


class UsageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection used during one turn. ``renewal``: of that, what a session that took over was told again."""

    turn: int
    connection: int
    model: str
    tokens: TokenCounts = TokenCounts()
    renewal: TokenCounts = TokenCounts()


class UsageGap(msgspec.Struct, frozen=True, kw_only=True):
    """A connection of which the provider's own total is not the sum of what it reported bit by bit."""

    connection: int
    model: str
    summed: TokenCounts
    total: TokenCounts


class SwapRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Another session took over, as in :class:`vivavoce.ledger.swaps.Swap`."""

    at_us: int
    connection: int
    old: int
    moment: str
    reason: str = ""
    gap_ms: float | None = None


class TurnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. ``began_us``: the caller began; ``speech_ended_us``: the last of their speech arrived, by the model's
    word; ``forwarded_us``: it had been passed on to the model; ``first_byte_us``: the first audio of the answer came
    from the model; ``first_sent_us``: it was handed to the channel; ``first_played_us``: its first sample was played,
    as far as the channel tells (``evidence``); ``silence_us`` of silence come before its first sound (None where
    nobody listened). ``measured_ended_us`` and ``measured_heard_us`` are the caller's last and the agent's first
    audible sample on the recording. ``tool_us``: time with a tool running before the first audio.
    """

    number: int
    kind: TurnKind
    model: str = ""
    connection: int = 0
    began_us: int | None = None
    speech_ended_us: int | None = None
    forwarded_us: int | None = None
    first_byte_us: int | None = None
    first_sent_us: int | None = None
    first_played_us: int | None = None
    silence_us: int | None = None
    evidence: str = ""
    measured_ended_us: int | None = None
    measured_heard_us: int | None = None
    tool_us: int = 0
    generated_samples: int = 0
    played_samples: int = 0
    forwarded_samples: int = 0
    """Of the caller's audio, what the model was given from this turn's begin to the next one's."""
    voiced_samples: int = 0
    """Of that, what the model took for speech."""
    interrupted: bool = False
    """A reply of this turn was cut off."""
    tools: tuple[ToolRecord, ...] = ()
    caller: str = ""
    agent: str = ""
    """As generated."""
    heard: str = ""
    """Of the agent's words, those that were played."""

    @property
    def events_ms(self) -> float | None:
        """End of speech to first audio sent; below zero if the agent spoke into it."""
        return _ms(self.speech_ended_us, self.first_sent_us)

    @property
    def played_ms(self) -> float | None:
        """End of speech to first audible sample played."""
        if self.first_played_us is None or self.silence_us is None:
            return None
        return _ms(self.speech_ended_us, self.first_played_us + self.silence_us)

    @property
    def audio_ms(self) -> float | None:
        """The same, both ends measured on the recording."""
        return _ms(self.measured_ended_us, self.measured_heard_us)

    def latency_ms(self, basis: Basis) -> float | None:
        match basis:
            case Basis.EVENTS:
                return self.events_ms
            case Basis.PLAYED:
                return self.played_ms
            case Basis.AUDIO:
                return self.audio_ms

    @property
    def model_ms(self) -> float | None:
        """What the model took, tools apart: end of speech passed on to first audio from it."""
        waited_ms = _ms(self.forwarded_us if self.forwarded_us is not None else self.speech_ended_us,
                        self.first_byte_us)  # fmt: skip
        return None if waited_ms is None else waited_ms - self.tool_us / 1000

    @property
    def server_ms(self) -> float | None:
        """This server's own share: end of speech come in to passed on, and first audio come in to sent."""
        inward, outward = _ms(self.speech_ended_us, self.forwarded_us), _ms(self.first_byte_us, self.first_sent_us)
        return None if inward is None or outward is None else inward + outward


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call. ``opened`` is ISO 8601 with its offset. ``torn``: its process did not live to end it, and what happened
    in its last moment, a second at most, is not known. ``channel`` is as in ``CallerConnected``; ``connected_us`` when
    the caller was on the line, ``answered_us`` when the agent's first audio was sent.
    """

    call: str
    opened: str
    agent: str
    tenant: str = ""
    channel: str = ""
    outbound: bool = False
    simulated: bool = False
    torn: bool = False
    version: str = ""
    """Of Vivavoce, which wrote the timeline."""
    speed: float = 1.0
    """Of the call's clock. At another than 1 latencies mean nothing, and none is told."""
    models: tuple[str, ...] = ()
    """The plan's, in order of preference."""
    rate_hz: int = 0
    duration_us: int = 0
    connected_us: int | None = None
    answered_us: int | None = None
    disposition: str = ""
    """Empty for a torn one."""
    reason: str = ""
    turns: tuple[TurnRecord, ...] = ()
    usage: tuple[UsageRecord, ...] = ()
    usage_gaps: tuple[UsageGap, ...] = ()
    swaps: tuple[SwapRecord, ...] = ()
    sessions: tuple[tuple[int, str], ...] = ()
    """Connections in the order they were opened, each with its model's name."""
    errors: tuple[str, ...] = ()
    """What ``ModelLost`` and ``ChannelLost`` said, and failed tools by name: no words of the caller's."""
    audio_lost_samples: int = 0

    @property
    def tokens(self) -> TokenCounts:
        """In all."""
        return summed(usage.tokens for usage in self.usage)

    @property
    def barge_ins(self) -> int:
        return sum(turn.interrupted for turn in self.turns)

    @property
    def tool_calls(self) -> int:
        return sum(len(turn.tools) for turn in self.turns)


def summed(counts: Iterable[TokenCounts]) -> TokenCounts:
    """Their sum."""
    speech_in = speech_out = text_in = text_out = 0
    for count in counts:
        speech_in += count.speech_in
        speech_out += count.speech_out
        text_in += count.text_in
        text_out += count.text_out
    return TokenCounts(speech_in, speech_out, text_in, text_out)


def _ms(begin_us: int | None, end_us: int | None) -> float | None:
    return None if begin_us is None or end_us is None else (end_us - begin_us) / 1000
