"""Envs that show what was done last: ``confounded=True`` of ``ObjFrames-<Game>-v0``.

:class:`ConfoundedFrames`, :class:`VectorConfoundedFrames`: around one env, around a vector env;
:mod:`objwrappers.rendering.last_action` tells what for
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from objwrappers.rendering.last_action import draw_actions
from objwrappers.resets import reset_mask

__all__ = ["ConfoundedFrames", "VectorConfoundedFrames"]


class ConfoundedFrames(gym.Wrapper):
    """One env with the last action drawn into its frames; none after a reset.

    Args:
        env: An env with discrete actions whose observations are uint8 (h, w, C) frames.

    Raises:
        ValueError: Continuous actions.
    """

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self._count = _count(env.action_space)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets the env."""
        frame, info = self.env.reset(seed=seed, options=options)
        return draw_actions(frame[None], np.array([-1]), self._count)[0], info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Steps the env and draws the action."""
        frame, *rest = self.env.step(action)
        drawn = draw_actions(frame[None], np.asarray(action).reshape(1), self._count)[0]
        return drawn, *rest


class VectorConfoundedFrames(VectorWrapper):
    """A vector env with each env's last action drawn into its frames; none after a reset.

    Args:
        env: A vector env with discrete actions whose observations are uint8 (N, h, w, C) frames,
            with next-step autoreset or none.

    Raises:
        ValueError: Continuous actions.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self._count = _count(env.single_action_space)
        self._last = np.full(env.num_envs, -1)
        self._done = np.zeros(env.num_envs, bool)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names."""
        frames, info = self.env.reset(seed=seed, options=options)
        mask = reset_mask(options)
        fresh = np.ones(self.num_envs, bool) if mask is None else np.asarray(mask)
        self._last = np.where(fresh, -1, self._last)
        self._done = self._done & ~fresh
        return draw_actions(frames, self._last, self._count), info

    def step(self, actions: Any) -> tuple[np.ndarray, Any, Any, Any, dict[str, Any]]:
        """Steps all envs and draws their actions; one that was over is reset by this step."""
        frames, rewards, terminated, truncated, info = self.env.step(actions)
        self._last = np.where(self._done, -1, np.asarray(actions))
        self._done = terminated | truncated
        drawn = draw_actions(frames, self._last, self._count)
        return drawn, rewards, terminated, truncated, info


def _count(space: gym.Space) -> int:
    if not isinstance(space, gym.spaces.Discrete):
        raise ValueError(f"confounded=True draws discrete actions, got {space}.")
    return int(space.n)
