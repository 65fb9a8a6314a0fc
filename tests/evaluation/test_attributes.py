"""Gender and emotion are learnt on real faces, told of drawn ones, and of none without a label."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.conftest import faces_of
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


@pytest.fixture(scope="module")
def quick(material: Material) -> Material:
    """With a gender classifier that learns for a few seconds."""
    config = material.config.model_copy(update={"classifier_steps": 25})
    return replace(material, config=config)


def test_true_faces_have_their_gender_and_noise_has_none(
    splits: dict[str, Faces], quick: Material
) -> None:
    train, test = (measure("gender", splits[name], quick) for name in ("train", "test"))
    assert test["generated"] == test["real"]
    assert test["generated"] > 90  # type: ignore[operator]
    assert train["real"] > 90  # type: ignore[operator]
    assert train["generated"] < 80  # type: ignore[operator]
    assert test["chance"] == train["chance"] == 50


def test_unseen_people_have_a_gender_too(splits: dict[str, Faces], quick: Material) -> None:
    unseen = measure("gender", splits["unseen"], quick)
    assert unseen["n"] == 3
    assert unseen["generated"] is not None
    assert unseen["chance"] == 100  # all three are of one gender


def test_people_of_no_known_gender_are_left_out(material: Material) -> None:
    class Male:
        """Takes every face for the second gender."""

        def __call__(self, faces: np.ndarray) -> np.ndarray:
            return np.tile([0.0, 1.0], (len(faces), 1))

    people = np.array([0, 0, 1, 2, 3])
    faces = faces_of(people, ["male", "female", "", "other"])
    fooled = replace(material)
    fooled.once("gender classifier", Male)
    found = measure("gender", faces, fooled)
    assert found["n"] == 3
    assert found["generated"] == round(200 / 3, 4)
    assert found["chance"] == round(200 / 3, 4)
    nobody = faces_of(people, ["", "", "", "other"])
    assert "no gender is told" in measure("gender", nobody, material)["note"]


def test_one_gender_alone_says_why(splits: dict[str, Faces], material: Material) -> None:
    for genders, reason in [("male", "one gender"), ("", "tells no gender")]:
        train = replace(material.train, genders=np.full(32, genders))
        found = measure("gender", splits["test"], replace(material, train=train))
        assert found["generated"] is None
        assert reason in found["note"]


def test_emotion_is_learnt_and_told_as_gender_is(splits: dict[str, Faces], quick: Material) -> None:
    moods = {"female": "anger", "male": "calm", "": ""}
    train = replace(quick.train, emotions=np.vectorize(moods.get)(quick.train.genders))
    material = replace(quick, train=train)
    told = np.vectorize(moods.get)(splits["test"].genders)
    told[:3] = ["", "joy", ""]  # nobody of the training split is glad
    found = measure("emotion", replace(splits["test"], emotions=told), material)
    assert found["n"] == len(told) - 3
    assert found["generated"] > 90  # type: ignore[operator]
    assert found["chance"] == pytest.approx(100 * 6 / 9, abs=0.01)
    none = measure("emotion", splits["test"], quick)
    assert (none["generated"], none["note"]) == (None, "sources.csv tells no emotion")
