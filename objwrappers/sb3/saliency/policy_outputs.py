"""A policy on images as a function of them: one number for each action, and the value."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.preprocessing import is_image_space, maybe_transpose
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

__all__ = ["TARGETS", "Outputs", "check_channels", "looked_at", "prepare"]

TARGETS = ("action", "value")


class Outputs(nn.Module):
    """A policy as images → numbers, (N, A + 1): one for each action, and the value.

    An action's number is its logit (actor and critic), its Q-value, or the mean of its quantiles;
    the value of the latter two is the largest of them.

    Args:
        policy: Of PPO, A2C, DQN or QR-DQN, on images.

    Raises:
        TypeError: Another policy.
        ValueError: Observations that are no images, or actions that are not discrete.
    """

    def __init__(self, policy: BasePolicy) -> None:
        super().__init__()
        _check_images(policy)
        memoryless = ActorCriticPolicy | DQNPolicy | QRDQNPolicy
        if not isinstance(policy, memoryless) or isinstance(policy, RecurrentActorCriticPolicy):
            raise TypeError(
                "Saliency is of policies of PPO, A2C, DQN and QR-DQN, not of "
                f"{type(policy).__name__}."
            )
        if not isinstance(policy.action_space, spaces.Discrete):
            raise ValueError(f"The actions must be discrete, got {policy.action_space}.")
        self.policy = policy
        self.actions = int(policy.action_space.n)

    def extractor(self, target: Any = "action") -> nn.Module:
        """Returns what makes the features that actions, or ``"value"``, are told from."""
        if isinstance(self.policy, DQNPolicy):
            return self.policy.q_net.features_extractor
        if isinstance(self.policy, QRDQNPolicy):
            return self.policy.quantile_net.features_extractor
        assert isinstance(self.policy, ActorCriticPolicy)
        of_value = isinstance(target, str) and target == "value"
        return self.policy.vf_features_extractor if of_value else self.policy.pi_features_extractor

    def forward(self, images: Tensor) -> Tensor:
        """Maps float32 (N, C, H, W) in [0, 255] to (N, A + 1)."""
        policy = self.policy
        if isinstance(policy, ActorCriticPolicy):
            features = policy.extract_features(images)
            if policy.share_features_extractor:
                actor, critic = policy.mlp_extractor(features)
            else:
                actor = policy.mlp_extractor.forward_actor(features[0])
                critic = policy.mlp_extractor.forward_critic(features[1])
            return torch.cat([policy.action_net(actor), policy.value_net(critic)], 1)
        values = (
            policy.q_net(images)
            if isinstance(policy, DQNPolicy)
            else policy.quantile_net(images).mean(1)
        )
        return torch.cat([values, values.amax(1, keepdim=True)], 1)

    def indices(self, images: Tensor, target: str | np.ndarray | Tensor) -> Tensor:
        """Returns which output is looked at, int64 (N,).

        Args:
            images: (N, C, H, W).
            target: ``"action"``, the likeliest one; ``"value"``; or an action for each image.

        Raises:
            ValueError: Another target, or actions that there are not.
        """
        self.check_target(target, len(images))
        if not isinstance(target, str):
            return torch.as_tensor(target, device=images.device).long()
        if target == "value":
            return torch.full((len(images),), self.actions, device=images.device)
        with torch.no_grad():
            return self(images)[:, :-1].argmax(1)

    def check_target(self, target: str | np.ndarray | Tensor, count: int) -> None:
        """Raises ValueError for a target that :meth:`indices` does not know of so many images."""
        if isinstance(target, str):
            if target not in TARGETS:
                raise ValueError(
                    f"target must be one of {', '.join(TARGETS)} or an action for each "
                    f"observation, got {target!r}."
                )
            return
        chosen = torch.as_tensor(target).long()
        if chosen.shape != (count,) or not ((chosen >= 0) & (chosen < self.actions)).all():
            raise ValueError(
                f"target must be {count} actions from 0 to {self.actions - 1}, got {target}."
            )


def _check_images(policy: BasePolicy) -> None:
    if not is_image_space(policy.observation_space, check_channels=False):
        raise ValueError(f"Saliency is of policies on images, not of {policy.observation_space}.")


def prepare(policy: BasePolicy, observations: np.ndarray | Tensor) -> Tensor:
    """Returns a copy of observations as float32 (N, C, H, W) in [0, 255] on the policy's device.

    Raises:
        ValueError: A policy that is not on images, another shape than the policy's observations
            have, or no observation.
    """
    _check_images(policy)
    if isinstance(observations, np.ndarray):
        # Channels last, as Gymnasium has them and predict() takes them.
        observations = maybe_transpose(observations, policy.observation_space)
    images = torch.as_tensor(observations, device=policy.device).detach().float().clone()
    if images.shape[1:] != policy.observation_space.shape or not len(images):
        raise ValueError(
            f"Observations must be (N, {', '.join(map(str, policy.observation_space.shape or ()))}"
            f"), got {tuple(images.shape)}."
        )
    return images


def check_channels(channels: int | None, depth: int) -> int:
    """Returns of how many of the last channels something is, by default of all.

    Raises:
        ValueError: There are not so many.
    """
    if channels is None:
        return depth
    if not 1 <= channels <= depth:
        raise ValueError(f"channels must be from 1 to {depth}, got {channels}.")
    return channels


@contextlib.contextmanager
def looked_at(policy: BasePolicy) -> Iterator[Outputs]:
    """Gives a policy's outputs in evaluation mode; afterwards it is as before."""
    was_training = policy.training
    policy.set_training_mode(False)
    try:
        yield Outputs(policy)
    finally:
        policy.set_training_mode(was_training)
