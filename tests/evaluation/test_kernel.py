"""The kernel distance is torchmetrics' KID over all pairs, and unbiased."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.kid import KernelInceptionDistance

from voiceface.evaluation.kernel import kernel_distance
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


class Mean(nn.Module):
    """Features that KernelInceptionDistance is handed: the pictures' means over their width."""

    num_features = 24

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.double().mean(3).flatten(1)


def test_it_is_torchmetrics_kid() -> None:
    random = np.random.default_rng(0)
    first, second = (
        torch.from_numpy(random.integers(0, high, (40, 3, 8, 8), np.uint8)) for high in (200, 255)
    )
    kid = KernelInceptionDistance(feature=Mean(), subsets=1, subset_size=40)
    kid.set_dtype(torch.float64)
    kid.update(first, real=True)
    kid.update(second, real=False)
    wanted, _ = kid.compute()
    found = kernel_distance(*(Mean()(one).numpy() for one in (first, second)))
    assert found == pytest.approx(float(wanted), rel=1e-6)


def test_samples_of_one_distribution_are_at_zero_on_average() -> None:
    random = np.random.default_rng(1)
    found = [kernel_distance(*random.normal(size=(2, 8, 16))) for _ in range(400)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert kernel_distance(random.normal(size=(8, 16)), random.normal(2, 1, (8, 16))) > 1


def test_drawn_faces_are_nearer_than_noise(splits: dict[str, Faces], material: Material) -> None:
    test, train = (measure("kernel_dlib", splits[name], material) for name in ("test", "train"))
    assert test["generated"] <= 0  # type: ignore[operator]
    assert train["generated"] > 10 * abs(train["real"])  # type: ignore[operator,arg-type]
    unseen = measure("kernel_dlib", splits["unseen"], material)
    assert (unseen["generated"], unseen["note"]) == (None, "takes 4 faces or more")
