"""What the perception models share: blocks, soft-argmax, Gaussian maps, pooling.

Coordinates are those of a map: (x, y) in [-1, 1], and h×w cells lie on ``linspace(-1, 1)`` in both
directions, so that ±1 are the centres of the outermost cells. What leaves a model is converted
to the frame's (:mod:`objwrappers.geometry`).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.resizing import area_matrix

OBJECT_CELLS = 7  # side of the window, cells of a 42×42 map, in which motion is one object

__all__ = [
    "ConvBlock",
    "area_pool",
    "coordinate_grid",
    "gaussian_maps",
    "initialise",
    "marginal_soft_argmax",
    "per_object",
    "pool_features",
    "same_padding",
    "spatial_soft_argmax",
]


def same_padding(kernel: int, stride: int, size: int) -> tuple[int, int]:
    """Returns the pixels that TensorFlow's SAME adds before and after a side of ``size`` pixels."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvBlock(nn.Sequential):
    """Convolution with SAME padding, batch norm, activation, initialised as Keras does.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Side of the kernel, pixels.
        stride: Pixels between windows.
        activation: Last layer, ReLU by default.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        activation: nn.Module | None = None,
    ) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride)
        initialise(convolution)
        norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        super().__init__(convolution, norm, activation or nn.ReLU(inplace=True))
        # A convolution pads alike on both sides by itself; SAME with a stride needs a copy.
        self.symmetric = stride == 1 and kernel % 2 == 1
        if self.symmetric:
            convolution.padding = (kernel // 2, kernel // 2)
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, ⌈H/stride⌉, ⌈W/stride⌉)."""
        if self.symmetric:
            return super().forward(x)
        top, bottom = same_padding(self.kernel, self.stride, x.shape[-2])
        left, right = same_padding(self.kernel, self.stride, x.shape[-1])
        return super().forward(F.pad(x, (left, right, top, bottom)))


def initialise(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Gives a convolution Keras' initial weights: Glorot uniform, zero biases."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def coordinate_grid(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the y (h,) and x (w,) coordinates of a map's cells, on the device of ``like``."""
    y = torch.linspace(-1, 1, height, device=like.device, dtype=like.dtype)
    x = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    return y, x


def marginal_soft_argmax(maps: Tensor, temperature: float = 1.0) -> Tensor:
    """Mean first, softmax then, for each axis by itself (Jakab et al. 2018, Transporter).

    Args:
        maps: (B, K, h, w) logits.
        temperature: Factor on the marginal logits.

    Returns:
        (B, K, 2), (x, y) in [-1, 1].
    """
    y, x = coordinate_grid(maps.shape[-2], maps.shape[-1], like=maps)
    across = (temperature * maps.mean(-2)).softmax(-1) @ x
    down = (temperature * maps.mean(-1)).softmax(-1) @ y
    return torch.stack([across, down], dim=-1)


def spatial_soft_argmax(maps: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """One softmax over all cells of a map (Levine et al. 2016).

    Args:
        maps: (B, K, h, w) logits.
        temperature: Factor on the logits.

    Returns:
        The means (B, K, 2) as (x, y) and the softmax (B, K, h, w).
    """
    y, x = coordinate_grid(maps.shape[-2], maps.shape[-1], like=maps)
    weights = (temperature * maps).flatten(2).softmax(-1).view_as(maps)
    return torch.stack([weights.sum(-2) @ x, weights.sum(-1) @ y], dim=-1), weights


def gaussian_maps(keypoints: Tensor, sigma: float, height: int, width: int) -> Tensor:
    """Bumps exp(-d²/σ²) of peak 1 around keypoints; as published, without a ½ in the exponent.

    Args:
        keypoints: (B, K, 2), (x, y).
        sigma: Distance at which a bump has fallen to 1/e.
        height: Cells of the maps, h.
        width: Cells of the maps, w.

    Returns:
        (B, K, h, w).
    """
    y, x = coordinate_grid(height, width, like=keypoints)
    across = torch.exp(-(((x - keypoints[..., 0, None]) / sigma) ** 2))
    down = torch.exp(-(((y - keypoints[..., 1, None]) / sigma) ** 2))
    return down[..., :, None] * across[..., None, :]


def pool_features(features: Tensor, masks: Tensor) -> Tensor:
    """The mean of a feature map under each mask.

    Args:
        features: (B, F, h, w).
        masks: (B, K, h, w), not negative.

    Returns:
        (B, K, F).
    """
    weights = masks.flatten(2)
    sums = weights @ features.flatten(2).transpose(1, 2)
    return sums / (weights.sum(-1, keepdim=True) + 1e-8)


def area_pool(maps: Tensor, height: int, width: int) -> Tensor:
    """Averages maps (..., H, W) over the cells of coarser ones, (..., h, w), by area."""
    if maps.shape[-2:] == (height, width):
        return maps
    down = area_matrix(maps.shape[-2], height).to(maps)
    return down @ maps @ area_matrix(maps.shape[-1], width).to(maps).T


def per_object(motion: Tensor) -> Tensor:
    """Weighs a motion map so that a small object counts as much as a large one.

    Args:
        motion: (B, h, w) in [0, 1].

    Returns:
        (B, h, w); the sum over a solitary object is about 1, whatever its size.
    """
    window = OBJECT_CELLS
    nearby = F.avg_pool2d(motion[:, None], window, stride=1, padding=window // 2) * window**2
    return motion / nearby[:, 0].clamp(min=0.5)
