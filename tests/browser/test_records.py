"""The pages about calls that are over, in a browser, over the real routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.records import RecordsServer, many_calls
from tests.unit.server.kept import NOW, KeptCalls
from vivavoce.ledger.record import TurnKind
from vivavoce.server.keys import hash_of
from vivavoce.server.settings import KeyLine, ServerSettings
from vivavoce.store.port import CallFilter

PHONE = {"viewport": {"width": 390, "height": 844}}
LIVE = {"id": "c9", "agent": "The desk", "opened": "2026-03-02T09:14:00+00:00", "held": True, "approvals": []}

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordsServer]:
    with RecordsServer(many_calls(130), tmp_path_factory.mktemp("calls")).running() as server:
        yield server


@pytest.fixture
def show(open_page: Open, server: RecordsServer) -> Show:
    return lambda path, **options: open_page(url=server.url + path, at=NOW, timezone_id="UTC", **options)


def one_call(server: RecordsServer) -> str:
    return f"calls/{server.call.record.call}"


def seconds(page: Page) -> float:
    return float(page.evaluate("document.getElementById('audio').currentTime"))


def wait_until(holds: Callable[[], bool], page: Page) -> None:
    """As ``wait_for_function``, which the pages' policy forbids."""
    for _ in range(400):
        if holds():
            return
        page.wait_for_timeout(20)
    pytest.fail("it never came about")


def view(page: Page) -> tuple[float, float]:
    begin, end = page.evaluate("(({ begin, end }) => [begin, end])(document.getElementById('axis').dataset)")
    return float(begin), float(end)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_filters_change_the_list_and_the_address(show: Show, server: RecordsServer) -> None:
    page = show("calls")
    expect(page.get_by_role("status")).to_contain_text("130 calls, 50 shown")
    page.get_by_label("Agent").select_option("The sales")
    theirs = sum(call.record.agent == "The sales" for call in server.kept.calls)
    expect(page.get_by_role("status")).to_have_text(f"{theirs} calls")
    page.get_by_label("Has a turn").select_option("Tool")
    page.get_by_label("Slower than, ms").fill("1100")
    page.get_by_label("Sort by").select_option("Slowest turn")
    expect(page).to_have_url(re.compile(r"\?order=slowest&agent=The\+sales&kind=tool&slower_than_ms=1100$"))
    which = CallFilter(agent="The sales", kind=TurnKind.TOOL, slower_than_ms=1_100)
    expect(page.get_by_role("status")).to_have_text(f"{server.kept.list_calls(which).total} calls")
    page.reload()
    expect(page.get_by_role("status")).to_have_text(f"{server.kept.list_calls(which).total} calls")
    expect(page.get_by_label("Agent")).to_have_value("The sales")
    slowest = page.locator("[data-label=Slowest]").all_text_contents()
    assert slowest == sorted(slowest, key=lambda text: -float(text.split()[0]))
    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(f"{server.url}calls")


def test_words_and_days_are_looked_for(show: Show, server: RecordsServer) -> None:
    page = show("calls?since=2026-02-20&until=2026-02-21")
    opened = [call.record.opened[:10] for call in server.kept.calls]
    days = sum(day in ("2026-02-20", "2026-02-21") for day in opened)
    expect(page.get_by_role("status")).to_have_text(f"{days} calls")
    page.get_by_label("Said, or id").fill("no such words")
    expect(page.get_by_role("heading", name="No call is like that")).to_be_visible()
    page.locator("#notice").get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("status")).to_contain_text("130 calls")


def test_more_calls_come_when_asked_for_and_lead_to_one(show: Show, server: RecordsServer) -> None:
    page = show("calls")
    page.get_by_role("button", name="More calls").click()
    expect(page.locator("tbody tr")).to_have_count(100)
    expect(page.locator("tbody tr").nth(50).get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Turns")).to_be_visible()
    page.get_by_role("link", name="Calls").first.click()
    expect(page.get_by_role("heading", name="Calls", exact=True)).to_be_visible()


def test_live_calls_are_on_top(show: Show, server: RecordsServer) -> None:
    server.live.append(LIVE)
    live = show("calls").get_by_role("region", name="Live calls")
    expect(live).to_contain_text("Live now: 1 call")
    expect(live).to_contain_text("for 1:00")
    expect(live).to_contain_text("on hold")
    server.live.clear()


def test_an_empty_store_says_what_to_do(show: Show, server: RecordsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.kept, "calls", [])
    page = show("calls")
    expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
    expect(page.get_by_role("link", name="Talk to an agent")).to_be_visible()


@pytest.mark.parametrize("path", ["calls", "dashboards", "calls/x"])
def test_a_store_that_is_away_is_told_and_tried_again(show: Show, server: RecordsServer, path: str) -> None:
    server.kept.away = True
    try:
        page = show(path)
        expect(page.get_by_role("alert")).to_contain_text("The store of calls is away")
    finally:
        server.kept.away = False
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The store of calls is away")).to_be_hidden()


def test_a_key_is_asked_for_and_serves_all_pages(open_page: Open, tmp_path: Path) -> None:
    reads = KeyLine("reads", hash_of("vv_reads"), scopes=("calls:read",))
    keyed = RecordsServer(KeptCalls.of(20), tmp_path, ServerSettings(keys=(reads,)))
    with keyed.running():
        page = open_page(url=f"{keyed.url}calls", at=NOW)
        page.get_by_label("Server key").fill("vv_wrong")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert")).to_contain_text("That key was not accepted")
        page.get_by_label("Server key").fill("vv_reads")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("status")).to_have_text("20 calls")
        page.goto(f"{keyed.url}{one_call(keyed)}")
        page.get_by_role("button", name="Go to turn 1").click()
        wait_until(lambda: seconds(page) > 1, page)


# -- one call ----------------------------------------------------------------------------------------------------------


def test_a_click_on_the_waveform_plays_from_there(show: Show, server: RecordsServer) -> None:
    page = show(one_call(server))
    wait_until(lambda: page.evaluate("document.getElementById('audio').readyState > 0"), page)
    box = page.locator("#axis").bounding_box()
    assert box is not None
    length = server.call.record.duration_us / 1e6
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Pause").press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert length / 2 - 0.2 <= seconds(page) <= length / 2 + 3
    page.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + 200)
    wait_until(lambda: abs(seconds(page) - length * 0.1) < 3, page)
    expect(page.get_by_role("slider", name="Time in the call")).to_have_attribute("aria-valuetext", re.compile("turn"))


def test_the_view_is_zoomed_and_scrolled_by_keys_buttons_and_wheel(show: Show, server: RecordsServer) -> None:
    page = show(one_call(server))
    length = server.call.record.duration_us / 1e6
    axis = page.get_by_role("slider", name="Time in the call")
    axis.focus()
    page.keyboard.press("+")
    begin, end = view(page)
    assert end - begin == pytest.approx(length / 2, abs=0.01)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Scroll on").click()
    assert view(page)[0] == pytest.approx(length / 8, abs=0.01)
    axis.hover()
    page.keyboard.down("Control")
    with page.expect_response(lambda answer: "begin_us" in answer.url):
        page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    closer = view(page)
    assert closer[1] - closer[0] < length / 8
    page.mouse.wheel(200, 0)
    wait_until(lambda: view(page)[0] > closer[0], page)
    axis.press("0")
    assert view(page) == pytest.approx((0, length), abs=0.01)
    expect(page.get_by_role("button", name="Whole call")).to_be_disabled()


def test_the_arrows_move_the_playhead_and_do_not_play(show: Show, server: RecordsServer) -> None:
    page = show(one_call(server))
    wait_until(lambda: page.evaluate("document.getElementById('audio').readyState > 0"), page)
    axis = page.get_by_role("slider", name="Time in the call")
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        axis.press(key)
    expect(page.locator("#time")).to_have_text("0:05.0")
    wait_until(lambda: seconds(page) == 5, page)
    assert page.evaluate("document.getElementById('audio').paused")
    page.locator("#axis").press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_a_lane_tells_what_is_in_it(show: Show, server: RecordsServer) -> None:
    page = show(one_call(server))
    axis, record = page.locator("#axis"), server.call.record
    expect(axis).to_be_visible()
    box = axis.bounding_box()
    assert box is not None
    tool = next(tool for turn in record.turns for tool in turn.tools)
    x = tool.started_us / record.duration_us * box["width"] + 2
    names = page.locator("#axis-names")
    y = names.get_by_text("Tools").evaluate("element => element.offsetTop + element.offsetHeight / 2")
    axis.hover(position={"x": x, "y": y})
    expect(page.locator("#tip")).to_contain_text(f"find_cars: {tool.status}")
    axis.hover(position={"x": x, "y": names.get_by_text("Turns").evaluate("element => element.offsetTop + 10")})
    expect(page.locator("#tip")).to_contain_text("Answered after")


def test_turns_tell_wait_money_and_what_was_not_heard(show: Show, server: RecordsServer) -> None:
    page = show(one_call(server))
    cut = next(turn for turn in server.call.record.turns if turn.interrupted)
    box = page.locator(f"#turn-{cut.number}")
    expect(box.locator(".stack")).to_have_attribute("aria-label", re.compile(r"Model \d.*, This server 7 ms, Silence"))
    expect(box).to_contain_text("by events")
    expect(box).to_contain_text("on the recording")
    expect(box).to_contain_text("not heard")
    assert cut.agent.removeprefix(cut.heard) == box.locator("del").text_content()
    expect(box.get_by_role("heading", name="Agent, as heard")).to_be_visible()
    whole = next(turn for turn in server.call.record.turns if turn.number and not turn.interrupted)
    expect(page.locator(f"#turn-{whole.number}").get_by_role("heading", name="Agent, as heard")).to_be_hidden()


def test_a_call_without_sound_is_drawn_from_its_timeline(show: Show, server: RecordsServer) -> None:
    silent = next(call.record for call in server.kept.calls if not call.recorded)
    page = show(f"calls/{silent.call}")
    expect(page.get_by_text("No sound is kept of this call.")).to_be_visible()
    expect(page.get_by_text("Drawn from the timeline alone")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_disabled()
    page.get_by_role("button", name="Go to turn 1").click()
    expect(page.locator("#turn-1")).to_have_attribute("data-now", "")


@pytest.mark.parametrize(
    ("what", "says"),
    [("torn", "its last second may be missing"), ("simulated", "Simulated: latencies say nothing"),
     ("unpriced", "No price is known for")],
)  # fmt: skip
def test_what_a_reader_must_know_stands_on_top(show: Show, server: RecordsServer, what: str, says: str) -> None:
    holds: dict[str, Any] = {
        "torn": lambda call: call.record.torn,
        "simulated": lambda call: call.record.simulated,
        "unpriced": lambda call: call.cost.unpriced,
    }
    call = next(call for call in server.kept.calls if holds[what](call))
    expect(show(f"calls/{call.record.call}").locator("#flags")).to_contain_text(says)


def test_a_call_that_is_not_kept_is_said_to_be_none(show: Show) -> None:
    expect(show("calls/nobody").get_by_role("alert")).to_contain_text("There is no such call")


# -- dashboards --------------------------------------------------------------------------------------------------------


def test_a_dashboard_tells_each_kind_apart_and_says_what_has_no_price(show: Show, server: RecordsServer) -> None:
    page = show("dashboards?range=30")
    for kind in ("First", "Clean", "Tool", "Interrupted", "Renewal"):
        expect(page.get_by_role("img", name=f"{kind} turns: wait for the reply")).to_be_visible()
    expect(page.get_by_role("img", name="Spend by model and day, USD")).to_be_visible()
    expect(page.get_by_text("Calls without a known price are not in here").first).to_be_visible()
    real = sum(not call.record.simulated for call in server.kept.calls)
    expect(page.locator(".tile").nth(1)).to_contain_text(str(real))
    expect(page.locator("#refused")).to_contain_text("Calls: all lines busy7")
    page.locator("#by-model .column").nth(5).hover(force=True)
    expect(page.locator("#by-model .tip")).to_contain_text("nova-2-sonic $")
    page.locator("#by-model summary").click()
    expect(page.locator("#by-model").get_by_role("columnheader", name="gpt-realtime")).to_be_visible()


def test_ranges_agents_and_bases_are_chosen_and_stand_in_the_address(show: Show, server: RecordsServer) -> None:
    page = show("dashboards")
    page.get_by_text("30 d").click()
    page.get_by_label("Agent").select_option("The sales")
    page.get_by_label("Counted").select_option("On the recording")
    page.get_by_label("Which calls").select_option("Simulated calls")
    expect(page).to_have_url(re.compile(r"\?range=30&agent=The\+sales&simulated=true&basis=audio$"))
    expect(page.locator("#simulated-note")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Agent")).to_have_value("The sales")
    theirs = sum(call.record.agent == "The sales" and call.record.simulated for call in server.kept.calls)
    expect(page.locator(".tile").nth(1)).to_contain_text(f"{theirs}")


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["calls", "dashboards", "one", ""])
def test_a_phone_needs_no_scrolling_sideways(show: Show, server: RecordsServer, path: str) -> None:
    page = show(one_call(server) if path == "one" else path, color_scheme="dark", **PHONE)
    expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 22)"


def test_the_pages_lead_to_each_other_and_keep_the_theme(show: Show) -> None:
    page = show("")
    page.get_by_role("button", name="Theme: automatic").click()
    page.get_by_role("button", name="Theme: light").click()
    navigation = page.get_by_role("navigation", name="Console")
    for name in ("Calls", "Dashboards"):
        navigation.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        expect(navigation.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
