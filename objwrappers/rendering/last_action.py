"""The last action, drawn into small frames: what confounds those who imitate.

:func:`draw_actions`: a strip along the top, with a mark in the place of the action

People mostly do what they did before. Who imitates them and sees what was done last learns to
repeat it, and stands still in play; GABRIL's authors measure by that what an imitator looks at.
"""

from __future__ import annotations

import numpy as np

__all__ = ["draw_actions"]

STRIP_SHARE = 1 / 21  # of the height, 4 pixels of 84


def draw_actions(frames: np.ndarray, actions: np.ndarray, count: int) -> np.ndarray:
    """Returns copies of frames with a strip along the top, black but for the action's mark.

    Args:
        frames: uint8 (N, h, w, C).
        actions: int (N,), 0 to ``count`` - 1; others, -1 say, draw no mark.
        count: Of the actions that there are; each has as wide a place as the others.

    Raises:
        ValueError: Frames too small for so many places.
    """
    height, width = frames.shape[1:3]
    rows, columns = round(height * STRIP_SHARE), width // count
    if rows < 1 or columns < 1:
        raise ValueError(f"Frames of {height} by {width} have no room for {count} actions.")
    drawn = frames.copy()
    drawn[:, :rows] = 0
    for frame, action in zip(drawn, np.asarray(actions), strict=True):
        if 0 <= action < count:
            frame[:rows, action * columns : (action + 1) * columns] = 255
    return drawn
