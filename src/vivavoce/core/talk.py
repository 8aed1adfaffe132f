"""Who talks, and what is heard of it: the rules that join the two voices with playout.

The agent yields (``yield_turn``) when the caller takes the turn while anything of the agent's is still to be heard,
however they came to talk at once; who says so is :mod:`vivavoce.core.floor`'s business. Yielding is: the channel drops
what it has not played (:class:`Flush`), the model is told to stop if it is still speaking (:class:`CancelResponse`),
and once the channel has said where it stopped, the model is told what the caller really heard (:class:`Truncate`).
Audio of a response that has yielded is stale and is dropped by rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from vivavoce.core.playout import Playout, PlayoutMove, Playouts
from vivavoce.core.voices import Agent, AgentMove, CallerMove, agent_voice, caller_voice
from vivavoce.events import (
    FAREWELL,
    GREETING,
    AgentAudio,
    AgentText,
    CallerSpeechStarted,
    CallPlan,
    CancelResponse,
    ConnectionId,
    Effect,
    Evidence,
    FinishPlaying,
    Flush,
    Ignore,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    Truncate,
)


class Talk:
    """Both voices and the playout of one call."""

    __slots__ = ("_never", "_protected", "agent", "awaited", "caller", "playouts", "response", "taken")

    def __init__(self, plan: CallPlan) -> None:
        self.caller = caller_voice()
        self.agent = agent_voice()
        self.playouts = Playouts()
        self.response: ResponseId | None = None  # the one the model is making now
        self.awaited: ResponseId | None = None  # asked for with Speak, not begun yet
        self.taken = False  # the caller has the turn by what we heard; the model may not know yet
        self._never = plan.interruption == "never"
        self._protected = {FAREWELL, GREETING} if plan.protect_greeting else {FAREWELL}

    @property
    def agent_quiet(self) -> bool:
        """The model makes nothing and the caller hears nothing."""
        return self.agent.state is Agent.IDLE and not self.playouts.audible

    @property
    def quiet(self) -> bool:
        """Nobody talks, on either side."""
        return self.caller.can(CallerMove.START) and self.agent_quiet

    def caller_started(self, event: CallerSpeechStarted, *, model_decides: bool = True) -> Iterator[Effect]:
        """Takes the turn if the model says so and may. Of what an earlier session said the new one knows nothing, so
        that is yielded to any speech.
        """
        if not self.caller.can(CallerMove.START):
            yield Ignore("CallerSpeechStarted", "the caller is already talking")
            return
        self.caller.move(CallerMove.START)
        if model_decides:
            yield from self.yield_turn(event.connection, only_others=not event.takes_turn)

    def caller_stopped(self) -> Iterator[Effect]:
        if not self.caller.can(CallerMove.STOP):
            yield Ignore("CallerSpeechStopped", "the caller is not talking")
            return
        self.caller.move(CallerMove.STOP)

    def hand_over(self) -> None:
        """Another session hears the caller now; whether they talk it must find out by itself."""
        if self.caller.can(CallerMove.STOP):
            self.caller.move(CallerMove.STOP)

    def caller_typed(self, connection: ConnectionId) -> Iterator[Effect]:
        """Typing takes the turn as talking does, and so does a stop button."""
        yield from self.yield_turn(connection)

    def revise(self, interruption: str) -> None:
        self._never = interruption == "never"

    def response_started(self, event: ResponseStarted) -> Iterator[Effect]:
        before = self.playouts.get(event.response)
        if before is not None and (before.generated or before.connection == event.connection):
            yield Ignore("ResponseStarted", "this response was already begun")
            return
        if self.response is not None:
            yield from self._finish_playout(self.response)
        if event.response == self.awaited:
            self.awaited = None
        self.playouts.begin(event.response, event.connection)
        self.agent.move(AgentMove.BEGIN)
        self.response = event.response

    def agent_audio(self, event: AgentAudio) -> Iterator[Effect]:
        playout = self.playouts.get(event.response)
        if playout is None:
            yield Ignore("AgentAudio", "this response was never begun", event.audio.samples)
        elif playout.state is not Playout.OPEN:
            playout.drop(event.audio.samples)
            yield Ignore("AgentAudio", f"this response is {playout.state}", event.audio.samples)
        else:
            self.agent.move(AgentMove.SPEAK)
            playout.send(event.audio.samples)
            yield Play(event.response, event.audio)

    def agent_text(self, event: AgentText) -> Iterator[Effect]:
        playout = self.playouts.get(event.response)
        if playout is None:
            yield Ignore("AgentText", "this response was never begun")
            return
        playout.say(event.at, event.text, final=event.final)

    def response_finished(self, event: ResponseFinished) -> Iterator[Effect]:
        if event.response != self.response:
            yield Ignore("ResponseFinished", "this response is not being made")
            return
        self.response = None
        self.agent.move(AgentMove.FINISH)
        yield from self._finish_playout(event.response)

    def response_interrupted(self, event: ResponseInterrupted, *, yields: bool = True) -> Iterator[Effect]:
        """The model broke off by itself. What is protected, or does not yield, is played as far as it was made."""
        playout = self.playouts.get(event.response)
        if playout is None or not playout.audible:
            yield Ignore("ResponseInterrupted", "nothing of this response can be heard")
            return
        if event.response == self.response:
            self.response = None
            self.agent.move(AgentMove.CUT)
        if yields and self.may_cut(event.response):
            playout.machine.move(PlayoutMove.FLUSH)
            yield Flush(event.response)
        else:
            yield from self._finish_playout(event.response)

    def playout_progress(self, event: PlayoutProgress) -> Iterator[Effect]:
        playout = self.playouts.get(event.response)
        if playout is None or not playout.audible:
            yield Ignore("PlayoutProgress", "nothing of this response can be heard")
            return
        playout.report(event.played, event.evidence)
        if playout.state is Playout.ENDING and playout.played >= playout.sent:
            playout.machine.move(PlayoutMove.PLAY_OUT)

    def playout_stopped(self, event: PlayoutStopped, connection: ConnectionId | None) -> Iterator[Effect]:
        """``connection`` is who must know what was heard, if a model is still there."""
        playout = self.playouts.get(event.response)
        if playout is None or playout.state is not Playout.FLUSHING:
            yield Ignore("PlayoutStopped", "this response was not flushed")
            return
        playout.report(event.played, event.evidence)
        playout.machine.move(PlayoutMove.STOP)
        if connection is not None:
            yield Truncate(connection, event.response, Samples(playout.played), playout.heard_text())

    def assume_played(self) -> None:
        """The channel should long have said that it played what it has: believe the wall clock."""
        for playout in list(self.playouts.audible):
            if playout.played < playout.sent:
                playout.report(playout.sent, Evidence.ASSUMED)
            if playout.state is Playout.ENDING:
                playout.machine.move(PlayoutMove.PLAY_OUT)

    def model_gone(self) -> Iterator[Effect]:
        """No more will come of what was being made; what was made is still played."""
        if self.response is not None:
            response, self.response = self.response, None
            self.agent.move(AgentMove.CUT)
            yield from self._finish_playout(response)

    def may_cut(self, response: ResponseId) -> bool:
        return not self._never and response not in self._protected

    def yield_turn(self, connection: ConnectionId, *, only_others: bool = False) -> Iterator[Effect]:
        for playout in list(self.playouts.audible):
            if not self.may_cut(playout.response) or (only_others and playout.connection == connection):
                continue
            playout.machine.move(PlayoutMove.FLUSH)
            yield Flush(playout.response)
            if playout.response == self.response:
                self.response = None
                self.agent.move(AgentMove.CUT)
                yield CancelResponse(connection, playout.response)

    def _finish_playout(self, response: ResponseId) -> Iterator[Effect]:
        playout = self.playouts.get(response)
        if playout is not None and playout.machine.can(PlayoutMove.FINISH):
            playout.machine.move(PlayoutMove.FINISH)
            if playout.played >= playout.sent:
                playout.machine.move(PlayoutMove.PLAY_OUT)
            if playout.sent:  # of another the channel knows nothing, and it may yet be begun anew
                yield FinishPlaying(response)
