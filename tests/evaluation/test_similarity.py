"""Cosine and L1 are torchmetrics' and the definition's; real faces and chance are told right."""

import numpy as np
import pytest
import torch
from torchmetrics.functional import (
    pairwise_cosine_similarity,
    pairwise_manhattan_distance,
)

from tests.evaluation.conftest import faces_of, with_descriptors
from voiceface.evaluation.metric import Material
from voiceface.evaluation.registry import measure

PEOPLE = np.array([0, 0, 1, 1, 1, 2])


@pytest.mark.parametrize(
    ("name", "reference"),
    [("cosine", pairwise_cosine_similarity), ("l1", pairwise_manhattan_distance)],
)
def test_all_three_values_are_means_of_torchmetrics_pairs(
    name: str, reference: object, material: Material
) -> None:
    random = np.random.default_rng(0)
    drawn, real = random.normal(size=(6, 9)), random.normal(size=(6, 9))
    found = measure(name, with_descriptors(faces_of(PEOPLE), drawn, real), material)
    crossed = reference(torch.from_numpy(drawn), torch.from_numpy(real)).numpy()  # type: ignore[operator]
    within = reference(torch.from_numpy(real), torch.from_numpy(real)).numpy()  # type: ignore[operator]
    pairs = [(i, j) for i in range(6) for j in range(6)]
    own = [within[i, j] for i, j in pairs if i != j and PEOPLE[i] == PEOPLE[j]]
    others = [crossed[i, j] for i, j in pairs if PEOPLE[i] != PEOPLE[j]]
    assert found["generated"] == pytest.approx(np.diagonal(crossed).mean(), rel=1e-5)
    assert found["real"] == pytest.approx(np.mean(own), rel=1e-5)
    assert found["chance"] == pytest.approx(np.mean(others), rel=1e-5)
    low, high = found["interval"]
    assert low < found["generated"] < high  # type: ignore[operator]


def test_the_very_face_has_cosine_one_and_distance_zero(material: Material) -> None:
    real = np.random.default_rng(1).normal(size=(6, 9))
    faces = with_descriptors(faces_of(PEOPLE), real, real)
    assert measure("cosine", faces, material)["generated"] == 1
    assert measure("l1", faces, material)["generated"] == 0
