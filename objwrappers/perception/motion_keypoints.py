"""Keypoints that cover what moves; a single frame is enough at run time.

Motion tells where objects are while training (:mod:`objwrappers.datasets.motion`). A small
network learns to place K bumps that cover the motion map, and, for each keypoint, whether
anything is there to be covered.
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.layers import (
    ConvBlock,
    gaussian_maps,
    pool_features,
    spatial_soft_argmax,
)

__all__ = ["MotionKeypoints"]

MAP_SIZE = 42
START_SIGMA = 0.5
ANNEAL_SHARE = 0.6
TEMPERATURE = 2.0
REPULSION_SIGMA = 0.12
REPULSION_WEIGHT = 0.1


class MotionKeypoints(PerceptionModule):
    """Places keypoints on the sprites that move, with a presence for each.

    Args:
        num_keypoints: K.
        sigma: Radius of a keypoint's bump where training ends, in units of [-1, 1].
        width: Channels F of the network.

    Raises:
        ValueError: K < 1.
    """

    name = "motion"

    def __init__(self, num_keypoints: int = 10, sigma: float = 0.08, width: int = 32) -> None:
        super().__init__()
        if num_keypoints < 1:
            raise ValueError(f"num_keypoints must be at least 1, got {num_keypoints}.")
        self.num_keypoints = num_keypoints
        self.sigma = sigma
        self.trunk = nn.Sequential(
            ConvBlock(3, width // 2, kernel=5, stride=2),
            ConvBlock(width // 2, width),
            ConvBlock(width, width),
            ConvBlock(width, width),
        )
        self.logits = nn.Conv2d(width, num_keypoints, 1)
        self.presence = nn.Sequential(nn.Linear(width + 1, 32), nn.ReLU(), nn.Linear(32, 1))
        box = gym.spaces.Box
        self.observation_space = gym.spaces.Dict(
            {
                "keypoints": box(-1, 1, (num_keypoints, 2), np.float32),
                "present": box(0, 1, (num_keypoints,), np.float32),
                "features": box(0, np.inf, (num_keypoints, width), np.float32),
            }
        )

    def _locate(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        features = self.trunk(images)
        keypoints, weights = spatial_soft_argmax(self.logits(features).float(), TEMPERATURE)
        # Presence must not bend the features towards itself: it reads them, detached.
        seen = pool_features(features.detach().float(), weights.detach())
        peak = weights.detach().flatten(2).amax(-1, keepdim=True)
        present = self.presence(torch.cat([seen, peak], dim=-1)).squeeze(-1)
        return features, keypoints, weights, present

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Returns keypoints (B, K, 2), present (B, K), features (B, K, F)."""
        features, keypoints, _, present = self._locate(images)
        masks = gaussian_maps(keypoints, self.sigma, *features.shape[-2:])
        return {
            "keypoints": keypoints.clamp(-1, 1),
            "present": present.float().sigmoid(),
            "features": pool_features(features.float(), masks),
        }

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Uncovered motion, repulsion between keypoints, presence.

        Args:
            batch: ``frames`` uint8 (B, 84, 84, 3), ``weight`` float32 (B, 42, 42),
                what covering a cell is worth; ``objects`` float32 (B, 42, 42) in [0, 1].
            progress: σ falls geometrically from 0.5 until 60 % of the training.
        """
        weight = batch["weight"]
        _, keypoints, _, present = self._locate(self.images(batch["frames"]))
        share = min(1.0, progress / ANNEAL_SHARE)
        sigma = START_SIGMA * (self.sigma / START_SIGMA) ** share
        bumps = gaussian_maps(keypoints, sigma, *weight.shape[-2:])
        union = 1 - (1 - bumps).prod(dim=1)
        uncovered = (weight * (1 - union)).sum() / weight.sum().clamp(min=1)
        repulsion = self._repulsion(keypoints)
        presence = F.binary_cross_entropy_with_logits(
            present, self._covers(keypoints, batch["objects"])
        )
        loss = uncovered + REPULSION_WEIGHT * repulsion + presence
        return {
            "loss": loss,
            "uncovered": uncovered,
            "repulsion": repulsion,
            "presence": presence,
        }

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the frames and what moves in them, (B, 3, 84, 84) and (B, 3, 42, 42)."""
        motion = batch["motion"][:, None].expand(-1, 3, -1, -1)
        return {"input": self.images(batch["frames"]), "motion": motion}

    def _repulsion(self, keypoints: Tensor) -> Tensor:
        squared = (keypoints[:, :, None] - keypoints[:, None]).square().sum(-1)
        near = torch.exp(-squared / REPULSION_SIGMA**2).triu(diagonal=1)
        return near.sum((1, 2)).mean() / self.num_keypoints

    @torch.no_grad()
    def _covers(self, keypoints: Tensor, objects: Tensor) -> Tensor:
        """1 where a cell of an object lies under a keypoint's bump, (B, K)."""
        bumps = gaussian_maps(keypoints, self.sigma, *objects.shape[-2:])
        return ((bumps * objects[:, None]).flatten(2).amax(-1) > 0.25).float()
