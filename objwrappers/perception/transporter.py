"""Keypoints by feature transport (Kulkarni et al. 2019, arXiv 1906.11883).

Features under the source frame's and the target frame's keypoints are erased from the source's
feature map, those under the target's keypoints are pasted from the target's; a decoder
reconstructs the target. Keypoints must therefore go where the two frames differ.

The published recipe leaves its keypoints at the centre of Atari frames. Five options of the
constructor, on in the ``light`` preset, make them follow what moves: a keypointer that sees the
foreground only, one spatial softmax with a temperature, a second loss on what differs between
the frames, in which small objects count as much as large ones, and a σ that falls while training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.coverage import falling_sigma
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.layers import (
    ConvBlock,
    gaussian_maps,
    initialise,
    marginal_soft_argmax,
    per_object,
    spatial_soft_argmax,
)
from objwrappers.perception.scenery import Scenery

__all__ = ["PRESETS", "Transporter", "transport"]

PRESETS: dict[str, dict[str, object]] = {
    "published": {"decoder_widths": (128, 128, 64, 32)},
    "light": {
        "decoder_widths": (32, 32, 16),
        "temperature": 2.0,
        "change_weight": 1.0,
        "start_sigma": 0.5,
        "spatial": True,
        "foreground": True,
    },
}
"""Arguments of :class:`Transporter`; ``published`` has the published layers and loss."""

FEATURES = 32
CHANGE_THRESHOLD = 25 / 255


def transport(source: Tensor, target: Tensor, source_maps: Tensor, target_maps: Tensor) -> Tensor:
    """Erases and pastes features, one keypoint after the other (§3 of the paper).

    f ← (1 - h_k)(1 - h'_k)·f + h'_k·f' for k = 1..K, h of the source, h' of the target.

    Args:
        source: (B, F, h, w) features.
        target: (B, F, h, w) features.
        source_maps: (B, K, h, w) in [0, 1].
        target_maps: (B, K, h, w) in [0, 1].

    Returns:
        (B, F, h, w).
    """
    # All steps weigh the two feature maps alone, so that only the weights need the sequence.
    kept = (1 - source_maps) * (1 - target_maps)
    kept_after = torch.ones_like(kept)
    kept_after[:, :-1] = kept[:, 1:].flip(1).cumprod(1).flip(1)
    pasted = (target_maps * kept_after).sum(1, keepdim=True)
    return kept.prod(1, keepdim=True) * source + pasted * target


def _encoder() -> list[nn.Module]:
    return [ConvBlock(3, 16), ConvBlock(16, 16), ConvBlock(16, 32, stride=2), ConvBlock(32, 32)]


class Transporter(Scenery, KeypointModule):
    """Keypoints from feature transport; see the module's docstring.

    Args:
        num_keypoints: K.
        sigma: Radius of a keypoint's bump, in units of [-1, 1]; where training ends if
            ``start_sigma`` is given.
        decoder_widths: Channels of the decoder's blocks; the upsampling follows the second.
        temperature: Factor on the logits, 1 as published.
        change_weight: Factor on the second loss, the squared error of what differs between the
            frames, each object weighing the same; 0 as published.
        start_sigma: Radius at the start of training; None keeps ``sigma``, as published.
        spatial: One softmax over all cells instead of the published marginal ones, in whose means
            a sprite of a few cells hardly counts.
        foreground: The keypointer sees frame minus background, where things travel, instead of
            the frame; :meth:`set_scenery` tells both before training.

    Raises:
        ValueError: K < 1.
    """

    name = "transporter"
    monitor = "reconstruction"

    def __init__(
        self,
        num_keypoints: int = 10,
        sigma: float = 0.1,
        decoder_widths: tuple[int, ...] = (128, 128, 64, 32),
        temperature: float = 1.0,
        change_weight: float = 0.0,
        start_sigma: float | None = None,
        spatial: bool = False,
        foreground: bool = False,
    ) -> None:
        super().__init__()
        self.define(num_keypoints, sigma, channels=FEATURES, cells=42)
        self.start_sigma = start_sigma
        self.temperature, self.change_weight = temperature, change_weight
        self.spatial = spatial
        self.register_scenery(foreground, self.size)
        self.encoder = nn.Sequential(*_encoder())
        head = nn.Conv2d(FEATURES, num_keypoints, 1)
        initialise(head)
        self.pointer = nn.Sequential(*_encoder(), head)
        blocks: list[nn.Module] = []
        width = FEATURES
        for i, next_width in enumerate(decoder_widths):
            if i == 2:
                blocks.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
            blocks.append(ConvBlock(width, next_width))
            width = next_width
        self.decoder = nn.Sequential(*blocks, ConvBlock(width, 3, activation=nn.Sigmoid()))

    def _locate(self, images: Tensor) -> Tensor:
        if self.foreground:
            images = self.without_scenery(images)
        maps = self.pointer(images).float()
        if self.spatial:
            return spatial_soft_argmax(maps, self.temperature)[0]
        return marginal_soft_argmax(maps, self.temperature)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :meth:`KeypointModule.look`; all are present, F = 32 on 42×42 cells."""
        keypoints = self._locate(images)
        return keypoints, torch.ones_like(keypoints[..., 0]), self.encoder(images)

    def reconstruct(self, source: Tensor, target: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """Reconstructs the target frame from the source and the transported features.

        Args:
            source: (B, 3, 84, 84) in [0, 1].
            target: (B, 3, 84, 84) in [0, 1].
            sigma: Radius of the bumps.

        Returns:
            (B, 3, 84, 84) in [0, 1] and the target's keypoints (B, K, 2).
        """
        with torch.no_grad():
            source_features = self.encoder(source)
            source_keypoints = self._locate(source)
        target_features = self.encoder(target)
        keypoints = self._locate(target)
        size = target_features.shape[-2:]
        moved = transport(
            source_features,
            target_features,
            gaussian_maps(source_keypoints, sigma, *size),
            gaussian_maps(keypoints, sigma, *size),
        )
        return self.decoder(moved), keypoints

    def sigma_at(self, progress: float) -> float:
        """Returns σ after a share of the training."""
        if self.start_sigma is None:
            return self.sigma
        return falling_sigma(self.start_sigma, self.sigma, progress)

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Mean squared error of the target's reconstruction, and of what differs in it.

        Args:
            batch: ``source`` and ``target``, uint8 (B, 84, 84, 3).
            progress: σ hangs on it where ``start_sigma`` is given.
        """
        source, target = self.images(batch["source"]), self.images(batch["target"])
        result, _ = self.reconstruct(source, target, self.sigma_at(progress))
        squared = F.mse_loss(result, target, reduction="none").mean(1)
        losses = {"reconstruction": squared.mean()}
        losses["loss"] = losses["reconstruction"]
        if self.change_weight:
            weights = self._objects(source, target)
            losses["changed"] = (weights * squared).sum() / weights.sum().clamp(min=1)
            losses["loss"] = losses["loss"] + self.change_weight * losses["changed"]
        return losses

    def _objects(self, source: Tensor, target: Tensor) -> Tensor:
        """(B, 84, 84), 0 where the frames are alike; the sum over an object is at most 4."""
        changed = ((source - target).abs().amax(1) > CHANGE_THRESHOLD).float()
        if self.foreground:
            changed = changed * self.travels
        cells = per_object(F.avg_pool2d(changed, 2))
        return changed * F.interpolate(cells[:, None], scale_factor=2)[:, 0]

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the target and its reconstruction, (B, 3, 84, 84) each."""
        source, target = self.images(batch["source"]), self.images(batch["target"])
        result, _ = self.reconstruct(source, target, self.sigma)
        return {"input": target, "reconstruction": result}
