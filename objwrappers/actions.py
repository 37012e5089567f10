"""Which actions an env takes: they are checked before an emulator sees them.

ALE's vector env never returns from a step with an action that does not exist.

* :func:`check_action`: of one env
* :func:`check_actions`: of a vector env
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete

__all__ = ["check_action", "check_actions"]


def check_action(action: Any, space: gym.Space) -> Any:
    """Returns one env's action as its emulator takes it: an int, or float32 (A,).

    Args:
        action: What an agent gave.
        space: Of one env's actions.

    Raises:
        ValueError: It is of another kind or shape, outside the space, or not finite.
    """
    checked = _check(np.asarray(action), space, None, bounded=True)
    return int(checked) if isinstance(space, Discrete) else checked


def check_actions(
    actions: Any, space: gym.Space, num_envs: int, bounded: bool = True
) -> np.ndarray:
    """Returns a vector env's actions: int64 (N,), or of a Box its dtype and (N, A).

    Args:
        actions: One for each env.
        space: Of one env's actions.
        num_envs: N.
        bounded: An action outside a Box is refused, too; other envs clip it.

    Raises:
        ValueError: They are of another kind or shape, outside the space, or not finite.
    """
    return _check(np.asarray(actions), space, num_envs, bounded)


def _check(
    actions: np.ndarray, space: gym.Space, num_envs: int | None, bounded: bool
) -> np.ndarray:
    shape = space.shape if num_envs is None else (num_envs, *(space.shape or ()))
    whose = "An env" if num_envs is None else f"{num_envs} envs"
    if actions.shape != shape:
        raise ValueError(
            f"{whose} with the action space {space} take actions of shape {shape}, "
            f"got {actions.shape}: {_shown(actions)}."
        )
    if isinstance(space, Discrete):
        if not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(
                f"Actions of {space} are integers, got {actions.dtype}: {_shown(actions)}."
            )
        if actions.min() < space.start or actions.max() >= space.start + space.n:
            raise ValueError(f"Actions must be in {space}, got {_shown(actions)}.")
        return actions.astype(np.int64, copy=False)
    return _check_box(actions, space, bounded) if isinstance(space, Box) else actions


def _check_box(actions: np.ndarray, space: Box, bounded: bool) -> np.ndarray:
    if not np.issubdtype(actions.dtype, np.number) or np.iscomplexobj(actions):
        raise ValueError(f"Actions of {space} are numbers, got {actions.dtype}: {_shown(actions)}.")
    if not np.isfinite(actions).all():
        raise ValueError(f"Actions must be finite, got {_shown(actions)}.")
    actions = actions.astype(space.dtype, copy=False)
    if bounded and ((actions < space.low) | (actions > space.high)).any():
        raise ValueError(f"Actions must be in {space}, got {_shown(actions)}.")
    return actions


def _shown(actions: np.ndarray) -> str:
    return np.array2string(actions, threshold=16)
