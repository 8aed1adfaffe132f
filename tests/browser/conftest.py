"""A real Chromium, the fake server, and a page of the console."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.fake import FakeServer, served

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
)
EXPECTED_NOISE = "Failed to load resource"  # the browser's own word on an answer that a test wanted to be an error

Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.fail("there is no Chromium here: apt-get install chromium, or 'make unit' for the tests without it")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with served(FakeServer()) as fake:
        yield fake


@pytest.fixture
def open_page(browser: Browser, fake: FakeServer) -> Iterator[Open]:
    """Opens the console; at the end nothing may have gone wrong in it, breaches of its policy included."""
    contexts: list[BrowserContext] = []
    wrongs: list[str] = []

    def open_page(*, before: str = "", url: str = "", at: datetime | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: wrongs.append(str(error)))
        page.on("console", lambda message: wrongs.append(message.text) if message.type == "error" else None)
        if before:
            page.add_init_script(before)
        if at is not None:
            page.clock.set_fixed_time(at)
        page.goto(url or fake.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [wrong for wrong in wrongs if EXPECTED_NOISE not in wrong] == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()


@pytest.fixture
def call(page: Page, fake: FakeServer) -> Page:
    """The page in a call."""
    return begin(page, fake)


def begin(page: Page, fake: FakeServer, button: str = "Call") -> Page:
    page.get_by_role("button", name=button, exact=True).click()
    fake.expect("session.update")
    page.get_by_role("button", name="Hang up").wait_for()
    return page
