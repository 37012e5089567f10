"""ALE's own vector env as the rest of the package takes it.

* :class:`NativeFrames`: without ALE's stack axis; seeds, lives and rewards are seen to
* :class:`Lockstep`: beside grey frames, the same games in colour, to be looked at
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import VectorEnv, VectorObservationWrapper, VectorWrapper
from gymnasium.vector.utils import batch_space

from objwrappers.envs.options import MAX_SEED
from objwrappers.resets import env_seeds, reset_mask

__all__ = ["Lockstep", "NativeFrames"]


class NativeFrames(VectorObservationWrapper):
    """Drops ALE's stack axis of one frame: (N, 1, h, w, C) → (N, h, w, C), C = 1 of grey frames.

    With ``life_loss_info``, a lost life ends an episode but not the game: a partial reset of
    such an env goes on with the next life, as SB3's EpisodicLifeEnv does.

    Args:
        env: :class:`ale_py.vector_env.AtariVectorEnv`, stacks of one frame, or around it
            :class:`Lockstep`.
        life_loss_info: As it was made with.
        reward_clipping: Give the sign of the reward; ``info["raw_reward"]`` has the reward.
    """

    def __init__(
        self, env: VectorEnv, life_loss_info: bool = False, reward_clipping: bool = False
    ) -> None:
        super().__init__(env)
        self._life_loss_info = life_loss_info
        self._reward_clipping = reward_clipping
        self._alive = np.zeros(env.num_envs, bool)
        # ALE writes its autoreset mode into the dict that all vector envs share.
        self.metadata = {**env.metadata}
        assert env.single_observation_space.shape is not None
        _, height, width, *channels = env.single_observation_space.shape
        shape = (height, width, *(channels or [1]))
        self.single_observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names.

        Args:
            seed: See :func:`~objwrappers.resets.env_seeds`; ALE keeps 31 bits of each.
            options: ``{"reset_mask": bool (N,)}`` for a partial reset.
        """
        mask = reset_mask(options)
        seeds = env_seeds(seed, mask, self.num_envs)
        if seeds is not None:
            reset = (one for i, one in enumerate(seeds) if mask is None or mask[i])
            # Where envs are reset one by one they may have none, which is -1 here.
            seed = np.array([-1 if one is None else one % MAX_SEED for one in reset], np.int64)
        elif self._life_loss_info and mask is not None:
            options = {**(options or {}), "reset_mask": mask & ~self._alive}
        return super().reset(seed=seed, options=options)

    def step(self, actions: np.ndarray) -> Any:
        """Steps all envs."""
        observation, rewards, terminated, truncated, info = super().step(actions)
        rewards = rewards.astype(np.float64)  # as Gymnasium's vector envs have them
        self._alive = (info["lives"] > 0) & ~truncated
        if self._life_loss_info:
            info["game_over"] = (terminated | truncated) & ~self._alive
        if self._reward_clipping:
            info["raw_reward"], rewards = rewards, np.sign(rewards)
        return observation, rewards, terminated, truncated, info

    def observations(self, observations: np.ndarray) -> np.ndarray:
        """Returns the frames without their stack axis."""
        return observations.reshape(len(observations), *self.single_observation_space.shape)  # type: ignore[misc]


class Lockstep(VectorWrapper):
    """Plays the same games a second time, in colour and at native size.

    ALE's grey is a palette's luma, taken before the maximum of two frames: it cannot be had from
    frames in colour, nor they from it.

    Args:
        env: The games in grey.
        twin: The same games with the same options, as RGB; it gets the same seeds and actions.

    Attributes:
        pictures: uint8 (N, H, W, 3).
    """

    def __init__(self, env: AtariVectorEnv, twin: AtariVectorEnv) -> None:
        super().__init__(env)
        self._twin = twin
        self._seeded = False
        self.pictures: np.ndarray | None = None

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets both; where no seed was ever given, both begin with one that is drawn here."""
        if seed is None and not self._seeded:
            seed = int(np.random.default_rng().integers(MAX_SEED - self.num_envs))
        self._seeded = True
        self.pictures = self._twin.reset(seed=seed, options=options)[0][:, 0]
        return self.env.reset(seed=seed, options=options)

    def step(self, actions: np.ndarray) -> Any:
        """Steps both."""
        self.pictures = self._twin.step(actions)[0][:, 0]
        return self.env.step(actions)

    def close(self, **kwargs: Any) -> None:
        """Closes both."""
        self._twin.close(**kwargs)
        super().close(**kwargs)
