"""The pictures of the console in the documents: ``python -m tests.browser.pictures docs/images``."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import canned
from tests.browser.conftest import CHROMIUM, FLAGS, begin
from tests.browser.fake import FakeServer, served

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


def main(folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (viewport, theme) in PICTURES.items():
            take(browser, folder / name, viewport, theme)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
