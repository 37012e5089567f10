"""What comes of touching: lives and rewards.

* :func:`touches`: who touches the player, and when it begins
* :func:`outcomes`: harm and worth of each class
"""

from __future__ import annotations

import numpy as np

from objwrappers.pretraining.roles.play import Play

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
    recent = np.zeros_like(touching)
    for lag in range(1, APART + 1):
        recent[lag:] |= touching[:-lag]
    return touching & ~recent


def player_place(play: Play, player: int) -> np.ndarray:
    """Returns centre and size of the player, float32 (T, N, 4), pixels; NaN where there is none."""
    rows = np.flatnonzero(play.label == player)
    age = play.age[..., rows]
    oldest = rows[age.argmax(-1)]
    place = np.concatenate([play.centres, play.sizes], -1)
    own = np.take_along_axis(place, oldest[..., None, None], 2)[..., 0, :]
    return np.where(age.max(-1, keepdims=True) > 0, own, np.float32(np.nan))


def outcomes(play: Play, player: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns what touching each class comes to.

    A life that is lost is put down to the class that was touched last before.

    Args:
        play: The play.
        player: Class of the player.

    Returns:
        float (C,), the share of touches after which a life was lost, beyond the share of other
        times; and float (C,), the mean reward of a touch beyond that of other times. Of few
        touches nothing is known, and both are 0.
    """
    began = touches(play, player)
    steps = len(began)
    kinds = int(play.label.max()) + 1
    number = np.stack([began[..., play.label == kind].sum((0, 1, 2)) for kind in range(kinds)])
    reward = np.stack([np.roll(play.reward, -lag, 0) for lag in range(WORTH_WITHIN)]).sum(0)
    reward[steps - WORTH_WITHIN :] = 0
    usual = float(np.median(reward[~began.any(-1)])) if (~began.any(-1)).any() else 0.0
    usual = max(usual, float(reward[~began.any(-1)].mean()))
    blamed, earned = np.zeros(kinds), np.zeros(kinds)
    for t, n in np.argwhere(play.harmed):
        recent = began[max(0, t - HARM_WITHIN) : t + 1, n]
        if recent.any():
            last = np.flatnonzero(recent.any(-1))[-1]
            for kind in {*play.label[recent[last]]}:
                blamed[kind] += 1
    for kind in range(kinds):
        times = began[..., play.label == kind].any(-1)
        if times.any():
            earned[kind] = reward[times].mean() - usual
    known = number >= FEW
    harm = np.where(known, np.minimum(blamed / np.maximum(number, 1), 1), 0)
    return harm, np.where(known, earned, 0)
