"""Landmarks are found in faces, and in nothing else."""

from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


def test_landmarks_are_found_in_faces_and_not_in_noise(
    splits: dict[str, Faces], material: Material
) -> None:
    train, test = (measure("landmarks", splits[name], material) for name in ("train", "test"))
    assert (train["generated"], train["real"], train["n"]) == (0, 100, 32)
    assert (test["generated"], test["real"], test["n"]) == (100, 100, 12)
