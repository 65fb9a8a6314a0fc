"""Landmarks are found in faces, and in nothing else."""

from voiceface.evaluation import landmarks
from voiceface.evaluation.metric import Material


def test_landmarks_are_found_in_faces_and_not_in_noise(material: Material) -> None:
    values = landmarks.measure(material)
    assert values["train"] == {"generated": 0.0, "real": 100.0, "n": 32}
    assert values["test"] == {"generated": 100.0, "real": 100.0, "n": 12}


def test_an_empty_split_has_no_value_and_says_why(empty: Material) -> None:
    value = landmarks.measure(empty)["unseen"]
    assert value == {"generated": None, "real": None, "n": 0, "note": "the split has no samples"}
