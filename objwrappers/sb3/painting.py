"""From a map of cells to the pixels that the cells see."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.sb3.free_lunch import ReceptiveField

__all__ = ["PAINTINGS", "enlarge", "paint"]

PAINTINGS = ("covered", "published")


def paint(
    attention: Tensor, field: ReceptiveField, height: int, width: int, painting: str = "covered"
) -> Tensor:
    """Spreads each cell over the pixels that it sees.

    Args:
        attention: (N, h, w).
        field: What its cells see.
        height: H of the image, pixels.
        width: W of the image, pixels.
        painting: ``"published"`` sums the cells that see a pixel, which makes even a constant map
            look centred; ``"covered"`` divides by their number.

    Returns:
        float32 (N, H, W).

    Raises:
        ValueError: Another painting.
    """
    if painting not in PAINTINGS:
        raise ValueError(f"painting must be one of {', '.join(PAINTINGS)}, got {painting!r}.")
    summed = _spread(attention, field, height, width)
    if painting == "published":
        return summed
    return summed / _spread(torch.ones_like(attention), field, height, width).clamp(min=1)


def _spread(cells: Tensor, field: ReceptiveField, height: int, width: int) -> Tensor:
    ones = cells.new_ones(1, 1, field.size, field.size)
    pixels = F.conv_transpose2d(cells[:, None].float(), ones.float(), None, field.stride)[:, 0]
    # From where the cells see, zeros around the image included, to the image.
    above, left = pixels.shape[-2] - field.padding, pixels.shape[-1] - field.padding
    return F.pad(pixels, (-field.padding, width - left, -field.padding, height - above))


def enlarge(maps: Tensor, height: int, width: int) -> Tensor:
    """Maps (N, h, w) to (N, height, width), bilinear between the cells' middles."""
    return F.interpolate(
        maps[:, None].float(), (height, width), mode="bilinear", align_corners=False
    )[:, 0]
