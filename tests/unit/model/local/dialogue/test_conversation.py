"""Whole conversations: what is asked, what is called with what, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import SHOP, Caller, conversation
from vivavoce.model.local.dialogue.conversation import Phase
from vivavoce.model.local.dialogue.port import CallTool, Expecting, Heard, Say

RIDE = "book a test ride on the beacon on saturday at ten for alice"
CONFIRMED = {"model": "Beacon", "date": "2026-03-14", "time": "10:00", "name": "Alice"}


def caller(**results: Any) -> Caller:
    return Caller(conversation(), results)


def expected(one: Caller) -> Expecting:
    return one.talk.expecting


def confirming() -> Caller:
    one = caller(book_test_ride={})
    one.say(RIDE)
    return one


def test_what_is_given_ahead_is_not_asked_for() -> None:
    one = confirming()
    assert expected(one) is Expecting.YES_NO
    assert one.say("yes please").startswith("Booked, Alice, Saturday the 14th at ten o'clock.")
    assert [call.arguments for call in one.calls] == [CONFIRMED]


def test_missing_slots_are_asked_for_one_by_one() -> None:
    one = caller(book_test_ride={})
    assert one.say("i'd like to book a test ride") == "Which model would you like to ride?"
    assert expected(one) is Expecting.CHOICE
    assert one.say("the beacon") == "For which day?"
    assert expected(one) is Expecting.DATE_OR_TIME
    assert one.say("saturday") == "At what time?"
    assert one.say("ten") == "What name shall I put it under?"
    assert expected(one) is Expecting.NAME
    assert one.say("it's alice").endswith("on Saturday the 14th at ten o'clock for Alice. Is that right?")
    one.say("that's right")
    assert one.calls[0].arguments == CONFIRMED


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("no the sixteenth", {"date": "2026-03-16"}),
        ("not saturday friday", {"date": "2026-03-13"}),
        ("make it two o'clock", {"time": "14:00"}),
        ("no eleven", {"time": "11:00"}),
        ("actually the falcon", {"model": "Falcon"}),
        ("yes but at half past ten", {"time": "10:30"}),
        ("no it's bob", {"name": "Bob"}),
    ],
)
def test_a_correction_changes_only_its_slot(said: str, changed: dict[str, str]) -> None:
    one = confirming()
    assert one.say(said).endswith("Is that right?")
    assert one.calls == []
    one.say("yes")
    assert one.calls[0].arguments == {**CONFIRMED, **changed}


def test_a_correction_while_another_slot_is_asked_for() -> None:
    one = caller()
    one.say("can i try the beacon on saturday")
    assert one.say("sorry i mean friday") == "Friday the 13th, then. At what time?"
    one.say("ten")
    one.say("alice")
    one.say("yes")
    assert one.calls[0].arguments == {**CONFIRMED, "date": "2026-03-13"}


def test_no_without_more_asks_what_to_change() -> None:
    one = confirming()
    assert one.say("no") == "What should I change?"
    assert one.say("the time") == "At what time?"
    assert "two thirty" in one.say("half past two")


def test_a_slot_that_is_only_denied_is_asked_for_again() -> None:
    one = confirming()
    assert one.say("not on saturday") == "For which day?"


def test_after_the_tool_a_correction_starts_it_again_with_the_rest_kept() -> None:
    one = confirming()
    one.say("yes")
    assert "Monday the 16th" in one.say("no the sixteenth")
    one.say("yes")
    assert [call.arguments["date"] for call in one.calls] == ["2026-03-14", "2026-03-16"]


def test_without_confirm_the_tool_is_called_at_once_and_followed_up() -> None:
    one = caller(find_bikes={"count": 3, "price": 400})
    assert one.say("do you have any tandem bikes under five hundred dollars").startswith("We have 3, from 400 dollars.")
    one.say("what about folding")
    assert [call.arguments for call in one.calls] == [
        {"style": "tandem", "max_price": 500},
        {"style": "folding", "max_price": 500},
    ]


def test_that_one_carries_a_value_into_the_next_form() -> None:
    one = caller(find_bikes={"count": 1, "price": 400})
    one.say("how much is the beacon")
    assert one.say("i'd like to book a test ride on that one") == "For which day?"


def test_a_question_in_the_middle_is_answered_and_the_form_goes_on() -> None:
    one = caller()
    one.say("can i try the beacon on friday")
    assert one.say("when are you open on saturday") == "On Saturday we are open from 10 to 4. At what time?"
    one.say("ten")
    one.say("alice")
    one.say("yes")
    assert one.calls[0].arguments["date"] == "2026-03-13"


def test_another_wish_in_the_middle_is_followed() -> None:
    one = caller()
    one.say("i'd like to book a test ride")
    assert one.say("i forgot my password please unlock my account") == "Okay. Please say your five digit member number."
    assert expected(one) is Expecting.DIGITS


def test_too_few_digits_are_counted_for_the_caller() -> None:
    one = caller(unlock_account={"message": "Unlocked."})
    one.say("i'm locked out")
    assert one.say("four seven two nine").startswith("I got 4 digits, and I need 5.")
    one.say("four seven two nine one")
    assert one.say("one two three four").startswith("Unlocked.")


@pytest.mark.parametrize("said", ["repeat that", "sorry what was that", "could you say that again please"])
def test_repeat_says_the_last_words_again(said: str) -> None:
    one = caller()
    one.say("i'd like to book a test ride")
    assert one.say(said) == one.say(said) == "Which model would you like to ride?"


def test_repeat_at_the_start_says_the_greeting() -> None:
    assert caller().say("pardon") == SHOP.greeting


def test_cancel_and_start_again() -> None:
    one = confirming()
    assert one.say("start again").endswith("Which model would you like to ride?")
    assert one.say("never mind") == "All right, I'll leave that. How can I help?"
    assert one.talk.state.form is None


def test_two_failures_in_a_row_offer_a_person() -> None:
    one = caller()
    one.say("i'd like to book a test ride")
    assert one.say("blah wurble").endswith("Which model would you like to ride?")
    assert one.say("gnarf").endswith("Would you like to speak to a person?")
    assert expected(one) is Expecting.YES_NO
    one.say("yes")
    assert one.ended == "person"


def test_no_to_a_person_goes_back_to_the_question_and_an_answer_counts_as_one() -> None:
    one = caller()
    one.say("i'd like to book a test ride")
    for _ in range(2):
        one.say("gnarf")
    assert one.say("no") == "All right. Which model would you like to ride?"
    for _ in range(2):
        one.say("gnarf")
    assert one.say("the beacon") == "For which day?"


def test_success_in_between_forgives_a_failure() -> None:
    one = caller()
    one.say("gnarf")
    one.say("where can i park")
    assert "person" not in one.say("gnarf")


def test_a_person_at_any_time() -> None:
    one = confirming()
    assert "person" in one.say("i want to talk to a human")
    assert one.ended == "person"


def test_goodbye_says_the_farewell() -> None:
    one = caller()
    assert one.say("okay thanks bye bye") == SHOP.farewell
    assert one.ended == "goodbye"


def test_no_after_anything_else_is_goodbye_only_if_it_was_heard() -> None:
    one = caller(find_bikes={"count": 0})
    one.say("what bikes do you have")
    one.talk.interrupted("We have")
    one.say("no")
    assert one.ended == ""
    one.say("what bikes do you have")
    one.say("no")
    assert one.ended == "goodbye"


def test_an_interrupted_question_is_still_open() -> None:
    one = confirming()
    one.talk.interrupted("A test")
    one.say("yes")
    assert one.calls


def test_a_failing_tool_is_admitted_and_tried_again() -> None:
    one = caller(book_test_ride={"error": "ValueError: boom"})
    one.say(RIDE)
    said = one.say("yes")
    assert said.startswith("I'm sorry, that did not work.")
    assert "boom" not in said
    assert expected(one) is Expecting.YES_NO
    one.results = {"book_test_ride": {}}
    assert one.say("yes").startswith("Booked")
    assert [call.tool_call for call in one.calls] == ["call_1", "call_2"]


def test_while_a_tool_runs_the_caller_is_asked_to_wait_and_a_late_correction_is_not_lost() -> None:
    one = caller()
    one.say(RIDE)
    one.say("yes")
    assert one.talk.state.phase is Phase.RUNNING
    assert one.say("no wait the sixteenth") == "One moment, please."
    assert "Monday the 16th" in one.take(one.talk.result("call_1", "{}", True))


def test_results_that_nobody_waits_for_are_ignored() -> None:
    assert conversation().result("call_9", "{}", True) == []


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("hello there", "How can I help?"),
        ("thank you very much", "You're welcome."),
        ("what can you do", "I can find bikes"),
    ],
)
def test_courtesies(said: str, part: str) -> None:
    assert part in caller().say(said)


def test_what_is_not_ours_is_not_made_up() -> None:
    one = caller()
    assert "understand" in one.say("who won the football last night") or one.talk.understanding.intent == "none"
    assert one.calls == []


def test_the_calls_come_first_and_clauses_apart() -> None:
    talk = conversation()
    one = Caller(talk)
    one.say(RIDE)
    acts = talk.hear(Heard("yes"))
    assert isinstance(acts[0], CallTool)
    said = talk.result("call_1", json.dumps({}), True)
    assert next(act.text for act in said if isinstance(act, Say)) == "Booked, Alice, Saturday the 14th at ten o'clock."


@pytest.mark.parametrize(
    "heard",
    [
        Heard("no sorry the sixteenth", ("no sorry the sixteen", "no sorry sixteen")),
        Heard("no sorry the sixteen"),
    ],
)
def test_a_corrected_day_is_no_answer_to_the_question_for_the_time(heard: Heard) -> None:
    one = caller()
    one.say("can i try the beacon on saturday")
    said = " ".join(act.text for act in one.talk.hear(heard) if isinstance(act, Say))
    assert said == "Monday the 16th, then. At what time?"
    form = one.talk.state.form
    assert form is not None
    assert dict(form.values) == {"model": "Beacon", "date": "2026-03-16"}


def test_a_question_after_one_more_thing_is_answered() -> None:
    one = caller()
    plain = one.say("what about parking")
    assert one.say("sorry one more thing what about parking").startswith(plain.partition(".")[0])


def test_more_is_offered_now_and_then() -> None:
    one = caller()
    offers = ["else" in one.say("what about parking") for _ in range(4)]
    assert offers == [True, False, False, True]


def test_help_names_three_things_in_one_sentence() -> None:
    said = caller().say("what can you do")
    assert said.count(".") == 1
    assert len(said) < 120


def test_the_ear_is_told_what_a_whole_answer_is() -> None:
    one = caller()
    before: tuple[str, ...] = one.talk.whole_answers
    assert not before
    one.say("i'd like to book a test ride")
    assert any("falcon" in pattern for pattern in one.talk.whole_answers)


def test_thanks_after_an_answer_is_no_failure() -> None:
    one = caller()
    one.say("i'd like to book a test ride")
    asked = one.say("the beacon")
    assert one.say("thanks") == asked
    assert one.talk.state.failures == 0
