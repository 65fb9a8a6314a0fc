"""The review page in a real browser: both passes, each key, undo, people, failures."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.conftest import needs
from tests.review.project import CURATOR, Server, review_project, served
from tests.tables_builder import Tables
from voiceface.layout import FACES_SEEN
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
def page(browser: Browser, project: Tables) -> Iterator[Page]:
    """The page of one curator, who is the only one."""
    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        yield page


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


def test_a_keep_after_hearing_and_a_drop_at_once_are_in_the_ledger(
    page: Page, project: Tables
) -> None:
    first = shown(page)
    heard(page)
    page.keyboard.press("f")
    second = shown(page)
    page.keyboard.press("3")
    kept, dropped = marks(project, 2)
    assert (kept.sample, kept.decision, kept.curator) == (first, "keep", CURATOR)
    assert (dropped.sample, dropped.decision, dropped.reason) == (second, "drop", "another voice")
    assert shown(page) not in (first, second)
    wait_for(lambda: unsaved(page), lambda found: found == "")


def test_each_key_of_the_sound_pass_does_what_it_says(page: Page, project: Tables) -> None:
    names = [shown(page)]
    for key in "s1245d":
        page.keyboard.press(key)
        names.append(shown(page))
    made = marks(project, 6)
    assert len(set(names)) == 7
    assert [event.sample for event in made] == names[:-1]
    assert [event.decision for event in made] == ["unsure", *["drop"] * 5]
    reasons = ["", "bad face", "another person", "noise or music", "mouth does not fit", "bad face"]
    assert [event.reason for event in made] == reasons
    page.keyboard.press("g")  # on, without a mark
    assert shown(page) != names[-1]
    page.keyboard.press("w")
    assert page.get_by_text("1.25×").is_visible()
    heard(page)
    with page.expect_request("**/api/play"):
        page.keyboard.press("r")
    page.keyboard.press("a")
    back = marks(project, 7)[-1]
    assert (back.decision, back.undoes) == ("undo", made[-1].id)
    assert shown(page) == names[-2]


def test_a_keep_that_comes_early_waits_until_the_sound_was_heard(
    page: Page, project: Tables
) -> None:
    page.evaluate("HTMLMediaElement.prototype.play = () => Promise.resolve()")
    page.keyboard.press("g")
    name = shown(page)
    page.keyboard.press("f")
    assert page.get_by_text("It will be kept once it is heard.").is_visible()
    assert shown(page) == name
    assert read_ledger(project.reviews) == []


def test_a_note_goes_with_the_mark_as_text(page: Page, project: Tables) -> None:
    page.keyboard.press("e")
    page.keyboard.type("<img src=x onerror=alert(1)> fine")
    page.keyboard.press("Enter")
    name = shown(page)
    page.keyboard.press("s")
    (event,) = marks(project, 1)
    assert (event.sample, event.note) == (name, "<img src=x onerror=alert(1)> fine")
    page.keyboard.press("a")
    page.select_option("#queue", "all")
    marks(project, 2)


def test_undo_works_over_a_reload(page: Page, project: Tables) -> None:
    first = shown(page)
    page.keyboard.press("s")
    second = shown(page)
    page.keyboard.press("2")
    marks(project, 2)
    page.reload()
    page.wait_for_selector(".sample")
    assert shown(page) not in (first, second)
    page.keyboard.press("Backspace")
    page.get_by_text(f"Taken back: {second}").wait_for()
    assert shown(page) == second
    page.keyboard.press("a")
    page.get_by_text(f"Taken back: {first}").wait_for()
    assert [event.decision for event in marks(project, 4)] == ["unsure", "drop", "undo", "undo"]


def test_the_grid_drops_what_was_chosen_and_passes_the_rest(page: Page, project: Tables) -> None:
    page.click("#pass-faces")
    page.wait_for_selector(".grid")
    page.keyboard.press("w")
    page.locator(".tile").nth(2).click()
    page.keyboard.press("e")
    page.keyboard.press("e")  # and not, after all
    assert page.locator(".tile[aria-pressed=true]").count() == 2
    page.keyboard.press("Enter")
    dropped = marks(project, 2)
    assert {event.decision for event in dropped} == {"drop"}
    seen = wait_for(lambda: read_ledger(project.root / FACES_SEEN), bool)
    assert {event.decision for event in seen} == {"keep"}
    assert len(seen) == 2 * SHORT - 2
    page.get_by_role("heading", name="Bo").wait_for()  # the next speaker
    page.keyboard.press("Backspace")
    page.get_by_role("heading", name="Ana").wait_for()
    undone = marks(project, 4)
    assert [event.decision for event in undone[2:]] == ["undo", "undo"]
    wait_for(
        lambda: read_ledger(project.root / FACES_SEEN), lambda all_: len(all_) == 4 * SHORT - 4
    )


def test_marks_that_can_t_be_saved_stay_in_sight_and_are_sent_again(
    browser: Browser, project: Tables
) -> None:
    with (
        Server(project.root, f"--curator={CURATOR}", f"--port={free_port()}") as server,
        opened(browser, server.url) as page,
    ):
        first = shown(page)
        server.kill()
        page.keyboard.press("s")
        page.get_by_text("1 mark is not saved: the server can't be reached").wait_for()
        assert page.locator("#unsaved li").inner_text() == f"{first}: unsure"
        second = shown(page)
        page.keyboard.press("2")
        page.get_by_text("2 marks are not saved").wait_for()
        assert read_ledger(project.reviews) == []
        for _ in range(20):
            page.keyboard.press("g")
        page.get_by_text("the server can't be reached; trying again").wait_for()
        server.start()  # another token, the same port
        page.context.new_page().goto(server.url)
        page.locator("#unsaved").wait_for(state="hidden")
        assert [event.sample for event in marks(project, 2)] == [first, second]
        wait_for(lambda: unsaved(page), lambda found: found == "")
        page.wait_for_selector(".sample")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_full_disk_is_told_and_the_mark_is_saved_once_there_is_space(
    page: Page, project: Tables
) -> None:
    full = '{"code": "full", "error": "the disk is full: free some space"}'
    answers = [0]

    def answer(route: Route) -> None:
        answers[0] += 1
        if answers[0] == 1:  # the mark is written, and its answer gets lost
            route.fetch()
            route.abort()
        elif answers[0] < 4:
            route.fulfill(status=507, content_type="application/json", body=full)
        else:
            route.continue_()

    page.route("**/api/marks", answer)
    page.keyboard.press("s")
    page.get_by_text("1 mark is not saved: the disk is full").wait_for()
    page.locator("#unsaved").wait_for(state="hidden")
    assert answers[0] == 4
    assert len(read_ledger(project.reviews)) == 1  # sent four times, with one id
    assert unsaved(page) == ""


def test_marks_of_a_closed_tab_are_sent_by_the_next_one(page: Page, project: Tables) -> None:
    page.route("**/api/marks", lambda route: route.abort())
    name = shown(page)
    page.keyboard.press("s")
    page.get_by_text("1 mark is not saved").wait_for()
    page.unroute("**/api/marks")
    other = page.context.new_page()
    page.close()
    other.goto(page.url)
    assert [event.sample for event in marks(project, 1)] == [name]
    wait_for(lambda: unsaved(other), lambda found: found == "")


def test_two_curators_at_once_never_have_the_same_sample(browser: Browser, project: Tables) -> None:
    with (
        Server(project.root, "--curators=ann,bo") as server,
        opened(browser, server.urls["ann"]) as anns,
        opened(browser, server.urls["bo"]) as bos,
    ):
        pages = {"ann": anns, "bo": bos}
        seen: dict[str, list[str]] = {"ann": [], "bo": []}
        for _ in range(5):
            for name, page in pages.items():
                seen[name].append(shown(page))
                page.keyboard.press("s")
        made = marks(project, 10)
        for name in pages:
            assert sorted(e.sample for e in made if e.curator == name) == sorted(seen[name])
    assert not set(seen["ann"]) & set(seen["bo"])


def test_a_stale_sample_stands_beside_what_was_marked(browser: Browser, project: Tables) -> None:
    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        name = shown(page)
        page.keyboard.press("s")
        wait_for(lambda: list((project.root / "data/review/seen").glob("*/*.zip")), bool)
    project.add(name.partition("_")[0], "Ana", SHORT)  # the same names, other faces and sounds
    project.run_manifest()
    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        page.select_option("#queue", "stale")
        page.get_by_text("It changed since it was marked").wait_for()
        assert shown(page) == name
        widths = "[...document.querySelectorAll('.sample img')].map((one) => one.naturalWidth > 0)"
        wait_for(lambda: page.evaluate(widths), lambda found: found == [True, True])
        assert page.get_by_role("cell").count() > 0
        assert violations(page) == []
        heard(page)
        page.keyboard.press("f")
        page.get_by_text("Nothing is left here").wait_for()
        assert marks(project, 2)[-1].decision == "keep"


def test_what_is_shown_follows_queue_filters_and_order(page: Page) -> None:
    page.click("#open-filters")
    page.select_option("#queue", "flagged")
    page.get_by_text("1 sample waiting, with a flag, most doubtful first").wait_for()
    page.select_option("#queue", "all")
    page.select_option("#filter-column", "speaker")
    page.select_option("#filter-value", "Bo")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("5 samples all there are, speaker Bo").wait_for()
    page.select_option("#filter-column", "sharpness")
    page.fill("#filter-value", "100")
    page.keyboard.press("Enter")
    page.get_by_text("1 sample all there are, speaker Bo, sharpness under 100").wait_for()
    assert page.locator(".flags").inner_text() == "blurred"
    page.select_option("#sort", "-yaw_deg")
    page.locator("#words", has_text="highest turn first").wait_for()
    page.get_by_role("button", name="Remove sharpness under 100").click()
    page.get_by_text("5 samples all there are, speaker Bo, highest turn first").wait_for()


def test_keys_are_shown_and_can_be_changed(page: Page, project: Tables) -> None:
    page.keyboard.press("?")
    page.get_by_role("button", name="unsure: s").click()
    page.keyboard.press("d")  # what drop had; they change places
    assert page.get_by_role("button", name="unsure: d").is_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("s")
    assert [event.decision for event in marks(project, 2)] == ["unsure", "drop"]
    page.reload()
    page.wait_for_selector(".sample")
    assert page.locator(".unsure kbd").inner_text() == "d"


def test_the_page_works_by_keyboard_alone(page: Page, project: Tables) -> None:
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().split('\\n')[0]"))
    assert {"Faces", "Sound", "Filters", "Progress", "?", "Scores"} <= reached
    page.locator("#pass-faces").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    chosen = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("q")
    page.keyboard.press("Enter")
    assert chosen.startswith("Drop face ")
    assert len(marks(project, 1)) == 1


@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.click("#pass-sound")
        page.wait_for_selector(".sample")
        page.get_by_text("Scores").click()
        assert violations(page) == []
        page.click("#pass-faces")
        page.wait_for_selector(".grid")
        page.keyboard.press("q")
        assert violations(page) == []
        page.click("#open-filters")
        page.click("#open-progress")
        page.get_by_text("Purity so far").wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click("#open-filters")
        page.click("#open-progress")


def test_the_help_shows_the_curators_own_rules_as_text(page: Page, project: Tables) -> None:
    (project.root / "manifests/rubric.md").write_text("Drop <b>laughter</b>.")
    page.reload()
    shown(page)
    page.keyboard.press("?")
    assert page.locator("#rubric").inner_text() == "Drop <b>laughter</b>."
    assert violations(page) == []
