import json
from pathlib import Path

import pytest

from tests.tables_builder import Segment, Tables
from voiceface.config import Dataset, Manifest
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


def test_labels_of_one_person_are_not_apart(tables: Tables) -> None:
    for speaker in range(6):
        face = tables.near(tables.usual[f"speaker{speaker}"], 0.1)
        segments = [Segment(descriptor=tables.near(face, 0.1)) for _ in range(3)]
        tables.add(f"file-again{speaker}", f"again{speaker}", segments)
    rows = tables.run_dataset(Dataset(unseen_fraction=0.5))
    unseen = {row["speaker"] for row in rows if row["split"] == "unseen"}
    assert len(unseen) == 6
    assert {name[-1] for name in unseen if "again" in name} == {
        name[-1] for name in unseen if "speaker" in name
    }


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


def test_noisy_training_data_is_that_of_the_training_videos_and_changes_no_test(
    tables: Tables,
) -> None:
    dark = Segment(scores={"brightness": 1.0})
    faceless = Segment(scores={"faces": 0})
    for number, video in enumerate(("file-7a", "file-7b", "file-7c", "file-7d")):
        tables.add(video, "speaker7", [Segment(), dark, faceless, Segment()] if number else 2)
    clean = tables.run_dataset()
    noisy = tables.run_dataset(Dataset(noisy_train=True))
    assert [row for row in noisy if row["split"] != "train"] == [
        row for row in clean if row["split"] != "train"
    ]
    train = {row["video"] for row in clean if row["split"] == "train"}
    flagged = [row for row in tables.run_manifest() if row["flags"] == ["dark"]]
    more = {row["sample"] for row in noisy} - {row["sample"] for row in clean}
    assert more == {row["sample"] for row in flagged if row["video"] in train} != set()
    times = [row["start_us"] for row in noisy if row["video"] in train & {"file-7b", "file-7c"}]
    assert times[:3] == sorted(times[:3])


def test_a_noisy_sample_that_is_also_in_another_split_stays_out(tables: Tables) -> None:
    sound = tables.sound()
    splits = {row["video"]: row["split"] for row in tables.run_dataset()}
    train, test = (next(v for v, split in splits.items() if split == s) for s in ("train", "test"))
    for video in (train, test):
        speaker = f"speaker{video[5]}"
        scores = {"brightness": 1.0} if video == train else {}
        tables.add(video, speaker, [Segment(), Segment(sound=sound, scores=scores), Segment()])
    clean, noisy = tables.run_dataset(), tables.run_dataset(Dataset(noisy_train=True))
    assert {row["video"]: row["split"] for row in clean} == splits
    assert noisy == clean
