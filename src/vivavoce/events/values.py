"""What the facts and wishes of a call are made of: counts, ids, sound, kinds and the plan."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

import msgspec

from vivavoce.errors import UsageError

Instant = NewType("Instant", int)
"""Microseconds since the call was opened."""
Samples = NewType("Samples", int)
"""A count of, or a position in, mono samples at the call's rate."""
ConnectionId = NewType("ConnectionId", int)
"""One model session. Counted up within a call; events of any but the current one are late and dropped by rule."""
ResponseId = NewType("ResponseId", str)
"""One reply of the agent, unique within a call."""
ToolCallId = NewType("ToolCallId", str)

GREETING = ResponseId("greeting")
FAREWELL = ResponseId("farewell")
APOLOGY = ResponseId("apology")
END_CALL = "end_call"
"""The built-in tool by which a model ends the call; its one argument is ``reason``: ``goodbye`` or ``person``."""
TRANSFER_CALL = "transfer_call"
"""The built-in tool that hands the caller over to somebody else. When it has succeeded the call is over for us."""
SEND_DIGITS = "send_digits"
"""The built-in tool that presses keys towards the other side."""
COLLECT_DIGITS = "collect_digits"
"""The built-in tool that waits for the caller to press, or say, a row of digits."""
HOLD_CALL = "hold_call"
"""The built-in tool that lets the caller wait, unheard, until somebody takes the call off hold."""
SWITCH_AGENT = "switch_agent"
"""The built-in tool that makes another agent of this one: another file's instructions, voice and tools."""
SWITCH_LANGUAGE = "switch_language"
"""The built-in tool that lets the talk go on in another language."""
LEAVE_NOTE = "leave_note"
"""The built-in tool that keeps a few words for whoever reads the call later."""


class Audio:
    """A chunk of PCM16 little-endian mono: opaque to the core, which only counts its samples.

    Two chunks of the same length are equal: a timeline keeps the count and not the sound, and replay must find its
    effects equal to the recorded ones. Raises :class:`~vivavoce.errors.UsageError` for half a sample.
    """

    __slots__ = ("pcm", "samples")

    def __init__(self, pcm: bytes, samples: int | None = None) -> None:
        if len(pcm) % 2:
            raise UsageError(f"{len(pcm)} bytes are not whole 16-bit samples", hint="send two bytes for each sample")
        self.pcm = pcm
        self.samples = Samples(len(pcm) // 2 if samples is None else samples)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Audio) and other.samples == self.samples

    def __hash__(self) -> int:
        return hash(self.samples)

    def __repr__(self) -> str:
        return f"Audio({self.samples} samples)"

    def part(self, begin: int, end: int) -> Audio:
        """Samples ``begin`` to ``end`` of this, also where only their number is known."""
        return Audio(self.pcm[2 * begin : 2 * end], end - begin)

    def silenced(self) -> Audio:
        """Silence of the same length."""
        return Audio(bytes(2 * self.samples))


class Disposition(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"  # either side said goodbye or hung up
    HANDOFF = "handoff"  # the caller wants a person
    SILENCE = "silence"  # nobody said anything for too long
    TRANSFERRED = "transferred"  # somebody else has the caller now
    VOICEMAIL = "voicemail"  # a machine answered a call that we made
    TOO_LONG = "too_long"  # the longest call the agent file allows
    TOO_DEAR = "too_dear"  # the most that a call may cost
    CHANNEL_LOST = "channel_lost"
    MODEL_LOST = "model_lost"
    STOPPED = "stopped"  # the operator or the process ended it
    FAILED = "failed"  # ours: disk, or a mistake


class ToolStatus(StrEnum):
    """How a tool call came out."""

    OK = "ok"
    FAILED = "failed"  # it raised, or returned what cannot be used
    TIMED_OUT = "timed_out"  # it was given up
    REFUSED = "refused"  # it was not called at all
    DENIED = "denied"  # a person said no, or nobody said yes in time
    SUPERSEDED = "superseded"  # the caller went on, and what was asked for does not hold any more


class Evidence(StrEnum):
    """How the channel knows what was played, best first."""

    PLAYED = "played"  # the device or the client says so
    MARK = "mark"  # the carrier says that it came to a mark among what it was sent
    RTP = "rtp"  # sent as RTP, with the time at which it is to be played
    PACED = "paced"  # released at real time towards the caller
    ASSUMED = "assumed"  # nobody said anything; the wall clock did


class Ability(StrEnum):
    """What a channel can do besides playing and listening."""

    PAUSE = "pause"  # stop playing in the middle, and go on from there


class VoiceKind(StrEnum):
    """What is heard on the line, as far as is known."""

    CALLER = "caller"  # speech of the caller's, which may take the turn
    BACKCHANNEL = "backchannel"  # "mm-hm": the caller listens, and wants the agent to go on
    NOISE = "noise"  # a cough, a bang
    OTHERS = "others"  # somebody else, not talking to the agent
    ECHO = "echo"  # the agent's own voice, coming back


class FloorVerdict(StrEnum):
    """Whose turn it is after a voice was heard into the agent's speech."""

    TAKEN = "taken"  # the agent stops
    KEPT = "kept"  # the agent goes on, and the model hears nothing of that voice
    PASSED = "passed"  # the agent says its last words, and the model hears the voice: an answer that came early


class Answerer(StrEnum):
    """Who took a call that we made."""

    PERSON = "person"
    MACHINE = "machine"  # it still talks
    BEEP = "beep"  # the machine records from here on


class Speaker(StrEnum):
    """Whose words."""

    CALLER = "caller"
    AGENT = "agent"


class SwapMoment(StrEnum):
    """Why another model session took over just then."""

    TURN_END = "turn_end"  # nothing was being said, made or looked up
    SILENCE = "silence"  # nobody was talking and no reply was being made, but something was still played or looked up
    FORCED = "forced"  # no pause came before the old session's time was up
    RECOVERY = "recovery"  # the old session was lost


class PastTurn(msgspec.Struct, frozen=True):
    """What one side said earlier in this call; of the agent's words, those the caller heard."""

    speaker: Speaker
    text: str


class PendingTool(msgspec.Struct, frozen=True):
    """A tool call that an earlier session asked for and that has no answer yet."""

    tool_call: ToolCallId
    name: str
    arguments: str


class ToolPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the core must know of a tool. ``lead_in`` is said when it has run for ``lead_in_us`` and nobody talks, the
    texts of ``progress`` in turn every ``progress_us`` from then on. ``supersedable``: it may be given up when the
    caller goes on talking, or the model calls it anew. With ``approval`` somebody must say yes within ``approval_us``.
    """

    name: str
    lead_in: str = ""
    lead_in_us: int = 0
    progress: tuple[str, ...] = ()
    progress_us: int = 0
    supersedable: bool = False
    approval: bool = False
    approval_us: int = 60_000_000
    price: int = 0
    """Of one call of it, in billionths of the currency of :class:`SpendPlan`; 0 where the agent declares none."""


class TokenCounts(msgspec.Struct, frozen=True):
    """Tokens, speech and text apart."""

    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0


class BudgetStep(StrEnum):
    """What a budget that is used up to some share asks of a call."""

    WARN = "warn"  # say so
    DOWNGRADE = "downgrade"  # go on with a cheaper model from the next turn on
    END = "end"  # end politely


class TokenPrices(msgspec.Struct, frozen=True):
    """What a model's tokens cost, in billionths of the currency each."""

    speech_in: int
    speech_out: int
    text_in: int
    text_out: int


class SpendPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a call may cost, in billionths of the currency; ``warning`` is said at ``warning_at``. At
    ``downgrade_at`` another model takes over at the next turn: ``downgrade_to`` in the plan's models. Each is 0 (-1 for
    the model) where there is none; without ``limit`` nothing but tools and tokens are counted. ``prices`` are in the
    order of the plan's models; None where a model has none, whose tokens then count as nothing.
    """

    limit: int
    warning_at: int
    warning: str = ""
    prices: tuple[TokenPrices | None, ...] = ()
    downgrade_at: int = 0
    downgrade_to: int = -1


class CallPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the core must know of the agent before the call: its first fact, so that a timeline replays alone.

    ``interruption`` is ``model``, ``local``, ``hybrid`` or ``never``. The agent pauses ``pause_us`` after a voice
    began, and ``decide_us`` after that a voice that goes on takes the turn; one that was taken for a backchannel takes
    it after ``backchannel_us``; into the last ``tail_us`` of a reply no voice is one. ``reprompts`` are said, one after
    the other, after ``reprompt_us`` of silence each. ``call_warning`` is said ``call_warning_us`` before the longest
    call is over. ``voicemail`` says what to do when a machine answers: ``ignore``, ``hang_up``, or ``leave_message``:
    then ``voicemail_message`` after the beep.
    """

    agent: str
    models: tuple[str, ...]
    greeting: str = ""
    farewell: str = ""
    apology: str = ""
    interruption: str = "model"
    protect_greeting: bool = False
    pause_us: int = 0
    decide_us: int = 400_000
    backchannel_us: int = 1_000_000
    tail_us: int = 600_000
    silence_limit_us: int = 60_000_000
    reprompts: tuple[str, ...] = ()
    reprompt_us: int = 0
    call_limit_us: int = 1_800_000_000
    call_warning: str = ""
    call_warning_us: int = 60_000_000
    hold_limit_us: int = 300_000_000
    spend: SpendPlan | None = None
    voicemail: str = "ignore"
    voicemail_message: str = ""
    tools: tuple[ToolPlan, ...] = ()
