"""The pictures of the console in the documents: ``python -m tests.browser.pictures docs/images``."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.browser import canned
from tests.browser.conftest import CHROMIUM, FLAGS, begin
from tests.browser.fake import FakeServer, served
from tests.browser.records import RecordsServer, many_calls
from tests.unit.server.kept import NOW

PICTURES = {
    "console-wide.png": ({"width": 1280, "height": 800}, "light"),
    "console-phone.png": ({"width": 390, "height": 844}, "dark"),
}


def take(browser: Browser, path: Path, viewport: dict[str, int], theme: str) -> None:
    """In the middle of the canned call, the agent talking."""
    with served(FakeServer()) as fake:
        page = browser.new_page(viewport=viewport, color_scheme=theme)  # type: ignore[arg-type]
        page.goto(fake.url)
        begin(page, fake)
        fake.tell(*canned.GREETING, *canned.ESTATES)
        fake.send({"type": "response.created", "response": {"id": "r2"}})
        fake.speak("i2", "r2", 8)
        page.wait_for_timeout(3_000)
        fake.send({"type": "input_audio_buffer.speech_started", "item_id": "u"})
        fake.tell(*canned.CUT_IN)
        page.wait_for_timeout(1_500)
        fake.tell(*canned.BOOKING)
        fake.send({"type": "response.created", "response": {"id": "r3"}})
        fake.speak("i3", "r3", 4)
        page.wait_for_timeout(2_500)
        page.screenshot(path=path)
        page.close()


RECORDS = {
    "console-calls.png": ("calls", {"width": 1280, "height": 800}, "light"),
    "console-one-call.png": ("", {"width": 1280, "height": 990}, "light"),
    "console-one-call-phone.png": ("", {"width": 390, "height": 844}, "dark"),
    "console-dashboards.png": ("dashboards?range=30", {"width": 1280, "height": 1130}, "light"),
}
"""The pages about calls that are over; without a path, the one of a call."""


def take_records(browser: Browser, folder: Path) -> None:
    """Over calls that are made up."""
    with TemporaryDirectory() as calls, RecordsServer(many_calls(400), Path(calls)).running() as server:
        server.live = [
            {"id": "20260302-091211-a01f", "agent": "The desk", "opened": (NOW - timedelta(minutes=3)).isoformat(),
             "held": False, "approvals": []},
        ]  # fmt: skip
        for name, (path, viewport, theme) in RECORDS.items():
            page = browser.new_page(viewport=viewport, color_scheme=theme, timezone_id="UTC")  # type: ignore[arg-type]
            page.clock.set_fixed_time(NOW)
            page.goto(f"{server.url}{path or f'calls/{server.call.record.call}'}")
            page.wait_for_load_state("networkidle")
            if not path:
                turn = next(turn for turn in server.call.record.turns if turn.interrupted)
                page.get_by_role("slider").press("ArrowRight")
                if viewport["width"] > 500:
                    page.locator("#turns > li").evaluate_all(
                        "(all, kept) => all.forEach((one) => one.hidden = one.id !== kept)", f"turn-{turn.number}"
                    )
                page.evaluate("document.activeElement.blur(); scrollTo(0, innerWidth > 500 ? 0 : 330)")
                page.wait_for_timeout(500)
            page.screenshot(path=folder / name)
            page.close()


def main(folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (viewport, theme) in PICTURES.items():
            take(browser, folder / name, viewport, theme)
        take_records(browser, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
