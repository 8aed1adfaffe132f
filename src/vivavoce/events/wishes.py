"""What can be wished for in a call, and of whom."""

from __future__ import annotations

import msgspec

from vivavoce.events.values import (
    Audio,
    ConnectionId,
    Disposition,
    FloorVerdict,
    PastTurn,
    PendingTool,
    ResponseId,
    Samples,
    SwapMoment,
    ToolCallId,
    ToolStatus,
    VoiceKind,
)


class _Wish(msgspec.Struct, frozen=True, tag=True):
    pass


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


class PausePlaying(_Wish, frozen=True):
    """Stop playing where it is, at once, and keep all that is queued. Only for a channel that is able to."""


class ResumePlaying(_Wish, frozen=True):
    """Go on from there: no sample is lost, and none is played twice."""


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


class AskApproval(_Wish, frozen=True):
    """Somebody is to say whether this tool may run: :class:`ToolApproved`, :class:`ToolDenied`."""

    tool_call: ToolCallId
    name: str
    arguments: str


# -- wishes: for the call itself -------------------------------------------------------------------------------------


class Ignore(_Wish, frozen=True):
    """This event changes nothing, and why: late, repeated, or out of place. ``samples`` counts the audio dropped with
    it.
    """

    what: str
    why: str
    samples: Samples = Samples(0)


class PlayClip(_Wish, frozen=True):
    """Say ``text`` from sound that was made before, as the response with this id, in the name of that session."""

    connection: ConnectionId
    response: ResponseId
    text: str


class ListenForDigits(_Wish, frozen=True):
    """The ear is to write down the digits that the caller says, or to stop that. While they are ``private`` nobody
    keeps what the caller says.
    """

    listens: bool
    private: bool = False


class FloorDecided(_Wish, frozen=True):
    """Whose turn it is, now that a voice was heard from ``at`` on while the agent spoke, and ``why``. ``cut``: the
    model had broken its reply off; of what it had made, ``rescued`` samples are played all the same.
    """

    verdict: FloorVerdict
    at: Samples
    kind: VoiceKind
    why: str
    cut: bool = False
    rescued: Samples = Samples(0)


class Muted(_Wish, frozen=True):
    """Of the caller's audio, so many ``samples`` from ``at`` on reach the model as silence, and ``why``."""

    at: Samples
    samples: Samples
    why: str


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


ChannelEffect = Play | FinishPlaying | Flush | PausePlaying | ResumePlaying | HangUp
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
ToolEffect = RunTool | CancelTool | AskApproval
CallEffect = OpenModel | CloseModel | SwapModel | PlayClip | ListenForDigits | FloorDecided | Muted | Ignore | CloseCall
Effect = ChannelEffect | ModelEffect | ToolEffect | CallEffect
