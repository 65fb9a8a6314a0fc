"""The review page in a real browser: both passes, each key, undo, people, failures."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import needs
from tests.review.project import CURATOR, Server, review_project
from tests.tables_builder import Tables
from voiceface.review.desk import FACES_SEEN
from voiceface.review.ledger import Event, read_ledger

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=no-user-gesture-required",
]
T = TypeVar("T")
SHORT = 10  # segments of each of Ana's videos


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needs(CHROMIUM.exists(), "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def project(tmp_path: Path) -> Tables:
    return review_project(tmp_path, SHORT)


@pytest.fixture
def server(project: Tables) -> Iterator[Server]:
    with Server(project.root, f"--curator={CURATOR}") as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector(".sample")
        yield page
        assert problems == []


def marks(tables: Tables, count: int) -> list[Event]:
    """The ledger's events, once there are so many."""
    return wait_for(lambda: read_ledger(tables.reviews), lambda found: len(found) >= count)


def wait_for(get: Callable[[], T], good: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + 10
    while not good(value := get()):
        assert time.monotonic() < deadline, value
        time.sleep(0.02)
    return value


def shown(page: Page) -> str:
    """The sample on screen."""
    return page.locator(".about code").inner_text()


def test_a_keep_after_hearing_and_a_drop_at_once_are_in_the_ledger(
    page: Page, project: Tables
) -> None:
    first = shown(page)
    page.get_by_text("Heard.").wait_for()
    page.keyboard.press("f")
    second = shown(page)
    page.keyboard.press("3")
    kept, dropped = marks(project, 2)
    assert (kept.sample, kept.decision, kept.curator) == (first, "keep", CURATOR)
    assert (dropped.sample, dropped.decision, dropped.reason) == (second, "drop", "another voice")
    assert shown(page) not in (first, second)
    assert json.dumps(page.evaluate("localStorage.getItem('voiceface.unsaved.ann')")) == "null"


def test_the_grid_drops_what_was_chosen_and_passes_the_rest(page: Page, project: Tables) -> None:
    page.click("#pass-faces")
    page.wait_for_selector(".grid")
    page.keyboard.press("w")
    page.locator(".tile").nth(2).click()
    chosen = page.locator(".tile[aria-pressed=true]").count()
    page.keyboard.press("Enter")
    dropped = marks(project, 2)
    assert chosen == 2
    assert {event.decision for event in dropped} == {"drop"}
    seen = wait_for(lambda: read_ledger(project.root / FACES_SEEN), bool)
    assert {event.decision for event in seen} == {"keep"}
    assert len(seen) == 2 * SHORT - 2
