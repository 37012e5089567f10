"""FIRE begins each life, as OpenAI Baselines' Atari wrappers have it.

* :class:`FireEachLife`, :class:`VectorFireEachLife`: around one env, around a vector env

Those press FIRE within ``reset()``, unseen by the agent, and end episodes with lives to be able
to. Here FIRE takes the place of the first action of a life, so that a vector env need not wait for
one of its envs, and whole games can be played.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from objwrappers.resets import reset_mask

__all__ = ["FireEachLife", "VectorFireEachLife"]


class FireEachLife(gym.Wrapper):
    """Replaces the first action of every life by FIRE.

    Args:
        env: Its infos tell ``lives``.
        fire: The action that is FIRE.
    """

    def __init__(self, env: gym.Env, fire: int) -> None:
        super().__init__(env)
        self._fire = fire
        self._begins = True
        self._lives = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the env; a life begins."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._begins, self._lives = True, info["lives"]
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Takes the action, or FIRE."""
        observation, *rest, info = self.env.step(self._fire if self._begins else action)
        self._begins = info["lives"] < self._lives
        self._lives = info["lives"]
        return observation, *rest, info


class VectorFireEachLife(VectorWrapper):
    """Replaces the first action of every life by FIRE; see :class:`FireEachLife`.

    Args:
        env: With next-step autoreset or partial resets; its infos tell ``lives`` (N,).
        fire: The action that is FIRE.
    """

    def __init__(self, env: VectorEnv, fire: int) -> None:
        super().__init__(env)
        self._fire = fire
        self._begins = np.ones(self.num_envs, bool)
        self._done = np.zeros(self.num_envs, bool)
        self._lives = np.zeros(self.num_envs, int)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names."""
        mask = reset_mask(options)
        mask = np.ones(self.num_envs, bool) if mask is None else mask.copy()
        observations, info = self.env.reset(seed=seed, options=options)
        self._begins = self._begins | mask
        self._done = self._done & ~mask
        self._lives = np.where(mask, info["lives"], self._lives)
        return observations, info

    def step(self, actions: Any) -> Any:
        """Takes the actions, or FIRE."""
        actions = np.where(self._begins, self._fire, actions)
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        # A step after a game's end was a reset.
        self._begins = (info["lives"] < self._lives) | self._done
        self._done = info.get("game_over", terminated | truncated)
        self._lives = info["lives"].copy()
        return observations, rewards, terminated, truncated, info
