"""Faces that are all alike have no diversity; that of one voice is told by drawing it again."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.conftest import faces_of, with_descriptors
from voiceface.evaluation.descriptors import describe_crops
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


def test_between_speakers_it_is_the_mean_over_all_pairs_of_two_speakers(
    material: Material,
) -> None:
    random = np.random.default_rng(0)
    people = np.array([0, 0, 1, 2, 2, 2])
    drawn, real = random.normal(size=(2, 6, 5))
    found = measure("diversity_between", with_descriptors(faces_of(people), drawn, real), material)
    for name, points in [("generated", drawn), ("real", real)]:
        far = [
            np.linalg.norm(points[i] - points[j])
            for i in range(6)
            for j in range(6)
            if people[i] != people[j]
        ]
        assert found[name] == pytest.approx(np.mean(far), rel=1e-5)  # type: ignore[literal-required]
    low, high = found["interval"]
    assert low < found["generated"] < high  # type: ignore[operator]


def test_one_face_for_everybody_has_none(material: Material) -> None:
    people = np.repeat(np.arange(5), 3)
    real = np.random.default_rng(1).normal(size=(15, 4))
    faces = with_descriptors(faces_of(people), np.ones((15, 4)), real)
    assert measure("diversity_between", faces, material)["generated"] == 0


def test_within_a_voice_it_is_the_distance_of_its_drawings(
    splits: dict[str, Faces], material: Material
) -> None:
    test = splits["test"]
    found = measure("diversity_within", test, material)
    one, two, three = describe_crops(test.real[:3], "test", material)
    first, second = np.linalg.norm(one - two), np.linalg.norm(two - three)
    assert found["generated"] == pytest.approx((first + second) / 2, rel=1e-5)
    assert found["n"] == 2
    same = replace(test, again=np.repeat(test.real[:2, None], 3, axis=1))
    assert measure("diversity_within", same, material)["generated"] == pytest.approx(0, abs=1e-3)
    between = measure("diversity_between", test, material)
    assert found["real"] < between["real"]  # type: ignore[operator]
