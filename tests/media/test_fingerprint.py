"""Fingerprints: what is the same sound, bit for bit or to the ear, and what is not."""

from pathlib import Path

import numpy as np
import pytest

from tests.voice_builder import RATE, recoded, spoken
from voiceface.media.fingerprint import (
    MARKS_PER_S,
    SAME_SOUND_ERRORS,
    content_prints,
    mark_errors,
    sound_marks,
)

ENCODERS = [
    ("a.m4a", ("-c:a", "aac", "-b:a", "64k", "-ar", "44100")),
    ("a.mp3", ("-c:a", "libmp3lame", "-b:a", "48k")),
    ("a.ogg", ("-c:a", "libopus", "-b:a", "24k")),
    ("a.wav", ("-af", "volume=-15dB", "-ar", "8000")),
]


def test_prints_recognise_the_same_sound_wherever_it_was_cut() -> None:
    random = np.random.default_rng(1)
    long = random.normal(0, 3000, 6 * RATE).astype(np.int16)
    one, other = long[: 4 * RATE], long[2 * RATE + 137 :]
    shared = set(content_prints(one)) & set(content_prints(other))
    assert len(shared) >= 5
    elsewhere = random.normal(0, 3000, 4 * RATE).astype(np.int16)
    assert not set(content_prints(one)) & set(content_prints(elsewhere))


def test_there_is_about_one_print_in_so_many_samples() -> None:
    counts = [len(content_prints(spoken(person, 8))) for person in range(3)]
    assert all(30 <= count <= 100 for count in counts)  # 62 expected, less the quiet windows


def test_silence_has_no_prints() -> None:
    assert content_prints(np.zeros(4 * RATE, np.int16)) == []
    assert content_prints(np.full(4 * RATE, 7, np.int16)) == []
    assert content_prints(np.full(10, 7, np.int16)) == []


@pytest.mark.parametrize(("name", "encoder"), ENCODERS)
def test_the_same_sound_is_found_after_an_encoder_and_a_new_cut(
    tmp_path: Path, name: str, encoder: tuple[str, ...]
) -> None:
    """The cut is off by part of a hop, and only 2.5 s are in both."""
    for person in range(3):
        long = spoken(person, 7)
        other = recoded(long, tmp_path / name, *encoder)
        one, late = sound_marks(long[: 4 * RATE], RATE), sound_marks(other[24_250:], RATE)
        assert mark_errors(one, late) < 0.6 * SAME_SOUND_ERRORS
        assert np.intersect1d(one, late).size  # words alone find it


def test_other_speech_of_the_same_person_is_not_found() -> None:
    for person in range(4):
        one, other = (sound_marks(spoken(person, 4, seed), RATE) for seed in (1, 2))
        assert mark_errors(one, other) > SAME_SOUND_ERRORS


@pytest.mark.parametrize("rate", [8000, 32000, 48000])
def test_marks_hardly_depend_on_the_sample_rate(tmp_path: Path, rate: int) -> None:
    pcm = spoken(3)
    other = recoded(pcm, tmp_path / "a.wav", "-ar", str(rate), to=rate)
    assert mark_errors(sound_marks(pcm, RATE), sound_marks(other, rate), 100) < 0.05


def test_there_are_32_marks_a_second_and_none_for_a_moment() -> None:
    pcm = spoken(0)
    assert len(sound_marks(pcm, RATE)) == 115
    assert sound_marks(pcm, RATE).dtype == np.int32
    assert len(sound_marks(pcm[:RATE], RATE)) == 115 - 3 * MARKS_PER_S
    assert len(sound_marks(pcm[: RATE // 3], RATE)) == 0


def test_silences_are_not_the_same_sound() -> None:
    one, other = np.zeros((2, 4 * RATE), np.int16)
    one[:2000], other[:2000] = spoken(0)[:2000], spoken(1)[:2000]
    assert mark_errors(sound_marks(one, RATE), sound_marks(other, RATE)) > SAME_SOUND_ERRORS


def test_too_short_an_overlap_is_no_finding() -> None:
    marks = sound_marks(spoken(0), RATE)
    assert mark_errors(marks, marks[:63]) == 1.0
    assert mark_errors(marks, marks[50:114]) == 0.0
