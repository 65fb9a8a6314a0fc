"""A mapped voice against the faces' own descriptors; its gender and emotion by the nearest."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.conftest import faces_of
from voiceface.evaluation.drawing import of_length_one
from voiceface.evaluation.metric import Described, Faces, Material
from voiceface.evaluation.registry import measure

PEOPLE = np.repeat(np.arange(6), 3)
GENDERS = ["female", "male"] * 3


@pytest.fixture
def truth() -> np.ndarray:
    """Descriptors of 18 faces: women's and men's apart, and everybody's alike."""
    random = np.random.default_rng(0)
    centres = random.normal(0, 0.3, (6, 128)) + np.outer([0, 1] * 3, np.ones(128) * 0.2) + 0.1
    return of_length_one(centres[PEOPLE] + random.normal(0, 0.05, (18, 128)))


def _measured(name: str, material: Material, truth: np.ndarray, places: np.ndarray) -> float:
    genders = np.array(GENDERS)[PEOPLE]
    emotions = np.where(genders == "male", "calm", "happy")
    faces = faces_of(PEOPLE, GENDERS)
    faces = replace(faces, mapped=Described(places, truth), emotions=emotions)
    train = replace(material.train, genders=genders, emotions=emotions, descriptors=truth)
    found = measure(name, faces, replace(material, train=train, maps=True))["generated"]
    assert found is not None
    return found


def test_the_very_places_are_found_and_somebody_elses_are_not(
    material: Material, truth: np.ndarray
) -> None:
    other = np.roll(truth, 3, axis=0)  # the next person's, of the other gender
    for name, best, worst in (
        ("mapped_retrieval_1", 100, 0),
        ("mapped_cosine", 1, 0.6),
        ("mapped_gender", 100, 0),
        ("mapped_emotion", 100, 0),
    ):
        assert _measured(name, material, truth, truth) == pytest.approx(best)
        assert _measured(name, material, truth, other) <= worst


def test_a_model_that_maps_none_says_so(splits: dict[str, Faces], material: Material) -> None:
    found = measure("mapped_cosine", splits["test"], material)
    assert found["note"] == "the model maps no voice into face space"
