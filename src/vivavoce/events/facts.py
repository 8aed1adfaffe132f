"""What can happen in a call. Every fact comes in from one of five sides, which the names of the unions tell."""

from __future__ import annotations

import msgspec

from vivavoce.events.values import (
    Ability,
    Answerer,
    Audio,
    BudgetStep,
    CallPlan,
    ConnectionId,
    Evidence,
    PastTurn,
    ResponseId,
    Samples,
    TokenCounts,
    ToolCallId,
    ToolPlan,
    ToolStatus,
    VoiceKind,
)


class _Fact(msgspec.Struct, frozen=True, tag=True):
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
    at the next pause. ``interruption`` and ``tools`` are the new one's, as in :class:`CallPlan`.
    """

    interruption: str
    tools: tuple[ToolPlan, ...] = ()


class HoldChanged(_Fact, frozen=True):
    """Somebody beside the call lets the caller wait, unheard, or talk again."""

    held: bool
    by: str = ""


class BudgetReached(_Fact, frozen=True):
    """A budget that this call shares with others, ``whose`` name tells which, is used up to a step of it. ``model`` is
    the one to go on with after a downgrade, in the plan's models; ``warning`` is what to say.
    """

    step: BudgetStep
    whose: str
    model: int = -1
    warning: str = ""


class StoreFailed(_Fact, frozen=True):
    """What has to be kept cannot be kept any more."""

    message: str


# -- facts: the channel ----------------------------------------------------------------------------------------------


class CallerConnected(_Fact, frozen=True):
    """The caller is on the line; ``rate_hz`` becomes the call's rate."""

    channel: str
    rate_hz: int
    abilities: tuple[Ability, ...] = ()


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


# -- facts: the ear, which listens to the caller beside the model -----------------------------------------------------


class VoiceStarted(_Fact, frozen=True):
    """A voice, or what may be one, is heard from ``at`` on: as all positions of the ear, from the caller's first
    sample.
    """

    at: Samples
    kind: VoiceKind = VoiceKind.CALLER


class VoiceJudged(_Fact, frozen=True):
    """What the voice that is being heard is, now that more of it is known. Of speech that can be nothing else,
    ``certain`` says so: it need not be waited for."""

    kind: VoiceKind
    certain: bool = False


class VoiceStopped(_Fact, frozen=True):
    """The voice ended ``at`` that position."""

    at: Samples


class DigitsHeard(_Fact, frozen=True):
    """The caller said these digits, while digits are collected."""

    digits: str


class AnswererJudged(_Fact, frozen=True):
    """Who took a call that we made."""

    answerer: Answerer


# -- facts: the model ------------------------------------------------------------------------------------------------


class ModelReady(_Fact, frozen=True):
    """The model session is open and listens. ``lifetime_us`` is how long the provider will keep it from now on (0: for
    as long as we like), ``reply_limit_us`` how long it may say nothing at all while an answer is owed before it counts
    as lost (0: nobody watches). ``speaks``: it can be told what to say, at any time.
    """

    connection: ConnectionId
    lifetime_us: int = 0
    reply_limit_us: int = 0
    speaks: bool = True


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


class ResponseAudible(_Fact, frozen=True):
    """The first sound of a response lies at ``at`` in its audio: what comes before it is silence. Told right before the
    :class:`AgentAudio` that holds it.
    """

    connection: ConnectionId
    response: ResponseId
    at: Samples


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
    """Tokens since the last report, as the provider counts them; speech and text apart. ``total`` is what the provider
    says that the connection has used so far, where it says so.
    """

    connection: ConnectionId
    speech_in: int = 0
    speech_out: int = 0
    text_in: int = 0
    text_out: int = 0
    total: TokenCounts | None = None


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


class ToolApproved(_Fact, frozen=True):
    """Somebody says that this tool may run."""

    tool_call: ToolCallId
    by: str = ""


class ToolDenied(_Fact, frozen=True):
    """Somebody says that it must not."""

    tool_call: ToolCallId
    by: str = ""
    reason: str = ""


EngineEvent = CallStarted | TimePassed | StopRequested | AgentRevised | HoldChanged | BudgetReached | StoreFailed


class EarLost(_Fact, frozen=True):
    """The ear failed: whose turn it is, the model says from now on."""


EarEvent = VoiceStarted | VoiceJudged | VoiceStopped | DigitsHeard | AnswererJudged | EarLost
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
    | ResponseAudible
    | AgentAudio
    | AgentText
    | ResponseFinished
    | ResponseInterrupted
    | ToolRequested
    | UsageReported
    | AudioLost
    | ModelLost
)
ToolEvent = ToolFinished | ToolApproved | ToolDenied
Event = EngineEvent | ChannelEvent | EarEvent | ModelEvent | ToolEvent
