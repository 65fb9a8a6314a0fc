from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.tables_builder import OUTSIDE_US, SEGMENT_US, Segment, Tables
from voiceface.config import Gather
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table
from voiceface.review.exchange import mark
from voiceface.review.fold import orphans, standing_by_curator
from voiceface.review.ledger import read_ledger
from voiceface.sources import with_licence
from voiceface.stages.manifest import fate
from voiceface.tables import FUNNEL, MANIFEST, TIMELINE


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


def by_sample(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["sample"]: row for row in rows}


def funnel(tables: Tables) -> dict[str, dict[str, tuple[int, int]]]:
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for row in pq.read_table(tables.root / "manifests/funnel.parquet").to_pylist():
        found.setdefault(row["video"], {})[row["reason"]] = (row["samples"], row["duration_us"])
    return found


def test_samples_stand_in_the_order_of_the_list_then_of_time_with_their_source(
    tables: Tables,
) -> None:
    tables.add("file-z", "zoe", 3)
    tables.add("file-a", "ana", 2)
    rows = tables.run_manifest()
    assert [(row["video"], row["start_us"] // SEGMENT_US) for row in rows] == [
        *(("file-z", n) for n in range(3)),
        *(("file-a", n) for n in range(2)),
    ]
    assert {(row["speaker"], row["licence"]) for row in rows} == {("zoe", "free"), ("ana", "free")}
    assert pq.read_schema(tables.manifest).equals(MANIFEST)


def test_a_mark_made_while_the_manifest_is_written_is_newer_than_it(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Snakemake, which goes by times, takes it in the next build."""
    tables.add("file-a", "ana")
    sample = tables.run_manifest()[0]["sample"]

    def read_then_mark(root: Path) -> Any:
        events = read_ledger(root)
        mark(root, tables.manifest, [sample], "drop", "late", "ana")
        return events

    monkeypatch.setattr("voiceface.stages.manifest.read_ledger", read_then_mark)
    assert tables.run_manifest()[0]["review"] == "pending"
    (ledger,) = tables.reviews.glob("*/*.jsonl")
    for path in (tables.manifest, tables.manifest.with_name("funnel.parquet")):
        assert path.stat().st_mtime_ns < ledger.stat().st_mtime_ns


def test_a_mark_survives_a_rebuild(tables: Tables) -> None:
    tables.add("file-a", "ana")
    first = tables.run_manifest()[0]
    mark(tables.reviews, tables.manifest, [first["sample"]], "drop", "ugly", "ana")
    tables.manifest.unlink()
    rows = tables.run_manifest()
    assert (rows[0]["review"], rows[0]["review_reason"], rows[0]["curator"]) == (
        "drop",
        "ugly",
        "ana",
    )
    assert rows[0]["reviewed_at"].endswith("Z")
    assert rows[0]["fate"] == "dropped_by_curator"
    assert (rows[1]["review"], rows[1]["curator"], rows[1]["fate"]) == ("pending", "", "kept")


def test_other_content_makes_a_mark_stale_and_a_lost_sample_an_orphan(tables: Tables) -> None:
    face, sound = tables.face(), tables.sound()
    same = Segment(face=face, sound=sound)
    tables.add("file-a", "ana", [same, Segment(face=face), Segment(), Segment()])
    names = [row["sample"] for row in tables.run_manifest()]
    mark(tables.reviews, tables.manifest, names, "keep", "", "ana")
    tables.add("file-a", "ana", [same, Segment(face=face), Segment(scores={"faces": 0})])
    rows = tables.run_manifest()
    assert [row["review"] for row in rows] == ["keep", "stale", "stale"]
    assert [row["fate"] for row in rows] == ["kept", "stale", "stale"]
    standing = standing_by_curator(read_ledger(tables.reviews))
    assert orphans(standing, names[:3]) == names[3:]


@pytest.mark.parametrize(
    ("review", "content", "flags", "require_review", "expected"),
    [
        ("pending", "c", [], False, "kept"),
        ("pending", "c", [], True, "pending"),
        ("pending", "c", ["dark", "clipped"], True, "dark"),
        ("keep", "c", ["dark"], True, "kept"),
        ("keep", None, ["no_face"], False, "no_face"),
        ("drop", "c", [], False, "dropped_by_curator"),
        ("drop", "c", ["dark"], False, "dropped_by_curator"),
        ("unsure", "c", [], False, "unsure"),
        ("stale", "c", [], False, "stale"),
    ],
)
def test_a_curator_s_word_goes_before_the_flags(
    review: str, content: str | None, flags: list[str], require_review: bool, expected: str
) -> None:
    assert fate(review, content, flags, require_review) == expected


def test_the_funnel_adds_up_to_every_microsecond(tables: Tables) -> None:
    dark, faceless = Segment(scores={"brightness": 1.0}), Segment(scores={"faces": 0})
    worst_first = Segment(scores={"brightness": 1.0, "snr_db": -5.0, "faces": 2})
    tables.add("file-a", "ana", [Segment(), Segment(), dark, faceless, worst_first, Segment()])
    tables.add("file-b", "bo", 0)
    tables.add_lost("file-c", "bo", "unavailable", "Private video")
    tables.add_lost("file-d", "bo", "gone")
    rows = tables.run_manifest()
    mark(tables.reviews, tables.manifest, [rows[1]["sample"]], "drop", "ugly", "ana")
    mark(tables.reviews, tables.manifest, [rows[2]["sample"]], "keep", "", "ana")
    mark(tables.reviews, tables.manifest, [rows[5]["sample"]], "unsure", "", "ana")
    tables.run_manifest()
    outside = {reason: (0, us) for reason, us in OUTSIDE_US.items()}
    assert funnel(tables) == {
        "file-a": {
            "kept": (2, 2 * SEGMENT_US),
            "no_face": (1, SEGMENT_US),
            "several_faces": (1, SEGMENT_US),
            "dropped_by_curator": (1, SEGMENT_US),
            "unsure": (1, SEGMENT_US),
            **outside,
        },
        "file-b": outside,
        "file-c": {"unavailable: Private video": (0, 0)},
        "file-d": {"gone: no longer at its source": (0, 0)},
    }
    assert list(funnel(tables)["file-a"]) == [
        "kept",
        "no_speech",
        "too_short",
        "no_face",
        "several_faces",
        "dropped_by_curator",
        "unsure",
    ]


def test_a_timeline_that_disagrees_with_the_samples_is_refused_by_name(tables: Tables) -> None:
    tables.add("file-a", "ana", 2)
    timeline = tables.root / "data/timeline/file-a.parquet"
    write_table(timeline, pq.read_table(timeline).slice(1).cast(TIMELINE))
    with pytest.raises(VoicefaceError, match=r"file-a\.parquet: 0 µs in segments"):
        tables.run_manifest()


def test_a_guest_s_face_is_the_wrong_person_in_whichever_video(tables: Tables) -> None:
    usual, guest = tables.rng.normal(0, 0.1, (2, 128))
    mine = [Segment(descriptor=tables.near(usual)) for _ in range(4)]
    tables.add("file-a", "ana", [*mine, Segment(descriptor=tables.near(guest))])
    tables.add("file-b", "ana", [Segment(descriptor=tables.near(guest)) for _ in range(2)])
    tables.add("file-c", "bo", [Segment(descriptor=tables.near(guest)) for _ in range(3)])
    tables.add("file-d", "ana", [Segment(descriptor=tables.near(usual))])
    rows = tables.run_manifest()
    wrong = [row["flags"] == ["wrong_person"] for row in rows]
    assert wrong == [False] * 4 + [True] * 3 + [False] * 4
    assert all(row["identity_distance"] is not None for row in rows)
    assert rows[4]["fate"] == "wrong_person"


def test_null_is_no_check_of_the_person(tables: Tables) -> None:
    guest = tables.rng.normal(0, 0.1, 128)
    tables.add("file-a", "ana", [*[Segment() for _ in range(4)], Segment(descriptor=guest)])
    rows = tables.run_manifest(Gather(max_identity_distance=None))
    assert all(row["clean"] and row["identity_distance"] is None for row in rows)
    assert not all(row["clean"] for row in tables.run_manifest())


def test_fewer_than_three_faces_are_not_checked(tables: Tables) -> None:
    tables.add("file-a", "ana", [Segment(), Segment(descriptor=tables.rng.normal(0, 0.1, 128))])
    assert all(row["clean"] for row in tables.run_manifest())


def test_the_later_of_two_with_one_sound_or_one_face_is_a_duplicate(tables: Tables) -> None:
    sound, face = tables.sound(), tables.face()
    tables.add("file-a", "ana", [Segment(sound=sound), Segment(face=face), Segment()])
    tables.add("file-b", "bo", [Segment(face=face), Segment(sound=sound), Segment()])
    flags = [row["flags"] for row in tables.run_manifest()]
    assert flags == [[], [], [], ["duplicate"], ["duplicate"], []]


def test_a_flagged_twin_makes_no_duplicate_of_a_clean_one(tables: Tables) -> None:
    sound = tables.sound()
    tables.add("file-a", "ana", [Segment(sound=sound, scores={"faces": 0}), Segment(sound=sound)])
    assert [row["flags"] for row in tables.run_manifest()] == [["no_face"], []]


def test_a_curator_who_keeps_the_same_thing_twice_gets_it_once(tables: Tables) -> None:
    sound, face = tables.sound(), tables.face()
    twin = Segment(sound=sound, face=face)
    tables.add("file-a", "ana", [twin, twin])
    names = [row["sample"] for row in tables.run_manifest()]
    mark(tables.reviews, tables.manifest, names, "keep", "", "ana")
    assert [row["fate"] for row in tables.run_manifest()] == ["kept", "duplicate"]


def test_several_faces_of_a_segment_are_samples_and_its_time_counts_once(tables: Tables) -> None:
    tables.add("file-a", "ana", [Segment(more_faces=2), Segment(), Segment(more_faces=1)])
    rows = tables.run_manifest()
    assert [row["sample"].rpartition("_")[2] for row in rows] == [
        *("000000000", "000000000-1", "000000000-2"),
        *("000000250", "000000500", "000000500-1"),
    ]
    assert all(row["fate"] == "kept" for row in rows)  # no duplicates of each other
    assert len({row["content"] for row in rows}) == 6
    mark(tables.reviews, tables.manifest, [rows[0]["sample"]], "drop", "eyes shut", "ana")
    last = [row["sample"] for row in rows[4:]]
    mark(tables.reviews, tables.manifest, last, "drop", "eyes shut", "ana")
    mark(tables.reviews, tables.manifest, last[1:], "unsure", "", "ana")
    tables.run_manifest()
    parts = funnel(tables)["file-a"]
    assert parts["kept"] == (2, 2 * SEGMENT_US)
    assert parts["unsure"] == (1, SEGMENT_US)
    assert "dropped_by_curator" not in parts


def test_two_runs_give_the_same_bytes(tables: Tables) -> None:
    tables.add("file-a", "ana", 4)
    tables.add("file-b", "bo", 3)
    mark_one = tables.run_manifest()[0]["sample"]
    mark(tables.reviews, tables.manifest, [mark_one], "keep", "", "ana")
    names = ("samples.parquet", "funnel.parquet", "people.parquet")
    outputs = [tables.root / "manifests" / name for name in names]
    tables.run_manifest()
    before = [path.read_bytes() for path in outputs]
    tables.run_manifest()
    assert [path.read_bytes() for path in outputs] == before


def test_no_video_at_all_is_an_empty_manifest(tables: Tables) -> None:
    assert tables.run_manifest() == []
    assert funnel(tables) == {}


def test_what_the_licence_keeps_out_has_no_sample_and_its_reason_in_the_funnel(
    tmp_path: Path,
) -> None:
    tables = Tables(tmp_path)
    tables.add("web-a", "ana")
    tables.add("web-b", "bo")
    tables.videos = with_licence(
        [replace(one, licence=one.speaker) for one in tables.videos], ["ANA"]
    )
    assert {row["video"] for row in tables.run_manifest()} == {"web-a"}
    funnel = read_table(tmp_path / "manifests/funnel.parquet", FUNNEL).to_pylist()
    assert [row["reason"] for row in funnel if row["video"] == "web-b"] == ["unlicensed: bo"]
