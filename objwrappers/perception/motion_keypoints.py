"""Keypoints that cover what moves; a single frame is enough at run time.

Motion tells where objects are while training (:mod:`objwrappers.datasets.motion`). A small
network learns to place K bumps that cover the motion map, and, for each keypoint, whether
anything is there to be covered.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.coverage import (
    Presence,
    covers,
    falling_sigma,
    repulsion,
    uncovered,
    visible_at,
)
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.layers import ConvBlock, spatial_soft_argmax

__all__ = ["MotionKeypoints"]

START_SIGMA = 0.5
TEMPERATURE = 2.0
REPULSION_WEIGHT = 0.1


class MotionKeypoints(KeypointModule):
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
        self.define(num_keypoints, sigma, channels=width, cells=42)
        self.trunk = nn.Sequential(
            ConvBlock(3, width // 2, kernel=5, stride=2),
            ConvBlock(width // 2, width),
            ConvBlock(width, width),
            ConvBlock(width, width),
        )
        self.logits = nn.Conv2d(width, num_keypoints, 1)
        self.presence = Presence(width)

    def _locate(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.trunk(images)
        keypoints, weights = spatial_soft_argmax(self.logits(features).float(), TEMPERATURE)
        return features, keypoints, self.presence(features, weights)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :meth:`KeypointModule.look`; F is ``width``, on 42×42 cells."""
        features, keypoints, present = self._locate(images)
        return keypoints, present.float().sigmoid(), features

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Uncovered motion, repulsion between keypoints, presence.

        Args:
            batch: ``frames`` uint8 (B, 84, 84, 3), ``weight`` float32 (B, 42, 42),
                what covering a cell is worth; ``objects`` float32 (B, 42, 42) in [0, 1];
                ``visible`` float32 (B, 84, 84), 0 behind a bar: what is hidden need not be found,
                and a keypoint on a bar is not present.
            progress: σ falls geometrically from 0.5 until 60 % of the training.
        """
        visible = F.avg_pool2d(batch["visible"], 2)
        weight = batch["weight"] * visible
        _, keypoints, present = self._locate(self.images(batch["frames"]))
        there = covers(keypoints, batch["objects"] * visible, self.sigma)
        there = there * visible_at(keypoints, batch["visible"])
        losses = {
            "uncovered": uncovered(
                keypoints, weight, falling_sigma(START_SIGMA, self.sigma, progress)
            ),
            "repulsion": repulsion(keypoints),
            "presence": F.binary_cross_entropy_with_logits(present, there),
        }
        losses["loss"] = (
            losses["uncovered"] + REPULSION_WEIGHT * losses["repulsion"] + losses["presence"]
        )
        return losses

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the frames and what moves in them, (B, 3, 84, 84) and (B, 3, 42, 42)."""
        motion = batch["motion"][:, None].expand(-1, 3, -1, -1)
        return {"input": self.images(batch["frames"]), "motion": motion}
