"""The terms of context translation's loss, as each architecture has them.

Images are (B, T, 3, h, w), features (B, T, Z).

* :func:`motion_weights`: pixels that move count more
* :func:`picture_term`, :func:`alignment_term`: of the loss
* :func:`frame_error`, :func:`time_error`: plain figures, the same for all
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["alignment_term", "frame_error", "motion_weights", "picture_term", "time_error"]

MOVED = 0.08  # least difference of a channel, of values in [0, 1], that is motion
PER_ERROR = 10.0  # what the small model's sums are divided by
PAPER_ALIGNMENT = 1000.0


def motion_weights(truth: Tensor, context: Tensor, weight: float) -> Tensor:
    """Returns 1, and 1 + ``weight`` where a channel differs from the context's frame by .08.

    Args:
        truth: (B, T, 3, h, w) in [0, 1].
        context: (B, 3, h, w) in [0, 1].
        weight: Of what moves.

    Returns:
        (B, T, 1, h, w).
    """
    apart = (truth - context[:, None]).abs().amax(2, keepdim=True)
    return 1 + weight * (apart > MOVED)


def picture_term(architecture: str, pictures: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Returns how far pictures are from the truth, a scalar.

    Of ``"small"``, the weighted squares' sum over a frame, a tenth of it, the mean over frames;
    of ``"paper"``, half of their sum over the whole batch; of ``"upstream"``, their mean over the
    videos' pixels and channels at a time, summed over times.

    Args:
        architecture: Whose term.
        pictures: In the network's range.
        truth: In the network's range.
        weights: (B, T, 1, h, w).
    """
    errors = (pictures - truth).square() * weights
    if architecture == "paper":
        return errors.sum() / 2
    if architecture == "upstream":
        return errors.mean((0, 2, 3, 4)).sum()
    return errors.sum((2, 3, 4)).mean() / PER_ERROR


def alignment_term(architecture: str, translated: Tensor, own: Tensor) -> Tensor:
    """Returns how far translated features are from the target's own, a scalar.

    Of ``"small"`` the mean square, of ``"paper"`` a thousand times that, of ``"upstream"`` the mean
    square at a time, summed over times.
    """
    errors = (translated - own).square()
    if architecture == "upstream":
        return errors.mean((0, 2)).sum()
    return errors.mean() * (PAPER_ALIGNMENT if architecture == "paper" else 1.0)


def frame_error(pictures: Tensor, truth: Tensor) -> Tensor:
    """Returns the squared error's sum over a frame's pixels and channels, the mean over frames.

    Args:
        pictures: In [0, 1]; what broadcasts to the truth will do.
        truth: In [0, 1].
    """
    return (pictures - truth).square().sum((-3, -2, -1)).mean()


def time_error(translated: Tensor, own: Tensor) -> Tensor:
    """Returns how many frames a translated one is away from its nearest in the target's video.

    Args:
        translated: (B, T, Z), ẑ.
        own: (B, T, Z), the target's own features.

    Returns:
        The mean over t of ``|argmin_t' ‖ẑ_t - z_t'‖ - t|``, frames.
    """
    # The way over a product of matrices rounds too much where features lie close together.
    distance = torch.cdist(translated, own, compute_mode="donot_use_mm_for_euclid_dist")
    times = torch.arange(own.shape[1], device=own.device)
    return (distance.argmin(-1) - times).abs().float().mean()
