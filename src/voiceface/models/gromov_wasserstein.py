"""The entropic Gromov-Wasserstein discrepancy of two sets of points (Peyré et al., ICML 2016).

It compares distances within one set with distances within the other, under the coupling that makes
them most alike, and so asks that one space has the topology of the other: who is near whom.
"""

import math

import torch
from torch import Tensor

ROUNDS = 10
"""Times that the coupling is improved."""
SINKHORN = 40
"""Times that its rows and columns are scaled in each of these."""


def gromov_wasserstein(first: Tensor, second: Tensor, epsilon: float) -> Tensor:
    """Σ (first_ik − second_jl)² T_ij T_kl under the best coupling T, all points of equal weight.

    The gradient holds T fixed, as is right for the entropic problem (the envelope theorem).

    Args:
        first: distances (…, n, n), symmetric.
        second: distances (…, m, m), symmetric.
        epsilon: weight of T's entropy, > 0: the greater, the more even is T.

    Returns: (…), without the entropy.
    """
    plan = coupling(first.detach(), second.detach(), epsilon)
    return (_costs(first, second, plan) * plan).sum((-2, -1))


def divergence(first: Tensor, second: Tensor, epsilon: float) -> Tensor:
    """`gromov_wasserstein` less half of what each set has with itself: (n, n) both → ().

    An even coupling takes distances that are all alike for nearer to a space than the space itself,
    and the more points there are, the more even is it. Less the halves, the space itself gives 0.
    """
    pairs = torch.stack([first, first, second]), torch.stack([second, first, second])
    both, alone, wanted = gromov_wasserstein(*pairs, epsilon)
    return both - (alone + wanted) / 2


def coupling(
    first: Tensor, second: Tensor, epsilon: float, rounds: int = ROUNDS, sinkhorn: int = SINKHORN
) -> Tensor:
    """T of `gromov_wasserstein`, by mirror descent from the even one: (…, n, m), sum 1."""
    n, m = first.shape[-1], second.shape[-1]
    plan = first.new_full((*first.shape[:-1], m), 1 / (n * m))
    for _ in range(rounds):
        scores = -2 * _costs(first, second, plan) / epsilon
        columns = torch.zeros_like(scores[..., :1, :])
        for _ in range(sinkhorn):
            rows = -math.log(n) - (scores + columns).logsumexp(-1, keepdim=True)
            columns = -math.log(m) - (scores + rows).logsumexp(-2, keepdim=True)
        plan = (scores + rows + columns).exp()
    return plan


def _costs(first: Tensor, second: Tensor, plan: Tensor) -> Tensor:
    """Σ_kl (first_ik − second_jl)² T_kl for all i and j: (…, n, m), by their equation 9."""
    rows, columns = plan.sum(-1, keepdim=True), plan.sum(-2, keepdim=True)
    return first.square() @ rows + columns @ second.square() - 2 * first @ plan @ second.mT
