"""SSIM is torchmetrics', and is compared with the right pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure
from voiceface.evaluation.ssim import partners, structural_similarity


def _reference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    pair = (torch.from_numpy(one).permute(0, 3, 1, 2).double() for one in (first, second))
    _, whole = structural_similarity_index_measure(*pair, data_range=255.0, return_full_image=True)
    # torchmetrics also looks over the picture's edge, into its mirror.
    return np.asarray(whole[:, :, 5:-5, 5:-5].mean((1, 2, 3)))


def test_it_is_torchmetrics_on_faces_and_noise(splits: dict[str, Faces]) -> None:
    real, noise = splits["train"].real[:4], splits["train"].generated[:4]
    noisy = np.clip(real.astype(int) + noise // 8, 0, 255).astype(np.uint8)
    for other in (noise, noisy, real[::-1].copy()):
        assert structural_similarity(other, real) == pytest.approx(
            _reference(other, real), abs=1e-6
        )


def test_a_picture_is_itself(splits: dict[str, Faces], material: Material) -> None:
    assert measure("ssim", splits["test"], material)["generated"] == 1


def test_real_faces_are_compared_within_and_chance_across_speakers(
    splits: dict[str, Faces], material: Material
) -> None:
    test = splits["test"]  # three faces each of four speakers, in order
    found = measure("ssim", replace(test, generated=test.real[::-1].copy()), material)
    within = np.array([1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9])
    across = np.array([3, 3, 3, 6, 6, 6, 9, 9, 9, 0, 0, 0])
    assert found["real"] == pytest.approx(_reference(test.real, test.real[within]).mean(), abs=1e-5)
    wanted = _reference(test.real[::-1].copy(), test.real[across]).mean()
    assert found["chance"] == pytest.approx(wanted, abs=1e-5)


def test_partners_are_the_next_ones_in_a_circle() -> None:
    people = np.array([0, 1, 0, 2])
    assert partners(people, same=True).tolist() == [2, -1, 0, -1]
    assert partners(people, same=False).tolist() == [1, 2, 3, 0]
    assert partners(np.array([5]), same=False).tolist() == [-1]
