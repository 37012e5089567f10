"""Pictures of a game's scenery.

* :func:`draw_roles`: a frame, and what is known to stand in it
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from objwrappers.rendering.layout import beside, titled
from objwrappers.rendering.maps import COLOURS

__all__ = ["draw_roles"]

SCALE = 3


class _Scenery(Protocol):
    whole: np.ndarray
    walls: np.ndarray
    vanishing: np.ndarray


def draw_roles(frame: np.ndarray, roles: _Scenery) -> np.ndarray:
    """Returns a frame, the scenery while nothing has vanished, and walls and what vanishes.

    Args:
        frame: uint8 (H, W, 3), native.
        roles: Of the game, see :class:`~objwrappers.perception.roles.Roles`.
    """
    kinds = np.zeros(frame.shape, np.uint8)
    kinds[roles.walls], kinds[roles.vanishing] = COLOURS[:2].astype(np.uint8)
    named = {"a frame": frame, "scenery": roles.whole, "walls, what vanishes": kinds}
    return beside(
        [titled(picture.repeat(SCALE, 0).repeat(SCALE, 1), name) for name, picture in named.items()]
    )
