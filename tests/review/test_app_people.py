"""The server's promises where curators differ, and on what a model proposes."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.review.conftest import Curator, Opener, ledger
from tests.review.project import review_project
from tests.tables_builder import Tables
from voiceface.review.exchange import apply_import, export_marks, mark, plan_import
from voiceface.review.ledger import uuid7


def test_two_curators_get_different_samples_until_a_lease_ends(opener: Opener) -> None:
    client = opener(lease_s=0.2)
    ann, bo = (Curator(client, f"token-of-{name}") for name in ("ann", "bo"))
    hers = [one["sample"] for one in ann.next(5)]
    his = [one["sample"] for one in bo.next(5)]
    assert not set(hers) & set(his)
    other_tab = [one["sample"] for one in ann.next(2, tab="other")]
    assert not set(hers) & set(other_tab)
    time.sleep(0.25)
    assert set(hers) <= {one["sample"] for one in bo.next(24)}


def test_in_the_second_review_nobody_sees_the_other_s_mark_before_the_own(opener: Opener) -> None:
    client = opener(second_share=1.0)
    ann, bo, cy = (Curator(client, f"token-of-{name}") for name in ("ann", "bo", "cy"))
    (sample,) = ann.next()
    ann.mark(sample, "drop", reason="secret")
    name = sample["sample"]
    for path, params in [
        (f"/api/sample/{name}", {}),
        ("/api/queue", {"filter": f"sample={name}", "queue": "pending"}),
    ]:
        text = json.dumps(bo.get(path, **params))
        assert name in text
        assert "secret" not in text
        assert '"ann"' not in text
        assert '"drop"' not in text
    for queue, filters in [
        ("marked", []),
        ("all", ["review=drop"]),
        ("all", ["review_reason=secret"]),
        ("all", ["curator=ann"]),
        ("all", ["reviewed_at>2020-01-01"]),
        ("all", ["fate=dropped_by_curator"]),
    ]:
        assert ann.get("/api/queue", queue=queue, filter=filters)["count"] == 1
        assert bo.get("/api/queue", queue=queue, filter=filters)["count"] == 0
    bo.mark(sample, "keep")
    assert {one["curator"] for one in bo.get(f"/api/sample/{name}")["marks"]} == {"ann", "bo"}
    assert bo.get("/api/queue", queue="disputed")["count"] == 1
    # Two have decided: whoever has to decide between them must see it.
    assert cy.get("/api/queue", queue="disputed")["count"] == 1


def test_others_marks_and_imports_come_in_while_the_server_runs(
    ann: Curator, project: Tables
) -> None:
    first, second = ann.next(2)
    ann.mark(first, "keep")
    csv = project.root / "marks.csv"
    export_marks(project.manifest, project.reviews, csv)
    text = csv.read_text(encoding="utf-8-sig")
    csv.write_text(text.replace(f"{second['sample']},pending", f"{second['sample']},unsure"))
    apply_import(plan_import(project.manifest, project.reviews, csv, "bo"), project.reviews, "bo")
    mark(project.reviews, project.manifest, [first["sample"]], "drop", "noise", "cy")
    deadline = time.monotonic() + 5
    while ann.get("/api/queue", queue="unsure")["count"] != 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ann.get(f"/api/sample/{first['sample']}")["review"] == "disputed"


def test_only_what_is_proposed_may_be_kept_as_a_page_without_hearing(
    tmp_path: Path, opener: Opener
) -> None:
    project = review_project(tmp_path, 40, must_hear=True)  # in the opener's folder
    client = opener(must_hear=True, max_error=0.2)
    names = [f"file-a{number}_{1000 * start // 4:09d}" for number in (1, 2) for start in range(20)]
    mark(project.reviews, project.manifest, names, "keep", "", "cy")
    ann = Curator(client, "token-of-ann")
    deadline = time.monotonic() + 10
    while ann.get("/api/progress")["progress"]["proposed"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        ann.mark(ann.next(tab="other")[0], "drop", reason="a mark has the model look again")
    error = ann.get("/api/progress")["progress"]["proposed"]["error"]
    assert error["estimate"] < error["high"] <= 0.2
    page = ann.next(24, queue="proposed", faces=True)
    other = ann.get("/api/queue", queue="flagged")["samples"][0]
    answer = ann.mark(other, "keep", faces=True, reason="proposed")
    assert answer["refused"][0]["code"] == "not_heard"
    assert ann.mark(page[0], "keep", faces=True, reason="proposed")["refused"] == []
    event = ledger(project)[-1]
    assert (event.sample, event.decision, event.reason) == (page[0]["sample"], "keep", "proposed")


def test_what_was_kept_by_a_proposal_teaches_nothing_and_is_audited(
    opener: Opener, project: Tables
) -> None:
    first, second, *_ = ann_keeps = Curator(opener(), "token-of-ann").next(24)
    mark(project.reviews, project.manifest, [first["sample"]], "keep", "proposed", "cy")
    mark(project.reviews, project.manifest, [second["sample"]], "keep", "", "cy")
    ann = Curator(opener(audit_size=200), "token-of-ann")
    found = ann.get("/api/progress")["progress"]
    assert (found["kept"], found["purity"]["low"] < 1) == (1, True)
    audited = {sample["sample"] for sample in ann.next(24, queue="audit")}
    assert first["sample"] in audited
    assert second["sample"] not in audited
    assert len(audited) == len(ann_keeps) - 1
    ann.mark(first, "drop", batch="audit")
    assert ann.get("/api/progress")["progress"]["residual"]["part"] == 1


def test_in_the_second_review_each_looks_at_the_faces_alone(opener: Opener) -> None:
    client = opener(second_share=1.0, must_hear=True)
    ann, bo = Curator(client, "token-of-ann"), Curator(client, "token-of-bo")
    ann.mark(ann.next(24, faces=True)[0], "keep", faces=True)
    assert ann.get("/api/queue", queue="fit")["count"] == 1
    assert bo.get("/api/queue", queue="fit")["count"] == 0


def test_two_undos_at_once_take_back_two_marks_and_the_same_one_twice_takes_one(
    ann: Curator, project: Tables
) -> None:
    for sample in ann.next(3):
        ann.mark(sample, "keep")
    with ThreadPoolExecutor(4) as pool:
        names = ("one", "two", "two", "one")
        list(pool.map(lambda name: ann.post("/api/undo", {"id": name}), names))
    undos = [event for event in ledger(project) if event.decision == "undo"]
    assert len({event.undoes for event in undos}) == len(undos) == 2


def test_a_mark_that_is_no_text_is_refused_by_itself(ann: Curator, project: Tables) -> None:
    good, bad, spaced = ann.next(3)
    wanted = [
        {"id": name, "sample": one["sample"], "content": one["content"], "decision": "keep"} | more
        for name, one, more in (
            ("good", good, {}),
            ("bad", bad, {"note": "\ud800"}),
            ("two words", spaced, {}),
        )
    ]
    answer = ann.post("/api/marks", {"marks": wanted})
    assert answer["saved"] == ["good"]
    assert [one["code"] for one in answer["refused"]] == ["text", "id"]
    assert [event.sample for event in ledger(project)] == [good["sample"]]


def test_a_damaged_line_of_another_is_told_until_it_is_mended(
    ann: Curator, project: Tables
) -> None:
    path = project.reviews / "bo" / f"{uuid7()}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("no event\n")
    _until(lambda: ann.get("/api/progress")["trouble"])
    assert f"{path.name}:1" in ann.get("/api/progress")["trouble"]
    path.unlink()
    mark(project.reviews, project.manifest, [ann.next()[0]["sample"]], "unsure", "", "bo")
    _until(lambda: ann.get("/api/queue", queue="unsure")["count"] == 1)
    assert ann.get("/api/progress")["trouble"] is None


def _until(happens: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_random_audit_tells_the_residual_error(opener: Opener) -> None:
    ann = Curator(opener(audit_size=5), "token-of-ann")
    drawn = ann.next(24, queue="audit")
    assert len(drawn) == 5
    ann.mark(drawn[0], "drop", batch="audit")
    for sample in drawn[1:4]:
        ann.mark(sample, "keep", batch="audit")
    progress = ann.get("/api/state")["progress"]
    assert (progress["residual"]["part"], progress["residual"]["whole"]) == (1, 4)
    assert progress["residual"]["low"] < 0.25 < progress["residual"]["high"]
    assert [one["sample"] for one in ann.next(24, queue="audit")] == [drawn[4]["sample"]]


def test_the_pace_is_one_s_own(ann: Curator, bo: Curator) -> None:
    for sample in ann.next(3):
        ann.mark(sample, "keep")
    assert ann.get("/api/state")["progress"]["per_minute"] > 60
    assert bo.get("/api/state")["progress"]["per_minute"] is None
    assert bo.get("/api/state")["progress"]["marked"] == 3
