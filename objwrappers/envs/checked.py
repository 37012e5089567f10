"""Refuses what would hang an emulator or read past its tables.

* :class:`CheckedEnv`, :class:`VectorCheckedEnv`: around one env, around a vector env
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from objwrappers.actions import check_action, check_actions
from objwrappers.envs.options import check_seed
from objwrappers.resets import check_reset_options, env_seeds, reset_mask

__all__ = ["CheckedEnv", "VectorCheckedEnv"]


class CheckedEnv(gym.Wrapper):
    """Checks one env's actions and seeds, and that it was reset.

    Args:
        env: Gets an int, or float32 (A,), inside its action space.
    """

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self._ready = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the env.

        Raises:
            ValueError: A seed that is no integer of at least 0, or options that are no dict.
        """
        check_seed(seed, several=False)
        check_reset_options(options)
        self._ready = True
        return self.env.reset(seed=None if seed is None else int(seed), options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Steps the env.

        Raises:
            gymnasium.error.ResetNeeded: There was no reset.
            ValueError: The action is not in the action space.
        """
        if not self._ready:
            raise gym.error.ResetNeeded("step() needs a reset() before it.")
        return self.env.step(check_action(action, self.action_space))


class VectorCheckedEnv(VectorWrapper):
    """Checks a vector env's actions and seeds, and that it was reset.

    Args:
        env: Gets int64 (N,), or float32 (N, A), inside its action space.

    Attributes:
        checks_actions: True: nobody outside needs to.
    """

    checks_actions = True

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self._ready = False

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names.

        Args:
            seed: See :func:`~objwrappers.resets.env_seeds`.
            options: ``{"reset_mask": bool (N,)}`` for a partial reset.

        Raises:
            gymnasium.error.ResetNeeded: A partial reset before the first full one.
            ValueError: A seed that is no integer of at least 0, more or fewer seeds than envs,
                options that are no dict, or a mask that is not bool (N,).
        """
        check_seed(seed)
        mask = reset_mask(options)
        if mask is not None:
            if not self._ready:
                raise gym.error.ResetNeeded("A partial reset needs a full reset() before it.")
            mask = np.asarray(mask)
            if mask.dtype != bool or mask.shape != (self.num_envs,):
                raise ValueError(
                    f"reset_mask must be bool ({self.num_envs},), got {mask.dtype} {mask.shape}."
                )
            options = {**(options or {}), "reset_mask": mask}
        seeds: Any = env_seeds(seed, mask, self.num_envs)
        self._ready = True
        return self.env.reset(seed=seeds, options=options)

    def step(self, actions: Any) -> Any:
        """Steps all envs.

        Raises:
            gymnasium.error.ResetNeeded: There was no reset.
            ValueError: The actions are not in the action space.
        """
        if not self._ready:
            raise gym.error.ResetNeeded("step() needs a reset() before it.")
        return self.env.step(check_actions(actions, self.single_action_space, self.num_envs))
