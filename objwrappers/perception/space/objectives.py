"""What SPACE and SPACE-Time minimise, as functions of tensors.

* :func:`gaussian_kl`, :func:`bernoulli_kl`, :func:`log_normal`: the parts of the bound
* :func:`log_mixture`: two explanations of each pixel
* :func:`boundary_loss`: objects shall not touch the borders of their boxes
* :func:`object_continuity`: an object looks the same in the next frame, and unlike its neighbours
* :func:`anneal`: a schedule

SPACE: Lin et al. 2020; SPACE-Time: Delfosse et al. 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from objwrappers.perception.space.spatial_transformer import paste

__all__ = [
    "anneal",
    "bernoulli_kl",
    "boundary_loss",
    "gaussian_kl",
    "log_mixture",
    "log_normal",
    "object_continuity",
]

TINY = 1e-15  # inside logarithms of probabilities
MIXED = 1e-5  # inside logarithms of masks
BORDER_SIDE, BORDER_WIDTH, BORDER_SCALE, BORDER_SIGMA = 32, 6, 1000.0, 0.7  # of the boundary loss


def anneal(schedule: Sequence[float], progress: float) -> float:
    """Returns a value that moves linearly and then stays.

    Args:
        schedule: (first value, last value, share of the training where it starts to move, share
            where it has arrived).
        progress: Share of the training done, in [0, 1].
    """
    first, last, start, end = schedule
    if progress <= start:
        return first
    return last if progress >= end else first + (last - first) * (progress - start) / (end - start)


def gaussian_kl(
    mean: Tensor, std: Tensor, prior_mean: Tensor | float, prior_std: Tensor | float
) -> Tensor:
    """KL(N(mean, std) ‖ N(prior_mean, prior_std)), nats, elementwise."""
    ratio = std / prior_std
    distance = (mean - prior_mean) / prior_std
    return 0.5 * (ratio.square() + distance.square() - 1) - ratio.log()


def bernoulli_kl(probability: Tensor, prior: float) -> Tensor:
    """KL(Bernoulli(probability) ‖ Bernoulli(prior)), nats, elementwise."""
    there = (probability + TINY).log() - math.log(prior + TINY)
    absent = (1 - probability + TINY).log() - math.log(1 - prior + TINY)
    return probability * there + (1 - probability) * absent


def log_normal(x: Tensor, mean: Tensor, sigma: float) -> Tensor:
    """Log N(x; mean, sigma), elementwise."""
    return -0.5 * ((x - mean) / sigma).square() - math.log(sigma * math.sqrt(2 * math.pi))


def log_mixture(foreground: Tensor, background: Tensor, alpha: Tensor) -> Tensor:
    """Log-likelihood of pixels that are foreground with probability alpha (SPACE, eq. 3).

    Args:
        foreground: Log-likelihood if it is foreground, (B, 3, H, W).
        background: If it is background, the same shape.
        alpha: (B, 1, H, W) in [0, 1].
    """
    return torch.logaddexp(
        foreground + (alpha + MIXED).log(), background + (1 - alpha + MIXED).log()
    )


def boundary_loss(present: Tensor, boxes: Tensor, alpha: Tensor) -> Tensor:
    """Charges the foreground that lies on the frames of boxes (SPACE, appendix).

    Args:
        present: (B, N), z_pres.
        boxes: (B, N, 4).
        alpha: (B, 1, H, W).

    Returns:
        (B,), nats.
    """
    kernel = present.new_full((BORDER_SIDE, BORDER_SIDE), BORDER_SIDE**-2)
    inner = slice(BORDER_WIDTH, -BORDER_WIDTH)
    kernel[inner, inner] = 0
    frames = paste(present[..., None, None, None] * kernel, boxes, *alpha.shape[-2:])
    charged = BORDER_SCALE * frames.sum(1) * alpha
    return -log_normal(charged, torch.zeros_like(charged), BORDER_SIGMA).flatten(1).sum(1)


def object_continuity(
    what: Tensor,
    present: Tensor,
    cells: Tensor,
    boxes: Tensor,
    grid: int,
    *,
    match_weight: float = 5.0,
    agree: bool = False,
    cosine: bool = True,
) -> Tensor:
    """The contrastive loss of SPACE-Time: -match_weight·S of the best match + the sum of all S.

    An object's candidates are the objects of the next frame in the 3×3 cells around its own;
    the grid is a torus, as published. S is how alike two z_what are. An object without a
    candidate costs nothing.

    Args:
        what: (S, T, M, D), z_what of M cells in S stacks of T frames.
        present: bool (S, T, M), which cells hold an object.
        cells: int64 (S, T, M), the cells' numbers, row·grid + column.
        boxes: (S, T, M, 4).
        grid: G, cells a side.
        match_weight: β + 1 of the paper.
        agree: Count an object only where its most alike candidate is also the nearest box.
        cosine: S is the cosine; otherwise 1 / (1 + mean squared difference).

    Returns:
        The sum over all objects, a scalar.
    """
    now, after = what[:, :-1, :, None], what[:, 1:, None, :]
    if cosine:
        alike = torch.cosine_similarity(now, after, dim=-1)
    else:
        alike = 1 / (1 + (now - after).square().mean(-1))
    near = torch.ones_like(alike, dtype=torch.bool)
    for coordinate in (cells // grid, cells % grid):
        apart = (coordinate[:, :-1, :, None] - coordinate[:, 1:, None, :]).abs()
        near &= torch.minimum(apart, grid - apart) <= 1
    candidate = near & present[:, :-1, :, None] & present[:, 1:, None, :]
    best, match = alike.masked_fill(~candidate, -math.inf).max(-1)
    counted = candidate.any(-1)
    if agree:
        distance = (boxes[:, :-1, :, None] - boxes[:, 1:, None, :]).square().sum(-1)
        nearest = distance.masked_fill(~candidate, math.inf).argmin(-1)
        counted = counted & (match == nearest)
    total = (alike * candidate).sum(-1)
    # An infinite best of no candidate must not reach the gradient.
    best = torch.where(counted, best, torch.zeros_like(best))
    return (torch.where(counted, total, torch.zeros_like(total)) - match_weight * best).sum()
