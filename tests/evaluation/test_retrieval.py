"""Retrieval ranks speakers as torchmetrics does, and a real face is not found by itself."""

import numpy as np
import pytest
import torch
from torchmetrics.retrieval import RetrievalHitRate

from tests.evaluation.conftest import faces_of, with_descriptors
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure
from voiceface.evaluation.retrieval import ranks


@pytest.fixture(scope="module")
def found() -> tuple[Faces, np.ndarray, np.ndarray]:
    """Faces with descriptors: 30 speakers of 1 to 4 faces; the drawn ones are vaguely like them."""
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(30), 1 + np.arange(30) % 4)
    real = random.normal(size=(30, 8))[people] + 0.4 * random.normal(size=(len(people), 8))
    drawn = real + 3 * random.normal(size=real.shape)
    return with_descriptors(faces_of(people), drawn, real), drawn, real


@pytest.mark.parametrize("most", [1, 5, 10])
def test_recall_is_torchmetrics_hit_rate(
    found: tuple[Faces, np.ndarray, np.ndarray], most: int, material: Material
) -> None:
    faces, drawn, real = found
    means = np.array([real[faces.people == speaker].mean(0) for speaker in range(30)])
    near = -np.linalg.norm(drawn[:, None] - means, axis=2)
    target = faces.people[:, None] == np.arange(30)
    query = np.repeat(np.arange(len(drawn)), 30)
    wanted = RetrievalHitRate(top_k=most)(
        torch.from_numpy(near.ravel()), torch.from_numpy(target.ravel()), torch.from_numpy(query)
    )
    value = measure(f"retrieval_{most}", faces, material)
    assert value["generated"] == pytest.approx(100 * float(wanted), rel=1e-5)
    assert value["chance"] == pytest.approx(100 * most / 30, rel=1e-5)
    low, high = value["interval"]
    assert low < value["generated"] < high  # type: ignore[operator]


def test_the_median_rank_is_that_of_the_places_written_out(
    found: tuple[Faces, np.ndarray, np.ndarray], material: Material
) -> None:
    faces, drawn, real = found
    means = np.array([real[faces.people == speaker].mean(0) for speaker in range(30)])
    places = []
    for probe, person in zip(drawn, faces.people, strict=True):
        far = np.linalg.norm(means - probe, axis=1)
        places.append(1 + int((far < far[person]).sum()))
    assert ranks(drawn, real, faces.people, own=True).tolist() == places
    value = measure("median_rank", faces, material)
    assert value["generated"] == sorted(places)[(len(places) - 1) // 2]
    assert value["chance"] == 15.5


def test_a_real_face_is_looked_for_among_the_others_of_its_speaker() -> None:
    people = np.array([0, 0, 0, 1, 2, 2])
    real = np.array([[0.0], [2.0], [10.0], [4.0], [20.0], [30.0]])
    places = ranks(real, real, people, own=False)
    # The first is 6 from the mean of the other two and 4 from speaker 1, and so on; speaker 1 has
    # no other face; the last two are 10 from each other and nobody is nearer.
    assert places[:3].tolist() == [2, 2, 2]
    assert np.isnan(places[3])
    assert places[4:].tolist() == [1, 1]


def test_equal_distances_are_no_success() -> None:
    people = np.arange(3)
    same = np.zeros((3, 2))
    assert ranks(same, same, people, own=True).tolist() == [3, 3, 3]


def test_too_few_speakers_have_no_value(splits: dict[str, Faces], material: Material) -> None:
    assert measure("retrieval_5", splits["test"], material) == {
        "generated": None, "real": None, "n": 12, "note": "takes more than 5 speakers",
    }  # fmt: skip
    unseen = measure("median_rank", splits["unseen"], material)
    assert (unseen["generated"], unseen["note"]) == (None, "takes more than 1 speaker")


def test_true_faces_find_their_speaker(splits: dict[str, Faces], material: Material) -> None:
    assert measure("retrieval_1", splits["test"], material)["generated"] == 100
    assert measure("median_rank", splits["test"], material)["generated"] == 1
