"""The review page when something goes wrong: a lost server, a second tab, a key at a bad moment."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.review.browser import (
    SHORT,
    free_port,
    marks,
    opened,
    shown,
    unsaved,
    violations,
    wait_for,
)
from tests.review.project import CURATOR, Server, review_project, served
from tests.tables_builder import Tables
from voiceface.layout import FACES_SEEN
from voiceface.review.exchange import apply_import, export_marks, plan_import
from voiceface.review.ledger import read_ledger, uuid7


@pytest.fixture
def project(tmp_path: Path) -> Tables:
    return review_project(tmp_path, SHORT)


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


def test_a_note_that_is_written_while_the_sound_ends_stays_with_its_sample(
    page: Page, project: Tables
) -> None:
    names = []
    for ending in ("Enter", "Escape"):
        names.append(hold_sound(page))
        page.keyboard.press("f")
        page.keyboard.press("e")
        page.keyboard.type("fine")
        end_sound(page)
        page.wait_for_timeout(50)
        assert shown(page) == names[-1]
        page.keyboard.press(ending)
        marks(project, len(names))
    found = [(event.sample, event.decision, event.note) for event in marks(project, 2)]
    assert found == [(names[0], "keep", "fine"), (names[1], "keep", "")]


def test_an_undone_mark_s_note_is_there_again_also_after_a_reload(
    page: Page, project: Tables
) -> None:
    name = shown(page)
    page.keyboard.press("e")
    page.keyboard.type("a cold")
    page.keyboard.press("Enter")
    page.keyboard.press("s")
    page.keyboard.press("a")
    page.get_by_text("Note: a cold").wait_for()
    page.keyboard.press("s")
    marks(project, 3)
    page.reload()
    page.wait_for_selector(".sample")
    page.keyboard.press("a")
    page.get_by_text("Note: a cold").wait_for()
    assert shown(page) == name
    page.keyboard.press("d")
    made = marks(project, 5)
    assert [event.note for event in made if event.decision != "undo"] == ["a cold"] * 3


def test_an_undo_that_the_server_can_t_be_asked_for_is_told(page: Page) -> None:
    page.click("#pass-faces")
    page.wait_for_selector(".grid")
    page.route("**/api/undo", lambda route: route.abort())
    for name in ("faces", "sound"):
        page.click(f"#pass-{name}")
        page.keyboard.press("Backspace")
        page.get_by_text("the server can't be reached", exact=True).wait_for()
        page.get_by_text("the server can't be reached", exact=True).wait_for(state="hidden")


def test_an_undo_whose_answer_got_lost_takes_back_no_more_than_one_mark(
    page: Page, project: Tables
) -> None:
    names = [shown(page)]
    page.keyboard.press("s")
    names.append(shown(page))
    page.keyboard.press("s")
    marks(project, 2)
    page.reload()
    page.wait_for_selector(".sample")
    page.route("**/api/undo", lambda route: (route.fetch(), route.abort()), times=1)
    page.keyboard.press("a")
    page.get_by_text("the server can't be reached", exact=True).wait_for()
    page.keyboard.press("a")
    page.get_by_text(f"Taken back: {names[1]}").wait_for()
    assert len(marks(project, 3)) == 3
    page.keyboard.press("a")
    page.get_by_text(f"Taken back: {names[0]}").wait_for()


def test_an_undo_of_an_import_says_how_many_marks_it_took_back(
    browser: Browser, project: Tables
) -> None:
    table = project.root / "marks.csv"
    export_marks(project.manifest, project.reviews, table)
    text = table.read_text("utf-8-sig").replace(",pending,", ",unsure,")
    table.write_text(text, "utf-8-sig")
    plan = plan_import(project.manifest, project.reviews, table, CURATOR)
    apply_import(plan, project.reviews, CURATOR)
    with served(project.root, CURATOR) as urls, browser.new_context() as context:
        page = context.new_page()
        page.goto(urls[CURATOR])
        page.get_by_text("Nothing is left here").wait_for()
        page.keyboard.press("Backspace")
        page.get_by_text("Taken back: 25 marks").wait_for()
        page.wait_for_selector(".sample")
        page.keyboard.press("Backspace")
        page.get_by_text("There is nothing to take back").wait_for()


def test_marks_that_are_not_saved_wait_for_their_own_project(
    browser: Browser, project: Tables, tmp_path: Path
) -> None:
    other = review_project(tmp_path / "other", SHORT)  # the same samples
    port = free_port()
    with browser.new_context() as context:
        pages = [context.new_page() for _ in range(2)]
        with served(project.root, CURATOR, port=port) as urls:
            for page in pages:
                page.goto(urls[CURATOR])
                page.wait_for_selector(".sample")
            name = shown(page)
            page.route("**/api/marks", lambda route: route.abort())
            page.keyboard.press("s")
            page.get_by_text("1 mark is not saved").wait_for()
            page.close()
            alive, page = pages[0], context.new_page()
        alive.keyboard.press("2")
        with served(other.root, CURATOR, port=port) as urls:
            page.goto(urls[CURATOR])
            page.wait_for_selector(".sample")
            alive.get_by_text("1 mark is not saved: this address is another project's").wait_for()
            page.keyboard.press("d")
            assert [event.decision for event in marks(other, 1)] == ["drop"]
        with served(project.root, CURATOR, port=port) as urls:
            page.goto(urls[CURATOR])
            found = marks(project, 2)
    assert sorted(event.decision for event in found) == ["drop", "unsure"]
    assert name in {event.sample for event in found}
    assert len(read_ledger(other.reviews)) == 1


def test_a_queue_that_no_mark_empties_is_walked_to_its_end(
    browser: Browser, tmp_path: Path
) -> None:
    project = review_project(tmp_path, 260)
    walk = """async () => {
        const shown = () => document.querySelector(".about code")?.textContent;
        const found = [];
        for (let at = shown(); at && !found.includes(at); at = shown()) {
            found.push(at);
            document.dispatchEvent(new KeyboardEvent("keydown", { key: "g" }));
            while (shown() === at || !shown() && !document.body.textContent.includes("Nothing is"))
                await new Promise((done) => setTimeout(done));
        }
        return found;
    }"""
    silent = "() => { window.Audio = class { async play() {} pause() {} removeAttribute() {} }; }"
    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        page.evaluate(silent)
        page.select_option("#queue", "all")
        page.get_by_text("525 samples in the manifest").wait_for()
        page.wait_for_selector(".sample")
        assert len(page.evaluate(walk)) == 525
        assert page.get_by_text("Nothing is left here").is_visible()


def test_what_another_curator_gives_free_is_shown_where_nothing_was_left(
    browser: Browser, tmp_path: Path
) -> None:
    project = review_project(tmp_path, 3)
    with (
        served(project.root, CURATOR, "bo") as urls,
        opened(browser, urls[CURATOR]) as anns,
        browser.new_context() as context,
    ):
        bos = context.new_page()
        bos.goto(urls["bo"])
        bos.get_by_text("Nothing is left here").wait_for()
        bos.click("#pass-faces")
        bos.get_by_text("No face is left here").wait_for()
        anns.close()
        bos.wait_for_selector(".grid")
        bos.click("#pass-sound")
        bos.wait_for_selector(".sample")


def test_a_second_enter_or_an_undo_while_a_page_is_on_its_way_drops_none_from_view(
    browser: Browser, tmp_path: Path
) -> None:
    project = review_project(tmp_path, 40)
    hold = """() => { const { fetch } = window; window.held = [];
        window.fetch = async (path, options) => {
            if (path === "/api/lease") await new Promise((go) => held.push(go));
            return fetch(path, options); }; }"""
    changed = "(old) => document.querySelector('.tile img')?.getAttribute('src') !== old"

    def release() -> None:
        page.evaluate("held.splice(0).forEach((go) => go())")

    def tiles() -> list[str]:
        sources = "[...document.querySelectorAll('.tile img')].map((one) => one.src)"
        return [f"/media{src.partition('/media')[2]}" for src in page.evaluate(sources)]

    with served(project.root, CURATOR) as urls, opened(browser, urls[CURATOR]) as page:
        page.evaluate(hold)
        page.click("#pass-faces")
        release()
        page.wait_for_selector(".grid")
        shown = tiles()
        for _ in range(2):
            first = tiles()[0]
            page.keyboard.press("Enter")
            page.keyboard.press("Enter")
            release()
            page.wait_for_function(changed, arg=first)
            shown += tiles()
        last = tiles()
        page.keyboard.press("Enter")
        seen = wait_for(
            lambda: read_ledger(project.root / FACES_SEEN), lambda all_: len(all_) >= len(shown)
        )
        assert [f"/media/{event.content}/face.png" for event in seen] == shown
        page.keyboard.press("Backspace")
        release()
        page.wait_for_timeout(200)
        assert tiles() == last
        page.keyboard.press("Enter")
        page.wait_for_function(changed, arg=last[0])
        assert not set(tiles()) & set(shown)


def test_a_copy_of_a_tab_holds_samples_of_its_own(page: Page, project: Tables) -> None:
    with page.context.expect_page() as opening:
        page.evaluate("void window.open(location.href)")
    other = opening.value
    other.wait_for_selector(".sample")
    assert shown(other) != shown(page)
    name = shown(page)
    page.reload()
    page.wait_for_selector(".sample")
    assert shown(page) == name


def test_the_page_tells_as_long_as_others_marks_can_t_be_read(page: Page, project: Tables) -> None:
    ask = "fetch('/api/progress').then((answer) => answer.json()).then(({ trouble }) => trouble)"
    damaged = project.reviews / "bo" / f"{uuid7()}.jsonl"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("<b>no mark</b>\n{}\n")
    words = wait_for(lambda: page.evaluate(ask), bool)
    page.click("#open-progress")
    page.locator("#trouble", has_text=damaged.name).wait_for()
    assert page.locator("#trouble").inner_text() == words
    assert violations(page) == []
    page.reload()
    page.locator("#trouble", has_text=damaged.name).wait_for()
    damaged.unlink()
    wait_for(lambda: page.evaluate(ask), lambda trouble: not trouble)
    page.click("#open-progress")
    page.locator("#trouble").wait_for(state="hidden")
