"""Queues, orders and leases."""

import time
from pathlib import Path

import numpy as np
import pytest

from tests.review.project import review_project
from tests.tables_builder import Tables
from voiceface.config import Review, Settings
from voiceface.errors import VoicefaceError
from voiceface.review.assistant import Assistant
from voiceface.review.book import Book
from voiceface.review.filters import Filter
from voiceface.review.ledger import Ledger, Mark
from voiceface.review.queue import Leases, Passed, Query, Selection, _places
from voiceface.review.table import ReviewTable


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return review_project(tmp_path_factory.mktemp("queue"), 10)


class Room:
    """A table, its book and its queues."""

    def __init__(self, project: Tables, ledger: Path) -> None:
        self.table = ReviewTable.open(project.manifest)
        self.book, self.faces = Book(self.table), Book(self.table)
        self.assistant = Assistant(self.table, 0.01)
        self.selection = Selection(
            self.table,
            self.book,
            self.faces,
            self.assistant,
            Settings(review=Review(audit_size=6)),
        )
        self.ledger = ledger

    def mark(self, row: int, decision: str, curator: str = "ann", batch: str = "") -> None:
        sample, content = self.table.sample(row), self.table.content(row)
        with Ledger(self.ledger, curator) as ledger:
            self.book.take(ledger.append(Mark(sample, content, decision, "why", batch=batch)))

    def rows(self, query: Query, stop: int = 99, curator: str = "ann") -> list[int]:
        return self.selection.page(query, curator, 0, stop)[1]


@pytest.fixture
def room(project: Tables, tmp_path: Path) -> Room:
    return Room(project, tmp_path / "reviews")


def test_each_queue_holds_what_it_says(room: Room) -> None:
    flagged = np.flatnonzero(Filter.parse("flags=blurred").mask(room.table.columns)).tolist()
    room.mark(0, "keep")
    room.mark(1, "drop")
    room.mark(2, "unsure")
    room.mark(3, "keep")
    room.mark(3, "drop", "bo")
    counts = room.selection.counts("ann")
    assert room.rows(Query("flagged")) == flagged
    assert room.rows(Query("unsure")) == [2]
    assert room.rows(Query("disputed")) == [3]
    assert sorted(room.rows(Query("mine"))) == [0, 1, 2, 3]
    assert room.rows(Query("mine"), curator="bo") == [3]
    assert sorted(room.rows(Query("marked"))) == [0, 1, 2, 3]
    faceless = 1
    assert counts["pending"] == len(room.table) - 4 - len(flagged) - faceless
    assert counts["all"] == len(room.table)


def test_the_audit_is_drawn_once_and_whatever_is_sorted(room: Room) -> None:
    drawn = room.rows(Query("audit"))
    assert len(drawn) == 6
    assert drawn == room.rows(Query("audit", sort="-sharpness"))
    assert drawn != sorted(drawn)
    room.mark(drawn[0], "keep", batch="audit")
    room.mark(drawn[1], "drop", batch="audit")
    assert room.rows(Query("audit")) == drawn[2:]
    room.mark(drawn[2], "keep")  # looked at, but not for the audit: another one comes in
    assert len(room.rows(Query("audit"))) == 4


def test_orders_are_those_of_a_whole_stable_sort(room: Room) -> None:
    for sort in ("sharpness", "-yaw_deg", "speaker", "-speaker", "faces", "-flags", "-start_us"):
        keys = room.table.columns[sort.removeprefix("-")].keys().astype(float)
        keys = np.where(np.isnan(keys), np.inf, -keys if sort.startswith("-") else keys)
        whole = np.argsort(keys, kind="stable").tolist()
        for start, stop in [(0, 5), (3, 9), (20, 99), (99, 120)]:
            _, rows = room.selection.page(Query("all", sort=sort), "ann", start, stop)
            assert rows == whole[start:stop], sort


def test_places_with_many_equal_keys_are_never_given_twice() -> None:
    keys = np.random.default_rng(0).integers(0, 3, 1000)
    pages = [_places(keys, start, start + 100) for start in range(0, 1000, 100)]
    assert np.concatenate(pages).tolist() == np.argsort(keys, kind="stable").tolist()


def test_marks_change_what_the_live_columns_say(room: Room) -> None:
    room.mark(0, "drop")
    for text in ("review=drop", "curator=ann", "review_reason=why", "fate=dropped_by_curator"):
        assert room.rows(Query("all", (Filter.parse(text),))) == [0]
    assert room.rows(Query("all", (Filter.parse("reviewed_at>2020-01-01"),))) == [0]
    assert room.rows(Query("all", (), "reviewed_at"))[0] == 0
    kept = room.rows(Query("all", (Filter.parse("fate=kept"),)))
    assert 0 not in kept
    assert len(kept) == len(room.table) - 3  # the marked one, the blurred one, the faceless one
    room.mark(int(np.flatnonzero(room.table.columns["flags"].keys())[0]), "keep")
    assert len(room.rows(Query("all", (Filter.parse("fate=kept"),)))) == len(kept) + 1


def test_a_model_orders_and_proposes_and_only_what_it_proposes_may_be_kept_unheard(
    room: Room,
) -> None:
    for row in range(12):
        room.mark(row, "keep")
    for row in range(12, 20, 2):
        room.mark(row, "drop")
    assert room.assistant.consider(room.book)
    room.assistant.wait()
    advice = room.assistant.advice
    assert advice is not None
    assert advice.marks == 16
    for sort in ("doubtful", "worst"):
        rows = room.rows(Query("pending", sort=sort))
        assert rows == sorted(rows, key=lambda row: advice.probability[row])
    rows = room.rows(Query("pending", sort="uncertain"))
    assert rows == sorted(rows, key=lambda row: abs(advice.probability[row] - 0.5))
    proposed = room.rows(Query("proposed"))
    assert all(room.assistant.proposes(row) for row in proposed)
    assert not room.assistant.proposes(0)


def test_what_is_shown_is_counted_in_words() -> None:
    query = Query("flagged", (Filter.parse("speaker=Bo"),), "-snr_db")
    words = "12 samples waiting, with a flag, speaker Bo, highest signal to noise first"
    assert query.words(12) == words
    assert Query("audit").words(1).startswith("1 sample of the random audit")


@pytest.mark.parametrize("wrong", [{"queue": "x"}, {"sort": "x"}, {"sort": "-worst"}])
def test_an_unknown_queue_or_order_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(VoicefaceError):
        Query(**wrong)


def test_a_lease_ends_and_is_prolonged(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    leases = Leases(10)
    leases.take("ann/1", [0, 1])
    assert leases.held_by_others("bo/1", 4).tolist() == [True, True, False, False]
    assert not leases.held_by_others("ann/1", 4).any()
    assert leases.held_by_others("ann/2", 4).any()
    now = 8.0
    leases.take("ann/1", [1])  # the other one is given up
    now = 12.0
    assert leases.held_by_others("bo/1", 4).tolist() == [False, True, False, False]
    leases.take("bo/1", [1, 2])  # still ann's, whatever bo says
    assert leases.held_by_others("bo/1", 4).tolist() == [False, True, False, False]
    now = 19.0
    assert not leases.held_by_others("bo/1", 4).any()


def test_what_was_passed_is_known_while_its_look_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    passed = Passed(10)
    assert sorted(passed.add("ann/1/a", [3, 1])) == [1, 3]
    assert sorted(passed.add("ann/1/a", [2])) == [1, 2, 3]
    assert passed.add("ann/1/b", []) == []  # another queue was chosen
    now = 8.0
    passed.add("ann/1/a", [])
    now = 17.0
    assert sorted(passed.add("ann/1/a", [])) == [1, 2, 3]
    now = 28.0
    assert passed.add("ann/1/a", []) == []
