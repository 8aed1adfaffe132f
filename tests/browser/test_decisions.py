"""What somebody at the console decides: whether a tool runs, and whether the caller waits; and notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import canned
from tests.browser.canned import at
from tests.browser.conftest import Open, begin
from tests.browser.fake import FakeServer

ARGUMENTS = '{"employee_number":"47110","device":"phone"}'
ASKED = (
    at(10, "ToolRequested", tool_call="call/1", name="wipe_device", arguments=ARGUMENTS),
    at(10, "AskApproval", tool_call="call/1", name="wipe_device", arguments=ARGUMENTS),
)
OTHER = at(11, "AskApproval", tool_call="t2", name="send_laptop", arguments="{}")


def told(page: Page, fake: FakeServer, *facts: dict[str, object]) -> None:
    fake.tell(*canned.GREETING, *facts)
    page.locator("#entries .entry").first.wait_for()


def test_a_tool_that_waits_is_shown_with_what_it_asks_and_approved_by_keyboard(call: Page, fake: FakeServer) -> None:
    told(call, fake, *ASKED)
    card = call.get_by_role("article", name="The agent asks to use wipe_device")
    expect(card).to_contain_text('"employee_number": "47110"')
    expect(call.locator("#approvals-text")).to_have_text("wipe_device waits for approval.")
    expect(call.locator("#tools .tool-took")).to_have_text("needs approval")
    approve = card.get_by_role("button", name="Approve wipe_device")
    approve.focus()
    call.keyboard.press("Enter")
    assert fake.decisions.get(timeout=5) == ("tools/call/1/approve", "")
    expect(approve).to_be_disabled()
    fake.tell(at(14, "ToolApproved", tool_call="call/1", by="shop"))
    fake.tell(at(14, "RunTool", tool_call="call/1", name="wipe_device", arguments=ARGUMENTS))
    fake.tell(at(14.25, "ToolFinished", tool_call="call/1", status="ok", result='{"wiped":true}'))
    expect(call.locator("#approvals")).to_be_hidden()
    expect(call.locator("#approvals-text")).to_have_text("wipe_device was approved.")
    expect(call.locator("#tools .tool-took")).to_have_text("done · 250 ms")
    expect(call.locator("#tools .tool-body")).to_contain_text("Approved by shop")
    expect(call.locator(".entry.used .text")).to_have_text("wipe_device done · 250 ms")
    expect(call.locator("#scroll")).to_be_focused()


def test_a_denial_goes_with_the_servers_key_and_says_who_and_why(open_page: Open, fake: FakeServer) -> None:
    fake.key = "right"
    page = open_page()
    page.locator("#key").fill("right")
    page.get_by_role("button", name="Continue").click()
    begin(page, fake)
    told(page, fake, *ASKED, OTHER)
    page.get_by_role("button", name="Deny wipe_device").click()
    assert fake.decisions.get(timeout=5) == ("tools/call/1/deny", "Bearer right")
    fake.tell(at(15, "ToolDenied", tool_call="call/1", by="boss", reason="Not his phone."))
    denied = '{"error":{"message":"Not done: a person said no."}}'
    fake.tell(at(15, "ReturnToolResult", connection=1, tool_call="call/1", status="denied", result=denied))
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("button", name="Approve send_laptop")).to_be_focused()
    expect(page.locator("#tools details").last).to_contain_text("Denied by boss")
    expect(page.locator("#tools details").last).to_contain_text("Not his phone.")
    expect(page.locator("#tools .tool-took").last).to_have_text("denied · 5.00 s")


def test_an_answer_that_is_not_taken_says_why_and_may_be_given_again(call: Page, fake: FakeServer) -> None:
    told(call, fake, *ASKED)
    fake.refusal = (403, "this API key may not be used for 'calls:control'")
    approve = call.get_by_role("button", name="Approve wipe_device")
    approve.click()
    expect(call.get_by_role("article").get_by_role("alert")).to_contain_text("may not be used for 'calls:control'")
    expect(approve).to_be_focused()
    fake.refusal = None
    approve.click()
    assert fake.decisions.get(timeout=5)[0] == "tools/call/1/approve"


@pytest.mark.parametrize(
    "over",
    [
        at(70, "ReturnToolResult", connection=1, tool_call="call/1", status="denied", result="{}"),
        at(70, "CloseCall", disposition="completed", reason=""),
    ],
)
def test_what_nobody_answered_does_not_stay(call: Page, fake: FakeServer, over: dict[str, object]) -> None:
    told(call, fake, *ASKED)
    expect(call.locator("#approvals")).to_be_visible()
    fake.tell(over)
    expect(call.locator("#approvals")).to_be_hidden()


def test_the_caller_is_held_and_taken_off_hold(call: Page, fake: FakeServer) -> None:
    told(call, fake)
    hold = call.get_by_role("button", name="Hold", exact=True)
    expect(hold).to_have_attribute("aria-pressed", "false")
    hold.click()
    assert fake.decisions.get(timeout=5) == ("hold", "")
    fake.tell(at(12, "hold", held=True))
    resume = call.get_by_role("button", name="Resume", exact=True)
    expect(resume).to_have_attribute("aria-pressed", "true")
    expect(call.locator("#status-text")).to_have_text("On hold")
    expect(call.locator(".entry.note .text")).to_have_text(["The call is on hold. The agent hears nothing."])
    resume.click()
    assert fake.decisions.get(timeout=5) == ("resume", "")
    fake.tell(at(15, "hold", held=False))
    expect(hold).to_be_visible()
    expect(call.locator(".entry.note .text").last).to_have_text("The call is off hold.")


def test_a_hold_that_is_not_taken_says_why(call: Page, fake: FakeServer) -> None:
    told(call, fake)
    fake.refusal = (409, "the caller is on hold")
    call.get_by_role("button", name="Hold", exact=True).click()
    expect(call.locator("#status-text")).to_have_text("the caller is on hold")


def test_without_a_timeline_nobody_can_hold(open_page: Open, fake: FakeServer) -> None:
    fake.has_timeline = False
    page = begin(open_page(), fake)
    expect(page.get_by_role("button", name="Hold", exact=True)).to_be_disabled()


def test_notes_stand_in_the_conversation(call: Page, fake: FakeServer) -> None:
    note = '{"text":"Call back after five."}'
    fake.tell(*canned.GREETING)
    fake.tell(at(9, "ToolRequested", tool_call="n", name="leave_note", arguments=note))
    fake.tell(at(9, "RunTool", tool_call="n", name="leave_note", arguments=note))
    fake.tell(at(9.1, "ToolFinished", tool_call="n", status="ok", result='{"kept":true}'))
    expect(call.locator(".entry.note .text")).to_have_text("Note: Call back after five.")
    expect(call.locator("#tools .tool-name")).to_have_text("leave_note")


def test_what_the_call_does_itself_is_seen_too_and_its_end_is_not(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING)
    fake.tell(at(9, "ToolRequested", tool_call="d", name="collect_digits", arguments='{"count":5}'))
    expect(call.locator("#tools .tool-took")).to_have_text("asked")
    fake.tell(at(12, "ReturnToolResult", connection=1, tool_call="d", status="ok", result='{"digits":"47110"}'))
    fake.tell(at(13, "ToolRequested", tool_call="e", name="end_call", arguments="{}"))
    expect(call.locator("#tools .tool-took")).to_have_text("done · 3.00 s")


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_the_answers_are_within_the_window(open_page: Open, fake: FakeServer, width: int, tmp_path: Path) -> None:
    page = begin(open_page(viewport={"width": width, "height": 780}), fake)
    told(page, fake, *canned.ESTATES, *ASKED)
    for name in ("Approve wipe_device", "Deny wipe_device", "Hold", "Hang up", "Send"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / "approval.png")
