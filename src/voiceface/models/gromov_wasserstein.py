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
        first: distances (n, n), symmetric.
        second: distances (m, m), symmetric.
        epsilon: weight of T's entropy, > 0: the greater, the more even is T.

    Returns: (), without the entropy.
    """
    plan = coupling(first.detach(), second.detach(), epsilon)
    return (_costs(first, second, plan) * plan).sum()


def coupling(
    first: Tensor, second: Tensor, epsilon: float, rounds: int = ROUNDS, sinkhorn: int = SINKHORN
) -> Tensor:
    """T of `gromov_wasserstein`, by mirror descent from the even one: (n, m), sum 1."""
    n, m = len(first), len(second)
    plan = first.new_full((n, m), 1 / (n * m))
    for _ in range(rounds):
        scores = -2 * _costs(first, second, plan) / epsilon
        columns = torch.zeros_like(scores[0])
        for _ in range(sinkhorn):
            rows = -math.log(n) - (scores + columns).logsumexp(1, keepdim=True)
            columns = -math.log(m) - (scores + rows).logsumexp(0)
        plan = (scores + rows + columns).exp()
    return plan


def _costs(first: Tensor, second: Tensor, plan: Tensor) -> Tensor:
    """Σ_kl (first_ik − second_jl)² T_kl for all i and j: (n, m), by their equation 9."""
    squares = first.square() @ plan.sum(1), second.square() @ plan.sum(0)
    return squares[0][:, None] + squares[1] - 2 * first @ plan @ second.T
