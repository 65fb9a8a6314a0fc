"""Samples stage: thresholds into flags, scores into samples."""

from typing import Any

import pytest

from voiceface.config import Samples
from voiceface.stages.samples import flags
from voiceface.tables import REASONS

GOOD = {
    "snr_db": 30.0,
    "speech": 0.9,
    "second_voice": 0.0,
    "loudness_db": -20.0,
    "clipped": 0.0,
    "faces": 1,
    "face_sha256": "ab",
    "face_change": 0.0,
    "face_px": 200.0,
    "detector_score": 1.0,
    "yaw_deg": 5.0,
    "pitch_deg": -5.0,
    "roll_deg": 0.0,
    "brightness": 120.0,
    "sharpness": 300.0,
    "motion": 1.0,
}


def test_a_good_sample_has_no_flag() -> None:
    assert flags(Samples(), GOOD) == []


@pytest.mark.parametrize(
    ("score", "value", "reason"),
    [
        ("snr_db", 3.0, "noise_or_music"),
        ("speech", 0.3, "not_speech"),
        ("second_voice", 0.1, "second_voice"),
        ("loudness_db", -70.0, "quiet"),
        ("clipped", 0.1, "clipped"),
        ("faces", 2, "several_faces"),
        ("face_change", 0.9, "face_changes"),
        ("face_px", 20.0, "small_face"),
        ("detector_score", -0.1, "uncertain_face"),
        ("yaw_deg", -70.0, "turned"),
        ("pitch_deg", 45.0, "turned"),
        ("roll_deg", 45.0, "turned"),
        ("brightness", 10.0, "dark"),
        ("brightness", 250.0, "overexposed"),
        ("sharpness", 3.0, "blurred"),
        ("motion", 0.0, "still_picture"),
    ],
)
def test_each_bad_score_has_its_flag_and_no_other(score: str, value: Any, reason: str) -> None:
    assert flags(Samples(), GOOD | {score: value}) == [reason]


def test_without_a_face_only_the_sound_is_judged() -> None:
    faceless = dict.fromkeys(GOOD) | {
        "snr_db": 3.0,
        "speech": 0.9,
        "second_voice": 0.0,
        "loudness_db": -20.0,
        "clipped": 0.0,
        "faces": 0,
    }
    assert flags(Samples(), faceless) == ["no_face", "noise_or_music"]


def test_flags_stand_in_the_order_of_the_funnel() -> None:
    bad = GOOD | {"clipped": 1.0, "faces": 3, "sharpness": 0.0, "snr_db": 0.0}
    found = flags(Samples(), bad)
    assert found == sorted(found, key=REASONS.index)
    assert found[0] == "several_faces"


def test_a_threshold_is_a_setting() -> None:
    assert flags(Samples(min_face_px=300.0), GOOD) == ["small_face"]
