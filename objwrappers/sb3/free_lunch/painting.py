"""From a map of cells to the pixels that the cells see."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.sb3.free_lunch.networks import ReceptiveField

__all__ = ["PAINTINGS", "enlarge", "gather", "paint", "spread"]

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
            look centred; ``"covered"`` divides by their number. Zeros around the image are minded
            in both, which the published code does not for ``cnn_rsppo``, a pixel off.

    Returns:
        float32 (N, H, W).

    Raises:
        ValueError: Another painting.
    """
    if painting not in PAINTINGS:
        raise ValueError(f"painting must be one of {', '.join(PAINTINGS)}, got {painting!r}.")
    summed = spread(attention, field, height, width)
    if painting == "published":
        return summed
    return summed / spread(torch.ones_like(attention), field, height, width).clamp(min=1)


def spread(cells: Tensor, field: ReceptiveField, height: int, width: int) -> Tensor:
    """Sums for each pixel, (N, height, width), the cells (N, h, w) that see it."""
    ones = cells.new_ones(1, 1, field.size, field.size)
    pixels = F.conv_transpose2d(cells[:, None].float(), ones.float(), None, field.stride)[:, 0]
    # From where the cells see, zeros around the image included, to the image.
    above, left = pixels.shape[-2] - field.padding, pixels.shape[-1] - field.padding
    return F.pad(pixels, (-field.padding, width - left, -field.padding, height - above))


def enlarge(maps: Tensor, height: int, width: int, first: float, step: float) -> Tensor:
    """Maps (N, h, w) to (N, height, width), bilinear; beyond the outermost cells it stays level.

    Args:
        maps: Values of cells.
        height: Pixels.
        width: Pixels.
        first: Where the middle of the first cell is, down and across, pixels.
        step: Pixels from one cell's middle to the next one's.
    """
    down, across = (
        _between(pixels, cells, first, step).to(maps)
        for pixels, cells in zip((height, width), maps.shape[-2:], strict=True)
    )
    return down @ maps @ across.T


def gather(maps: Tensor, height: int, width: int, first: float, step: float) -> Tensor:
    """Shares the pixels of maps (N, H, W) out to cells (N, height, width); their sum is kept.

    A pixel goes to the cells between whose middles it lies, the more the nearer: the transpose of
    :func:`enlarge`, which has the same ``first`` and ``step``.
    """
    down, across = (
        _between(pixels, cells, first, step).to(maps)
        for pixels, cells in zip(maps.shape[-2:], (height, width), strict=True)
    )
    return down.T @ maps @ across


def _between(pixels: int, cells: int, first: float, step: float) -> Tensor:
    """Returns the share (pixels, cells) that each cell has in a pixel on a line."""
    place = ((torch.arange(pixels) - first) / step).clamp(0, cells - 1)
    return (1 - (place[:, None] - torch.arange(cells)).abs()).clamp(min=0)
