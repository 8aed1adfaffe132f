"""The call as a session sees it: every fact and every effect, and what the client hears of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vivavoce.events import (
    AgentText,
    CallerInterrupted,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CancelResponse,
    CancelTool,
    CloseCall,
    CloseModel,
    Effect,
    Event,
    FinishPlaying,
    FloorDecided,
    FloorVerdict,
    Flush,
    ForwardAudio,
    Ignore,
    Instant,
    ModelLost,
    OpenModel,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ReplyRequested,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ResumePlaying,
    RunTool,
    Samples,
    SwapModel,
    Truncate,
    UsageReported,
)
from vivavoce.wire.realtime.actions import Action
from vivavoce.wire.realtime.asking import Asking
from vivavoce.wire.realtime.callseen import CallSeen, Taken, ended
from vivavoce.wire.realtime.listening import Listening
from vivavoce.wire.realtime.parts import Parts
from vivavoce.wire.realtime.showing import TurnsShown
from vivavoce.wire.realtime.talking import Talking

_OfAModel = (
    CallerSpeechStarted
    | CallerSpeechStopped
    | CallerTranscribed
    | ResponseStarted
    | AgentText
    | ResponseFinished
    | ResponseInterrupted
)


class Watching:
    """Facts of any but the current model session are late, and are not heeded, as the call does not heed them."""

    __slots__ = ("_asking", "_call", "_listening", "_parts", "_shown", "_talking")

    def __init__(self, parts: Parts, listening: Listening, talking: Talking, asking: Asking, shown: TurnsShown) -> None:
        self._shown = shown
        self._parts = parts
        self._listening = listening
        self._talking = talking
        self._asking = asking
        self._call = CallSeen()

    def see(self, value: Event | Effect, now: Instant) -> Iterable[Action]:  # noqa: C901, PLR0911, PLR0912 (only dispatches)
        match value:
            case ForwardAudio(connection, audio):
                self._listening.clock.forward(connection, audio)
            case Play() | FinishPlaying():
                return self._talking.hear(value, now)
            case (
                CallerSpeechStarted()
                | CallerSpeechStopped()
                | CallerTranscribed()
                | ResponseStarted()
                | AgentText()
                | ResponseFinished()
                | ResponseInterrupted()
            ):
                return self._said(value, now)
            case Flush():
                return self._flush(value, now)
            case CancelResponse():
                return self._talking.cancelled(value, self._call.outcome, now)
            case PlayoutProgress() | PlayoutStopped():
                return self._talking.carried(value, now)
            case PausePlaying():
                self._talking.pause()
            case ResumePlaying():
                return self._talking.resume(now)
            case FloorDecided(FloorVerdict.TAKEN, at):
                return self._turn_taken(at)
            case Truncate():
                self._talking.replies.heard(value)
            case UsageReported():
                self._talking.replies.used(value)
            case RunTool():
                return self._run_tool(value)
            case CancelTool(tool_call):
                self._asking.tools.cancel(tool_call)
            case CallerInterrupted():
                self._call.taken = Taken.STOP
            case CallerText() | ReplyRequested():
                self._call.taken = Taken.ASKED
            case OpenModel() | CloseModel() | ModelLost():
                self._call.model_changes(value)
            case SwapModel():
                self._swapped(value)
            case ReplayAudio(connection, audio):
                self._listening.clock.replay(connection, audio.samples)
            case Ignore(what, _, samples) if what == "CallerAudio":
                self._listening.clock.drop(samples)
            case CloseCall():
                return self._close(value, now)
        return ()

    def _said(self, fact: _OfAModel, now: Instant) -> Iterable[Action]:
        if not self._call.current(fact.connection):
            return ()
        match fact:
            case CallerSpeechStarted():
                return self._speech_started(fact)
            case CallerSpeechStopped() | CallerTranscribed():
                return self._shown.hear(fact, quiet=self._talking.silent)
            case ResponseStarted():
                return self._response_started(fact, now)
            case AgentText() | ResponseFinished():
                return self._talking.hear(fact, now)
            case ResponseInterrupted():
                self._call.taken = Taken.SPEECH
        return ()

    def _speech_started(self, fact: CallerSpeechStarted) -> Iterator[Action]:
        self._call.taken = Taken.SPEECH
        yield from self._shown.hear(fact, quiet=self._talking.silent)
        yield from self._asking.caller_spoke()

    def _turn_taken(self, at: Samples) -> Iterator[Action]:
        self._call.taken = Taken.SPEECH
        yield from self._shown.taken(at)

    def _response_started(self, fact: ResponseStarted, now: Instant) -> Iterator[Action]:
        self._listening.answers = False
        yield from self._talking.hear(fact, now)

    def _flush(self, effect: Flush, now: Instant) -> Iterator[Action]:
        """A client that asks for more is not one that stops playing."""
        plays_on = self._call.taken is Taken.ASKED
        yield from self._talking.flush(effect, self._call.outcome, now, plays_on=plays_on)

    def _run_tool(self, effect: RunTool) -> Iterator[Action]:
        """The agent's own tools run here, and no client hears of them."""
        if effect.name not in self._parts.offer.server_tools:
            call_id = self._parts.new_id("call")
            self._asking.tools.open(call_id, effect)
            yield from self._talking.replies.call_tool(effect.name, call_id, effect.arguments)

    def _swapped(self, effect: SwapModel) -> None:
        self._listening.clock.swap(effect.connection)
        self._call.swapped(effect)

    def _close(self, effect: CloseCall, now: Instant) -> Iterator[Action]:
        yield from self._talking.close(now)
        yield from self._asking.asides.all_over()
        yield from ended(effect, self._parts.writer, self._talking.replies)
