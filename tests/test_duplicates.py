"""What was recorded once and stands twice, through the manifest stage and by itself."""

import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.tables_builder import SEGMENT_US, Segment, Tables
from voiceface.config import Gather
from voiceface.duplicates import face_pairs, print_pairs, repeats, sound_pairs
from voiceface.media.fingerprint import sound_marks
from voiceface.review.exchange import mark
from voiceface.tables import SAMPLES

SCHEMA = pa.schema(
    SAMPLES.field(name)
    for name in ("video", "start_us", "audio_prints", "audio_marks", "face_print")
)
RNG = np.random.default_rng()


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Each test draws the same, whichever ran before it."""
    RNG.bit_generator.state = np.random.default_rng(13).bit_generator.state


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


def marks(count: int = 115) -> np.ndarray:
    """A fingerprint of sound like no other: int32 (count,)."""
    return RNG.integers(-(1 << 31), 1 << 31, count).astype(np.int32)


def blurred(words: np.ndarray, share: float) -> np.ndarray:
    """The same fingerprint with a share of its bits wrong, as after another encoder.

    As in true ones, some frames suffer and others do not.
    """
    wrong = RNG.random((len(words), 32)) < 2 * share
    wrong[RNG.random(len(words)) < 0.5] = False
    return words ^ np.packbits(wrong, axis=1).view(np.int32)[:, 0]


def face_print(bits_off: int = 0, of: bytes | None = None) -> bytes:
    """256 random bits, or those of another print with some turned."""
    if of is None:
        return RNG.bytes(32)
    turned = np.zeros(256, np.uint8)
    turned[RNG.choice(256, bits_off, replace=False)] = 1
    return (np.frombuffer(of, np.uint8) ^ np.packbits(turned)).tobytes()


def segment(sound: np.ndarray | None = None, face: bytes | None = None, **scores: Any) -> Segment:
    about = {"audio_marks": (marks() if sound is None else sound).tolist()}
    return Segment(scores={**about, "face_print": face or face_print(), **scores})


def flagged(tables: Tables, config: Gather | None = None) -> list[bool]:
    flags = [row["flags"] for row in tables.run_manifest(config)]
    assert all(set(found) <= {"duplicate"} for found in flags)
    return [bool(found) for found in flags]


def test_a_re_upload_with_other_cuts_and_encoding_is_a_duplicate(tables: Tables) -> None:
    sound = marks(500)
    cuts = [segment(sound[start : start + 115]) for start in (0, 128, 256)]
    copies = [segment(blurred(sound[start : start + 115], 0.08)) for start in (60, 188, 316)]
    tables.add("file-a", "ana", [*cuts, segment()])
    tables.add("file-b", "bo", [segment(), *copies])
    assert flagged(tables) == [*[False] * 4, False, *[True] * 3]
    assert not any(flagged(tables, Gather(duplicate_sound_errors=None)))


def test_a_jingle_stays_once_and_the_rest_of_the_videos_stay(tables: Tables) -> None:
    jingle = marks(60)
    for video in "abcdefghijklmnopqrst":
        with_jingle = np.concatenate([blurred(jingle, 0.03), marks(55)])
        tables.add(f"file-{video}", f"speaker{video}", [segment(with_jingle), segment()])
    assert flagged(tables) == [False, False] + [True, False] * 19


def test_half_a_second_in_common_is_no_duplicate(tables: Tables) -> None:
    word = marks(16)
    for video in "ab":
        tables.add(f"file-{video}", "ana", [segment(np.concatenate([word, marks(99)]))])
    assert not any(flagged(tables))


def test_a_hum_that_is_marked_alike_everywhere_is_no_duplicate(tables: Tables) -> None:
    hum = np.full(115, marks(1)[0])
    tables.add("file-a", "ana", [segment(hum), segment(hum)])
    assert not any(flagged(tables))


def test_bit_identical_half_seconds_are_duplicates_and_single_windows_are_not(
    tables: Tables,
) -> None:
    prints = list(range(100, 140))
    tables.add("file-a", "ana", [segment(audio_prints=prints)])
    tables.add("file-b", "bo", [segment(audio_prints=[7, *prints[5:9]])])
    tables.add("file-c", "cy", [segment(audio_prints=[8, *prints[30:31]])])
    assert flagged(tables) == [False, True, False]


def test_nearly_one_picture_in_two_videos_is_a_duplicate_but_not_within_one(
    tables: Tables,
) -> None:
    face = face_print()
    calm = [segment(face=face_print(2, of=face)) for _ in range(3)]
    tables.add("file-a", "ana", calm)
    tables.add("file-b", "bo", [segment(face=face_print(1, of=face)), segment()])
    tables.add("file-c", "bo", [segment(face=face_print(9, of=face))])
    assert flagged(tables) == [False, False, False, True, False, False]
    assert not any(flagged(tables, Gather(duplicate_face_bits=None)))


def test_a_flagged_twin_makes_no_duplicate_and_a_curator_has_the_last_word(
    tables: Tables,
) -> None:
    sound = marks()
    tables.add("file-a", "ana", [segment(sound, brightness=1.0)])
    tables.add("file-b", "ana", [segment(sound)])
    tables.add("file-c", "ana", [segment(sound)])
    rows = tables.run_manifest()
    assert [row["flags"] for row in rows] == [["dark"], [], ["duplicate"]]
    mark(tables.reviews, tables.manifest, [rows[2]["sample"]], "keep", "", "ana")
    assert [row["fate"] for row in tables.run_manifest()] == ["dark", "kept", "kept"]


def test_what_a_curator_kept_twice_is_in_one_split(tables: Tables) -> None:
    sound, face = marks(), face_print()
    for number in range(8):
        tables.add(f"file-{number}0", f"speaker{number}", [segment(), segment()])
    tables.add("file-01", "speaker0", [segment(blurred(sound, 0.05)), segment(face=face)])
    tables.add("file-11", "speaker1", [segment(sound), segment()])
    tables.add("file-21", "speaker2", [segment(face=face_print(2, of=face)), segment()])
    twins = [row["sample"] for row in tables.run_manifest() if row["flags"] == ["duplicate"]]
    assert len(twins) == 2
    mark(tables.reviews, tables.manifest, twins, "keep", "", "ana")
    splits = {row["video"]: row["split"] for row in tables.run_dataset()}
    assert splits["file-01"] == splits["file-11"] == splits["file-21"]


def test_the_faces_of_one_segment_are_no_duplicates_of_each_other() -> None:
    sound = marks().tolist()
    rows = [
        {"video": "a", "start_us": 0, "audio_prints": [1, 2, 3, 4, 5], "audio_marks": sound}
        for _ in range(3)
    ]
    assert not repeats(pa.Table.from_pylist(rows, SCHEMA), 0.12, 5).any()


def test_sound_with_noise_at_another_level_and_cut_is_found_and_other_sound_is_not() -> None:
    def speech() -> np.ndarray:
        level = np.repeat(RNG.uniform(0.2, 1, 200), 1600)
        return np.asarray(level * np.convolve(RNG.normal(0, 3000, 320_000), np.ones(7) / 3, "same"))

    one, other = speech(), speech()
    noisy = (0.5 * one + RNG.normal(0, 60, len(one)))[5_555:]
    clips = [one[:64_000], other[:64_000], noisy[:64_000], noisy[64_000:128_000]]
    table = [sound_marks(clip.astype(np.int16), 16_000).tolist() for clip in clips]
    rows = [{"video": f"{n}", "start_us": 0, "audio_marks": one} for n, one in enumerate(table)]
    assert sound_pairs(pa.Table.from_pylist(rows, SCHEMA)).tolist() == [[0, 2]]


def test_keys_sorted_in_portions_meet_as_they_do_sorted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, faces = [marks() for _ in range(5)], [face_print() for _ in range(8)]
    rows = [
        {
            "video": f"v{number // 5}",
            "start_us": number % 5 // 2 * SEGMENT_US,
            "audio_marks": np.roll(blurred(known[number % 5], 0.08), number)
            if number % 3
            else marks(),
            "audio_prints": [number % 7 * 10 + place for place in range(number % 6)],
            "face_print": face_print(number % 4, of=faces[number % 8]),
        }
        for number in range(60)
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    among = np.arange(60) % 4 > 0

    def found() -> list[list[int]]:
        pairs = [sound_pairs(table), print_pairs(table, 4), face_pairs(table)]
        out = [repeats(table, 0.12, 3), repeats(table, 0.12, 3, among)]
        return [one.tolist() for one in (*pairs, *out)]

    at_once = found()
    assert all(map(any, at_once))
    monkeypatch.setattr("voiceface.duplicates._LARGE", 50)
    assert found() == at_once
    # Those that are not compared change nothing.
    alone = repeats(table.filter(pa.array(among)), 0.12, 3)
    assert np.array_equal(repeats(table, 0.12, 3, among)[among], alone)


def test_marks_that_meet_by_chance_take_little_memory() -> None:
    count, each = 15_000, 100
    words = RNG.integers(0, 1 << 20, (count, each)).astype(np.int32)  # more meetings than marks
    starts = pa.array(np.arange(count + 1, dtype=np.int32) * each)
    columns = {
        "video": pa.array([f"v{number // 100}" for number in range(count)]),
        "start_us": pa.array(np.arange(count) % 100 * SEGMENT_US),
        "audio_marks": pa.ListArray.from_arrays(starts, pa.array(words.ravel())),
    }
    table = pa.table(columns)
    tracemalloc.start()
    assert not len(sound_pairs(table))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * words.nbytes


def test_ten_thousand_samples_take_seconds() -> None:
    count = 10_000
    words = RNG.integers(-(1 << 31), 1 << 31, (count, 115)).astype(np.int32)
    prints = RNG.bytes(32 * count)
    words[7_777] = blurred(words[3_333], 0.06)
    rows = [
        {
            "video": f"v{number // 100}",
            "start_us": number % 100 * SEGMENT_US,
            "audio_marks": words[number],
            "face_print": prints[32 * number : 32 * number + 32],
        }
        for number in range(count)
    ]
    rows[8_888]["face_print"] = face_print(5, of=rows[1_111]["face_print"])
    table = pa.Table.from_pylist(rows, SCHEMA)
    start = time.process_time()
    assert sound_pairs(table).tolist() == [[3_333, 7_777]]
    assert face_pairs(table).tolist() == [[1_111, 8_888]]
    assert time.process_time() - start < 10
