"""Fixtures of the browser tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import needs
from tests.review.browser import ARGUMENTS, CHROMIUM, SHORT, opened
from tests.review.project import CURATOR, review_project, served
from tests.tables_builder import Tables


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: Playwright keeps an event loop in this thread."""
    needs(CHROMIUM.exists(), "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def project(tmp_path: Path) -> Tables:
    """A project of 25 samples."""
    return review_project(tmp_path, SHORT)


@pytest.fixture
def page(browser: Browser, project: Tables) -> Iterator[Page]:
    """The page of one curator, who is the only one."""
    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        yield page
