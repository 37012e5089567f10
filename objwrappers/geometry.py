"""Where things are: frame coordinates, native pixels, and the cells of a network's map.

Every percept gives (x, y) in [-1, 1] with ±1 at the frame's border. Inside a network ±1 are the
centres of a map's outermost cells: with n cells, its coordinates are n/(n-1) times as large.

* :func:`to_pixels`, :func:`from_pixels`: frame coordinates ↔ pixels
* :func:`cells_to_frame`, :func:`frame_to_cells`: a map's coordinates ↔ frame coordinates

All take NumPy arrays and torch tensors; neither is imported for the other's sake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["cells_to_frame", "frame_to_cells", "from_pixels", "to_pixels"]

Points = TypeVar("Points", np.ndarray, "Tensor")


def to_pixels(keypoints: Points, height: int = 210, width: int = 160) -> Points:
    """Converts frame coordinates to pixels: -1 is 0, 1 is the height or the width.

    Args:
        keypoints: (..., 2), (x, y).
        height: Of the frame, pixels.
        width: Of the frame, pixels.

    Returns:
        float (..., 2), (x, y) from the top left corner of the frame.
    """
    points = _floats(keypoints)
    return (points + 1) / 2 * _pair(width, height, points)


def from_pixels(pixels: Points, height: int = 210, width: int = 160) -> Points:
    """Converts pixels (..., 2), (x, y) from the top left corner, to frame coordinates."""
    points = _floats(pixels)
    return points / _pair(width, height, points) * 2 - 1


def cells_to_frame(keypoints: Points, rows: int, columns: int) -> Points:
    """Converts a map's coordinates, ±1 the outermost cells' centres, to frame coordinates.

    Args:
        keypoints: (..., 2), (x, y).
        rows: Of the map, at least 2.
        columns: Of the map, at least 2.

    Raises:
        ValueError: A map of a single row or column, which has no coordinates.
    """
    points = _floats(keypoints)
    return points * _pair(*_shares(rows, columns), points)


def frame_to_cells(keypoints: Points, rows: int, columns: int) -> Points:
    """Converts frame coordinates to a map's; the inverse of :func:`cells_to_frame`.

    What lies between the border and the outermost cells' centres ends beyond ±1.
    """
    points = _floats(keypoints)
    return points / _pair(*_shares(rows, columns), points)


def _shares(rows: int, columns: int) -> tuple[float, float]:
    if rows < 2 or columns < 2:
        raise ValueError(f"A map needs at least 2 rows and columns, got {rows} and {columns}.")
    return (columns - 1) / columns, (rows - 1) / rows


def _floats(points: Points) -> Points:
    if hasattr(points, "new_tensor"):
        return points
    return np.asarray(points, float)  # type: ignore[return-value]


def _pair(x: float, y: float, like: Points) -> Points:
    if isinstance(like, np.ndarray):
        return np.array((x, y), float)
    if like.is_cuda:
        # Nothing may come from the processor while a graph is recorded.
        pair = like.new_full((2,), y)
        pair[:1].fill_(x)
        return pair
    return like.new_tensor((x, y))
