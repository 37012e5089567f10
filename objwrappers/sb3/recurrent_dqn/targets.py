"""What values are learnt from: returns of a few steps, and the value of where they end."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["n_step_targets"]


def n_step_targets(
    rewards: Tensor,
    terminated: Tensor,
    last: Tensor,
    values: Tensor,
    gamma: float,
    n_steps: int,
) -> Tensor:
    """Returns of at most n steps, bootstrapped from the value of where they end.

    A return ends early where its episode does: at a terminated step nothing follows; an episode
    cut off is bootstrapped from its last observation.

    Args:
        rewards: (T, B).
        terminated: (T, B), 1 where the action ended the episode for good.
        last: (T, B), 1 for rows that are the last observation of an episode.
        values: (T, B), of the best action at each row.
        gamma: Discount factor.
        n_steps: n.

    Returns:
        (T - n, B); of no meaning for rows that are ``last``.
    """
    steps = len(rewards) - n_steps
    target = torch.zeros_like(rewards[:steps])
    alive = torch.ones_like(target)
    for i in range(n_steps):
        now = slice(i, i + steps)
        after = slice(i + 1, i + 1 + steps)
        target += gamma**i * alive * rewards[now]
        cut = alive * last[after] * (1 - terminated[now])
        target += gamma ** (i + 1) * cut * values[after]
        alive = alive * (1 - last[after])
    return target + gamma**n_steps * alive * values[n_steps : n_steps + steps]
