"""Longer voices go on within their video and hold each segment once; noise is as loud as speech."""

import numpy as np
import pytest

from voiceface.data.packed import Packed
from voiceface.data.recordings import whole_recordings
from voiceface.evaluation.voices import longer_voices, noise_like

RATE, SEGMENT = 10, 40


def _split(videos: list[str], sounds: list[int]) -> Packed:
    """Segments of 4 s, each holding its number in `sounds` throughout."""
    count = len(videos)
    audio = np.repeat(np.array(sounds, np.int16)[:, None], SEGMENT, axis=1)
    faces, labels = np.zeros((count, 8, 8, 3), np.uint8), np.zeros(count, np.int64)
    people, genders = ["Ana"] * count, [""] * count
    return Packed(
        "test", faces, audio, labels, people, videos, genders, ["Ana"], videos, RATE, "digest",
        np.zeros((count, 128), np.float32), segments=[f"{n:03d}" for n in sounds],
    )  # fmt: skip


def _content(audio: np.ndarray) -> list[list[int]]:
    """The segments' numbers in each row, in order."""
    return [list(dict.fromkeys(row.tolist())) for row in audio]


def test_a_voice_goes_on_with_what_follows_in_its_video_and_then_from_its_start() -> None:
    split = _split(["a", "a", "a", "b", "b", "b"], [1, 2, 3, 4, 5, 6])
    voices = longer_voices(split, np.arange(6), [1.0, 10.0])
    assert voices.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert voices.audio.shape == (6, 10 * RATE)
    assert _content(voices.audio) == [
        [1, 2, 3], [2, 3, 1], [3, 1, 2], [4, 5, 6], [5, 6, 4], [6, 4, 5],
    ]  # fmt: skip


def test_several_faces_of_one_segment_do_not_repeat_its_sound() -> None:
    split = _split(["a"] * 6, [1, 1, 2, 2, 3, 3])
    voices = longer_voices(split, np.array([0, 1, 4]), [12.0])
    assert _content(voices.audio) == [[1, 2, 3], [1, 2, 3], [3, 1, 2]]


def test_the_same_voices_serve_for_each_length_that_half_of_them_have() -> None:
    split = _split(["a", "a", "b", "c"], [1, 2, 3, 4])
    voices = longer_voices(split, np.arange(4), [1.0, 5.0, 10.0])
    assert voices.rows.tolist() == [0, 1]  # two of four have 5 s; nobody has 10
    assert voices.audio.shape == (2, 5 * RATE)
    few = longer_voices(split, np.arange(1, 4), [1.0, 5.0])
    assert few.rows.tolist() == [1, 2, 3]  # one of three has 5 s: all give 1 s
    assert few.audio.shape == (3, RATE)


@pytest.mark.parametrize(("rows", "seconds"), [([], [1.0]), ([0], [9.0]), ([0], [])])
def test_where_nobody_has_the_shortest_there_is_none(rows: list[int], seconds: list[float]) -> None:
    split = _split(["a"], [1])
    assert not len(longer_voices(split, np.array(rows, np.int64), seconds).rows)


def test_a_whole_recording_is_joined_of_its_segments_up_to_20_s() -> None:
    split = _split(["a"] * 7 + ["b"] * 4, [1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9])
    whole = whole_recordings(split, np.array([3, 8]))
    assert whole.shape == (2, 20 * RATE)
    # After a recording's end comes its beginning, and two faces of a segment share its sound.
    assert whole[:, ::SEGMENT].tolist() == [[4, 5, 6, 7, 1], [8, 9, 8, 9, 8]]
    assert whole_recordings(split, np.array([9])).shape == (1, 8 * RATE)  # as long as there is
    assert whole_recordings(split, np.arange(0)).shape == (0, SEGMENT)


def test_noise_is_as_loud_as_each_voice_and_the_same_by_seed() -> None:
    random = np.random.default_rng(0)
    audio = (random.normal(size=(3, 4000)) * [[30], [900], [5000]]).astype(np.int16)
    noise = noise_like(audio, 1)
    loudness = [np.sqrt(np.mean(each.astype(float) ** 2, axis=1)) for each in (audio, noise)]
    assert loudness[1] == pytest.approx(loudness[0], rel=0.05)
    assert np.abs(np.corrcoef(audio, noise)[:3, 3:]).max() < 0.1
    assert (noise == noise_like(audio, 1)).all()
    assert (noise != noise_like(audio, 2)).any()
