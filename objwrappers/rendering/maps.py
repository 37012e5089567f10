"""Pictures of egocentric maps.

* :func:`draw_map`: a map beside its frame
"""

from __future__ import annotations

import numpy as np

from objwrappers.rendering.layout import beside

__all__ = ["draw_map"]

COLOURS = np.array([(110, 110, 110), (235, 215, 90), (225, 60, 60), (90, 200, 110)], np.float32)
"""Of walls, what vanishes, what harms, and other objects."""


def draw_map(picture: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Returns a picture with a map to its right, the player in its middle cell.

    Args:
        picture: uint8 (H, W, 3).
        planes: uint8 (4, h, w), see :class:`~objwrappers.wrappers.player_view.EgocentricMap`.

    Returns:
        uint8 (H, W + about H/2, 3).
    """
    count, height, width = planes.shape
    shares = planes.reshape(count, -1).T.astype(np.float32) / 255
    cells = np.minimum(shares @ COLOURS[:count], 255).reshape(height, width, 3)
    cells[height // 2, width // 2] = 255
    scale = max(1, picture.shape[0] // 2 // height)
    drawn = cells.astype(np.uint8).repeat(scale, 0).repeat(scale, 1)
    return beside([picture, drawn])
