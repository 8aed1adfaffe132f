"""What a session that takes over is told of the talk so far."""

from __future__ import annotations

from tests.unit.core.scenario import ONE, R1, R2, samples
from vivavoce.core.history import LIMIT_CHARACTERS, History
from vivavoce.core.playout import PlayoutMove, Playouts
from vivavoce.events import Evidence, PastTurn, ResponseId, Speaker


def said_by_agent(playouts: Playouts, response: ResponseId, text: str, *, sent_ms: int, played_ms: int) -> None:
    playout = playouts.begin(response, ONE)
    playout.say(0, text)
    playout.send(samples(sent_ms))
    playout.report(samples(played_ms), Evidence.PLAYED)


def agent(text: str) -> PastTurn:
    return PastTurn(Speaker.AGENT, text)


def caller(text: str) -> PastTurn:
    return PastTurn(Speaker.CALLER, text)


def test_nothing_was_said() -> None:
    assert History().turns(Playouts(), without_unanswered=False) == ()


def test_both_sides_in_order() -> None:
    history, playouts = History(), Playouts()
    history.caller_said("Hello?")
    history.agent_begins(R1)
    said_by_agent(playouts, R1, "Good morning.", sent_ms=500, played_ms=500)
    history.caller_said("A car, please.")
    assert history.turns(playouts, without_unanswered=False) == (
        caller("Hello?"),
        agent("Good morning."),
        caller("A car, please."),
    )


def test_of_the_agent_what_was_heard_or_will_be() -> None:
    history, playouts = History(), Playouts()
    for response in (R1, R2):
        history.agent_begins(response)
        said_by_agent(playouts, response, "one two three four", sent_ms=1_000, played_ms=500)
    cut = playouts.get(R1)
    assert cut is not None
    cut.machine.move(PlayoutMove.FLUSH)
    cut.machine.move(PlayoutMove.STOP)
    assert history.turns(playouts, without_unanswered=False) == (agent("one two"), agent("one two three four"))


def test_a_response_without_words_is_not_told() -> None:
    history, playouts = History(), Playouts()
    history.agent_begins(R1)
    playouts.begin(R1, ONE)
    history.caller_said("")
    assert history.turns(playouts, without_unanswered=False) == ()


def test_words_since_the_last_answer_can_be_left_out() -> None:
    history = History()
    history.caller_said("Hello?")
    history.answered()
    history.caller_said("Are you there?")
    assert history.turns(Playouts(), without_unanswered=True) == (caller("Hello?"),)
    history.answered()
    assert len(history.turns(Playouts(), without_unanswered=True)) == 2


def test_the_oldest_words_are_forgotten_first() -> None:
    history, playouts = History(), Playouts()
    history.caller_said("a" * 1_000)
    history.answered()
    history.caller_said("b" * 1_000)
    history.agent_begins(R1)
    history.agent_said(R1, "c" * (LIMIT_CHARACTERS - 1_500))
    assert history.turns(playouts, without_unanswered=False) == (caller("b" * 1_000),)
    assert history.turns(playouts, without_unanswered=True) == ()


def test_the_agents_words_are_forgotten_with_it() -> None:
    history, playouts = History(), Playouts()
    for number in range(4):
        response = ResponseId(f"r{number}")
        history.agent_begins(response)
        said_by_agent(playouts, response, f"Answer {number}.", sent_ms=500, played_ms=500)
        history.agent_said(response, "x" * (LIMIT_CHARACTERS * 2 // 5))
    assert history.turns(playouts, without_unanswered=False) == (agent("Answer 2."), agent("Answer 3."))


def test_a_response_that_is_begun_anew_is_told_once() -> None:
    history, playouts = History(), Playouts()
    history.agent_begins(R1)
    history.agent_begins(R1)
    said_by_agent(playouts, R1, "Hello.", sent_ms=500, played_ms=500)
    assert history.turns(playouts, without_unanswered=False) == (agent("Hello."),)


def test_what_was_typed_is_history_once_it_was_answered() -> None:
    history = History()
    history.caller_typed("And blue?")
    assert history.turns(Playouts(), without_unanswered=False) == ()
    history.answered()
    assert history.turns(Playouts(), without_unanswered=False) == (caller("And blue?"),)
