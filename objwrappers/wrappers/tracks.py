"""What rows that keep their objects tell of them.

* :func:`oldest_row`: the row of some that has held its object longest
* :func:`moves`: how far each went from one step to the next
"""

from __future__ import annotations

import numpy as np

__all__ = ["moves", "oldest_row"]

FURTHEST_PX = 16.0  # what goes further in a step was not followed, but taken for another


def oldest_row(age: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the row of some that has held its object longest, the first of several.

    Args:
        age: int (..., R), steps that each row has held its object; 0 for none.
        rows: int (K,), those that are asked about.

    Returns:
        int (...,), the row; and bool (...,), whether it holds anything.
    """
    of_rows = age[..., rows]
    return rows[of_rows.argmax(-1)], of_rows.max(-1) > 0


def moves(centres: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tells how far objects went.

    Args:
        centres: float (T, ..., R, 2), native pixels.
        age: int (T, ..., R).

    Returns:
        float (T - 1, ..., R, 2), from each step to the next; and bool (T - 1, ..., R), whether the
        row held the same object at both.
    """
    moved = centres[1:] - centres[:-1]
    followed = (age[1:] > age[:-1]) & (age[:-1] > 0)
    return moved, followed & (np.abs(moved).max(-1) <= FURTHEST_PX)
