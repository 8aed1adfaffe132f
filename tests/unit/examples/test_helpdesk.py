from __future__ import annotations

import pytest

from tests.unit.examples.loading import functions, load, reply

RIGHT = {"employee_number": "10428", "security_code": "7391"}


def reset(**changed: str) -> str:
    return reply("helpdesk", "reset_password", **{**RIGHT, **changed})


def test_a_password_is_reset_if_both_belong_together() -> None:
    assert reset() == "Thank you, Alice. Your password is reset. A temporary one is on its way to your mobile phone."


@pytest.mark.parametrize("wrong", [{"security_code": "7392"}, {"employee_number": "99999"}, {"security_code": "2046"}])
def test_the_answer_does_not_tell_what_was_wrong_and_three_failures_lock(wrong: dict[str, str]) -> None:
    assert reset(**wrong) == "I'm sorry, that does not match what we have. You have 2 tries left."
    assert reset(**wrong) == "I'm sorry, that does not match what we have. You have 1 try left."
    locked = "I'm sorry. This account is now locked for password resets. Please come to the help desk with your badge."
    assert reset(**wrong) == locked
    assert reset(**wrong) == locked


def test_a_locked_account_stays_locked_with_the_right_code() -> None:
    for _ in range(3):
        reset(security_code="0000")
    assert "locked" in reset()
    assert "Brian" in reset(employee_number="11573", security_code="2046")


def test_the_right_code_forgets_earlier_failures() -> None:
    for _ in range(2):
        reset(security_code="0000")
    assert "Alice" in reset()
    assert "2 tries" in reset(security_code="0000")


def test_the_model_hears_of_the_digits_it_must_ask_for() -> None:
    properties = {tool.name: tool.parameters["properties"] for tool in load("helpdesk").tools}
    number = properties["reset_password"]["employee_number"]
    assert (number["x-spoken"], number["minLength"], number["maxLength"]) == ("digits", 5, 5)


def test_tickets_are_numbered_and_found() -> None:
    desk = functions("helpdesk")
    assert desk["open_ticket"]("printer") == {
        "ticket_number": "4823",
        "urgency": "normal",
        "promise": "call you back within one working day",
    }
    assert reply("helpdesk", "open_ticket", category="network", urgency="high") == (
        "I have opened a network ticket with high urgency. Your ticket number is 4 8 2 4. "
        "We will call you back within an hour."
    )
    assert reply("helpdesk", "ticket_status", ticket_number="4824") == (
        "Ticket 4 8 2 4 is about the network. It is in the queue."
    )
    assert reply("helpdesk", "ticket_status", ticket_number="4817").endswith(
        "about a laptop. It is waiting for a new battery."
    )
    assert reply("helpdesk", "ticket_status", ticket_number="0001") == "I'm sorry, I cannot find ticket 0 0 0 1."


def test_a_phone_is_erased_only_when_somebody_approves() -> None:
    (wipe,) = (tool for tool in load("helpdesk").tools if tool.name == "wipe_phone")
    assert wipe.approval
    assert wipe.lead_in
    assert "being erased" in reply("helpdesk", "wipe_phone", employee_number="10428")
    assert "I know no phone" in reply("helpdesk", "wipe_phone", employee_number="99999")
