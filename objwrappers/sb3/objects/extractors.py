"""What turns objects, their relations to the player and the map around it into a state vector.

:class:`ObjectView`: rows side by side, beside a small convolutional network of the map.
"""

from __future__ import annotations

import gymnasium as gym
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from objwrappers.sb3.scenes.extractors import VELOCITY_SCALE, SceneRows

__all__ = ["ObjectView"]

CHANNELS = (16, 32)


class ObjectView(BaseFeaturesExtractor):
    """The rows of :class:`~objwrappers.sb3.scenes.SceneRows`, flat, and what else is observed.

    ``relative`` is flat beside them; ``map`` goes through Conv 16@3×3/2, Conv 32@3×3/2 and a dense
    layer, ReLU after each. Without either it is :class:`SceneRows`.

    Args:
        observation_space: Of an id whose observations are tracked objects, with ``relations`` and
            ``map`` or without.
        map_dim: Numbers that the map becomes.
        what: z_what of each row as well.

    Raises:
        ValueError: Not the observations of such an id, or stacked frames.
    """

    def __init__(
        self, observation_space: gym.Space, map_dim: int = 128, what: bool = False
    ) -> None:
        rows = SceneRows(observation_space, what)
        assert isinstance(observation_space, gym.spaces.Dict)
        spaces = observation_space.spaces
        size = rows.features_dim
        self._has_relations, has_map = "relative" in spaces, "map" in spaces
        if self._has_relations:
            count, width = spaces["relative"].shape or (0, 0)
            if width != 4:
                raise ValueError(f"ObjectView takes no stacked frames, got {observation_space}.")
            size += count * width
        super().__init__(observation_space, size + (map_dim if has_map else 0))
        self.rows = rows
        self.map = self._network(spaces["map"], map_dim) if has_map else None

    @staticmethod
    def _network(space: gym.Space, dim: int) -> nn.Sequential:
        planes, height, width = space.shape or (0, 0, 0)
        layers: list[nn.Module] = []
        inputs = planes
        for channels in CHANNELS:
            layers += [nn.Conv2d(inputs, channels, 3, stride=2), nn.ReLU()]
            inputs = channels
            height, width = (height - 1) // 2, (width - 1) // 2
        return nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(inputs * height * width, dim), nn.ReLU()
        )

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Maps the rows, ``relative`` (B, R, 4) and ``map`` (B, 4, h, w) in [0, 1] → (B, F)."""
        parts = [self.rows(observations)]
        if self._has_relations:
            place, velocity = observations["relative"].split(2, -1)
            parts += [place.flatten(1), VELOCITY_SCALE * velocity.flatten(1)]
        if self.map is not None:
            parts.append(self.map(observations["map"]))
        return torch.cat(parts, 1)
