from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from voiceface.leakage import near_sounds
from voiceface.splits import Group, draw_splits, find_groups
from voiceface.tables import GATHERED, SAMPLES

COLUMNS = ("video", "speaker", "audio_sha256", "face_sha256", "audio_prints")
FINGERPRINTS = ("start_us", "audio_marks", "face_print")
SCHEMA = pa.schema(
    [GATHERED.field("speaker"), GATHERED.field("face_video")]
    + [SAMPLES.field(name) for name in (*COLUMNS, *FINGERPRINTS) if name != "speaker"]
)


def alone(speakers: int, videos: int) -> list[Group]:
    """Groups of one video each."""
    return [Group((f"v{s}-{v}",), (f"s{s}",)) for s in range(speakers) for v in range(videos)]


def split_of_speaker(groups: list[Group], splits: dict[str, str]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for group in groups:
        for speaker in group.speakers:
            found.setdefault(speaker, Counter()).update(splits[video] for video in group.videos)
    return found


def table(*rows: tuple[str, str, str, str, list[int]]) -> pa.Table:
    return rows_of([dict(zip(COLUMNS, row, strict=True)) for row in rows])


def rows_of(rows: list[dict[str, Any]]) -> pa.Table:
    made: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        own = {
            "start_us": number,
            "face_video": row["video"],
            "audio_sha256": f"sound {number}",
            "face_sha256": f"face {number}",
        }
        made.append({"audio_marks": [], "audio_prints": [], **own, **row})
    return pa.Table.from_pylist(made, SCHEMA)


def test_videos_that_share_a_sound_a_stretch_or_a_face_are_one_group_also_by_a_chain() -> None:
    samples = table(
        ("a", "ana", "sound1", "face1", [1, 2]),
        ("a", "ana", "sound2", "face2", []),
        ("b", "ana", "sound2", "face3", [3]),
        ("c", "bo", "sound4", "face3", [4]),
        ("d", "cy", "sound5", "face5", [9, 4]),
        ("e", "ana", "sound6", "face6", [6]),
    )
    assert find_groups(samples) == [
        Group(("a", "b", "c", "d"), ("ana", "bo", "cy")),
        Group(("e",), ("ana",)),
    ]


def test_videos_with_nearly_the_same_sound_or_face_are_one_group() -> None:
    rng = np.random.default_rng(0)
    sound = rng.integers(-(1 << 31), 1 << 31, 115).astype(np.int32)
    face = rng.bytes(32)
    samples = rows_of(
        [
            {"video": "a", "speaker": "ana", "audio_marks": sound},
            {"video": "b", "speaker": "ana", "audio_marks": np.roll(sound, 30)},
            {"video": "c", "speaker": "bo", "face_print": face},
            {"video": "d", "speaker": "cy", "face_print": bytes([face[0] ^ 0b1011]) + face[1:]},
            {"video": "e", "speaker": "cy", "face_print": rng.bytes(32)},
        ]
    )
    assert [group.videos for group in find_groups(samples)] == [("a", "b"), ("c", "d"), ("e",)]


def test_a_video_and_the_one_that_its_faces_are_of_are_one_group() -> None:
    samples = rows_of(
        [
            {"video": "a", "speaker": "ana"},
            {"video": "b", "speaker": "ana", "face_video": "a"},
            {"video": "b", "speaker": "ana", "face_video": "pictures-1"},
            {"video": "c", "speaker": "ana", "face_video": "pictures-1"},
            {"video": "d", "speaker": "ana", "face_video": "silent"},
            {"video": "e", "speaker": "ana", "face_video": "silent"},
        ]
    )
    # A folder of pictures is of one person, whose recordings it must not all tie together.
    assert [group.videos for group in find_groups(samples)] == [("a", "b"), ("c",), ("d", "e")]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_sound_the_proof_refuses_is_in_one_group(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(300):
        one, other = rng.integers(-(1 << 31), 1 << 31, (2, 115)).astype(np.int32)
        # They have little more than a stretch in common, and that is anywhere in them.
        length = rng.integers(40, 56)
        here, there = rng.integers(0, 115 - length, 2)
        wrong = rng.random((length, 32)) < rng.uniform(0.1, 0.4)
        wrong[rng.random(length) < 0.5] = False
        spoilt = np.packbits(wrong, axis=1).view(np.int32)[:, 0]
        other[there : there + length] = one[here : here + length] ^ spoilt
        for name, marks in (("a", one), ("b", other)):
            rows.append({"video": f"{number}{name}", "speaker": "ana", "audio_marks": marks})
    joined = np.concatenate([row["audio_marks"] for row in rows]).view(np.uint32)
    names = [row["video"] for row in rows]
    lengths, side = np.full(len(rows), 115), np.arange(len(rows)) % 2
    refused = {tuple(sorted((names[a], names[b]))) for a, b in near_sounds(joined, lengths, side)}
    assert 30 < len(refused) < 270
    assert refused <= {group.videos for group in find_groups(rows_of(rows))}


def test_shares_are_as_asked() -> None:
    splits = draw_splits(alone(20, 8), test_fraction=0.25, unseen_fraction=0.15, seed=0)
    counts = split_of_speaker(alone(20, 8), splits)
    assert sum(count["unseen"] == 8 for count in counts.values()) == 3
    known = [count for count in counts.values() if not count["unseen"]]
    assert known == [Counter(train=6, test=2)] * 17


def test_a_speaker_of_one_video_is_for_training_and_of_two_is_in_both() -> None:
    groups = [*alone(3, 1), Group(("x",), ("two",)), Group(("y",), ("two",))]
    counts = split_of_speaker(groups, draw_splits(groups, 0.25, 0.0, seed=1))
    assert [counts[f"s{n}"] for n in range(3)] == [Counter(train=1)] * 3
    assert counts["two"] == Counter(train=1, test=1)


@pytest.mark.parametrize(("speakers", "unseen"), [(1, 0), (3, 0), (4, 1), (6, 1), (10, 2)])
def test_from_four_speakers_on_one_is_unseen(speakers: int, unseen: int) -> None:
    counts = split_of_speaker(
        alone(speakers, 2), draw_splits(alone(speakers, 2), 0.25, 0.15, seed=0)
    )
    assert sum(count["unseen"] > 0 for count in counts.values()) == unseen


def test_a_fraction_of_nothing_is_none_and_of_all_leaves_one() -> None:
    assert set(draw_splits(alone(6, 3), 0.0, 0.0, seed=0).values()) == {"train"}
    counts = split_of_speaker(alone(6, 3), draw_splits(alone(6, 3), 1.0, 1.0, seed=0))
    [known] = [count for count in counts.values() if not count["unseen"]]
    assert known == Counter(train=1, test=2)


def test_people_who_share_content_are_unseen_together_or_not_at_all() -> None:
    shared = Group(("both",), ("s0", "s1"))
    for seed in range(30):
        groups = [shared, *alone(8, 2)]
        counts = split_of_speaker(groups, draw_splits(groups, 0.25, 0.3, seed))
        assert (counts["s0"]["unseen"] == 3) == (counts["s1"]["unseen"] == 3)
        assert all(count["unseen"] in (0, sum(count.values())) for count in counts.values())


def test_two_labels_of_one_person_are_unseen_together_or_not_at_all() -> None:
    pairs = [(f"s{number}", f"s{number + 1}") for number in range(0, 8, 2)]
    for seed in range(10):
        splits = draw_splits(
            alone(8, 2), 0.25, 0.5, seed, [*pairs, ("s0", "nothing is kept of it")]
        )
        counts = split_of_speaker(alone(8, 2), splits)
        assert sum(count["unseen"] == 2 for count in counts.values()) == 4
        for one, other in pairs:
            assert counts[one]["unseen"] == counts[other]["unseen"]


def test_if_all_of_four_share_content_none_is_unseen_and_nothing_breaks() -> None:
    groups = [Group(("jingle",), ("s0", "s1", "s2", "s3")), *alone(4, 2)]
    assert "unseen" not in draw_splits(groups, 0.25, 0.15, seed=0).values()


def test_each_known_speaker_keeps_training_and_gets_a_test_whatever_is_shared() -> None:
    rng = np.random.default_rng(2)
    for seed in range(40):
        groups = []
        for number in range(30):
            people = sorted({f"s{one}" for one in rng.integers(0, 6, rng.integers(1, 3)).tolist()})
            videos = tuple(f"v{number}-{part}" for part in range(rng.integers(1, 4)))
            groups.append(Group(videos, tuple(people)))
        splits = draw_splits(groups, 0.25, 0.0, seed)
        for count in split_of_speaker(groups, splits).values():
            assert count["train"]
            assert count["test"]


def test_one_more_video_moves_almost_no_other() -> None:
    for seed in range(10):
        before = draw_splits(alone(12, 6), 0.25, 0.15, seed)
        after = draw_splits([*alone(12, 6), Group(("new",), ("s3",))], 0.25, 0.15, seed)
        moved = [video for video, split in before.items() if after[video] != split]
        assert len(moved) <= 1


def test_one_more_speaker_moves_at_most_one_other() -> None:
    for seed in range(10):
        before = draw_splits(alone(12, 6), 0.25, 0.15, seed)
        after = draw_splits(alone(13, 6), 0.25, 0.15, seed)
        moved = {video.split("-")[0] for video, split in before.items() if after[video] != split}
        assert len(moved) <= 1


def test_the_seed_draws_and_the_order_of_the_groups_does_not() -> None:
    groups = alone(10, 4)
    draws = [draw_splits(groups, 0.25, 0.15, seed) for seed in range(5)]
    assert len({tuple(sorted(draw.items())) for draw in draws}) == 5
    assert draw_splits(groups[::-1], 0.25, 0.15, seed=3) == draws[3]
