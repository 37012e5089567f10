"""Keypoints as bumps that cover a map: the losses that motion keypoints and PermaKey share.

* :func:`falling_sigma`: the bumps' radius while training
* :func:`uncovered`, :func:`repulsion`: losses
* :func:`covers`, :func:`visible_at`: the presence's target
* :func:`centres_under`: where the middles are of what keypoints cover
* :class:`Presence`: is anything under a keypoint?
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.layers import coordinate_grid, gaussian_maps, pool_features

__all__ = [
    "Presence",
    "centres_under",
    "covers",
    "falling_sigma",
    "repulsion",
    "uncovered",
    "visible_at",
]

ANNEAL_SHARE = 0.6
REPULSION_SIGMA = 0.12
MEAN_SHIFTS = 2


def falling_sigma(start: float, end: float, progress: float) -> float:
    """Returns σ after a share of the training; it falls geometrically until 60 %."""
    return start * (end / start) ** min(1.0, progress / ANNEAL_SHARE)


def uncovered(keypoints: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """The share of a map that no bump covers; bumps unite softly, 1 - Π(1 - h_k).

    Args:
        keypoints: (B, K, 2).
        weight: (B, h, w), not negative: what covering a cell is worth.
        sigma: Radius of the bumps.
    """
    bumps = gaussian_maps(keypoints, sigma, *weight.shape[-2:])
    union = 1 - (1 - bumps).prod(dim=1)
    return (weight * (1 - union)).sum() / weight.sum().clamp(min=1)


def repulsion(keypoints: Tensor) -> Tensor:
    """Neighbours of a keypoint, exp(-d²/σ²) each, σ = .12, mean over keypoints (B, K, 2)."""
    squared = (keypoints[:, :, None] - keypoints[:, None]).square().sum(-1)
    near = torch.exp(-squared / REPULSION_SIGMA**2).triu(diagonal=1)
    return near.sum((1, 2)).mean() / keypoints.shape[1]


@torch.no_grad()
def covers(keypoints: Tensor, objects: Tensor, sigma: float) -> Tensor:
    """Tells whether an object lies under each keypoint.

    Args:
        keypoints: (B, K, 2).
        objects: (B, h, w) in [0, 1].
        sigma: Radius of the bumps.

    Returns:
        (B, K), 1 or 0.
    """
    bumps = gaussian_maps(keypoints, sigma, *objects.shape[-2:])
    return ((bumps * objects[:, None]).flatten(2).amax(-1) > 0.25).float()


@torch.no_grad()
def centres_under(keypoints: Tensor, objects: Tensor, sigma: float) -> Tensor:
    """Finds the middles of what lies under keypoints, by two steps of mean shift (Cheng 1995).

    Args:
        keypoints: (B, K, 2).
        objects: (B, h, w) in [0, 1].
        sigma: Radius of the bumps.

    Returns:
        (B, K, 2); (0, 0) where nothing lies under a keypoint.
    """
    y, x = coordinate_grid(objects.shape[-2], objects.shape[-1], like=keypoints)
    centres = keypoints
    for _ in range(MEAN_SHIFTS):
        # Bumps are products of a row and a column: no (B, K, h, w) is needed.
        across = torch.exp(-(((x - centres[..., 0, None]) / sigma) ** 2))
        down = torch.exp(-(((y - centres[..., 1, None]) / sigma) ** 2))
        columns = (down @ objects) * across
        rows = (across @ objects.transpose(1, 2)) * down
        total = columns.sum(-1).clamp(min=1e-3)
        centres = torch.stack([columns @ x / total, rows @ y / total], dim=-1)
    return centres


@torch.no_grad()
def visible_at(keypoints: Tensor, visible: Tensor) -> Tensor:
    """The share of the pixel under each keypoint that is visible, (B, K).

    Args:
        keypoints: (B, K, 2).
        visible: (B, h, w) in [0, 1], 0 behind a bar.
    """
    maps, where = visible.unsqueeze(1), keypoints.unsqueeze(2)
    return F.grid_sample(maps, where, padding_mode="border", align_corners=True)[:, 0, :, 0]


class Presence(nn.Sequential):
    """Logit of a keypoint's presence from what its softmax sees; bends no feature towards itself.

    Args:
        width: Channels of the features.
    """

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width + 1, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:  # type: ignore[override]
        """(B, F, h, w) features and (B, K, h, w) softmax maps, both detached here → (B, K)."""
        seen = pool_features(features.detach().float(), weights.detach())
        return self.judge(seen, weights.detach().flatten(2).amax(-1, keepdim=True))

    def judge(self, seen: Tensor, peak: Tensor) -> Tensor:
        """Features (B, K, F) and the softmax's peak (B, K, 1) at each keypoint → (B, K)."""
        return super().forward(torch.cat([seen, peak], dim=-1)).squeeze(-1)
