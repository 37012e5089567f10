"""A small network that learns another model's keypoints: for processors, at most 8 MMAC a frame."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.coverage import Presence
from objwrappers.perception.layers import (
    ConvBlock,
    gaussian_maps,
    pool_features,
    spatial_soft_argmax,
)

__all__ = ["Student"]

FINE, COARSE = 16, 24
TARGET_SIGMA = 0.06
DISTANCE_WEIGHT = 10.0


class Student(PerceptionModule):
    """Looks at a frame at two scales, 42×42 cells and 21×21.

    Args:
        num_keypoints: K, the teacher's.
        sigma: Radius of a keypoint's bump, in units of [-1, 1].
        teacher: Whose keypoints it learnt; a name for people, without effect.

    Raises:
        ValueError: K < 1.
    """

    name = "student"

    def __init__(self, num_keypoints: int = 10, sigma: float = 0.08, teacher: str = "") -> None:
        super().__init__()
        if num_keypoints < 1:
            raise ValueError(f"num_keypoints must be at least 1, got {num_keypoints}.")
        self.num_keypoints, self.sigma, self.teacher = num_keypoints, sigma, teacher
        self.fine = nn.Sequential(ConvBlock(3, 8, stride=2), ConvBlock(8, FINE))
        self.coarse = nn.Sequential(ConvBlock(FINE, COARSE, stride=2), ConvBlock(COARSE, COARSE))
        self.fine_logits = nn.Conv2d(FINE, num_keypoints, 1)
        self.coarse_logits = nn.Conv2d(COARSE, num_keypoints, 1)
        self.presence = Presence(FINE + COARSE)
        box = gym.spaces.Box
        self.observation_space = gym.spaces.Dict(
            {
                "keypoints": box(-1, 1, (num_keypoints, 2), np.float32),
                "present": box(0, 1, (num_keypoints,), np.float32),
                "features": box(0, np.inf, (num_keypoints, FINE + COARSE), np.float32),
            }
        )

    def _look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, F, 42, 42) and logits (B, K, 42, 42)."""
        fine = self.fine(images)
        coarse = self.coarse(fine)
        size = fine.shape[-2:]
        logits = self.coarse_logits(coarse)
        logits = F.interpolate(logits, size, mode="bilinear") + self.fine_logits(fine)
        features = torch.cat([fine, F.interpolate(coarse, size, mode="nearest")], dim=1)
        return features, logits.float()

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Returns keypoints (B, K, 2), present (B, K), features (B, K, 40)."""
        features, logits = self._look(images)
        keypoints, weights = spatial_soft_argmax(logits)
        masks = gaussian_maps(keypoints, self.sigma, *features.shape[-2:])
        return {
            "keypoints": keypoints.clamp(-1, 1),
            "present": self.presence(features, weights).sigmoid(),
            "features": pool_features(features.float(), masks),
        }

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Cross entropy with a bump at the teacher's keypoint, distance to it, presence.

        Where a keypoint is weighs as much as the teacher's presence says.

        Args:
            batch: ``frames`` uint8 (B, 84, 84, 3), ``keypoints`` (B, K, 2) and ``present``
                (B, K) of the teacher.
            progress: Without effect.
        """
        features, logits = self._look(self.images(batch["frames"]))
        means, weights = spatial_soft_argmax(logits)
        sure = batch["present"]
        bumps = gaussian_maps(batch["keypoints"], TARGET_SIGMA, *logits.shape[-2:]).flatten(2)
        target = bumps / bumps.sum(-1, keepdim=True)
        entropy = -(target * logits.flatten(2).log_softmax(-1)).sum(-1)
        distance = (means - batch["keypoints"]).abs().sum(-1)
        total = sure.sum().clamp(min=1)
        losses = {
            "place": (sure * entropy).sum() / total,
            "distance": (sure * distance).sum() / total,
            "presence": F.binary_cross_entropy_with_logits(self.presence(features, weights), sure),
        }
        far = DISTANCE_WEIGHT * losses["distance"]
        return {**losses, "loss": losses["place"] + far + losses["presence"]}

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the frames, (B, 3, 84, 84)."""
        return {"input": self.images(batch["frames"])}
