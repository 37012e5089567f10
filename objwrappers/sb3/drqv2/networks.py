"""Encoder, actor and twin critics of DrQ-v2 (Yarats et al. 2021, arXiv 2107.09645), and its policy.

* :class:`DrQv2Policy`: all four networks, ready for :class:`~objwrappers.sb3.drqv2.DrQv2`
* :class:`Encoder`, :class:`Actor`, :class:`Critic`
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

__all__ = ["MIN_SIDE_PX", "Actor", "Critic", "DrQv2Policy", "Encoder"]

CHANNELS = 32
MIN_SIDE_PX = 15
"""Of an image that leaves the encoder something."""


class Encoder(nn.Module):
    """Four small convolutions.

    Args:
        shape: (C, H, W) of an image.

    Attributes:
        features_dim: Size of the output.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(shape[0], CHANNELS, 3, stride=2), nn.ReLU()]
        for _ in range(3):
            layers += [nn.Conv2d(CHANNELS, CHANNELS, 3), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        height, width = ((side - 3) // 2 + 1 - 3 * 2 for side in shape[1:])
        self.features_dim = CHANNELS * height * width
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Returns (B, F) for images (B, C, H, W) with values up to 255, of any dtype."""
        return self.layers(images.float() / 255 - 0.5).flatten(1)


class Actor(nn.Module):
    """Features → the mean action.

    Args:
        features_dim: Of the encoder.
        action_dim: A.
        feature_dim: Of the trunk, which squeezes the features.
        hidden_dim: Of the two layers after.
    """

    optimizer: torch.optim.Optimizer

    def __init__(
        self, features_dim: int, action_dim: int, feature_dim: int, hidden_dim: int
    ) -> None:
        super().__init__()
        self.trunk = _trunk(features_dim, feature_dim)
        self.mean = _perceptron(feature_dim, hidden_dim, action_dim)
        self.apply(_initialise)

    def forward(self, features: Tensor) -> Tensor:
        """Returns (B, A) in [-1, 1] for (B, F)."""
        return torch.tanh(self.mean(self.trunk(features)))


class Critic(nn.Module):
    """Features and an action → two opinions on its value.

    Args:
        features_dim: Of the encoder.
        action_dim: A.
        feature_dim: Of the trunk, which squeezes the features.
        hidden_dim: Of the two layers after.
    """

    optimizer: torch.optim.Optimizer

    def __init__(
        self, features_dim: int, action_dim: int, feature_dim: int, hidden_dim: int
    ) -> None:
        super().__init__()
        self.trunk = _trunk(features_dim, feature_dim)
        self.q1 = _perceptron(feature_dim + action_dim, hidden_dim, 1)
        self.q2 = _perceptron(feature_dim + action_dim, hidden_dim, 1)
        self.apply(_initialise)

    def forward(self, features: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Returns two (B,) for (B, F) and (B, A)."""
        seen = torch.cat([self.trunk(features), actions], dim=1)
        return self.q1(seen).squeeze(1), self.q2(seen).squeeze(1)


class DrQv2Policy(BasePolicy):
    """An encoder that the critic alone trains, an actor, a critic and the critic's target.

    Args:
        observation_space: uint8 images (C, H, W).
        action_space: A Box with finite bounds and one axis.
        lr_schedule: Of both optimisers: the actor's, and that of critic and encoder.
        feature_dim: Of the trunks; published 50, for the humanoid 100.
        hidden_dim: Of the layers after.
        **options: ``optimizer_class`` and ``optimizer_kwargs``, see SB3.

    Raises:
        ValueError: Observations or actions of another kind, or images too small.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        feature_dim: int = 50,
        hidden_dim: int = 1024,
        **options: Any,
    ) -> None:
        check_spaces(observation_space, action_space)
        super().__init__(observation_space, action_space, squash_output=True, **options)
        self.feature_dim, self.hidden_dim = feature_dim, hidden_dim
        assert observation_space.shape is not None and action_space.shape is not None
        self.encoder = Encoder(observation_space.shape)
        sizes = (self.encoder.features_dim, action_space.shape[0], feature_dim, hidden_dim)
        self.actor, self.critic = Actor(*sizes), Critic(*sizes)
        self.critic_target = copy.deepcopy(self.critic).requires_grad_(False)
        self.actor.optimizer = self._optimiser(lr_schedule, self.actor)
        # Adam treats each number by itself: one for two networks does what one for each would.
        self.critic.optimizer = self._optimiser(lr_schedule, self.encoder, self.critic)

    def _optimiser(self, lr_schedule: Schedule, *networks: nn.Module) -> torch.optim.Optimizer:
        parameters = [one for network in networks for one in network.parameters()]
        options: dict[str, Any] = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        return self.optimizer_class(parameters, **options)

    def forward(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        """Returns the mean actions, (B, A) in [-1, 1]."""
        return self._predict(observation, deterministic)

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        # Exploration is the algorithm's.
        return self.actor(self.encoder(observation))

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            **super()._get_constructor_parameters(),
            "lr_schedule": self._dummy_schedule,
            "feature_dim": self.feature_dim,
            "hidden_dim": self.hidden_dim,
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
        }


def check_spaces(observation_space: spaces.Space, action_space: spaces.Space) -> None:
    """Raises ValueError unless observations are images and actions are numbers within bounds."""
    seen = observation_space
    if not isinstance(seen, spaces.Box) or seen.dtype != np.uint8 or len(seen.shape) != 3:
        raise ValueError(
            "DrQ-v2 looks at uint8 images (channels, height, width), which are not normalised; "
            f"got {seen}. Control ids have them by observe='pixels'."
        )
    if min(seen.shape[1:]) < MIN_SIDE_PX:
        raise ValueError(
            f"DrQ-v2 looks at images of at least {MIN_SIDE_PX} by {MIN_SIDE_PX} pixels, channels "
            f"first; got {seen.shape}."
        )
    bounded = isinstance(action_space, spaces.Box) and action_space.is_bounded()
    if not bounded or len(action_space.shape or ()) != 1:
        raise ValueError(
            f"DrQ-v2 acts by numbers with finite bounds, a Box of one axis; got {action_space}."
        )


def _trunk(features_dim: int, feature_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features_dim, feature_dim), nn.LayerNorm(feature_dim), nn.Tanh())


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    first, second = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Linear(hidden, outputs))


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear | nn.Conv2d):
        gain = nn.init.calculate_gain("relu") if isinstance(layer, nn.Conv2d) else 1.0
        nn.init.orthogonal_(layer.weight, gain)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
