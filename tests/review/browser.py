"""The review page in a real Chromium: opening it, and what it shows."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.tables_builder import Tables
from voiceface.review.ledger import Event, read_ledger

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=no-user-gesture-required",
]
T = TypeVar("T")
SHORT = 10  # segments of each of Ana's videos


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """A page in a context of its own; no error may occur in it."""
    with browser.new_context() as context:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url)
        page.wait_for_selector(".sample")
        yield page
        assert problems == []


def marks(tables: Tables, count: int) -> list[Event]:
    """The ledger's events, once there are so many."""
    return wait_for(lambda: read_ledger(tables.reviews), lambda found: len(found) >= count)


def wait_for(get: Callable[[], T], good: Callable[[T], bool]) -> T:
    """What `get` returns, once it is good."""
    deadline = time.monotonic() + 10
    while not good(value := get()):
        assert time.monotonic() < deadline, value
        time.sleep(0.02)
    return value


def shown(page: Page) -> str:
    """The sample on screen."""
    return page.locator(".about code").inner_text()


def unsaved(page: Page) -> str:
    """The marks that the browser keeps; empty when there are none."""
    script = """Object.entries(localStorage).filter(([key]) => key.startsWith('voiceface.unsaved.'))
        .map(([, value]) => value).join()"""
    return page.evaluate(script)


def heard(page: Page) -> None:
    """Wait until the sound on screen was heard."""
    page.get_by_text("Heard.").wait_for()


def violations(page: Page) -> list[str]:
    """What axe finds wrong on the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']][:3]}" for one in found]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
