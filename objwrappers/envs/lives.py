"""What training makes of lives, as OpenAI Baselines' Atari wrappers have it.

* :class:`FireEachLife`, :class:`VectorFireEachLife`: around one env, around a vector env
* :class:`LifeLoss`, :class:`SignedRewards`: around one env; ALE's vector env has them itself, see
  :class:`~objwrappers.envs.native.NativeFrames`
* :func:`with_lives`: one env with those that are asked for

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

__all__ = ["FireEachLife", "LifeLoss", "SignedRewards", "VectorFireEachLife", "with_lives"]


class LifeLoss(gym.Wrapper):
    """A lost life ends an episode, but not the game: the reset after it goes on with the next one.

    ``info["game_over"]`` tells the game's end. A reset with a seed, or before a life is lost,
    begins another game.

    Args:
        env: Its infos tell ``lives``.
    """

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self._lives = 0
        self._next: tuple[Any, dict[str, Any]] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Goes on with the next life, if one was lost last, or resets the env."""
        if seed is not None or self._next is None:
            self._next = self.env.reset(seed=seed, options=options)
        begins, self._next = self._next, None
        self._lives = begins[1]["lives"]
        return begins

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Takes the action; a lost life is terminal."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        over, lost = terminated or truncated, info["lives"] < self._lives
        self._lives = info["lives"]
        self._next = (observation.copy(), dict(info)) if lost and not over else None
        info = {**info, "game_over": over}
        return observation, reward, terminated or lost, truncated, info


class SignedRewards(gym.Wrapper):
    """Gives the sign of each reward; the reward is in ``info["raw_reward"]``."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Takes the action."""
        observation, reward, *ends, info = self.env.step(action)
        return observation, np.sign(float(reward)), *ends, {**info, "raw_reward": reward}


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


def with_lives(
    env: gym.Env, life_loss_info: bool, reward_clipping: bool, fire: int | None
) -> gym.Env:
    """Returns one env with what its training makes of lives and rewards.

    Args:
        env: Its infos tell ``lives``.
        life_loss_info: :class:`LifeLoss`.
        reward_clipping: :class:`SignedRewards`.
        fire: The action that begins a life, or None.
    """
    if life_loss_info:
        env = LifeLoss(env)
    if reward_clipping:
        env = SignedRewards(env)
    return env if fire is None else FireEachLife(env, fire)
