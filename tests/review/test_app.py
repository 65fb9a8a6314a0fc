"""The server's promises on single marks and queries, asked over HTTP without a browser."""

import errno
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from tests.review.conftest import Curator, Opener, ledger
from tests.review.project import Server, review_project
from tests.tables_builder import Tables
from voiceface.config import load_settings
from voiceface.errors import VoicefaceError
from voiceface.layout import CONFIG, FACES_SEEN
from voiceface.review.desk import Desk
from voiceface.review.ledger import Ledger, Mark, read_ledger, uuid7


def test_a_mark_is_on_disk_when_it_is_acknowledged(ann: Curator, project: Tables) -> None:
    (sample,) = ann.next()
    answer = ann.mark(sample, "drop", reason="dark", note="too <b>dark</b>", id="one")
    assert answer == {"saved": ["one"], "refused": []}
    (event,) = ledger(project)
    assert (event.id, event.curator, event.decision) == ("one", "ann", "drop")
    assert (event.reason, event.note) == ("dark", "too <b>dark</b>")
    assert ann.get(f"/api/sample/{sample['sample']}")["review"] == "drop"


def test_a_mark_sent_again_is_acknowledged_and_not_written_again(
    ann: Curator, opener: Opener, project: Tables
) -> None:
    (sample,) = ann.next()
    for _ in range(2):
        assert ann.mark(sample, "keep", id="one")["saved"] == ["one"]
    after_restart = Curator(opener(), "token-of-ann")
    assert after_restart.mark(sample, "keep", id="one")["saved"] == ["one"]
    assert len(ledger(project)) == 1


def test_another_curator_s_id_is_refused(ann: Curator, bo: Curator, project: Tables) -> None:
    (sample,) = ann.next()
    ann.mark(sample, "keep", id="one")
    assert bo.mark(sample, "drop", id="one")["refused"][0]["code"] == "id"
    assert len(ledger(project)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sample": "file-a1_999999999"}, "gone"),
        ({"content": "0" * 64}, "changed"),
        ({"decision": "maybe"}, "decision"),
        ({"decision": "drop", "reason": " "}, "reason"),
        ({"decision": "undo", "undoes": "nothing"}, "undo"),
    ],
)
def test_a_senseless_mark_is_refused_and_the_others_are_saved(
    ann: Curator, project: Tables, change: dict[str, str], code: str
) -> None:
    first, second = ann.next(2)
    bad = {"id": "bad", "sample": first["sample"], "content": first["content"], "decision": "keep"}
    good = {"id": "good", "sample": second["sample"], "content": second["content"]}
    answer = ann.post("/api/marks", {"marks": [bad | change, good | {"decision": "keep"}]})
    assert [one["code"] for one in answer["refused"]] == [code]
    assert answer["saved"] == ["good"]
    assert [event.id for event in ledger(project)] == ["good"]


def test_what_has_no_face_is_not_kept(ann: Curator) -> None:
    faceless = ann.get("/api/queue", queue="all", filter="content=")["samples"]
    assert ann.mark(faceless[0], "keep")["refused"][0]["code"] == "no_face"


def test_a_keep_is_refused_until_the_sound_was_heard(opener: Opener, project: Tables) -> None:
    ann, bo = (Curator(opener(must_hear=True), f"token-of-{name}") for name in ("ann", "bo"))
    first, second = ann.next(2)
    assert ann.mark(first, "keep")["refused"][0]["code"] == "not_heard"
    ann.post("/api/heard", {"content": first["content"]}, 409)  # it was never played
    receipt = ann.hear(first)
    assert ann.mark(second, "keep", heard=receipt)["refused"][0]["code"] == "not_heard"
    assert bo.mark(first, "keep", heard=receipt)["refused"][0]["code"] == "not_heard"
    assert ledger(project) == []
    # The receipt outlasts the server, as does the mark that waits in the page.
    again = Curator(opener(must_hear=True), "token-of-ann")
    assert again.mark(first, "keep", heard=receipt)["refused"] == []
    assert again.mark(second, "drop")["refused"] == []  # at once


def test_a_face_found_fit_is_still_to_be_heard(opener: Opener, project: Tables) -> None:
    ann = Curator(opener(must_hear=True), "token-of-ann")
    page = ann.next(24, faces=True)
    assert len({sample["speaker"] for sample in page}) == 1
    ann.mark(page[0], "keep", faces=True)
    assert ledger(project) == []
    assert [event.sample for event in read_ledger(project.root / FACES_SEEN)] == [page[0]["sample"]]
    assert page[0]["sample"] not in [one["sample"] for one in ann.next(24, faces=True)]
    assert page[0]["sample"] in [one["sample"] for one in ann.next(24)]
    assert [one["sample"] for one in ann.next(24, queue="fit")] == [page[0]["sample"]]
    ann.mark(page[0], "drop")
    assert ann.get("/api/queue", queue="fit")["count"] == 0


def test_undo_takes_back_the_latest_mark_also_after_a_restart(
    ann: Curator, opener: Opener, project: Tables
) -> None:
    first, second = ann.next(2)
    ann.mark(first, "keep")
    ann.mark(second, "drop")
    later = Curator(opener(), "token-of-ann")
    for _ in range(2):  # asked again, it is the same undo
        undone = later.post("/api/undo", {"id": "undo-1"})["samples"]
        assert [one["sample"] for one in undone] == [second["sample"]]
    assert later.post("/api/undo", {"id": "undo-2"})["samples"][0]["sample"] == first["sample"]
    assert later.post("/api/undo", {"id": "undo-3"})["samples"] == []
    assert [event.decision for event in ledger(project)] == ["keep", "drop", "undo", "undo"]


def test_a_mark_and_its_undo_may_come_together(ann: Curator, project: Tables) -> None:
    (sample,) = ann.next()
    one = {name: sample[name] for name in ("sample", "content")}
    mark = {**one, "id": "m", "decision": "keep"}
    undo = {**one, "id": "u", "decision": "undo", "undoes": "m"}
    assert ann.post("/api/marks", {"marks": [mark, undo]})["saved"] == ["m", "u"]
    assert [event.decision for event in ledger(project)] == ["keep", "undo"]
    assert ann.get(f"/api/sample/{sample['sample']}")["review"] == "pending"


def test_undo_takes_back_a_whole_page_of_faces(opener: Opener, project: Tables) -> None:
    ann = Curator(opener(must_hear=True), "token-of-ann")
    first, second, third = ann.next(3)
    ann.mark(first, "keep", faces=True, batch="page")
    ann.mark(second, "drop", faces=True, batch="page")
    ann.mark(third, "drop")
    assert len(ann.post("/api/undo", {"id": "u1"})["samples"]) == 1
    undone = ann.post("/api/undo", {"id": "u2"})["samples"]
    assert {one["sample"] for one in undone} == {first["sample"], second["sample"]}
    assert {one["review"] for one in undone} == {"pending"}


def test_a_full_disk_is_an_error_and_the_same_mark_is_saved_later(
    ann: Curator, project: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ann.next(2)
    ann.mark(first, "keep")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    wanted = {"id": "two", "decision": "keep"}
    wanted |= {name: second[name] for name in ("sample", "content")}
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = ann.post("/api/marks", {"marks": [wanted]}, 507)
    assert "full" in answer["error"]
    assert [event.sample for event in ledger(project)] == [first["sample"]]
    assert ann.post("/api/marks", {"marks": [wanted]})["saved"] == ["two"]
    assert len(ledger(project)) == 2


def test_what_is_shown_is_named_in_words_and_counted(ann: Curator) -> None:
    found = ann.get(
        "/api/queue", queue="all", filter=["speaker=Bo", "flags=blurred"], sort="-yaw_deg"
    )
    words = "1 sample all there are, speaker Bo, with the flag “blurred”, highest turn first"
    assert (found["words"], found["count"]) == (words, 1)
    assert found["samples"][0]["flags"] == [{"name": "blurred", "words": "blurred"}]


@pytest.mark.parametrize(
    "params",
    [
        {"queue": "nothing"},
        {"filter": "password=1"},
        {"filter": "snr_db<loud"},
        {"filter": "flags<3"},
        {"filter": "speaker<3"},
        {"filter": "content~xyz"},
        {"filter": "clean=perhaps"},
        {"filter": "reviewed_at>yesterday"},
        {"sort": "password"},
        {"page": "-1"},
    ],
)
def test_a_query_that_makes_no_sense_is_told_in_one_line(
    client: TestClient, params: dict[str, str]
) -> None:
    headers = {"cookie": "v=token-of-ann"}
    answer = client.get("/api/queue", params=params, headers=headers)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"marks": []},
        {"marks": [1]},
        {"marks": [{"id": "", "sample": "a", "decision": "keep"}]},
        {"marks": [{"id": "a", "sample": "a", "decision": "keep", "time": "2020"}]},
        {"marks": [{"id": "a", "sample": "a", "decision": "keep", "note": "x" * 5000}]},
        {"marks": [{"id": "a", "sample": "a", "decision": "keep", "note": 3}]},
        {"marks": [{"id": str(n), "sample": "a", "decision": "keep"} for n in range(201)]},
    ],
)
def test_a_request_of_another_form_is_refused(ann: Curator, body: dict[str, Any]) -> None:
    assert "error" in ann.post("/api/marks", body, 400)


def test_a_stale_sample_shows_what_was_marked_and_what_changed(
    ann: Curator, opener: Opener, project: Tables
) -> None:
    (sample,) = ann.next(filters=["video=file-a1"])
    ann.mark(sample, "keep", note="fine")
    wait_for_copy(project)
    project.add("file-a1", "Ana", 6)  # other faces and sounds under the same names
    project.run_manifest()
    later = Curator(opener(), "token-of-ann")
    (stale,) = later.next(queue="stale")
    assert stale["sample"] == sample["sample"]
    assert stale["content"] != sample["content"]
    assert stale["marks"][0]["note"] == "fine"
    assert "identity_distance" in stale["before"]["changed"]
    kinds = {"webp": "image/webp", "ogg": "audio/ogg", "peaks": "application/octet-stream"}
    for kind, media in kinds.items():
        path = f"{stale['before']['media']}{kind}"
        answer = later.client.get(path, headers=later.headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == media
    later.mark(stale, "keep")
    assert later.get("/api/queue", queue="stale")["count"] == 0


def wait_for_copy(project: Tables) -> None:
    deadline = time.monotonic() + 5
    while not list((project.root / "data/review/seen").glob("*/*.zip")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_mark_is_lost_when_the_server_is_killed_again_and_again(tmp_path: Path) -> None:
    project = review_project(tmp_path, 30, must_hear=False)
    acknowledged: set[str] = set()
    server = Server(project.root, "--curator=ann")
    for _ in range(3):
        server.start()
        base, _, token = server.url.partition("/?token=")
        cookie = {f"voiceface_{base.rpartition(':')[2]}": token}
        headers = {"origin": base}
        with httpx.Client(base_url=base, cookies=cookie, headers=headers) as client:
            lease = {"tab": "t", "count": 12}
            samples = client.post("/api/lease", json=lease).json()["samples"]
            for sample in samples[:8]:
                one = {name: sample[name] for name in ("sample", "content")}
                one |= {"id": uuid7(), "decision": "keep"}
                answer = client.post("/api/marks", json={"marks": [one]}).json()
                acknowledged |= set(answer["saved"])
        server.kill()
    events = [event.id for event in read_ledger(project.reviews)]
    assert acknowledged <= set(events)
    assert len(acknowledged) == 24
    assert len(events) == len(set(events))


def test_a_curator_s_name_that_can_t_be_a_folder_is_refused_at_once(project: Tables) -> None:
    with pytest.raises(VoicefaceError, match=r"curator '\.\./x'"):
        Desk(project.root, load_settings(project.root / CONFIG), ["../x"])


def test_a_damaged_ledger_is_told_at_the_start(project: Tables) -> None:
    with Ledger(project.reviews, "ann") as ledger:
        ledger.append(Mark("a", "", "keep"), Mark("b", "", "keep"))
        assert ledger.path is not None
        ledger.path.write_bytes(b"{}\n" + ledger.path.read_bytes())
        with pytest.raises(VoicefaceError, match=r"jsonl:1: "):
            Desk(project.root, load_settings(project.root / CONFIG), ["ann"])


def test_the_curators_own_rules_are_told_as_they_are_now(
    client: TestClient, project: Tables
) -> None:
    ann = Curator(client, "token-of-ann")
    assert ann.get("/api/state")["rubric"] == ""
    (project.root / "manifests/rubric.md").write_text("Drop laughter.")
    assert ann.get("/api/state")["rubric"] == "Drop laughter."
    (project.root / "manifests/rubric.md").write_bytes(b"\xff")
    told = ann.client.get("/api/state", headers=ann.headers)
    assert "not text in UTF-8" in told.text
