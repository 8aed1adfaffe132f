"""What models get of the caller: all of it, once and in order, but for the stretches that the timeline calls muted.

Through the gate, doubts, holds, private digits, sessions that are lost, renewed and given up, and whatever the ear and
the model say meanwhile. What a new session is given again is the end of what was given already.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.scenario import CONNECTED, ONE, audio, plan, samples
from tests.unit.core.watched import Watched
from vivavoce.events import (
    COLLECT_DIGITS,
    HOLD_CALL,
    AgentAudio,
    AgentRevised,
    Audio,
    CallerAudio,
    CallerInterrupted,
    CallerPressed,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallStarted,
    ConnectionId,
    Event,
    Evidence,
    ForwardAudio,
    HoldChanged,
    Ignore,
    Instant,
    ModelLost,
    ModelReady,
    Muted,
    PlayoutProgress,
    PlayoutStopped,
    ReplayAudio,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    StopRequested,
    SwapModel,
    ToolCallId,
    ToolRequested,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)


class Line:
    """A call under watch, whose caller says no sample twice, and which is fed what the peers of a call say."""

    def __init__(self, policy: str) -> None:
        self.watched = Watched()
        self.now = 0
        self.said = 0
        self.given = b""
        self.muted: list[tuple[int, int]] = []
        self._responses = 0
        self._tools = 0
        self._to_replay: bytes = b""
        self.tell(CallStarted(plan(interruption=policy)), CONNECTED, ModelReady(ONE))

    @property
    def session_at(self) -> Samples:
        return self.watched.session._sides.parts.owed.position  # where the current session's count is

    def tell(self, *events: Event) -> None:
        for event in events:
            self._see(self.watched.receive(event, Instant(self.now)))

    def wait(self, us: int) -> None:
        self.now += us
        while (deadline := self.watched.session.deadline) is not None and deadline <= self.now:
            self._see(self.watched.pass_time())

    def talk(self, ms: int) -> None:
        self.wait(ms * 1000)
        begin, self.said = self.said, self.said + samples(ms)
        self.tell(CallerAudio(Audio(loud(begin, self.said))))

    def respond(self, ms: int) -> None:
        self._responses += 1
        self.tell(ResponseStarted(self.current, self.response), AgentAudio(self.current, self.response, audio(ms)))

    @property
    def response(self) -> ResponseId:
        return ResponseId(f"r{self._responses}")

    @property
    def current(self) -> ConnectionId:
        return self.watched.session.models.current

    def call_tool(self, name: str, arguments: str) -> None:
        self._tools += 1
        self.tell(ToolRequested(self.current, ToolCallId(f"t{self._tools}"), name, arguments))

    def _see(self, effects: tuple[object, ...]) -> None:
        for effect in effects:
            match effect:
                case ForwardAudio(_, sound):
                    self.given += sound.pcm
                case SwapModel(replayed=replayed):
                    self._to_replay = self.given[len(self.given) - 2 * replayed :]
                case ReplayAudio(_, sound):
                    assert self._to_replay.startswith(sound.pcm), "what is given again was given last"
                    self._to_replay = self._to_replay[len(sound.pcm) :]
                case Muted(at, count):
                    self.muted.append((at, at + count))
                case Ignore("CallerAudio"):
                    assert self.watched.session.closed
        assert not self._to_replay


def loud(begin: int, end: int) -> bytes:
    """No sample is silent, and for eight seconds none is like another."""
    return b"".join((position % 65_535 + 1).to_bytes(2, "little") for position in range(begin, end))


KINDS = st.sampled_from([VoiceKind.CALLER, VoiceKind.CALLER, VoiceKind.BACKCHANNEL, VoiceKind.NOISE, VoiceKind.ECHO])
POLICIES = st.sampled_from(["hybrid", "hybrid", "local", "model", "never"])
TAKES_TURN: list[Event] = [CallerPressed("x"), CallerText("stop"), CallerInterrupted()]
Deed = Callable[[Line], None]


def _tell(make: Callable[[Line], Event]) -> Deed:
    return lambda line: line.tell(make(line))


DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.sampled_from([20, 20, 60, 300]).map(lambda ms: lambda line: line.talk(ms)),
    st.sampled_from([20, 60, 300]).map(lambda ms: lambda line: line.talk(ms)),
    st.sampled_from([100_000, 600_000, 3_000_000]).map(lambda us: lambda line: line.wait(us)),
    KINDS.map(lambda kind: _tell(lambda line: VoiceStarted(Samples(max(0, line.said - 800)), kind))),
    st.builds(VoiceJudged, KINDS, st.booleans()).map(lambda event: _tell(lambda _: event)),
    st.just(_tell(lambda line: VoiceStopped(Samples(line.said)))),
    st.sampled_from([500, 3_000]).map(lambda ms: lambda line: line.respond(ms)),
    st.just(_tell(lambda line: ResponseFinished(line.current, line.response))),
    st.just(_tell(lambda line: ResponseInterrupted(line.current, line.response))),
    st.just(_tell(lambda line: PlayoutProgress(line.response, samples(400), Evidence.MARK))),
    st.just(_tell(lambda line: PlayoutStopped(line.response, samples(400), Evidence.MARK))),
    st.booleans().map(
        lambda takes: _tell(lambda line: CallerSpeechStarted(line.current, line.session_at, takes_turn=takes))
    ),
    st.just(_tell(lambda line: CallerSpeechStopped(line.current, line.session_at))),
    st.just(lambda line: line.call_tool(COLLECT_DIGITS, '{"count": 2, "private": true}')),
    st.just(lambda line: line.call_tool(HOLD_CALL, '{"seconds": 2}')),
    st.sampled_from(TAKES_TURN).map(lambda event: _tell(lambda _: event)),
    st.booleans().map(lambda held: _tell(lambda _: HoldChanged(held))),
    st.just(_tell(lambda line: ModelLost(line.current, "reset"))),
    st.just(_tell(lambda line: ModelReady(line.current))),
    st.just(_tell(lambda line: ModelReady(line.watched.session.models.spare))),
    POLICIES.map(lambda policy: _tell(lambda _: AgentRevised(policy))),
)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(POLICIES, st.lists(DEEDS, max_size=40))
def test_models_get_what_the_caller_said_but_for_what_is_muted(policy: str, deeds: list[Deed]) -> None:
    line = Line(policy)
    for deed in deeds:
        if not line.watched.session.closed:
            deed(line)
    line.tell(StopRequested("enough"))
    given_to_models = array("H", line.given)
    unheard = {position for begin, end in line.muted for position in range(begin, end)}
    assert not unheard or max(unheard) < line.said
    whole = array("H", loud(0, len(given_to_models)))
    assert not [at for at, sample in enumerate(given_to_models) if sample != whole[at] and at not in unheard]
    secrets = set(array("H", b"".join(loud(begin, end) for begin, end in line.muted)))
    assert secrets.isdisjoint(given_to_models), "what is muted is not heard later either"


@settings(deadline=None, derandomize=True, max_examples=60)
@given(POLICIES, st.lists(DEEDS, max_size=40))
def test_whatever_happened_the_caller_is_heard_again(policy: str, deeds: list[Deed]) -> None:
    """Once nothing holds them any more: no voice, no hold, no row of digits, no agent that talks, and a model lives."""
    line = Line(policy)
    for deed in deeds:
        deed(line)
    line.tell(VoiceStopped(Samples(line.said)), HoldChanged(held=False))
    for _ in range(3):
        if not line.watched.session.models.live:
            line.wait(5_000_000)
            line.tell(ModelReady(line.current))
    line.tell(ResponseFinished(line.current, line.response))
    line.wait(20_000_000)
    if line.watched.session.closed or not line.watched.session.models.live:
        return
    assert not line.watched.session.floor.paused
    before = len(line.given)
    line.talk(20)
    assert line.given[before:].endswith(loud(line.said - samples(20), line.said))
