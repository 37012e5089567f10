"""Saliency by perturbation: what changes where a spot of the pixels is blurred."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor

from objwrappers.sb3.free_lunch.painting import enlarge
from objwrappers.sb3.saliency.policy_outputs import check_channels, looked_at, prepare

__all__ = ["blur", "perturbation"]

SPOT_SIGMA = 5.0  # pixels, of a blurred spot
SPOT_DISTANCE = 5  # pixels between spots
BLUR_SIGMA = 3.0  # pixels


@torch.no_grad()
def perturbation(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    channels: int | None = None,
    distance: int = SPOT_DISTANCE,
    batch_size: int = 128,
) -> Tensor:
    """How much the output changes where a spot is blurred (Greydanus et al. 2018).

    Half the squared distance between the outputs for all actions, or for one, or between the
    values.

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, all of them together; ``"value"``; or an action for each observation.
        channels: Only the last so many are blurred; by default all.
        distance: Pixels between spots.
        batch_size: Images in a forward pass, but at least one of each observation.

    Returns:
        float32 (N, H, W), bilinear between the spots.

    Raises:
        ValueError: A target, channels or a distance of another kind.
    """
    if distance < 1:
        raise ValueError(f"distance must be at least 1, got {distance}.")
    images = prepare(policy, observations)
    count, depth, height, width = images.shape
    masks, rows, columns = _spots(height, width, distance, images.device)
    change = blur(images, BLUR_SIGMA) - images
    change[:, : depth - check_channels(channels, depth)] = 0
    with looked_at(policy) as outputs:
        # Which of the outputs count, (N, A + 1).
        if isinstance(target, str) and target == "action":
            counts = images.new_ones(count, outputs.actions + 1)
            counts[:, -1] = 0
        else:
            counts = F.one_hot(outputs.indices(images, target), outputs.actions + 1).to(images)
        counts = counts[:, None]
        before = outputs(images)[:, None]
        scores = []
        for part in masks.split(max(1, batch_size // count)):
            perturbed = torch.addcmul(images[:, None], part[None, :, None], change[:, None])
            after = outputs(perturbed.flatten(0, 1)).view(count, len(part), -1)
            scores.append(((after - before).square() * counts).sum(-1) / 2)
    return enlarge(torch.cat(scores, 1).view(count, rows, columns), height, width, 0, distance)


def _spots(height: int, width: int, distance: int, device: torch.device) -> tuple[Tensor, int, int]:
    """Returns Gaussian spots (M, H, W), 1 in the middle, and their rows and columns."""
    across, down = (
        torch.exp(
            -(
                (torch.arange(side) - torch.arange(0, side, distance)[:, None]).square()
                / (2 * SPOT_SIGMA**2)
            )
        ).to(device)
        for side in (width, height)
    )
    masks = down[:, None, :, None] * across[None, :, None, :]
    return masks.flatten(0, 1), len(down), len(across)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Blurs images (N, C, H, W) by a Gaussian of σ pixels; borders are mirrored."""
    radius = min(round(4 * sigma), *(side - 1 for side in images.shape[-2:]))
    x = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-x.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, -1, 1)
    flat = F.pad(images.flatten(0, 1)[:, None], [radius] * 4, mode="reflect")
    blurred = F.conv2d(F.conv2d(flat, kernel), kernel.transpose(2, 3))
    return blurred.view_as(images)
