"""What the caller's side may change while the call runs: the agent, the history, and who is to speak next."""

from __future__ import annotations

from tests.unit.core.scenario import (
    CONNECTED,
    ONE,
    R1,
    R2,
    T1,
    THREE,
    TWO,
    opening,
    plan,
    played,
    said,
    samples,
    stopped,
    talking,
    whole,
)
from vivavoce.events import (
    AgentRevised,
    AgentText,
    CallerHungUp,
    CallerInterrupted,
    CallerPressed,
    CallerSpeechStarted,
    CallerText,
    CancelResponse,
    CloseModel,
    Flush,
    ForwardText,
    HistoryRevised,
    Ignore,
    ModelLost,
    ModelReady,
    OpenModel,
    PastTurn,
    PendingTool,
    Recall,
    ReplyRequested,
    RequestReply,
    ResponseFinished,
    ResponseStarted,
    RunTool,
    Samples,
    Speaker,
    SwapModel,
    SwapMoment,
    ToolRequested,
    Truncate,
)

CALLER, AGENT = Speaker.CALLER, Speaker.AGENT
TURNS = (PastTurn(CALLER, "I am Ann."), PastTurn(AGENT, "Hello Ann."))
REVISED = AgentRevised("model")


def swap(moment: SwapMoment) -> SwapModel:
    return SwapModel(TWO, ONE, moment, Samples(0), Samples(0))


# -- another agent -----------------------------------------------------------------------------------------------------


def test_a_session_that_was_not_talked_to_is_opened_anew() -> None:
    call = opening()
    assert call.at(0, REVISED) == (CloseModel(ONE), OpenModel(TWO, 0))
    assert call.at(10, CONNECTED, ModelReady(ONE)) == (Ignore("ModelReady", "an event of an old connection"),)
    call.at(20, ModelReady(TWO))
    assert call.session.models.live


def test_between_two_turns_the_new_one_takes_over_as_soon_as_it_is_there() -> None:
    call = talking()
    assert call.at(1000, REVISED) == (OpenModel(TWO, 0),)
    assert call.at(1200, ModelReady(TWO)) == (swap(SwapMoment.TURN_END), Recall(TWO, ()), CloseModel(ONE))


def test_a_reply_is_spoken_to_its_end_by_the_old_one() -> None:
    call = talking()
    call.at(1000, *whole(R1, 2000), REVISED, ModelReady(TWO))
    assert not call.all(SwapModel)
    call.at(3000, played(R1, 2000))
    call.until(4000)
    assert call.all(SwapModel) == [swap(SwapMoment.TURN_END)]


def test_one_that_talks_on_and_on_is_replaced_while_it_is_only_heard() -> None:
    call = talking()
    call.at(0, *whole(R1, 60_000), REVISED, ModelReady(TWO))
    call.until(9_900)
    assert not call.all(SwapModel)
    call.until(10_100)
    assert call.all(SwapModel) == [swap(SwapMoment.SILENCE)]


def test_who_waits_with_the_old_agent_is_sent_away() -> None:
    call = talking()
    call.at(0, REVISED)
    assert call.at(100, REVISED) == (CloseModel(TWO), OpenModel(THREE, 0))
    assert not call.at(200, ModelReady(TWO), CallerSpeechStarted(ONE, samples(100)))[1:]
    call.at(300, ModelReady(THREE))
    assert not call.all(SwapModel), "the caller talks"


def test_a_session_that_is_being_opened_for_a_lost_one_is_opened_anew() -> None:
    call = talking()
    call.at(1000, ModelLost(ONE, "reset"))
    assert call.at(1100, REVISED) == (CloseModel(TWO), OpenModel(THREE, 0))
    call.at(1200, ModelReady(THREE))
    assert [taken.connection for taken in call.all(SwapModel)] == [THREE]


def test_it_may_forbid_what_the_plan_allowed() -> None:
    call = talking()
    call.at(0, AgentRevised("never"), *whole(R1, 2000), CallerSpeechStarted(ONE, samples(0)))
    assert not call.all(Flush)


def test_the_new_one_is_told_of_tools_that_run() -> None:
    call = talking()
    assert call.at(0, ToolRequested(ONE, T1, "find_cars", "{}")) == (RunTool(T1, "find_cars", "{}"),)
    call.at(0, CallerText("and quickly"))
    call.at(0, REVISED)
    told = call.at(1000, ModelReady(TWO))
    assert told[1:3] == (Recall(TWO, (), (PendingTool(T1, "find_cars", "{}"),)), ForwardText(TWO, "and quickly"))


# -- another history ---------------------------------------------------------------------------------------------------


def test_a_history_given_before_the_talk_is_the_first_that_the_model_is_told() -> None:
    call = opening(plan(greeting="Hello again."))
    call.at(0, HistoryRevised(TURNS), CONNECTED)
    assert call.at(10, ModelReady(ONE))[0] == Recall(ONE, TURNS)


def test_what_is_asked_after_a_change_is_asked_of_the_one_that_knows_of_it() -> None:
    call = talking()
    assert call.at(0, HistoryRevised(TURNS), ReplyRequested("Greet.")) == (OpenModel(TWO, 0),)
    told = call.at(200, ModelReady(TWO))
    assert told == (swap(SwapMoment.TURN_END), Recall(TWO, TURNS), RequestReply(TWO, "Greet."), CloseModel(ONE))
    assert call.at(300, ReplyRequested()) == (RequestReply(TWO, ""),)


def test_what_is_said_later_comes_after_it() -> None:
    call = talking()
    call.at(0, CallerText("forget this"), *whole(R1, 100), played(R1, 100))
    call.at(1000, HistoryRevised(TURNS))
    call.at(2000, ModelReady(TWO))
    call.at(2100, CallerText("who am I"), ResponseStarted(TWO, R2), said(R2, 100, TWO))
    call.at(2100, AgentText(TWO, R2, "Ann.", samples(0)), ResponseFinished(TWO, R2), played(R2, 100))
    call.at(4000, REVISED)
    call.at(5000, ModelReady(THREE))
    assert call.all(Recall)[-1].turns == (*TURNS, PastTurn(CALLER, "who am I"), PastTurn(AGENT, "Ann."))


def test_a_reply_that_is_being_heard_stays_in_it() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), AgentText(ONE, R1, "One moment.", samples(0)), said(R1, 500))
    call.at(100, HistoryRevised(TURNS), ResponseFinished(ONE, R1), ModelReady(TWO))
    call.at(600, played(R1, 500))
    call.until(2000)
    assert call.all(Recall)[-1].turns == (*TURNS, PastTurn(AGENT, "One moment."))


# -- who is to speak ---------------------------------------------------------------------------------------------------


def test_a_reply_can_be_had_unasked_and_is_asked_again_where_the_first_was_lost() -> None:
    call = talking()
    assert call.at(0, ReplyRequested("Be brief.")) == (RequestReply(ONE, "Be brief."),)
    call.at(10, ModelLost(ONE, "reset"))
    assert call.at(500, ModelReady(TWO))[-1] == RequestReply(TWO, "Be brief.")


def test_a_reply_that_is_wanted_takes_the_place_of_the_one_that_is_heard() -> None:
    call = talking()
    call.at(0, *whole(R1, 2000))
    assert call.at(100, ReplyRequested()) == (Flush(R1), RequestReply(ONE, ""))


def test_a_stop_button_cuts_the_agent_and_asks_for_nothing() -> None:
    call = talking()
    call.at(0, ResponseStarted(ONE, R1), said(R1, 1000))
    assert call.at(100, CallerInterrupted()) == (Flush(R1), CancelResponse(ONE, R1))
    assert call.at(150, stopped(R1, 120)) == (Truncate(ONE, R1, samples(120), ""),)
    assert call.at(200, CallerInterrupted()) == (Ignore("CallerInterrupted", "the agent says nothing"),)


def test_keys_are_told_in_words() -> None:
    call = talking()
    (told,) = call.at(0, CallerPressed("42#"))
    assert isinstance(told, ForwardText)
    assert "4 2 #" in told.text


def test_after_the_end_nothing_is_asked() -> None:
    call = talking()
    call.at(0, CallerHungUp())
    for event in (REVISED, HistoryRevised(TURNS), ReplyRequested(), CallerInterrupted(), CallerPressed("1")):
        assert call.at(0, event) == (Ignore(type(event).__name__, "the call is closed"),)
