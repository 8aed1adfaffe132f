"""Every way a call can end: each is closed with a disposition and a reason, replays, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.scenario.calls import Outcome, Ran, Tools, hold
from vivavoce.channel.memory import MemoryChannel
from vivavoce.channel.port import EmitChannelEvent
from vivavoce.channel.wav import CallerUtterance, Manners, wav_channel
from vivavoce.engine.call import WIND_DOWN_S, Call
from vivavoce.errors import ChannelFault, NotAvailable
from vivavoce.events import (
    CallerConnected,
    CallPlan,
    CancelTool,
    ChannelEffect,
    ChannelEvent,
    CloseModel,
    ConnectionId,
    Disposition,
    HangUp,
    ModelEffect,
    ModelLost,
    ModelReady,
    OpenModel,
    PlayoutProgress,
    RunTool,
    Speak,
    ToolFinished,
    ToolStatus,
)
from vivavoce.model.port import EmitModelEvent, ModelProfile, ModelSession
from vivavoce.model.scripted import Lose, Say, Script, ScriptedModel, Step, UseTool, When, tone

pytestmark = pytest.mark.timeout(30)

PLAN = CallPlan(agent="test", models=("first",), greeting="Hello.", farewell="Goodbye.")
TWO = CallPlan(agent="test", models=("first", "second"), greeting="Hello.")
ONE = ConnectionId(1)


def scripted(*steps: Step) -> ScriptedModel:
    return ScriptedModel(Script(step=steps, input_rate_hz=8000, output_rate_hz=8000))


def after(ms: int, action: Callable[[Call], None]) -> Callable[[Call], None]:
    """``action`` so long after the call began."""

    def plan(call: Call) -> None:
        asyncio.get_running_loop().call_at(ms / 1000, action, call)

    return plan


class BrokenModel:
    """Does ``run`` and ``perform`` as it was told."""

    profile = ModelProfile("broken", "", 8000, 8000)

    def __init__(self, error: Exception | None = None, after_ms: int = 0, on_perform: Exception | None = None) -> None:
        self.error = error
        self.after_ms = after_ms
        self.on_perform = on_perform

    def why_not_here(self) -> str:
        return ""

    def session(self, connection: ConnectionId) -> ModelSession:
        self.connection = connection
        return self

    async def run(self, emit: EmitModelEvent) -> None:
        if self.after_ms:
            await emit(ModelReady(self.connection))
            await asyncio.sleep(self.after_ms / 1000)
        if self.error:
            raise self.error

    def perform(self, effect: ModelEffect) -> None:
        if self.on_perform:
            raise self.on_perform


class BrokenChannel:
    """As :class:`BrokenModel`; without an error ``run`` returns, unless it is ``deaf`` to everything."""

    name = "broken"
    rate_hz = 8000

    def __init__(
        self, error: Exception | None = None, *, on_perform: Exception | None = None, deaf: bool = False
    ) -> None:
        self.error = error
        self.on_perform = on_perform
        self.deaf = deaf

    async def run(self, emit: EmitChannelEvent) -> None:
        await emit(CallerConnected(self.name, self.rate_hz))
        await asyncio.sleep(10_000 if self.deaf or self.on_perform else 1)
        if self.error:
            raise self.error

    def perform(self, effect: ChannelEffect) -> None:
        if self.on_perform:
            raise self.on_perform


def quiet_channel() -> MemoryChannel:
    return MemoryChannel(8000)


def ended(ran: Ran) -> tuple[Disposition, str]:
    return ran.close.disposition, ran.close.reason


# -- the model -----------------------------------------------------------------------------------------------------


def test_a_model_that_will_not_open_gives_way_to_the_next() -> None:
    ran = hold(TWO, quiet_channel, lambda: [BrokenModel(NotAvailable("no key")), scripted()], during=after(500, _stop))
    assert ran.when(OpenModel(ONE, 0), OpenModel(ConnectionId(2), 1)) == [0, 0]
    assert ran.when(Speak(ConnectionId(2), "greeting", "Hello."))  # type: ignore[arg-type]
    assert ended(ran) == (Disposition.STOPPED, "enough")


def test_no_model_at_all_ends_the_call() -> None:
    ran = hold(PLAN, quiet_channel, lambda: [BrokenModel(NotAvailable("no key"))])
    assert ended(ran) == (Disposition.MODEL_LOST, "no key")
    assert ran.all(ModelLost) == [(0, ModelLost(ONE, "no key", retryable=False))]


def test_a_model_that_never_opens_ends_the_call() -> None:
    ran = hold(PLAN, quiet_channel, lambda: [scripted(Step(wait_ms=100_000, ready=True))])
    assert ended(ran) == (Disposition.MODEL_LOST, "no model was ready in time")
    assert ran.when(ran.close) == [30_000]


def test_a_model_that_fails_again_and_again_ends_the_call() -> None:
    """Six sessions of a second each, and 7.5 s of waiting in between."""
    steps = (Step(ready=True), Step(wait_ms=1000, lose=Lose(message="the wire broke")))
    ran = hold(PLAN, quiet_channel, lambda: [scripted(*steps)])
    assert ended(ran) == (Disposition.MODEL_LOST, "the wire broke")
    assert ran.when(ran.close) == [13_500]
    assert not ran.all(CloseModel)


def test_a_model_that_ends_by_itself_ends_the_call() -> None:
    ran = hold(PLAN, quiet_channel, lambda: [BrokenModel(after_ms=700)])
    assert ended(ran) == (Disposition.MODEL_LOST, "the model ended the session")


def test_a_mistake_in_an_adapter_is_named_without_its_words() -> None:
    ran = hold(PLAN, quiet_channel, lambda: [BrokenModel(ValueError("the caller said 4711"), after_ms=700)])
    assert ended(ran) == (Disposition.MODEL_LOST, "unexpected ValueError")


def test_a_model_that_cannot_perform_is_gone() -> None:
    ran = hold(PLAN, quiet_channel, lambda: [BrokenModel(after_ms=60_000, on_perform=OSError("x"))])
    assert ended(ran) == (Disposition.MODEL_LOST, "unexpected OSError")
    assert ran.when(ran.close) == [0]


# -- the channel ---------------------------------------------------------------------------------------------------


def test_a_channel_that_fails_ends_the_call() -> None:
    ran = hold(PLAN, lambda: BrokenChannel(ChannelFault("the socket closed")), lambda: [scripted()])
    assert ended(ran) == (Disposition.CHANNEL_LOST, "the socket closed")
    assert ran.all(CloseModel) == [(1000, CloseModel(ONE))]
    assert not ran.all(HangUp)


def test_a_channel_that_ends_is_a_caller_who_hung_up() -> None:
    ran = hold(PLAN, BrokenChannel, lambda: [scripted()])
    assert ended(ran) == (Disposition.COMPLETED, "the caller hung up")


def test_a_channel_that_cannot_perform_is_gone() -> None:
    ran = hold(PLAN, lambda: BrokenChannel(on_perform=KeyError("x")), lambda: [scripted(Step(ready=True))])
    assert ended(ran) == (Disposition.CHANNEL_LOST, "unexpected KeyError")


def test_a_channel_that_never_hangs_up_is_given_up_on() -> None:
    ran = hold(PLAN, lambda: BrokenChannel(deaf=True), lambda: [scripted()], during=after(1000, _stop))
    assert ended(ran) == (Disposition.STOPPED, "enough")
    assert ran.returned == 1_000_000 + WIND_DOWN_S * 1_000_000


# -- tools ---------------------------------------------------------------------------------------------------------


def test_a_tool_that_hangs_is_cancelled_when_the_call_ends() -> None:
    tools = Tools(takes_s=100_000)
    steps = (Step(ready=True), Step(wait_ms=500, tool=UseTool(name="slow")))
    ran = hold(PLAN, quiet_channel, lambda: [scripted(*steps)], tools, during=after(2000, _stop))
    (run_tool,) = [value for _, value in ran.all(RunTool) if isinstance(value, RunTool)]
    assert ran.all(CancelTool) == [(2000, CancelTool(run_tool.tool_call))]
    assert tools.cancelled == 1
    assert not ran.all(ToolFinished)
    assert ran.returned < 2_100_000


def test_a_mistake_in_the_tools_is_an_answer_and_not_the_end() -> None:
    class Mistaken(Tools):
        async def run(self, _tool_call: str, name: str, arguments: str) -> Outcome:
            raise ValueError("the caller said 4711")

    steps = (Step(ready=True), Step(wait_ms=500, tool=UseTool(name="look")))
    ran = hold(PLAN, quiet_channel, lambda: [scripted(*steps)], Mistaken(), during=after(2000, _stop))
    ((at, finished),) = ran.all(ToolFinished)
    assert at == 500
    assert isinstance(finished, ToolFinished)
    assert (finished.status, finished.result) == (ToolStatus.FAILED, '{"error":{"message":"unexpected ValueError"}}')
    assert ended(ran) == (Disposition.STOPPED, "enough")


# -- stopping ------------------------------------------------------------------------------------------------------


def _stop(call: Call) -> None:
    call.stop("enough")


class DeafChannel(MemoryChannel):
    """Never says what was played."""

    async def run(self, emit: EmitChannelEvent) -> None:
        async def without_reports(event: ChannelEvent) -> None:
            if not isinstance(event, PlayoutProgress):
                await emit(event)

        await super().run(without_reports)


def test_a_channel_that_never_reports_playout_does_not_hold_the_call() -> None:
    plan = CallPlan(agent="test", models=("first",), silence_limit_us=10_000_000)
    steps = (Step(ready=True), Step(say=Say(ms=60_000)))
    ran = hold(plan, lambda: DeafChannel(8000), lambda: [scripted(*steps)])
    assert ended(ran) == (Disposition.SILENCE, "nobody spoke")
    assert ran.returned < 180_000_000, "a minute of speech, its grace, and the silence after it"


def test_stopped_at_once() -> None:
    ran = hold(PLAN, quiet_channel, lambda: [scripted()], during=_stop)
    assert ended(ran) == (Disposition.STOPPED, "enough")


def test_stopped_twice_is_stopped() -> None:
    def twice(call: Call) -> None:
        call.stop("enough")
        call.stop("too much")

    ran = hold(PLAN, quiet_channel, lambda: [scripted()], during=after(500, twice))
    assert ended(ran) == (Disposition.STOPPED, "enough")


def test_nothing_can_be_kept_any_more() -> None:
    ran = hold(
        PLAN, quiet_channel, lambda: [scripted()], during=after(500, lambda call: call.store_failed("disk full"))
    )
    assert ended(ran) == (Disposition.FAILED, "disk full")


def test_the_longest_call() -> None:
    plan = CallPlan(agent="test", models=("first",), call_limit_us=3_000_000)
    ran = hold(plan, quiet_channel, lambda: [scripted()])
    assert ended(ran) == (Disposition.TOO_LONG, "the longest call is over")
    assert ran.when(ran.close) == [3000]


SHORT = CallPlan(agent="test", models=("first", "second"), greeting="Hello.", farewell="Goodbye.")


def _short_call(cancel_at_ms: int | None) -> Ran:
    """3 s with a model that will not open, a greeting, a tool at work, a barge-in and a goodbye."""
    steps = (
        Step(wait_ms=50, ready=True),
        Step(when=When.SPEAK, wait_ms=50, say=Say(ms=600)),
        Step(when=When.CALLER_STARTS, tool=UseTool(name="look")),
        Step(when=When.TOOL_RESULT, say=Say(text="Here you are, all of it.", ms=5000)),
        Step(when=When.CALLER_STOPS, wait_ms=100, say=Say(ms=200)),
    )
    utterances = [
        CallerUtterance(tone(0, 1600, 8000), barge_in_after_ms=300),
        CallerUtterance(tone(0, 1600, 8000), barge_in_after_ms=200),
    ]
    return hold(
        SHORT,
        lambda: wav_channel(utterances, 8000, Manners(give_up_ms=1700)),
        lambda: [BrokenModel(NotAvailable("no key")), scripted(*steps)],
        Tools(takes_s=0.5),
        cancel_at_ms=cancel_at_ms,
    )


def _cancelled_every(step_ms: int) -> None:
    whole_ms = int(_short_call(None).returned) // 1000
    assert 2900 < whole_ms < 3100
    for cancel_at_ms in range(0, whole_ms - 20, step_ms):
        ran = _short_call(cancel_at_ms)
        assert ran.result is None
        assert ended(ran) == (Disposition.STOPPED, "interrupted"), cancel_at_ms
        assert ran.returned == ran.seen[-1][0] == cancel_at_ms * 1000


def test_cancelled_at_many_moments() -> None:
    _cancelled_every(170)


@pytest.mark.slow
def test_cancelled_at_any_moment() -> None:
    _cancelled_every(10)


def test_cancelled_while_it_winds_down() -> None:
    ran = hold(
        PLAN, lambda: BrokenChannel(deaf=True), lambda: [scripted()], during=after(1000, _stop), cancel_at_ms=3000
    )
    assert ended(ran) == (Disposition.STOPPED, "enough")
    assert ran.returned == 3_000_000
