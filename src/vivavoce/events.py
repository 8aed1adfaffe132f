"""The vocabulary of a call: every fact that can happen (:data:`Event`) and every wish that can follow (:data:`Effect`).

Facts come in from four sides (the caller's channel, the speech model, the tools, the engine itself); the core answers
each with effects; the engine performs them. All are frozen and carry the ids that make them judgeable alone. One event
means one thing whoever the provider is. The timeline is nothing but these values with the instant at which they were
seen, so a change here is a change of the timeline's format (:data:`vivavoce.timeline.schema.VERSION`).

Units. An :data:`Instant` is whole microseconds since the call was opened. Audio is counted in samples at *the call's
rate*, which is the channel's and stays the same for the whole call; the engine converts at the model's edge. Positions
in the caller's audio count from the first sample forwarded on the connection that names them; positions in a response
count from its first sample.
"""

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


class Disposition(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"  # either side said goodbye or hung up
    HANDOFF = "handoff"  # the caller wants a person
    SILENCE = "silence"  # nobody said anything for too long
    TOO_LONG = "too_long"  # the longest call the agent file allows
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


class Evidence(StrEnum):
    """How the channel knows what was played, best first."""

    PLAYED = "played"  # the device or the client says so
    PACED = "paced"  # released at real time towards the caller
    ASSUMED = "assumed"  # nobody said anything; the wall clock did


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


class CallPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the core must know of the agent before the call: its first fact, so that a timeline replays alone."""

    agent: str
    models: tuple[str, ...]
    greeting: str = ""
    farewell: str = ""
    apology: str = ""
    interruption: str = "model"
    protect_greeting: bool = False
    silence_limit_us: int = 60_000_000
    call_limit_us: int = 1_800_000_000


class _Fact(msgspec.Struct, frozen=True, tag=True):
    pass


class _Wish(msgspec.Struct, frozen=True, tag=True):
    pass


# -- facts: the engine -----------------------------------------------------------------------------------------------


class CallStarted(_Fact, frozen=True):
    """The first fact of every call."""

    plan: CallPlan


class TimePassed(_Fact, frozen=True):
    """The session's deadline came."""


class StopRequested(_Fact, frozen=True):
    """The operator, a signal or a draining server wants this call to end now."""

    reason: str


class AgentRevised(_Fact, frozen=True):
    """The agent is another from now on: sessions that are opened after this are of the new one, and one must take over
    at the next pause. ``interruption`` is the new one's, as in :class:`CallPlan`.
    """

    interruption: str


class StoreFailed(_Fact, frozen=True):
    """What has to be kept cannot be kept any more."""

    message: str


# -- facts: the channel ----------------------------------------------------------------------------------------------


class CallerConnected(_Fact, frozen=True):
    """The caller is on the line; ``rate_hz`` becomes the call's rate."""

    channel: str
    rate_hz: int


class CallerAudio(_Fact, frozen=True):
    """What the caller says, as it comes."""

    audio: Audio


class CallerText(_Fact, frozen=True):
    """The caller typed instead of talking."""

    text: str


class CallerPressed(_Fact, frozen=True):
    """The caller pressed these keys (``0123456789*#ABCD``), in a row without a long pause."""

    digits: str


class CallerInterrupted(_Fact, frozen=True):
    """The caller's side took the turn without a word that the model heard: a stop button, or a client that listens for
    itself.
    """


class ReplyRequested(_Fact, frozen=True):
    """The caller's side wants the agent to say something now, unasked. ``instructions`` are for this reply alone."""

    instructions: str = ""


class HistoryRevised(_Fact, frozen=True):
    """The caller's side says what was said so far, oldest first; it takes the place of what the call remembers."""

    turns: tuple[PastTurn, ...]


class PlayoutProgress(_Fact, frozen=True):
    """``played`` samples of a response have reached the caller so far."""

    response: ResponseId
    played: Samples
    evidence: Evidence


class PlayoutStopped(_Fact, frozen=True):
    """The answer to :class:`Flush`: nothing of this response will be played beyond ``played``."""

    response: ResponseId
    played: Samples
    evidence: Evidence


class CallerHungUp(_Fact, frozen=True):
    """The caller ended the call."""

    reason: str = ""


class ChannelLost(_Fact, frozen=True):
    """The wire to the caller broke."""

    message: str


# -- facts: the model ------------------------------------------------------------------------------------------------


class ModelReady(_Fact, frozen=True):
    """The model session is open and listens. ``lifetime_us`` is how long the provider will keep it from now on (0: for
    as long as we like), ``reply_limit_us`` how long it may say nothing at all while an answer is owed before it counts
    as lost (0: nobody watches).
    """

    connection: ConnectionId
    lifetime_us: int = 0
    reply_limit_us: int = 0


class CallerSpeechStarted(_Fact, frozen=True):
    """The caller began to talk at ``at`` in the caller's audio. ``takes_turn`` is false where this is only what can be
    heard on the line, and the model itself decides whether it interrupts (:class:`ResponseInterrupted`).
    """

    connection: ConnectionId
    at: Samples
    takes_turn: bool = True


class CallerSpeechStopped(_Fact, frozen=True):
    """The caller stopped at ``at``: where the speech ended, not where that was noticed."""

    connection: ConnectionId
    at: Samples


class CallerTranscribed(_Fact, frozen=True):
    """What the model understood the caller to say; until ``final`` it may change."""

    connection: ConnectionId
    text: str
    final: bool


class ResponseStarted(_Fact, frozen=True):
    """The model begins a reply."""

    connection: ConnectionId
    response: ResponseId


class AgentAudio(_Fact, frozen=True):
    """A stretch of a reply."""

    connection: ConnectionId
    response: ResponseId
    audio: Audio


class AgentText(_Fact, frozen=True):
    """Words of a response, spoken from position ``at`` of its audio on. ``final`` words are what the model says it
    spoke there, after the fact: they take the place of the earlier ones of that position.
    """

    connection: ConnectionId
    response: ResponseId
    text: str
    at: Samples
    final: bool = False


class ResponseFinished(_Fact, frozen=True):
    """The model has sent all of this response; it may still be playing."""

    connection: ConnectionId
    response: ResponseId


class ResponseInterrupted(_Fact, frozen=True):
    """The model itself broke this response off because the caller spoke."""

    connection: ConnectionId
    response: ResponseId


class ToolRequested(_Fact, frozen=True):
    """``arguments`` is the JSON text of an object, as the model wrote it."""

    connection: ConnectionId
    tool_call: ToolCallId
    name: str
    arguments: str


class UsageReported(_Fact, frozen=True):
    """Tokens since the last report, as the provider counts them; speech and text apart."""

    connection: ConnectionId
    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0


class AudioLost(_Fact, frozen=True):
    """The session could not keep up and gave up this many samples of the caller's audio that the core had forwarded."""

    connection: ConnectionId
    samples: Samples


class ModelLost(_Fact, frozen=True):
    """The model session ended without being asked to."""

    connection: ConnectionId
    message: str
    retryable: bool = True


# -- facts: the tools ------------------------------------------------------------------------------------------------


class ToolFinished(_Fact, frozen=True):
    """``result`` is JSON text; unless ``status`` is ok it is ``{"error": ...}``."""

    tool_call: ToolCallId
    status: ToolStatus
    result: str


# -- wishes: towards the channel -------------------------------------------------------------------------------------


class Play(_Wish, frozen=True):
    """Play this after what is already queued."""

    response: ResponseId
    audio: Audio


class FinishPlaying(_Wish, frozen=True):
    """No more audio will come for this response: report progress once more when the last of it was played."""

    response: ResponseId


class Flush(_Wish, frozen=True):
    """Drop what is queued of this response at once and answer with :class:`PlayoutStopped`. Overtakes every
    :class:`Play`.
    """

    response: ResponseId


class HangUp(_Wish, frozen=True):
    """End the caller's connection."""

    reason: str


# -- wishes: towards the model ---------------------------------------------------------------------------------------


class OpenModel(_Wish, frozen=True):
    """Open a session to a model."""

    connection: ConnectionId
    model: int
    """Index into :attr:`CallPlan.models`."""


class ForwardAudio(_Wish, frozen=True):
    """Caller audio for the model."""

    connection: ConnectionId
    audio: Audio


class Recall(_Wish, frozen=True):
    """The first wish to a session that takes over: what was said so far, oldest first, and which tool calls still run.
    ``carry_on``: the last reply was broken off by a fault, and the model should take it up again unasked.
    """

    connection: ConnectionId
    turns: tuple[PastTurn, ...]
    tools: tuple[PendingTool, ...] = ()
    carry_on: bool = False


class ReplayAudio(_Wish, frozen=True):
    """Caller audio that an earlier session was given and has not answered, for the one that takes over."""

    connection: ConnectionId
    audio: Audio


class ForwardText(_Wish, frozen=True):
    """Typed words for the model."""

    connection: ConnectionId
    text: str


class RequestReply(_Wish, frozen=True):
    """Say something now, unasked; ``instructions`` may say what, for this reply alone."""

    connection: ConnectionId
    instructions: str


class Speak(_Wish, frozen=True):
    """Say ``text`` as it stands, as the response with this id."""

    connection: ConnectionId
    response: ResponseId
    text: str


class CancelResponse(_Wish, frozen=True):
    """Stop making this response."""

    connection: ConnectionId
    response: ResponseId


class Truncate(_Wish, frozen=True):
    """The caller heard this much of the response and no more: remember it so."""

    connection: ConnectionId
    response: ResponseId
    heard: Samples
    heard_text: str


class ReturnToolResult(_Wish, frozen=True):
    """The answer to a tool call that this session made, or that :class:`Recall` told it of."""

    connection: ConnectionId
    tool_call: ToolCallId
    status: ToolStatus
    result: str


class CloseModel(_Wish, frozen=True):
    """Close this model session."""

    connection: ConnectionId


# -- wishes: towards the tools ---------------------------------------------------------------------------------------


class RunTool(_Wish, frozen=True):
    """Run a tool beside the talk."""

    tool_call: ToolCallId
    name: str
    arguments: str


class CancelTool(_Wish, frozen=True):
    """Nobody waits for this tool any more."""

    tool_call: ToolCallId


# -- wishes: for the call itself -------------------------------------------------------------------------------------


class Ignore(_Wish, frozen=True):
    """This event changes nothing, and why: late, repeated, or out of place. ``samples`` counts the audio dropped with
    it.
    """

    what: str
    why: str
    samples: Samples = Samples(0)


class SwapModel(_Wish, frozen=True):
    """From here on ``connection`` speaks for the call and ``old`` does not. ``replayed`` samples of the caller's
    follow, which the old one had not answered; ``lost`` ones of those could not be kept for it. ``reason`` says why the
    old one was given up, where it did not simply come to its time.
    """

    connection: ConnectionId
    old: ConnectionId
    moment: SwapMoment
    replayed: Samples
    lost: Samples
    reason: str = ""


class CloseCall(_Wish, frozen=True):
    """The last effect of every call."""

    disposition: Disposition
    reason: str


EngineEvent = CallStarted | TimePassed | StopRequested | AgentRevised | StoreFailed
ChannelEvent = (
    CallerConnected
    | CallerAudio
    | CallerText
    | CallerPressed
    | CallerInterrupted
    | ReplyRequested
    | HistoryRevised
    | PlayoutProgress
    | PlayoutStopped
    | CallerHungUp
    | ChannelLost
)
ModelEvent = (
    ModelReady
    | CallerSpeechStarted
    | CallerSpeechStopped
    | CallerTranscribed
    | ResponseStarted
    | AgentAudio
    | AgentText
    | ResponseFinished
    | ResponseInterrupted
    | ToolRequested
    | UsageReported
    | AudioLost
    | ModelLost
)
Event = EngineEvent | ChannelEvent | ModelEvent | ToolFinished

ChannelEffect = Play | FinishPlaying | Flush | HangUp
ModelEffect = (
    ForwardAudio
    | ReplayAudio
    | Recall
    | ForwardText
    | RequestReply
    | Speak
    | CancelResponse
    | Truncate
    | ReturnToolResult
)
ToolEffect = RunTool | CancelTool
CallEffect = OpenModel | CloseModel | SwapModel | Ignore | CloseCall
Effect = ChannelEffect | ModelEffect | ToolEffect | CallEffect
