"""Gaze samples of many frames, and the maps that are made of them.

* :class:`GazeSamples`: as many samples for a frame as there are
* :meth:`GazeSamples.counts`, :meth:`GazeSamples.maps`: samples by cells; where people look
* :func:`blur`, :func:`sigma_cells`: the Gaussian that makes a map of counts
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["AUTHORS", "CELLS_PER_DEGREE", "GazeSamples", "Sigma", "blur", "sigma_cells"]

SCREEN = (210, 160)  # height and width of what was looked at, native pixels
SIDE = 84  # cells of a map by default

AUTHORS = (28.50 / 840, 44.58 / 1280)
"""Radius by which Atari-HEAD's authors blur, as shares of the screen's height and width: 2.85 rows
and 2.93 columns of 84. (It is the screen's extent in degrees over its extent in pixels, which is,
as it happens, a degree vertically; horizontally it is one and a half.)"""

CELLS_PER_DEGREE = (2.95, 1.88)
"""Rows and columns that one degree of the visual field takes, of 84 each."""

Sigma = str | float | tuple[float, float]
"""``"authors"``, a number of degrees, or rows and columns of the map."""


@dataclass(frozen=True)
class GazeSamples:
    """Where people looked during each of B frames.

    Attributes:
        points: float32 (P, 2), (x, y) in native pixels from the top left corner, frame after frame.
        offsets: int64 (B + 1,); the samples of frame i are ``points[offsets[i]:offsets[i + 1]]``.

    Raises:
        ValueError: Points or offsets of another shape, or offsets that do not rise from 0 to P.
    """

    points: Tensor
    offsets: Tensor

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 2:
            raise ValueError(f"points must be (P, 2), got {tuple(self.points.shape)}.")
        offsets = self.offsets
        if offsets.ndim != 1 or not len(offsets) or offsets.is_floating_point():
            raise ValueError(
                f"offsets must be integers (B + 1,), got {offsets.dtype} {tuple(offsets.shape)}."
            )
        ends = (int(offsets[0]), int(offsets[-1]))
        if ends != (0, len(self.points)) or bool((offsets.diff() < 0).any()):
            raise ValueError(f"offsets must rise from 0 to {len(self.points)}, got {ends}.")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, frames: Tensor | slice) -> GazeSamples:
        """Returns the samples of some frames, by their numbers, in that order."""
        if isinstance(frames, slice):
            frames = torch.arange(len(self))[frames]
        sizes = self.offsets.diff()[frames]
        offsets = F.pad(sizes.cumsum(0), (1, 0))
        shift = (self.offsets[:-1][frames] - offsets[:-1]).repeat_interleave(sizes)
        return GazeSamples(self.points[torch.arange(len(shift)) + shift], offsets)

    def joined(self, ends: Tensor) -> GazeSamples:
        """Returns the samples of successive frames together, as if each group were one frame.

        Args:
            ends: int64 (G + 1,), rising from 0 to B; group g is frames ``ends[g]`` to
                ``ends[g + 1] - 1``.
        """
        return GazeSamples(self.points, self.offsets[ends])

    @property
    def frame(self) -> Tensor:
        """Which frame a sample is of, int64 (P,)."""
        return torch.arange(len(self)).repeat_interleave(self.offsets.diff())

    @property
    def on_screen(self) -> Tensor:
        """Which samples count, bool (P,): those beside the screen and NaN do not."""
        x, y = self.points.T
        return (x >= 0) & (x < SCREEN[1]) & (y >= 0) & (y < SCREEN[0])

    def counts(self, height: int = SIDE, width: int = SIDE) -> Tensor:
        """Counts the samples on the screen by the cells that they are in, float32 (B, h, w)."""
        seen = self.on_screen
        x, y = self.points[seen].double().T
        # The last cell's upper border may be rounded to.
        column = (x * width / SCREEN[1]).long().clamp(max=width - 1)
        row = (y * height / SCREEN[0]).long().clamp(max=height - 1)
        cells = (self.frame[seen] * height + row) * width + column
        counts = torch.zeros(len(self) * height * width)
        return counts.index_add_(0, cells, torch.ones(len(cells))).view(-1, height, width)

    def maps(
        self, sigma: Sigma = "authors", height: int = SIDE, width: int = SIDE
    ) -> tuple[Tensor, Tensor]:
        """Returns where people look, as densities.

        Args:
            sigma: Of the Gaussian, see :data:`Sigma`.
            height: h, cells.
            width: w, cells.

        Returns:
            float32 (B, h, w) that sum to 1, all 0 where nobody looked at the screen; float32 (B,),
            0 there, else 1: the weight of a frame.

        Raises:
            ValueError: Another σ.
        """
        counts = self.counts(height, width)
        total = counts.sum((-2, -1))
        maps = blur(counts, sigma_cells(sigma, height, width))
        # Mirrored borders keep what is there, but for rounding.
        maps /= maps.sum((-2, -1), keepdim=True).clamp(min=1e-12)
        return maps, (total > 0).float()


def sigma_cells(sigma: Sigma, height: int = SIDE, width: int = SIDE) -> tuple[float, float]:
    """Returns σ in rows and columns of a map.

    Args:
        sigma: ``"authors"``, see :data:`AUTHORS`; a number of degrees; or rows and columns.
        height: Cells of the map.
        width: Cells of the map.

    Raises:
        ValueError: Another word, or numbers that are not positive.
    """
    if sigma == "authors":
        return AUTHORS[0] * height, AUTHORS[1] * width
    if isinstance(sigma, int | float) and not isinstance(sigma, bool):
        shares = (CELLS_PER_DEGREE[0] / SIDE, CELLS_PER_DEGREE[1] / SIDE)
        found = (sigma * shares[0] * height, sigma * shares[1] * width)
    elif isinstance(sigma, tuple | list) and len(sigma) == 2:
        found = (float(sigma[0]), float(sigma[1]))
    else:
        found = (0.0, 0.0)
    if not all(0 < value < math.inf for value in found):
        raise ValueError(
            f"sigma must be 'authors', degrees above 0, or (rows, columns), got {sigma!r}."
        )
    return found


def blur(maps: Tensor, sigma: tuple[float, float]) -> Tensor:
    """Blurs maps by a Gaussian, cut off at 4 σ; borders mirror what is before them.

    Args:
        maps: (..., h, w).
        sigma: Rows and columns.

    Returns:
        (..., h, w), of the same dtype.
    """
    down = _blur_matrix(maps.shape[-2], sigma[0]).to(maps)
    across = _blur_matrix(maps.shape[-1], sigma[1]).to(maps)
    return down @ maps @ across.T


def _blur_matrix(cells: int, sigma: float) -> Tensor:
    """float64 (cells, cells); row i holds what cell i takes of each, the mirrored ones included."""
    radius = int(4 * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    # Mirrored at the cells' outer edges: ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
    where = (torch.arange(cells)[:, None] + steps.long()) % (2 * cells)
    mirrored = torch.minimum(where, 2 * cells - 1 - where)
    matrix = torch.zeros(cells, cells, dtype=torch.float64)
    return matrix.scatter_add_(1, mirrored, kernel.expand(cells, -1))
