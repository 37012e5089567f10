"""How features vary in many videos.

* :func:`moments_of`: their scale, mean and standard deviation
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["moments_of"]

AT_ONCE = 256  # frames that are encoded together
LEAST = 1e-6  # features that never change would be divided by 0


def moments_of(
    encode: Callable[[Tensor], Tensor], episodes: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Measures the features of videos, a few at a time.

    Args:
        encode: Frames uint8 (n, T + 1, h, w, 3) → features (n, T + 1, Z).
        episodes: uint8 (N, T + 1, h, w, 3).

    Returns:
        The mean of ‖z_t - z_0‖² over episodes and t ≥ 1, (); mean and standard deviation of z over
        all frames, (Z,) each; 1e-6 at least.
    """
    videos, times = episodes.shape[:2]
    moved, sums, squares = 0.0, torch.zeros(()), torch.zeros(())
    for part in episodes.split(max(AT_ONCE // times, 1)):
        features = encode(part).cpu().double()
        moved += (features[:, 1:] - features[:, :1]).square().sum().item()
        sums = sums + features.sum((0, 1))
        squares = squares + features.square().sum((0, 1))
    mean = sums / (videos * times)
    variance = (squares / (videos * times) - mean.square()).clamp(min=0)
    scale = torch.tensor(moved / (videos * (times - 1))).clamp(min=LEAST)
    return scale, mean, variance.sqrt().clamp(min=LEAST)
