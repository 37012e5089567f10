"""What comes of touching: lives and rewards.

* :func:`touches`: who touches the player, and when it begins
* :func:`outcomes`: harm and worth of each class
"""

from __future__ import annotations

import numpy as np

from objwrappers.pretraining.roles.play import Play
from objwrappers.wrappers.tracks import oldest_row

__all__ = ["outcomes", "touches"]

NEAR_PX = 3.0  # gap between two boxes: objects move some pixels from one step to the next
HARM_WITHIN = 30  # steps: a game shows its player die before it takes the life
WORTH_WITHIN = 3  # steps
APART = 10  # steps: a touch that ends for fewer goes on
FEW = 5  # touches: of fewer nothing is known


def touches(play: Play, player: int) -> np.ndarray:
    """Tells where another object comes to touch the player.

    Args:
        play: The play.
        player: Class of the player.

    Returns:
        bool (T, N, R), True at a touch's first step; a touch that ends for a few steps goes on.
    """
    own = player_place(play, player)
    centres, sizes = play.centres, play.sizes
    gap = np.abs(centres - own[..., None, :2]) - (sizes + own[..., None, 2:]) / 2
    touching = (gap.max(-1) <= NEAR_PX) & (play.age > 0) & (play.label != player)
    touching &= np.isfinite(own[..., :1])
    episode = play.first.cumsum(0)
    recent = np.zeros_like(touching)
    for lag in range(1, APART + 1):
        same = episode[lag:] == episode[:-lag]
        recent[lag:] |= touching[:-lag] & same[..., None]
    return touching & ~recent


def player_place(play: Play, player: int) -> np.ndarray:
    """Returns centre and size of the player, float32 (T, N, 4), pixels; NaN where there is none."""
    row, there = oldest_row(play.age, np.flatnonzero(play.label == player))
    place = np.concatenate([play.centres, play.sizes], -1)
    own = np.take_along_axis(place, row[..., None, None], 2)[..., 0, :]
    return np.where(there[..., None], own, np.float32(np.nan))


def outcomes(play: Play, player: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns what touching each class comes to.

    A life that is lost is put down to the class that was touched last before, since the one before
    was lost.

    Args:
        play: The play.
        player: Class of the player.

    Returns:
        float (C,), the share of touches after which a life was lost; and float (C,), the mean
        reward of a touch beyond that of other times. Of few touches nothing is known, and both
        are 0.
    """
    began = touches(play, player)
    kinds = range(int(play.label.max()) + 1)
    of_kind = [began[..., play.label == kind] for kind in kinds]
    number = np.array([touched.sum() for touched in of_kind])
    at = np.stack([touched.any(-1) for touched in of_kind])
    blamed = np.zeros(len(kinds))
    begins = _life_began(play)
    for t, n in np.argwhere(play.harmed):
        recent = began[max(begins[t, n], t - HARM_WITHIN) : t + 1, n]
        if recent.any():
            last = np.flatnonzero(recent.any(-1))[-1]
            blamed[np.unique(play.label[recent[last]])] += 1
    later = np.concatenate([play.reward, np.zeros_like(play.reward[:WORTH_WITHIN])])
    reward = np.sum([later[lag : lag + len(began)] for lag in range(WORTH_WITHIN)], 0)
    apart = ~at.any(0)
    usual = reward[apart].mean() if apart.any() else 0.0
    earned = (at * reward).sum((1, 2)) / np.maximum(at.sum((1, 2)), 1) - usual
    known = number >= FEW
    harm = np.minimum(blamed / np.maximum(number, 1), 1)
    return np.where(known, harm, 0), np.where(known, earned, 0)


def _life_began(play: Play) -> np.ndarray:
    """The step after the last lost life, or the episode's first, int (T, N)."""
    begins = play.first.copy()
    begins[1:] |= play.harmed[:-1]
    steps = np.arange(len(begins))[:, None]
    return np.maximum.accumulate(np.where(begins, steps, 0), 0)
