"""What a gaze model must beat: maps that know nothing of the frame, or very little.

* :func:`uniform_map`, :func:`centre_map`: know nothing at all
* :func:`mean_gaze_map`: where people look in this game
* :func:`previous_gaze`: where they looked a frame before
* :func:`moving_map`: what moves
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from objwrappers.metrics.gaze_maps import SIDE, Sigma, blur, sigma_cells

__all__ = ["centre_map", "mean_gaze_map", "moving_map", "previous_gaze", "uniform_map"]

CENTRE_SHARE = 0.25  # radius of the centre's Gaussian, share of a side
LEAST_SHARE = 0.01  # of a map that is spread evenly, so that nowhere is impossible


def uniform_map(height: int = SIDE, width: int = SIDE) -> Tensor:
    """Returns the same density everywhere, float32 (h, w)."""
    return torch.full((height, width), 1 / (height * width))


def centre_map(height: int = SIDE, width: int = SIDE, share: float = CENTRE_SHARE) -> Tensor:
    """Returns a Gaussian around the middle of the screen, float32 (h, w) that sums to 1.

    Args:
        height: h, cells.
        width: w, cells.
        share: Its radius, as a share of each side.
    """
    down, across = (
        torch.exp(-((((torch.arange(n) + 0.5) / n - 0.5) / share) ** 2) / 2)
        for n in (height, width)
    )
    bump = down[:, None] * across
    return bump / bump.sum()


def mean_gaze_map(parts: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Returns the mean of maps, with a little everywhere.

    Args:
        parts: Maps (N, h, w) that sum to 1, of frames trained on, and their weights (N,), 0 for
            frames that have no map; at least one part.

    Returns:
        (h, w) that sums to 1; uniform where no frame has a map.
    """
    sums = [(torch.einsum("nhw,n->hw", maps, weight), weight.sum()) for maps, weight in parts]
    total = torch.stack([weight for _, weight in sums]).sum()
    return _with_a_little_everywhere(sum(maps for maps, _ in sums) / total.clamp(min=1))


def previous_gaze(weight: Tensor, starts: Tensor) -> Tensor:
    """Returns the last earlier frame of the same episode that has gaze, int64 (N,); -1 for none.

    Args:
        weight: (N,), 0 for frames without gaze.
        starts: bool (N,), True where a frame does not follow the one before it.
    """
    number = torch.arange(len(weight))
    having = torch.where(weight > 0, number, -1).cummax(0).values
    before = torch.cat([having.new_tensor([-1]), having])[: len(weight)]
    first = torch.where(starts, number, 0).cummax(0).values
    return torch.where(before >= first, before, -1)


def moving_map(frames: Tensor, sigma: Sigma = "authors") -> Tensor:
    """Returns what the newest two frames differ in, blurred as gaze is, with a little everywhere.

    Args:
        frames: uint8 (B, S, h, w), grey, the newest last.
        sigma: Of the Gaussian.

    Returns:
        float32 (B, h, w) that sum to 1; uniform where nothing moves.
    """
    newest, before = frames[:, -1].float(), frames[:, -2].float()
    moved = blur((newest - before).abs(), sigma_cells(sigma, *frames.shape[-2:]))
    return _with_a_little_everywhere(moved / moved.sum((-2, -1), keepdim=True).clamp(min=1e-6))


def _with_a_little_everywhere(maps: Tensor) -> Tensor:
    maps = maps + LEAST_SHARE / (maps.shape[-1] * maps.shape[-2])
    return maps / maps.sum((-2, -1), keepdim=True)
