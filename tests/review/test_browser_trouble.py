"""The review page when something goes wrong: a lost server, a second tab, a key at a bad moment."""

from playwright.sync_api import Browser, Page

from tests.review.browser import free_port, marks, opened, shown, unsaved, wait_for
from tests.review.project import CURATOR, Server
from tests.tables_builder import Tables
from voiceface.review.ledger import read_ledger


def hold_sound(page: Page) -> str:
    """From the next sample on, a sound comes to its end when `end_sound` says so; the sample."""
    page.evaluate(
        "HTMLMediaElement.prototype.play = function () { window.playing = this;"
        " return Promise.resolve(); }"
    )
    page.keyboard.press("g")
    page.wait_for_function("window.playing")
    return shown(page)


def end_sound(page: Page) -> None:
    page.evaluate("playing.dispatchEvent(new Event('ended'))")


def test_a_keep_is_kept_though_the_server_is_lost_before_it_knows_that_it_was_heard(
    browser: Browser, project: Tables
) -> None:
    with (
        Server(project.root, f"--curator={CURATOR}", f"--port={free_port()}") as server,
        opened(browser, server.url) as page,
    ):
        name = hold_sound(page)
        page.keyboard.press("f")
        server.kill()
        end_sound(page)
        page.get_by_text("1 mark is not saved: the server can't be reached").wait_for()
        assert page.locator("#unsaved li").inner_text() == f"{name}: keep"
        for _ in range(20):
            page.keyboard.press("g")
        page.get_by_text("the server can't be reached; trying again").wait_for()
        server.start()  # it wants another token, and knows of no sound that was played
        page.get_by_text("it holds your token; trying again").wait_for()
        page.context.new_page().goto(server.url)
        (event,) = marks(project, 1)
        assert (event.sample, event.decision) == (name, "keep")
        page.wait_for_selector(".sample")
        wait_for(lambda: unsaved(page), lambda found: found == "")


def test_a_keep_of_a_closed_tab_gets_its_receipt_from_the_next_one(
    page: Page, project: Tables
) -> None:
    name = hold_sound(page)
    page.route("**/api/heard", lambda route: route.abort())
    page.keyboard.press("f")
    end_sound(page)
    page.get_by_text("1 mark is not saved").wait_for()
    assert read_ledger(project.reviews) == []
    other = page.context.new_page()
    page.close()
    other.goto(page.url)
    (event,) = marks(project, 1)
    assert (event.sample, event.decision) == (name, "keep")
    wait_for(lambda: unsaved(other), lambda found: found == "")
