"""Samples stage: thresholds into flags, scores into samples."""

import itertools
import re
from typing import Any

import pytest

from tests.workflow.project import ROOT
from voiceface.config import Samples, Settings
from voiceface.stages.samples import Least, flags, least_talk
from voiceface.tables import GATHERED, REASONS, SAMPLES

GOOD = {
    "snr_db": 30.0,
    "speech": 0.9,
    "second_voice": 0.0,
    "voice_change": 0.0,
    "voice_distance": 0.8,
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
    "outside": 0.0,
    "occlusion": 0.0,
    "mouth_motion": 0.05,
    "other_mouth_motion": None,
    "lip_sync": 0.8,
    "face_number": 0,
}


def test_a_good_sample_has_no_flag() -> None:
    assert flags(Samples(), GOOD, Least()) == []


@pytest.mark.parametrize(
    ("score", "value", "reason"),
    [
        ("snr_db", 3.0, "noise_or_music"),
        ("speech", 0.3, "not_speech"),
        ("second_voice", 0.1, "second_voice"),
        ("voice_change", 1.5, "voice_changes"),
        ("voice_distance", 3.5, "other_voice"),
        ("loudness_db", -70.0, "quiet"),
        ("clipped", 0.1, "clipped"),
        ("faces", 2, "several_faces"),
        ("face_change", 0.9, "face_changes"),
        ("face_px", 20.0, "small_face"),
        ("detector_score", -0.3, "uncertain_face"),
        ("yaw_deg", -70.0, "turned"),
        ("pitch_deg", 45.0, "turned"),
        ("roll_deg", 45.0, "turned"),
        ("brightness", 10.0, "dark"),
        ("brightness", 250.0, "overexposed"),
        ("sharpness", 3.0, "blurred"),
        ("motion", 0.0, "still_picture"),
        ("outside", 0.3, "cut_off"),
        ("occlusion", 0.4, "occluded"),
        ("other_mouth_motion", 0.1, "other_talks"),
        ("mouth_motion", 0.002, "dubbed"),
    ],
)
def test_each_bad_score_has_its_flag_and_no_other(score: str, value: Any, reason: str) -> None:
    assert flags(Samples(), GOOD | {score: value}, Least(0.2, 0.01)) == [reason]


def test_without_a_face_only_the_sound_is_judged() -> None:
    faceless = dict.fromkeys(GOOD) | {
        "snr_db": 3.0,
        "speech": 0.9,
        "second_voice": 0.0,
        "voice_change": 0.0,
        "voice_distance": None,
        "loudness_db": -20.0,
        "clipped": 0.0,
        "faces": 0,
    }
    assert flags(Samples(), faceless, Least()) == ["no_face", "noise_or_music"]


def test_flags_stand_in_the_order_of_the_funnel() -> None:
    bad = GOOD | {"clipped": 1.0, "faces": 3, "sharpness": 0.0, "snr_db": 0.0}
    found = flags(Samples(), bad, Least())
    assert found == sorted(found, key=REASONS.index)
    assert found[0] == "several_faces"


def test_a_threshold_is_a_setting() -> None:
    assert flags(Samples(min_face_px=300.0), GOOD, Least()) == ["small_face"]
    beside = GOOD | {"other_mouth_motion": 0.06}  # where the main one's is 0.05
    assert flags(Samples(), beside, Least()) == ["other_talks"]
    assert flags(Samples(max_other_mouth=1.5), beside, Least()) == []


def test_each_reason_of_the_docs_has_its_scores_and_its_settings() -> None:
    lines = (ROOT / "docs/quality.md").read_text().splitlines()
    start = lines.index("| reason | it tells | score column | setting |")
    told = []
    for line in itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :]):
        reasons, _, scores, settings = (_code_words(cell) for cell in line.split("|")[1:-1])
        told += reasons
        if reasons == ["outside_clips"]:
            continue  # told by the list of sources alone
        assert set() < set(scores) <= {*SAMPLES.names, *GATHERED.names}, line
        [section] = {name.split(".")[0] for name in settings if "." in name}
        known = type(getattr(Settings(), section)).model_fields.keys()
        assert {name.split(".")[-1] for name in settings} <= known, line
    assert sorted(told) == sorted(REASONS)


def _code_words(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


def test_more_faces_may_be_let_in_but_only_the_main_one_may_talk() -> None:
    two = GOOD | {"faces": 2, "other_mouth_motion": 0.01}
    assert flags(Samples(), two, Least()) == ["several_faces"]
    assert flags(Samples(max_faces=2), two, Least()) == []
    assert flags(Samples(max_faces=2), two | {"other_mouth_motion": 0.2}, Least()) == [
        "other_talks"
    ]


def test_what_was_not_measured_is_not_held_against_a_sample() -> None:
    unknown = ("face_change", "motion", "outside", "occlusion", "mouth_motion", "lip_sync")
    unknown += ("voice_distance",)
    assert flags(Samples(), GOOD | dict.fromkeys(unknown), Least(0.2, 0.01)) == []


def _talking(*agreements: float | None) -> list[dict[str, Any]]:
    return [GOOD | {"lip_sync": agreement, "voice_distance": None} for agreement in agreements]


def test_a_voice_may_be_as_unlike_the_usual_one_as_the_mouth_goes_with_it() -> None:
    def told(lip_sync: float | None, distance: float, least: Least) -> list[str]:
        row = GOOD | {"lip_sync": lip_sync, "voice_distance": distance}
        return flags(Samples(), row, least)

    by_mouth, without = Least(0.2, 0.01), Least(None, 0.01)
    assert told(0.9, 2.5, by_mouth) == []
    assert told(0.9, 2.5, without) == told(None, 2.5, by_mouth) == ["other_voice"]
    assert told(0.4, 1.7, by_mouth) == ["other_voice"]
    assert told(0.4, 1.7, without) == []
    assert told(-0.3, 1.4, by_mouth) == ["dubbed", "other_voice"]
    assert told(-0.3, 0.8, by_mouth) == []  # surely the usual voice


def test_a_mouth_that_does_not_follow_is_told_where_the_others_of_the_video_do() -> None:
    rows = _talking(0.9, 0.85, 0.8, 0.9, 0.75, -0.1, None)
    least = least_talk(Samples(), rows)
    assert [flags(Samples(), row, least) for row in rows] == [[], [], [], [], [], ["dubbed"], []]


def test_where_mouth_and_sound_never_agree_well_nothing_is_told_by_it() -> None:
    assert least_talk(Samples(), _talking(0.3, 0.5, 0.1, -0.2, 0.6)).lip_sync is None
    assert least_talk(Samples(), _talking(0.5, 0.6, 0.1, 0.7, 0.6)).lip_sync == pytest.approx(0.1)
    assert least_talk(Samples(), _talking(0.9, 0.9, 0.1)) == Least()  # too few to tell
    assert least_talk(Samples(min_lip_sync=None), _talking(0.9, 0.9, 0.9, 0.9)) == Least()


def test_what_is_bad_anyway_does_not_tell_what_is_usual() -> None:
    noisy = [row | {"snr_db": 0.0} for row in _talking(*[-0.2] * 9)]
    assert least_talk(Samples(), noisy + _talking(0.9, 0.8, 0.9, 0.85)).lip_sync is not None


def test_a_shut_mouth_is_told_by_how_others_of_the_video_move() -> None:
    rows = _talking(0.5, 0.4, 0.6, 0.5, 0.3)
    rows[-1]["mouth_motion"] = 0.008
    least = least_talk(Samples(), rows)
    assert [flags(Samples(), row, least) for row in rows] == [[], [], [], [], ["dubbed"]]


def test_a_mouth_that_does_not_move_at_all_is_shut_whatever_it_agrees_with() -> None:
    rows = _talking(0.9, 0.9, 0.9, 0.9, 0.9)
    rows[-1]["mouth_motion"] = 0.005
    least = least_talk(Samples(), rows)
    assert [flags(Samples(), row, least) for row in rows] == [[], [], [], [], ["dubbed"]]
