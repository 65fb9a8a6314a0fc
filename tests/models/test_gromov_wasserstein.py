"""The Gromov-Wasserstein loss: POT's, and what it says of spaces."""

import numpy as np
import ot
import pytest
import torch
from torch import Tensor

from voiceface.models.gromov_wasserstein import coupling, divergence, gromov_wasserstein


def _distances(points: Tensor) -> Tensor:
    return torch.cdist(points, points)


def _sets() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    first = torch.rand(12, 3, generator=random, dtype=torch.float64)
    return first, torch.rand(9, 5, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("epsilon", [0.05, 0.5])
def test_coupling_and_value_are_those_of_pot(epsilon: float) -> None:
    first, second = (_distances(points).numpy() for points in _sets())
    even = np.full(12, 1 / 12), np.full(9, 1 / 9)
    options = {"epsilon": epsilon, "max_iter": 500, "tol": 1e-10, "solver": "PGD"}
    wanted, log = ot.gromov.entropic_gromov_wasserstein(first, second, *even, log=True, **options)
    tensors = torch.from_numpy(first), torch.from_numpy(second)
    plan = coupling(*tensors, epsilon, rounds=100, sinkhorn=120)
    assert plan.numpy() == pytest.approx(wanted, abs=1e-5)
    # In as few rounds as the training takes it is near.
    assert gromov_wasserstein(*tensors, epsilon).item() == pytest.approx(log["gw_dist"], rel=0.1)


def test_a_turned_and_reordered_copy_costs_next_to_nothing_and_a_stretched_one_more() -> None:
    first, _ = _sets()
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    moved = _distances((first @ turn + 3)[torch.randperm(12)])
    near = gromov_wasserstein(_distances(first), moved, 0.005)
    far = gromov_wasserstein(_distances(first), 2 * moved, 0.005)
    assert near < 0.1 * far


def test_its_gradient_is_that_of_the_regularised_problem() -> None:
    first, second = _sets()
    epsilon = 0.5

    def regularised(points: Tensor) -> Tensor:
        """With the entropy, at the plan that is best for these points."""
        near, plan = _distances(points), coupling(_distances(points), _distances(second), epsilon)
        cost = (near[:, None, :, None] - _distances(second)[None, :, None]).square()
        value = torch.einsum("ijkl,ij,kl->", cost, plan, plan)
        return value + epsilon * (plan * plan.log()).sum()

    points = first.clone().requires_grad_()
    gromov_wasserstein(_distances(points), _distances(second), epsilon).backward()
    step = torch.zeros_like(first)
    step[4, 1] = 1e-4
    slope = (regularised(first + step) - regularised(first - step)) / 2e-4
    assert points.grad is not None
    assert points.grad[4, 1].item() == pytest.approx(slope.item(), rel=1e-3)


def test_the_divergence_is_the_discrepancy_less_half_of_what_each_has_with_itself() -> None:
    first, second = (_distances(points[:9]) for points in _sets())
    alone = [gromov_wasserstein(one, one, 0.05) for one in (first, second)]
    wanted = gromov_wasserstein(first, second, 0.05) - sum(alone) / 2
    assert divergence(first, second, 0.05).item() == pytest.approx(wanted.item())
    assert divergence(first, first, 0.05).item() == pytest.approx(0, abs=1e-12)
