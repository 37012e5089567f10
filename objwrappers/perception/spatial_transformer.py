"""Cuts boxes out of images and pastes patches into them, differentiable in the boxes.

* :func:`glimpse`: images and boxes → patches
* :func:`paste`: patches and boxes → images, one for each patch

Both are the spatial transformer of Jaderberg et al. 2015 for transforms without rotation, bilinear
with zeros outside. ±1 are the frame's borders (``align_corners=False``). Boxes are (x, y) of the
centre in [-1, 1] and width and height as shares of the frame's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["glimpse", "paste"]

SMALLEST = 1e-3  # share of the frame; a box of no size has no inside


def pixel_centres(count: int, like: Tensor) -> Tensor:
    """Returns where the centres of a side's pixels are in [-1, 1], (count,)."""
    return (2 * torch.arange(count, device=like.device, dtype=like.dtype) + 1) / count - 1


def glimpse(images: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Cuts boxes out of images, each scaled to side×side pixels.

    Args:
        images: (B, C, H, W).
        boxes: (B, N, 4).
        side: P, pixels.

    Returns:
        (B, N, C, P, P).
    """
    centres = pixel_centres(side, boxes)
    x = boxes[..., 0, None] + boxes[..., 2, None] * centres
    y = boxes[..., 1, None] + boxes[..., 3, None] * centres
    count = boxes.shape[1]
    grid = torch.stack(
        [
            x[:, :, None, :].expand(-1, -1, side, -1),
            y[:, :, :, None].expand(-1, -1, -1, side),
        ],
        dim=-1,
    )
    # One grid for all boxes of an image: the image is not repeated.
    cut = F.grid_sample(images, grid.flatten(1, 2).to(images.dtype), align_corners=False)
    return cut.unflatten(2, (count, side)).transpose(1, 2)


def paste(patches: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """Pastes each patch into an empty image of its own.

    An axis-aligned transform is separable: rows and columns are matrix products with triangle
    weights, exactly what grid_sample gives, for a fraction of the work and deterministic on
    CUDA, too.

    Args:
        patches: (B, N, C, P, P).
        boxes: (B, N, 4), where they go.
        height: H, pixels.
        width: W, pixels.

    Returns:
        (B, N, C, H, W).
    """
    batch, count, channels, side = patches.shape[:4]
    down = _triangles(boxes[..., 1], boxes[..., 3], height, side).flatten(0, 1)
    across = _triangles(boxes[..., 0], boxes[..., 2], width, side).flatten(0, 1)
    # The channels lie beside one another, so that two products do for all of them.
    flat = patches.flatten(0, 1).transpose(1, 2).reshape(batch * count, side, channels * side)
    rows = (down @ flat).view(batch * count, height * channels, side)
    full = (rows @ across.transpose(1, 2)).view(batch, count, height, channels, width)
    return full.transpose(2, 3)


def _triangles(centre: Tensor, share: Tensor, outside: int, inside: int) -> Tensor:
    """What each of a patch's pixels gives each of the image's, (..., outside, inside)."""
    places = (pixel_centres(outside, centre) - centre[..., None]) / share[..., None].clamp(
        min=SMALLEST
    )
    source = ((places + 1) * inside - 1) / 2
    index = torch.arange(inside, device=centre.device, dtype=centre.dtype)
    return (1 - (source[..., None] - index).abs()).clamp(min=0)
