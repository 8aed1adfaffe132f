"""The page around the talk: its states, keys, names, widths and themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import canned
from tests.browser.canned import at, cost
from tests.browser.conftest import Open, begin
from tests.browser.fake import FakeServer

PHONE = {"viewport": {"width": 390, "height": 844}}
NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "%s"); };
"""


# -- states ------------------------------------------------------------------------------------------------------------


def test_it_begins_with_one_thing_to_press(page: Page) -> None:
    expect(page.get_by_role("heading", name="Talk to Northgate Motors")).to_be_visible()
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    expect(page.get_by_text("American English · answered by nova-2-sonic")).to_be_visible()
    expect(page.get_by_role("contentinfo")).to_be_hidden()


def test_the_agent_that_was_chosen_is_remembered(page: Page) -> None:
    page.get_by_label("Agent", exact=True).select_option("Riverside Clinic")
    expect(page.get_by_role("heading", name="Talk to Riverside Clinic")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Talk to Riverside Clinic")).to_be_visible()


def test_a_server_with_keys_asks_for_one_and_says_when_it_is_wrong(open_page: Open, fake: FakeServer) -> None:
    fake.key = "right"
    page = open_page()
    page.get_by_label("Server key").first.fill("wrong")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("That key was not accepted")
    page.locator("#key").fill("right")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    assert page.evaluate("JSON.stringify(localStorage)").count("right") == 0


def test_a_server_without_agents_says_so(open_page: Open, fake: FakeServer) -> None:
    fake.agents = []
    expect(open_page().get_by_role("alert")).to_contain_text("No agent answers here")


def test_a_full_server_says_so_and_may_be_tried_again(page: Page, fake: FakeServer) -> None:
    fake.refusal = (503, "this server has as many calls as it can serve")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("All lines are busy")
    fake.refusal = None
    begin(page, fake, "Try again")


def test_what_is_not_allowed_is_told_in_the_servers_words(page: Page, fake: FakeServer) -> None:
    fake.refusal = (403, "this API key may not be used for 'secrets'")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This API key may not be used for 'secrets'.")


def test_a_server_that_is_away_says_so(page: Page) -> None:
    page.route("**/v1/realtime/client_secrets", lambda route: route.abort())
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotAllowedError", "The microphone is blocked"), ("NotFoundError", "No microphone was found")],
)
def test_without_a_microphone_one_may_type(open_page: Open, fake: FakeServer, error: str, words: str) -> None:
    page = open_page(before=NO_MICROPHONE % error)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    begin(page, fake, "Type instead")


def test_a_lost_connection_keeps_what_was_said(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING)
    expect(call.locator("#entries .entry")).to_have_count(1)
    fake.hang_up(1011)
    expect(call.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(call.locator("#entries .entry")).to_have_count(1)
    expect(call.get_by_role("button", name="Call again")).to_be_visible()


@pytest.mark.parametrize(
    ("disposition", "words"),
    [
        ("completed", "The call is over"),
        ("silence", "nobody spoke for a while"),
        ("handoff", "asked for a person"),
        ("model_lost", "model was lost"),
        ("transferred", "Somebody else has the call"),
        ("too_dear", "cost as much as it may"),
    ],
)
def test_a_call_that_ends_says_why(call: Page, fake: FakeServer, disposition: str, words: str) -> None:
    fake.tell(*canned.GREETING, at(9, "CloseCall", disposition=disposition))
    fake.hang_up()
    expect(call.locator("#notice")).to_contain_text(words)


def test_hanging_up_and_calling_again_begins_anew(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING)
    expect(call.locator("#entries .entry")).to_have_count(1)
    call.get_by_role("button", name="Hang up").click()
    expect(call.get_by_role("button", name="Call again")).to_be_visible()
    fake.tell(*canned.ESTATES)  # what the timeline still had to say
    call.wait_for_timeout(300)
    begin(call, fake, "Call again")
    expect(call.locator("#entries .entry")).to_have_count(0)


def test_a_call_that_is_being_set_up_can_be_given_up(page: Page) -> None:
    page.route("**/v1/realtime/client_secrets", lambda route: None)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("heading", name="Calling Northgate Motors")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()


# -- details -----------------------------------------------------------------------------------------------------------


def test_tools_show_what_was_asked_what_came_and_how_long_it_took(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.ESTATES, *canned.BOOKING, at(40, "CancelTool", tool_call="3"))
    rows = call.locator("#tools details")
    expect(rows.locator(".tool-name")).to_have_text(["book_test_drive", "book_test_drive", "find_cars"])
    expect(rows.locator(".tool-took")).to_have_text(["cancelled · 13.0 s", "failed · 1.60 s", "done · 112 ms"])
    expect(rows.nth(2)).to_contain_text('"max_price": 25000')
    expect(rows.nth(2)).to_contain_text('"price": 19500')
    rows.nth(1).locator("summary").click()
    expect(rows.nth(1)).to_contain_text("the calendar did not answer")


def test_figures_follow_the_turns(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING, *canned.ESTATES, *canned.CUT_IN, *canned.BOOKING)
    expect(call.locator("#figures")).to_contain_text("Last reply after1.84s")
    expect(call.locator("#figures")).to_contain_text("Typical reply after911ms")
    expect(call.locator("#figures")).to_contain_text("Cost so far$0.0071Prices: 2026-11-22")
    expect(call.get_by_role("img", name="Turn 3: 1.84 s")).to_have_count(1)
    expect(call.locator(".latency")).to_have_text(["after 624 ms", "after 911 ms", "after 1.84 s"])


@pytest.mark.parametrize(("reason", "words"), [("simulated", "Simulated"), ("unpriced", "No price")])
def test_a_cost_that_is_not_known_is_not_nothing(call: Page, fake: FakeServer, reason: str, words: str) -> None:
    fake.tell(cost(1, None, reason, speech_in=5))
    expect(call.locator("#figures")).to_contain_text(words)
    expect(call.locator("#figures")).not_to_contain_text("$")


# -- keys --------------------------------------------------------------------------------------------------------------


def test_space_mutes_and_unmutes(call: Page) -> None:
    call.keyboard.press("Space")
    expect(call.get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
    call.keyboard.press("Space")
    expect(call.get_by_role("button", name="Mute", exact=True)).to_have_attribute("aria-pressed", "false")


def test_space_can_be_held_to_talk(open_page: Open, fake: FakeServer) -> None:
    page = open_page()
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_label("Space bar").select_option("Hold to talk")
    page.keyboard.press("Escape")
    begin(page, fake)
    mute = page.locator("#mute")
    expect(mute).to_have_attribute("aria-pressed", "true")
    page.keyboard.down("Space")
    expect(mute).to_have_attribute("aria-pressed", "false")
    page.keyboard.up("Space")
    expect(mute).to_have_attribute("aria-pressed", "true")


def test_typing_begins_a_message_and_enter_sends_it(call: Page, fake: FakeServer) -> None:
    call.keyboard.type("hi there")
    call.keyboard.press("Enter")
    item = fake.expect("conversation.item.create")["item"]
    assert item == {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi there"}]}
    fake.expect("response.create")
    expect(call.get_by_label("Message to the agent")).to_have_value("")


def test_everything_can_be_reached_by_keyboard(call: Page) -> None:
    reached = set()
    for _ in range(25):
        call.keyboard.press("Tab")
        reached.add(call.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert {"theme", "open-settings", "scroll", "mute", "hang-up", "words", "Send"} <= reached


def test_focus_can_be_seen(call: Page) -> None:
    call.keyboard.press("Tab")
    outline = call.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


# -- names, contrast, motion -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["button", "combobox", "textbox", "tab", "dialog", "region"])
def test_everything_has_a_name(call: Page, role: str) -> None:
    call.get_by_role("button", name="Settings", exact=True).click()
    everything = call.get_by_role(role, include_hidden=True)  # type: ignore[arg-type]
    named = call.get_by_role(role, name=re.compile(r"\S"), include_hidden=True)  # type: ignore[arg-type]
    unnamed = everything.evaluate_all("found => found.map(one => one.outerHTML.slice(0, 80))")
    assert everything.count() == named.count(), unnamed


READABLE = [
    ("ink", "ground"),
    ("ink-soft", "ground"),
    ("ink-faint", "ground"),
    ("ink-faint", "surface"),
    ("ink-soft", "sunken"),
    ("accent", "ground"),
    ("on-accent", "accent"),
    ("on-danger", "danger"),
    ("agent", "ground"),
    ("caller", "ground"),
    ("warn", "ground"),
    ("warn", "warn-soft"),
    ("danger", "warn-soft"),
    ("ink", "warn-soft"),
    ("good", "sunken"),
]
CONTRAST = """pairs => {
  const probe = document.body.appendChild(document.createElement("p"));
  const light = (name) => {
    probe.style.color = `var(--${name})`;
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return pairs.map(([one, two]) => {
    const [dark, bright] = [light(one), light(two)].sort((a, b) => a - b);
    return [one, two, (bright + 0.05) / (dark + 0.05)];
  });
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_in_both_themes(open_page: Open, theme: str) -> None:
    page = open_page(color_scheme=theme)
    faint = [found for found in page.evaluate(CONTRAST, READABLE) if found[2] < 4.5]  # WCAG 2.2, 1.4.3
    assert faint == []


def test_the_theme_follows_the_system_until_it_is_chosen(open_page: Open) -> None:
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(18, 20, 22)"
    page.get_by_role("button", name="Theme: automatic").click()
    assert page.evaluate(ground) == "rgb(247, 246, 243)"
    page.reload()
    expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert page.evaluate(ground) == "rgb(247, 246, 243)"


def test_nothing_moves_for_those_who_want_it_still(open_page: Open, fake: FakeServer) -> None:
    page = open_page(reduced_motion="reduce")
    page.route("**/v1/realtime/client_secrets", lambda route: None)
    page.get_by_role("button", name="Call", exact=True).click()
    page.get_by_role("heading", name="Calling Northgate Motors").wait_for()
    assert page.evaluate("document.getAnimations().length") == 0


# -- widths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_nothing_is_wider_than_the_window(open_page: Open, fake: FakeServer, width: int) -> None:
    page = begin(open_page(viewport={"width": width, "height": 780}), fake)
    fake.tell(*canned.GREETING, *canned.ESTATES, *canned.CUT_IN)
    page.locator(".cut-mark").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Mute", "Hang up", "Send"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_parts_are_tabs(open_page: Open, fake: FakeServer) -> None:
    page = begin(open_page(**PHONE), fake)
    fake.tell(*canned.GREETING, *canned.ESTATES)
    expect(page.locator("#tools")).to_be_hidden()
    page.get_by_role("tab", name="Tools 1").click()
    expect(page.locator("#tools")).to_be_visible()
    expect(page.locator("#conversation")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Figures")).to_be_focused()
    expect(page.locator("#figures")).to_be_visible()


# -- settings ----------------------------------------------------------------------------------------------------------


def test_devices_can_be_chosen_and_are_remembered(call: Page, fake: FakeServer) -> None:
    call.get_by_role("button", name="Settings", exact=True).click()
    call.get_by_label("Microphone").select_option("Fake Audio Input 2")
    call.get_by_role("button", name="Close settings").click()
    before = fake.heard_bytes
    call.wait_for_timeout(400)
    assert fake.heard_bytes > before
    call.get_by_role("button", name="Hang up").click()
    call.reload()
    begin(call, fake)
    call.get_by_role("button", name="Settings", exact=True).click()
    expect(call.get_by_label("Microphone").locator("option:checked")).to_have_text("Fake Audio Input 2")
