from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from voiceface.errors import VoicefaceError
from voiceface.leakage import near_sounds, prove_no_leak
from voiceface.tables import DATASET, SAMPLES

SCHEMA = pa.schema(
    [DATASET.field("sample"), DATASET.field("speaker"), DATASET.field("video")]
    + [DATASET.field(name) for name in ("start_us", "end_us", "face_video")]
    + [DATASET.field(name) for name in ("audio_sha256", "face_sha256")]
    + [SAMPLES.field(name) for name in ("audio_prints", "audio_marks", "face_print")]
    + [DATASET.field("split")]
)


def marks(number: int, wrong: float = 0.0) -> list[int]:
    """The fingerprint of one sound, or of the same with a share of wrong bits, cut elsewhere."""
    rng = np.random.default_rng(number)
    words = rng.integers(-(1 << 31), 1 << 31, 115).astype(np.int32)
    if not wrong:
        return words.tolist()
    bits = rng.random((115, 32)) < 2 * wrong
    bits[::2] = False
    return (words ^ np.packbits(bits, axis=1).view(np.int32)[:, 0]).tolist()[37:]


def near_face(number: int) -> bytes:
    """The face print of sample `number`, three bits off."""
    face = bytearray(np.random.default_rng(number).bytes(32))
    for place in (0, 13, 31):
        face[place] ^= 4
    return bytes(face)


def rows() -> list[dict[str, Any]]:
    """Three clean samples in each split; speakers a to c are known, d is unseen."""
    made = []
    for number, split in enumerate(["train", "test", "unseen"] * 3):
        speaker = "d" if split == "unseen" else "abc"[number // 3]
        made.append(
            {
                "sample": f"s{number}",
                "speaker": speaker,
                "video": f"{split}-{number}",
                "start_us": 0,
                "end_us": 4_000_000,
                "face_video": f"{split}-{number}",
                "audio_sha256": f"audio{number}",
                "face_sha256": f"face{number}",
                "audio_prints": [number * 100 + print_ for print_ in range(number)],
                "audio_marks": marks(number),
                "face_print": np.random.default_rng(number).bytes(32),
                "split": split,
            }
        )
    return made


def check(samples: list[dict[str, Any]]) -> dict[str, Any]:
    return prove_no_leak(pa.Table.from_pylist(samples, SCHEMA))


def test_no_leak_is_proved_with_the_counts_of_what_was_compared() -> None:
    proof = check(rows())
    assert proof.pop("near")["face"] == {"bits": 256, "wrong_bits_at_most": 3}
    assert proof == {
        "samples": {"train": 3, "test": 3, "unseen": 3},
        "compared": {
            "video": 9,
            "sound": 9,
            "sound_prints": 36,
            "face": 9,
            "sound_marks": 9 * 115,
            "face_prints": 9,
        },
        "shared_between_splits": 0,
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"video": "train-0", "start_us": 9_000_000, "end_us": 13_000_000}, "share a video"),
        ({"face_video": "train-0"}, "share a video"),
        ({"video": "train-0", "start_us": 3_999_999}, "share a stretch of one video"),
        ({"audio_sha256": "audio0"}, "share a sound"),
        ({"audio_prints": [5, 301, 7]}, "share a stretch of sound"),
        ({"face_sha256": "face0"}, "share a face"),
        ({"audio_marks": marks(0, wrong=0.08)}, "share nearly the same sound"),
        ({"face_print": near_face(0)}, "share nearly the same face"),
    ],
)
@pytest.mark.parametrize("victim", [7, 8])
def test_a_planted_leak_is_refused_and_both_samples_named(
    change: dict[str, Any], told: str, victim: int
) -> None:
    samples = rows()
    samples[victim] |= change
    twin = "s3" if "audio_prints" in change else "s0"
    with pytest.raises(VoicefaceError, match=told) as error:
        check(samples)
    assert {twin, f"s{victim}"} <= set(str(error.value).replace("(", " ").split())
    assert "\n" not in str(error.value)


def test_different_pictures_of_one_folder_are_no_leak() -> None:
    samples = rows()
    for sample in samples:
        sample["face_video"] = "pictures-of-them"
    assert check(samples)["compared"]["video"] == 9


def test_faces_of_one_video_that_has_no_sample_itself_are_a_leak() -> None:
    samples = rows()
    for sample in samples[:2]:
        sample["face_video"] = "file-silent"
    with pytest.raises(VoicefaceError, match="share a video"):
        check(samples)


def test_marks_sorted_in_shares_meet_as_they_do_sorted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sounds = [marks(number % 9, wrong=0.05 if number > 8 else 0) for number in range(27)]
    joined = np.concatenate([np.array(one, np.int32) for one in sounds]).view(np.uint32)
    lengths = np.array([len(one) for one in sounds])
    side = np.arange(27) % 2
    at_once = list(near_sounds(joined, lengths, side))
    assert len(at_once) >= 9
    monkeypatch.setattr("voiceface.leakage._MANY", 100)
    assert list(near_sounds(joined, lengths, side)) == at_once


def test_an_unseen_speaker_among_the_known_is_refused() -> None:
    samples = rows()
    samples[4]["speaker"] = "d"
    with pytest.raises(VoicefaceError, match="share a speaker"):
        check(samples)


def test_a_person_who_is_unseen_under_one_label_and_known_under_another_is_refused() -> None:
    samples = pa.Table.from_pylist(rows(), SCHEMA)
    prove_no_leak(samples, [("a", "b"), ("d", "nothing is kept of it")])
    with pytest.raises(VoicefaceError, match=r"s3 \(train\) and s2 \(unseen\) share a person"):
        prove_no_leak(samples, [("a", "b"), ("b", "d")])


def test_what_one_split_shares_with_itself_is_no_leak() -> None:
    samples = rows()
    for sample in samples:
        sample |= {"face_sha256": sample["split"], "audio_sha256": sample["split"]}
        sample |= {"face_video": sample["split"]}
        sample |= {"video": sample["split"], "audio_prints": [hash(sample["split"])]}
        number = len(sample["split"])
        sample |= {"audio_marks": marks(number), "face_print": near_face(number)}
    assert check(samples)["compared"]["face"] == 3


def test_a_long_segment_that_spans_others_of_its_split_still_overlaps() -> None:
    samples = rows()[:4]
    for sample, (start, end, split) in zip(
        samples,
        [(0, 90, "train"), (10, 20, "train"), (30, 40, "train"), (50, 60, "test")],
        strict=True,
    ):
        sample |= {"video": "v", "start_us": start, "end_us": end, "split": split, "speaker": "a"}
    with pytest.raises(VoicefaceError, match=r"s0 \(train\) and s3 \(test\) share a stretch"):
        check(samples)


def test_no_sample_is_no_leak() -> None:
    assert check([])["compared"]["video"] == 0


def test_a_leak_among_many_is_found() -> None:
    rng = np.random.default_rng(0)
    samples = []
    for number in range(3000):
        base = rows()[number % 2]
        prints = rng.integers(0, 1 << 62, 20).tolist()
        names = {"sample": f"s{number}", "video": f"v{number}", "audio_prints": prints}
        names |= {"audio_sha256": f"a{number}", "face_sha256": f"f{number}"}
        near = {"audio_marks": marks(number), "face_print": rng.bytes(32)}
        samples.append(base | names | near)
    check(samples)
    twin = marks(1500, wrong=0.08)
    samples[77]["audio_marks"], mine = twin, samples[77]["audio_marks"]
    with pytest.raises(VoicefaceError, match=r"s1500 \(train\) and s77 \(test\).*same sound"):
        check(samples)
    samples[77]["audio_marks"] = mine
    samples[2001]["audio_prints"][7] = samples[14]["audio_prints"][3]
    with pytest.raises(VoicefaceError, match=r"s14 \(train\) and s2001 \(test\)"):
        check(samples)
