"""The benchmark of what models learn: its world, its control and its table."""

from pathlib import Path

import numpy as np
from learn import FULL, SHOWN, beside  # benchmarks/ is on the path, see pyproject.toml
from learnworld import World, pack_world, shuffle_voices

from tests.builders import packed_dataset
from voiceface.data.packed import read_splits


def test_no_video_and_no_unseen_speaker_is_trained_on() -> None:
    train, test, unseen = (FULL.videos_of(split) for split in ("train", "test", "unseen"))
    assert len({speaker for speaker, _ in train}) >= 20
    assert {speaker for speaker, _ in test} == {speaker for speaker, _ in train}
    assert not {speaker for speaker, _ in unseen} & {speaker for speaker, _ in train}
    assert not set(train) & set(test)


def test_the_world_is_packed_once_with_different_faces_and_voices(tmp_path: Path) -> None:
    packed = pack_world(tmp_path, World(known=1, unseen=1, videos=1, segments=2))
    splits = read_splits(packed)
    assert splits["train"].people == ["demo-01"] * 2
    assert splits["unseen"].people == ["demo-02"] * 2
    every = [splits[name] for name in ("train", "test", "unseen")]
    assert len(np.unique(np.concatenate([split.faces for split in every]), axis=0)) == 6
    sounds = np.concatenate([split.audio for split in every])
    assert sounds.shape == (6, 64_000)
    assert np.abs(np.corrcoef(sounds)[np.triu_indices(6, 1)]).max() < 0.5
    before = (packed / "train" / "faces.npy").stat().st_mtime_ns
    pack_world(tmp_path, World(known=1, unseen=1, videos=1, segments=2))
    assert (packed / "train" / "faces.npy").stat().st_mtime_ns == before


def test_shuffling_moves_faces_with_their_people_and_leaves_the_tests(tmp_path: Path) -> None:
    packed = packed_dataset(tmp_path / "true", speakers=3, per_speaker=4)
    true, shuffled = read_splits(packed), read_splits(shuffle_voices(packed, tmp_path / "other"))
    before, after = true["train"], shuffled["train"]
    assert np.array_equal(before.audio, after.audio)
    assert before.recordings == after.recordings
    assert before.people != after.people
    owner = {face.tobytes(): who for face, who in zip(before.faces, before.people, strict=True)}
    assert [owner[face.tobytes()] for face in after.faces] == after.people
    for split in ("test", "unseen"):
        assert np.array_equal(true[split].faces, shuffled[split].faces)
        assert true[split].people == shuffled[split].people


def test_the_table_says_which_goals_are_met() -> None:
    def made(generated: float | None) -> dict:
        value = {"generated": generated, "real": 99.0, "interval": (1.0, 2.0), "chance": 50.0}
        splits = dict.fromkeys(("train", "test", "unseen"), value)
        return {"metrics": {name: {"values": splits} for name, _ in SHOWN}}

    goals = {("identity", "test"): 80.0, ("gender", "unseen"): 90.0}
    figures = beside(goals, [made(85.0)], made(50.0), {})
    assert figures["identity_test"]["met"]
    assert figures["identity_test"]["interval"] == (1.0, 2.0)
    assert not figures["gender_unseen"]["met"]
    assert figures["identity_test"]["shuffled"] == 50
    assert "met" not in figures["identity_train"]
    assert not beside(goals, [made(None)], made(50.0), {})["identity_test"]["met"]
    seeds = beside(goals, [made(75.0), made(81.0)], made(50.0), {})["identity_test"]
    assert seeds["value"] == 78
    assert seeds["seeds"] == [75, 81]
    assert seeds["interval"][0] < 75
    assert not seeds["met"]
    longer = beside(goals, [made(91.0)], None, figures)
    assert longer["identity_test"]["value"] == 91
    assert longer["identity_test"]["shuffled"] == 50  # of the control that was trained before
    assert "shuffled" not in beside(goals, [made(91.0)], None, {})["identity_test"]
