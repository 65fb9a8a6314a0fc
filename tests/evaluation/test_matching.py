"""Matching counts every trial: as written out, as an area under a curve, and in no time."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_auroc

from tests.evaluation.conftest import faces_of, with_descriptors
from voiceface.evaluation.matching import count_trials, percent_won
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


def _all_trials(
    probes: np.ndarray, faces: np.ndarray, people: np.ndarray, own: bool, alike: np.ndarray
) -> tuple[float, int]:
    """Every trial, one after the other: percent won, and how many there are."""
    won, trials = 0.0, 0
    for voice, probe in enumerate(probes):
        for true, mine in enumerate(faces):
            if people[true] != people[voice] or (true == voice and not own):
                continue
            for other, impostor in enumerate(faces):
                if people[other] != people[voice] and alike[people[voice], people[other]]:
                    near, far = np.abs(probe - mine).sum(), np.abs(probe - impostor).sum()
                    won += 1.0 if near < far else 0.5 if near == far else 0.0
                    trials += 1
    return 100 * won / trials, trials


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probes and faces on a line of whole numbers, so that some are equally far, and whose."""
    random = np.random.default_rng(0)
    people = np.array([0, 0, 0, 1, 2, 2, 2, 2, 3, 3])
    faces = random.integers(0, 6, (10, 1)) + 2.0 * people[:, None]
    return random.integers(0, 12, (10, 1)).astype(float), faces, people


@pytest.mark.parametrize("own", [True, False])
def test_it_is_what_all_trials_give_one_by_one(
    points: tuple[np.ndarray, np.ndarray, np.ndarray], own: bool
) -> None:
    probes, faces, people = points
    trials = count_trials(probes, faces, people, own=own)
    percent, count = _all_trials(probes, faces, people, own, np.ones((4, 4), bool))
    assert trials.all.sum() == count
    assert percent_won(trials, np.ones((1, 4)))[0] == pytest.approx(percent)


def test_among_the_same_gender_it_is_what_those_trials_give(
    points: tuple[np.ndarray, np.ndarray, np.ndarray], material: Material
) -> None:
    probes, real, people = points
    genders = ["female", "male", "female", ""]
    faces = with_descriptors(faces_of(people, genders), probes, real)
    known = np.array(genders)
    alike = (known[:, None] == known) & (known != "")
    percent, count = _all_trials(probes, real, people, True, alike)
    found = measure("matching_gender", faces, material)
    assert found["generated"] == pytest.approx(percent, rel=1e-5)
    assert found["trials"] == count
    upper, _ = _all_trials(real, real, people, False, alike)
    assert found["real"] == pytest.approx(upper, rel=1e-5)


def test_of_one_voice_it_is_the_area_under_the_curve() -> None:
    random = np.random.default_rng(1)
    faces, probe = random.normal(size=(60, 5)), random.normal(size=5)
    people = (np.arange(60) >= 20).astype(int)
    trials = count_trials(np.tile(probe, (60, 1)), faces, people, own=True)
    near = -np.linalg.norm(faces - probe, axis=1)
    area = float(binary_auroc(torch.from_numpy(near), torch.from_numpy(1 - people)))
    assert trials.won[0, 1] / trials.all[0, 1] == pytest.approx(area, rel=1e-6)


def test_drawing_a_speaker_more_often_counts_their_trials_so_often(
    points: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    trials = count_trials(*points, own=True)
    drawn = np.array([[2.0, 0, 1, 1]])
    won = 2 * (trials.won[0, 2:].sum() + trials.won[2:, 0].sum())
    won += trials.won[2, 3] + trials.won[3, 2]
    all_ = 2 * (trials.all[0, 2:].sum() + trials.all[2:, 0].sum())
    all_ += trials.all[2, 3] + trials.all[3, 2]
    assert percent_won(trials, drawn)[0] == pytest.approx(100 * won / all_)
    assert np.isnan(percent_won(trials, np.array([[4.0, 0, 0, 0]]))[0])


def test_shuffled_voices_are_at_chance_and_true_ones_are_not(material: Material) -> None:
    random = np.random.default_rng(3)
    people = np.repeat(np.arange(40), 10)
    real = 3 * random.normal(size=(40, 16))[people] + random.normal(size=(400, 16))
    genders = ["female", "male"] * 20
    faces = with_descriptors(faces_of(people, genders), real + random.normal(size=(400, 16)), real)
    shuffled = with_descriptors(faces_of(people, genders), real[random.permutation(400)], real)
    for name in ("matching", "matching_gender"):
        good, bad = (measure(name, one, material) for one in (faces, shuffled))
        assert good["generated"] > 95  # type: ignore[operator]
        assert good["interval"][0] > 90
        assert bad["interval"][0] <= 50 <= bad["interval"][1]
        assert bad["chance"] == 50


def test_millions_of_trials_take_a_second(material: Material) -> None:
    random = np.random.default_rng(4)
    people = np.arange(1500) % 100
    faces = with_descriptors(
        faces_of(people), random.normal(size=(1500, 128)), random.normal(size=(1500, 128))
    )
    started = time.process_time()
    found = measure("matching", faces, material)
    assert found["trials"] == 1500 * 15 * 1485  # 33 million
    assert time.process_time() - started < 5


def test_one_speaker_or_one_of_each_gender_has_no_trial(
    splits: dict[str, Faces], material: Material
) -> None:
    found = measure("matching", splits["unseen"], material)
    assert (found["generated"], found["note"]) == (None, "takes two speakers or more")
    test = splits["test"]
    alone = replace(test, genders=np.array(["female", "male", "other", ""])[test.people])
    found = measure("matching_gender", alone, material)
    assert (found["generated"], found["note"]) == (None, "takes two speakers of one gender or more")


def test_true_faces_match_and_noise_does_not(splits: dict[str, Faces], material: Material) -> None:
    assert measure("matching", splits["test"], material)["generated"] > 95  # type: ignore[operator]
    noise = measure("matching", splits["train"], material)
    assert noise["generated"] < 80 < noise["real"]  # type: ignore[operator]
