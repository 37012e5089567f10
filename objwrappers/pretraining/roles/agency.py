"""Whose movement the actions explain.

* :func:`agency`: displacements and actions → ω²
* :func:`agencies`: of each class of a play
"""

from __future__ import annotations

import numpy as np

from objwrappers.pretraining.roles.play import Play
from objwrappers.wrappers.tracks import moves

__all__ = ["FEW", "agencies", "agency"]

FEW = 200
"""Displacements: of fewer nothing is known."""


def agency(displacement: np.ndarray, action: np.ndarray, num_actions: int) -> float:
    """Returns the share of the displacements' variance that the actions explain.

    ω² (Hays 1963) of a one-way analysis of variance, of both coordinates together: unlike the
    plain share it is 0 on average where actions have no influence, however many there are.

    Args:
        displacement: float (n, 2).
        action: int (n,).
        num_actions: Actions that there are.

    Returns:
        In [0, 1]; 0 of few displacements, and where nothing moves.
    """
    count = len(displacement)
    if count < FEW:
        return 0.0
    away = displacement.astype(float) - displacement.mean(0)
    total = float(np.square(away).sum())
    groups = np.bincount(action, minlength=num_actions)
    sums = np.stack([np.bincount(action, axis, num_actions) for axis in away.T], 1)
    between = float((np.square(sums).sum(1) / np.maximum(groups, 1)).sum())
    freedom = int((groups > 0).sum()) - 1
    within = (total - between) / max(count - freedom - 1, 1)
    if total < 1e-6 * count:
        return 0.0
    return max(0.0, (between - freedom * within) / (total + within))


def agencies(play: Play) -> np.ndarray:
    """Returns the agency of each class, float (C,)."""
    moved, followed = moves(play.centres, play.age)
    shares = []
    for kind in range(int(play.label.max()) + 1):
        rows = play.label == kind
        chosen = followed[..., rows]
        action = np.broadcast_to(play.action[:-1, :, None], chosen.shape)
        shares.append(agency(moved[..., rows, :][chosen], action[chosen], play.num_actions))
    return np.array(shares)
