"""Keypoints at the emulator's speed: a network of a few million products on frames of half size.

Frames are halved by ALE's own threads, at no cost. One convolution of stride (5, 4) cuts them into
cells of 10×8 native pixels; what follows works on those few cells, and its last layer tells the
four quarters of each apart, so that keypoints lie on a map of twice as many rows and columns.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.base import FrameFormat
from objwrappers.perception.coverage import (
    Presence,
    centres_under,
    covers,
    falling_sigma,
    repulsion,
    uncovered,
    visible_at,
)
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.layers import area_pool, coordinate_grid, initialise

__all__ = ["LightKeypoints"]

CELL = (5, 4)  # rows and columns of a half-size frame
SMALL_WIDTH = 80  # half of every Atari game's 160 columns
QUARTERS = 2  # keypoints are told apart on so many rows and columns of a cell
DILATIONS = (1, 2, 4, 1, 2, 4)
STEM = 32
START_SIGMA = 0.5
REPULSION_WEIGHT = 0.1
CENTRE_WEIGHT = 2.0
CENTRE_SHARES = (0.5, 0.7)  # of the training: keypoints are first shared out, then drawn to middles


class LightKeypoints(KeypointModule):
    """Places keypoints on the middles of the sprites that move, with a presence for each.

    Args:
        num_keypoints: K.
        sigma: Radius of a keypoint's bump where training ends, in units of [-1, 1].
        height: Of the frames that the network reads, half that of the game's, a multiple of 5.
        width: Channels F of the network.
        freeze_norms: Share of the training from which on batch norms keep their statistics. Flashes
            of the whole frame are in few batches and in all statistics: what learned by batches
            without them finds little afterwards.

    Raises:
        ValueError: K < 1, a height that is not cut into whole cells, or a share outside [0, 1].
    """

    name = "light"
    stored_dtype = torch.float16

    def __init__(
        self,
        num_keypoints: int = 10,
        sigma: float = 0.08,
        height: int = 105,
        width: int = 32,
        freeze_norms: float = 1.0,
    ) -> None:
        if not 0 <= freeze_norms <= 1:
            raise ValueError(f"freeze_norms is a share from 0 to 1, got {freeze_norms}.")
        if height < CELL[0] or height % CELL[0]:
            raise ValueError(f"height must be a multiple of {CELL[0]}, got {height}.")
        super().__init__(FrameFormat(height, SMALL_WIDTH))
        self.freeze_norms = freeze_norms
        rows, columns = height // CELL[0], SMALL_WIDTH // CELL[1]
        self.define(
            num_keypoints,
            sigma,
            channels=width,
            cells=(rows, columns),
            keypoint_cells=(rows * QUARTERS, columns * QUARTERS),
        )
        self.stem = _convolution(3, STEM, kernel=(7, 6), stride=CELL)
        self.trunk = nn.Sequential(
            _convolution(STEM, width), *(_Separable(width, dilation) for dilation in DILATIONS)
        )
        self.logits = nn.Conv2d(width, num_keypoints * QUARTERS**2, 1)
        initialise(self.logits)
        self.presence = Presence(width)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the map that keypoints lie on."""
        return self._keypoint_map

    def fit(self, native_height: int | None = None, num_keypoints: int | None = None) -> None:
        """Begins anew as a network for frames of another height, or of another K.

        Args:
            native_height: Of the game's frames, pixels; they are read at half of it, or a little
                less where that is cut into no whole cells.
            num_keypoints: K.
        """
        changed = dict(self.arguments)
        if native_height is not None:
            changed["height"] = native_height // (2 * CELL[0]) * CELL[0]
        if num_keypoints is not None:
            changed["num_keypoints"] = num_keypoints
        self.__init__(**changed)  # type: ignore[misc]
        self._hub_mixin_config = changed

    def _locate(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features (B, F, h, w), keypoints (B, K, 2), presence logits, features under each."""
        features = self.trunk(self.stem(images)).float()
        batch, _, rows, columns = features.shape
        # A softmax asks for no order: quarters need not be sorted into a map.
        logits = self.logits(features).float().reshape(batch, self.num_keypoints, -1)
        weights = logits.softmax(-1)
        keypoints = weights @ self._places(rows, columns, like=weights)
        weights = weights.detach()
        shares = weights.view(batch, self.num_keypoints, QUARTERS**2, rows * columns).sum(2)
        seen = shares @ features.detach().flatten(2).transpose(1, 2)
        peak = weights.amax(-1, keepdim=True)
        return features, keypoints, self.presence.judge(seen, peak), seen

    @staticmethod
    def _places(rows: int, columns: int, like: Tensor) -> Tensor:
        """Where the logits lie, quarter by quarter of all cells: (4·rows·columns, 2)."""
        y, x = coordinate_grid(rows * QUARTERS, columns * QUARTERS, like=like)
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        cells = grid.view(rows, QUARTERS, columns, QUARTERS, 2)
        return cells.permute(1, 3, 0, 2, 4).reshape(-1, 2)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :meth:`KeypointModule.look`; F is ``width``, on a row for each 10 lines, 20 wide."""
        features, keypoints, present, _ = self._locate(images)
        return keypoints, present.float().sigmoid(), features

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """See :meth:`KeypointModule.perceive`; pooled features are those of the softmax's cells."""
        features, keypoints, present, seen = self._locate(images)
        return self.shown(keypoints, present.float().sigmoid(), features, seen)

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Uncovered motion, repulsion between keypoints, distance to the middles, presence.

        Args:
            batch: ``frames`` uint8 (B, h, w, 3); ``weight``, what covering a cell is worth, and
                ``objects`` in [0, 1], float32 of twice the feature map's rows and columns;
                ``visible`` float32 (B, h, w), 0 behind a bar: what is hidden need not be found,
                and a keypoint on a bar is not present.
            progress: σ falls geometrically from 0.5 until 60 % of the training; from its half on
                keypoints are drawn to the middles of what they cover, ever more until 70 %.
        """
        if progress >= self.freeze_norms:
            for layer in self.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        visible = area_pool(batch["visible"], *batch["objects"].shape[-2:])
        objects = batch["objects"] * visible
        _, keypoints, present, _ = self._locate(self.images(batch["frames"]))
        there = covers(keypoints, objects, self.sigma)
        away = (centres_under(keypoints, objects, self.sigma) - keypoints).abs().sum(-1)
        sigma = falling_sigma(START_SIGMA, self.sigma, progress)
        losses = {
            "uncovered": uncovered(keypoints, batch["weight"] * visible, sigma),
            "repulsion": repulsion(keypoints),
            "centre": (there * away).sum() / there.sum().clamp(min=1),
            "presence": F.binary_cross_entropy_with_logits(
                present, there * visible_at(keypoints, batch["visible"])
            ),
        }
        first, last = CENTRE_SHARES
        pull = CENTRE_WEIGHT * min(1.0, max(0.0, progress - first) / (last - first))
        losses["loss"] = (
            losses["uncovered"]
            + REPULSION_WEIGHT * losses["repulsion"]
            + pull * losses["centre"]
            + losses["presence"]
        )
        return losses

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the frames and what moves in them, (B, 3, h, w), the latter on its cells."""
        motion = batch["motion"][:, None].expand(-1, 3, -1, -1)
        return {"input": self.images(batch["frames"]), "motion": motion}


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int | tuple[int, int] = 3,
    stride: int | tuple[int, int] = 1,
) -> nn.Sequential:
    """A convolution that pads one pixel on each side, batch norm, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False)
    initialise(convolution)
    return nn.Sequential(convolution, _norm(outputs), nn.ReLU(inplace=True))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Separable(nn.Module):
    """A depthwise and a pointwise convolution around which the input is added (MobileNet, 2017).

    Args:
        channels: In and out.
        dilation: Cells between the kernel's nine.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        around = nn.Conv2d(
            *(channels, channels, 3),
            padding=dilation,
            dilation=dilation,
            groups=channels,
            bias=False,
        )
        across = nn.Conv2d(channels, channels, 1, bias=False)
        initialise(around)
        initialise(across)
        self.layers = nn.Sequential(
            around, _norm(channels), nn.ReLU(inplace=True), across, _norm(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) → the same."""
        return F.relu(x + self.layers(x))
