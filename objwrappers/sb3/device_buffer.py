"""Rollouts whose observations stay where perception put them.

:class:`DeviceRolloutBuffer`: for PPO and A2C on vector envs with ``observation="device"``
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples
from stable_baselines3.common.utils import obs_as_tensor
from torch import Tensor

from objwrappers.perception.base import torch_dtype

__all__ = ["DeviceRolloutBuffer"]


class DeviceRolloutBuffer(DictRolloutBuffer):
    """SB3's rollout buffer of dict observations, with observations as tensors on its device.

    Only actions, rewards and values pass through NumPy. Everything that it gives is what SB3's own
    gives, to the last bit; observations may be arrays, too.

    Example:
        >>> env = GymVecEnv(gym.make_vec(env_id, num_envs=64, observation="device"))
        >>> PPO("MultiInputPolicy", env, rollout_buffer_class=DeviceRolloutBuffer)
    """

    observations: dict[str, Tensor]  # type: ignore[assignment]

    def reset(self) -> None:
        """Forgets all rollouts."""
        super().reset()
        self.observations = {
            key: torch.zeros(value.shape, dtype=torch_dtype(value.dtype), device=self.device)
            for key, value in self.observations.items()
        }

    def add(self, obs: dict[str, Any], *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Adds a step of all envs; see :class:`DictRolloutBuffer`.

        Args:
            obs: Name → tensor or array (N, ...).
            *args: As SB3's own.
            **kwargs: As SB3's own.
        """
        for key, value in obs_as_tensor(obs, self.device).items():  # type: ignore[union-attr]
            self.observations[key][self.pos] = value.view(self.observations[key].shape[1:])
        kept, self.observations = self.observations, {}
        try:
            super().add({}, *args, **kwargs)
        finally:
            self.observations = kept

    def _get_samples(  # type: ignore[override]
        self, batch_inds: np.ndarray, env: Any = None
    ) -> DictRolloutBufferSamples:
        chosen = torch.from_numpy(batch_inds).to(self.device)
        kept, self.observations = self.observations, {}
        try:
            samples = super()._get_samples(batch_inds, env)
        finally:
            self.observations = kept
        observations = {key: value[chosen] for key, value in self.observations.items()}
        return samples._replace(observations=observations)
