"""A small network that learns another model's keypoints: for processors, at most 8 MMAC a frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.geometry import frame_to_cells
from objwrappers.perception.coverage import Presence, visible_at
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.layers import (
    ConvBlock,
    gaussian_maps,
    spatial_soft_argmax,
)

__all__ = ["Student"]

FINE, COARSE = 16, 24
TARGET_SIGMA = 0.06
DISTANCE_WEIGHT = 10.0


class Student(KeypointModule):
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
        self.define(num_keypoints, sigma, channels=FINE + COARSE, cells=42)
        self.teacher = teacher
        self.fine = nn.Sequential(ConvBlock(3, 8, stride=2), ConvBlock(8, FINE))
        self.coarse = nn.Sequential(ConvBlock(FINE, COARSE, stride=2), ConvBlock(COARSE, COARSE))
        self.fine_logits = nn.Conv2d(FINE, num_keypoints, 1)
        self.coarse_logits = nn.Conv2d(COARSE, num_keypoints, 1)
        self.presence = Presence(FINE + COARSE)

    def _scan(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, F, 42, 42) and logits (B, K, 42, 42)."""
        fine = self.fine(images)
        coarse = self.coarse(fine)
        size = fine.shape[-2:]
        logits = self.coarse_logits(coarse)
        logits = F.interpolate(logits, size, mode="bilinear") + self.fine_logits(fine)
        features = torch.cat([fine, F.interpolate(coarse, size, mode="nearest")], dim=1)
        return features, logits.float()

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :meth:`KeypointModule.look`; F = 40 on 42×42 cells."""
        features, logits = self._scan(images)
        keypoints, weights = spatial_soft_argmax(logits)
        return keypoints, self.presence(features, weights).sigmoid(), features

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Cross entropy with a bump at the teacher's keypoint, distance to it, presence.

        Where a keypoint is weighs as much as the teacher's presence says.

        Args:
            batch: ``frames`` uint8 (B, 84, 84, 3), ``keypoints`` (B, K, 2) in frame coordinates
                and ``present`` (B, K) of the teacher, ``visible`` float32 (B, 84, 84), 0 behind a
                bar.
            progress: Without effect.
        """
        features, logits = self._scan(self.images(batch["frames"]))
        means, weights = spatial_soft_argmax(logits)
        size = logits.shape[-2:]
        taught = frame_to_cells(batch["keypoints"], *size)
        sure = batch["present"] * visible_at(taught, batch["visible"])
        bumps = gaussian_maps(taught, TARGET_SIGMA, *size).flatten(2)
        target = bumps / bumps.sum(-1, keepdim=True)
        entropy = -(target * logits.flatten(2).log_softmax(-1)).sum(-1)
        distance = (means - taught).abs().sum(-1)
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
