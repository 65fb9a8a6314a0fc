"""A server asked over HTTP without a browser, and the page in one."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.testclient import TestClient

from tests.conftest import needs
from tests.review.browser import ARGUMENTS, CHROMIUM, opened
from tests.review.project import CURATOR, review_project, served
from tests.tables_builder import Tables
from voiceface.config import load_settings
from voiceface.layout import CONFIG
from voiceface.review.app import review_app
from voiceface.review.desk import Desk
from voiceface.review.ledger import Event, read_ledger, uuid7
from voiceface.web.safe import Guard

HOST = "127.0.0.1:8000"
TOKENS = {"token-of-ann": "ann", "token-of-bo": "bo", "token-of-cy": "cy"}


class Curator:
    """One curator's requests."""

    def __init__(self, client: TestClient, token: str) -> None:
        self.client = client
        self.headers = {"cookie": f"v={token}", "origin": f"http://{HOST}"}

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        headers = {**self.headers, "content-type": "application/json"}
        answer = self.client.post(path, content=json.dumps(body), headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def next(self, count: int = 1, tab: str = "t", **query: Any) -> list[dict[str, Any]]:
        return self.post("/api/lease", {"tab": tab, "count": count, **query})["samples"]

    def mark(self, sample: dict[str, Any], decision: str, **more: Any) -> dict[str, Any]:
        reason = {"reason": "bad face"} if decision == "drop" else {}
        wanted = {name: sample[name] for name in ("sample", "content")}
        one = {"id": uuid7(), "decision": decision, **wanted, **reason, **more}
        return self.post("/api/marks", {"marks": [one]})

    def hear(self, sample: dict[str, Any]) -> str:
        self.post("/api/play", {"content": sample["content"]})
        time.sleep(max(0.0, sample["seconds"] / 2 - 0.2))
        return self.post("/api/heard", {"content": sample["content"]})["heard"]


@pytest.fixture
def project(tmp_path: Path) -> Tables:
    return review_project(tmp_path, 6, must_hear=False)


Opener = Callable[..., TestClient]


@pytest.fixture
def opener(project: Tables) -> Iterator[Opener]:
    """Opens a server on the project, with settings of the section `review` laid over."""
    opened: list[TestClient] = []

    def open_it(**review: Any) -> TestClient:
        settings = load_settings(project.root / CONFIG)
        section = settings.review.model_copy(update=review)
        settings = settings.model_copy(update={"review": section})
        desk = Desk(project.root, settings, list(TOKENS.values()))
        app = Guard(review_app(desk), TOKENS, [HOST], "v")
        client = TestClient(app, base_url=f"http://{HOST}")
        client.__enter__()
        opened.append(client)
        return client

    yield open_it
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(opener: Opener) -> TestClient:
    return opener()


@pytest.fixture
def ann(client: TestClient) -> Curator:
    return Curator(client, "token-of-ann")


@pytest.fixture
def bo(client: TestClient) -> Curator:
    return Curator(client, "token-of-bo")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: Playwright keeps an event loop in this thread."""
    needs(CHROMIUM.exists(), "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, project: Tables) -> Iterator[Page]:
    """The page of one curator, who is the only one."""
    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        yield page


def ledger(project: Tables) -> list[Event]:
    return read_ledger(project.reviews)
