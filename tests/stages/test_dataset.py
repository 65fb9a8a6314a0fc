import json
from pathlib import Path

import pytest

from tests.tables_builder import Segment, Tables
from voiceface.config import Manifest
from voiceface.errors import VoicefaceError
from voiceface.review.exchange import mark


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Six speakers with three videos of two samples each."""
    made = Tables(tmp_path)
    for speaker in range(6):
        for video in range(3):
            made.add(f"file-{speaker}{video}", f"speaker{speaker}", 2)
    return made


def test_the_kept_samples_and_only_they_are_in_it(tables: Tables) -> None:
    rows = tables.run_manifest()
    mark(tables.reviews, tables.manifest, [rows[0]["sample"]], "drop", "ugly", "ana")
    kept = [row["sample"] for row in tables.run_dataset()]
    assert kept == [row["sample"] for row in rows[1:]]


def test_each_known_speaker_is_in_train_and_test_and_one_speaker_is_unseen(
    tables: Tables,
) -> None:
    splits: dict[str, set[str]] = {}
    for row in tables.run_dataset():
        splits.setdefault(row["speaker"], set()).add(row["split"])
    assert sorted(map(sorted, splits.values())) == [["test", "train"]] * 5 + [["unseen"]]


def test_the_proof_says_what_was_compared(tables: Tables) -> None:
    tables.add("file-copy", "speaker0", [Segment(), Segment()])
    sound = tables.sound()
    for video in ("file-one", "file-two"):
        tables.add(video, "speaker7", [Segment(sound=sound), Segment()])
    # Both stay: the second is only the duplicate of a sound until a curator keeps it.
    rows = tables.run_manifest()
    twin = next(row["sample"] for row in rows if row["flags"] == ["duplicate"])
    mark(tables.reviews, tables.manifest, [twin], "keep", "", "ana")
    tables.run_dataset()
    proof = json.loads((tables.root / "manifests/leakage.json").read_text())
    assert proof["shared_between_splits"] == 0
    assert sum(proof["samples"].values()) == 42
    assert proof["compared"]["face"] == 42
    assert proof["compared"]["sound"] == 41
    assert proof["videos_joined_by_content"] == [["file-one", "file-two"]]


def test_two_runs_give_the_same_bytes(tables: Tables) -> None:
    outputs = [tables.dataset, tables.root / "manifests/leakage.json"]
    tables.run_dataset()
    before = [path.read_bytes() for path in outputs]
    tables.run_dataset()
    assert [path.read_bytes() for path in outputs] == before


def test_nothing_kept_is_one_line_with_the_reasons_and_the_mend(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    dark, faceless = Segment(scores={"brightness": 1.0}), Segment(scores={"faces": 0})
    tables.add("file-a", "ana", [dark, dark, faceless])
    with pytest.raises(
        VoicefaceError, match=r"samples\.parquet: none of the 3 .* \(dark 2, no_face 1\); loosen"
    ) as told:
        tables.run_dataset()
    assert "\n" not in str(told.value)
    assert not tables.dataset.exists()


def test_no_sample_at_all_is_told_apart(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    tables.add_lost("file-a", "ana", "failed", "timed out")
    with pytest.raises(VoicefaceError, match="no video could be had, or none has speech"):
        tables.run_dataset()


def test_one_sample_is_enough(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    tables.add("file-a", "ana", 1)
    [row] = tables.run_dataset()
    assert row["split"] == "train"


def test_a_required_review_keeps_only_what_was_kept(tables: Tables) -> None:
    sample = tables.run_manifest()[3]["sample"]
    mark(tables.reviews, tables.manifest, [sample], "keep", "", "ana")
    tables.run_manifest(Manifest(require_review=True))
    tables.split()
    leakage = tables.root / "manifests/leakage.json"
    assert json.loads(leakage.read_text())["samples"] == {"test": 0, "train": 1, "unseen": 0}
