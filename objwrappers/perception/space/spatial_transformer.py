"""Cuts boxes out of images and pastes patches into them, differentiable in the boxes.

* :func:`glimpse`: images and boxes → patches
* :func:`paste`: patches and boxes → images, one for each patch
* :func:`paste_in_windows`: the same, but only what is around the boxes

Both are the spatial transformer of Jaderberg et al. 2015 for transforms without rotation, bilinear
with zeros outside. ±1 are the frame's borders (``align_corners=False``). Boxes are (x, y) of the
centre in [-1, 1] and width and height as shares of the frame's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["glimpse", "paste", "paste_in_windows"]

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
    down = _triangles(pixel_centres(height, boxes), boxes[..., 1], boxes[..., 3], patches)
    across = _triangles(pixel_centres(width, boxes), boxes[..., 0], boxes[..., 2], patches)
    return _paste(patches, down, across)


def paste_in_windows(
    patches: Tensor, boxes: Tensor, height: int, width: int, side: int
) -> tuple[Tensor, Tensor]:
    """Pastes each patch into a window of the image around its box; see :func:`paste`.

    Args:
        patches: (B, N, C, P, P).
        boxes: (B, N, 4); none larger than the window, and a patch's pixel more.
        height: H, pixels.
        width: W, pixels.
        side: Of the windows, pixels, at most H and W.

    Returns:
        The windows (B, N, C, side, side), and where their pixels are in the image, row·W +
        column, int64 (B, N, side, side).
    """
    inside = torch.arange(side, device=boxes.device)
    pixels, weights = [], []
    for axis, length in ((1, height), (0, width)):
        middle = (boxes[..., axis].detach() + 1) / 2 * length
        first = (middle - side / 2).floor().clamp(0, length - side).long()
        pixel = first[..., None] + inside
        centres = (2 * pixel.to(boxes.dtype) + 1) / length - 1
        weights.append(_triangles(centres, boxes[..., axis], boxes[..., 2 + axis], patches))
        pixels.append(pixel)
    place = pixels[0][..., :, None] * width + pixels[1][..., None, :]
    return _paste(patches, *weights), place


def _paste(patches: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Applies the weights of rows (B, N, H, P) and of columns (B, N, W, P)."""
    batch, count, channels, side = patches.shape[:4]
    height, width = down.shape[2], across.shape[2]
    # The channels lie beside one another, so that two products do for all of them.
    flat = patches.flatten(0, 1).transpose(1, 2).reshape(batch * count, side, channels * side)
    rows = (down.flatten(0, 1) @ flat).view(batch * count, height * channels, side)
    full = rows @ across.flatten(0, 1).transpose(1, 2)
    return full.view(batch, count, height, channels, width).transpose(2, 3)


def _triangles(places: Tensor, centre: Tensor, share: Tensor, patches: Tensor) -> Tensor:
    """What each of a patch's pixels gives the pixels at these places, (B, N, places, P)."""
    side = patches.shape[-1]
    within = (places - centre[..., None]) / share[..., None].clamp(min=SMALLEST)
    source = ((within + 1) * side - 1) / 2
    index = torch.arange(side, device=centre.device, dtype=centre.dtype)
    return (1 - (source[..., None] - index).abs()).clamp(min=0)
