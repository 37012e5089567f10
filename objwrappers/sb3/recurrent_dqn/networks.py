"""Recurrent Q-networks and their policies: encoder, LSTM cell, one value for each action.

Hausknecht & Stone 2015, arXiv 1507.06527; sizes as in PermaKey.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from objwrappers.sb3.recurrent_dqn.sequence_buffer import Tensors

__all__ = ["CnnLstmPolicy", "MlpLstmPolicy", "MultiInputLstmPolicy", "RecurrentQNetwork"]

State = tuple[Tensor, Tensor]


class RecurrentQNetwork(QNetwork):
    """Values of all actions, given the observations since an episode's start.

    Args:
        observation_space: Of one env.
        action_space: Discrete.
        features_extractor: Encoder of a single observation.
        features_dim: Size of its output.
        hidden_size: Of the LSTM cell, H.
        normalize_images: Divide images by 255.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        features_extractor: BaseFeaturesExtractor,
        features_dim: int,
        hidden_size: int = 128,
        normalize_images: bool = True,
    ) -> None:
        super().__init__(
            observation_space,
            action_space,
            features_extractor,
            features_dim,
            net_arch=[],
            normalize_images=normalize_images,
        )
        self.hidden_size = hidden_size
        self.cell = nn.LSTMCell(features_dim, hidden_size)
        for bias in (self.cell.bias_ih, self.cell.bias_hh):
            nn.init.zeros_(bias)
        self.cell.bias_hh.requires_grad_(False)  # one bias learns, as published
        nn.init.ones_(self.cell.bias_ih[hidden_size : 2 * hidden_size])  # remember at first
        self.q_net = nn.Sequential(nn.Linear(hidden_size, int(action_space.n)))

    def zero_state(self, batch: int) -> State:
        """Returns two tensors (batch, H) of zeros."""
        zeros = torch.zeros(batch, self.hidden_size, device=self.device)
        return zeros, zeros

    def step(self, observations: Tensors, state: State, starts: Tensor) -> tuple[Tensor, State]:
        """One step of each env.

        Args:
            observations: (B, ...).
            state: Two tensors (B, H).
            starts: (B,), 1 where an episode begins and the state is forgotten.

        Returns:
            Values (B, A) and the state after.
        """
        features = self.extract_features(observations, self.features_extractor)
        state = self._advance(features, state, starts)
        return self.q_net(state[0]), state

    def unroll(self, observations: Tensors, state: State, starts: Tensor) -> tuple[Tensor, State]:
        """Many steps of each env; observations are encoded at once.

        Args:
            observations: (T, B, ...).
            state: Before the first step, two tensors (B, H).
            starts: (T, B).

        Returns:
            Values (T, B, A) and the state after.
        """
        steps, batch = starts.shape
        flat: Any = (
            {key: value.flatten(0, 1) for key, value in observations.items()}
            if isinstance(observations, dict)
            else observations.flatten(0, 1)
        )
        features = self.extract_features(flat, self.features_extractor)
        hidden = []
        for now, start in zip(features.view(steps, batch, -1), starts, strict=True):
            state = self._advance(now, state, start)
            hidden.append(state[0])
        return self.q_net(torch.stack(hidden)), state

    def _advance(self, features: Tensor, state: State, starts: Tensor) -> State:
        kept = (1 - starts).unsqueeze(-1)
        return self.cell(features, (state[0] * kept, state[1] * kept))

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.pop("net_arch", None)
        data.pop("activation_fn", None)
        return {**data, "hidden_size": self.hidden_size}


class MlpLstmPolicy(DQNPolicy):
    """Recurrent Q-network and its target network.

    Args:
        observation_space: Of one env.
        action_space: Discrete.
        lr_schedule: Of the optimiser.
        lstm_hidden_size: H.
        features_extractor_class: Encoder of a single observation.
        **options: Those of :class:`stable_baselines3.dqn.policies.DQNPolicy`.
    """

    q_net: RecurrentQNetwork
    q_net_target: RecurrentQNetwork

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        lstm_hidden_size: int = 128,
        features_extractor_class: type[BaseFeaturesExtractor] = FlattenExtractor,
        **options: Any,
    ) -> None:
        self.lstm_hidden_size = lstm_hidden_size
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            features_extractor_class=features_extractor_class,
            **options,
        )

    def make_q_net(self) -> RecurrentQNetwork:
        """Builds one of the two networks."""
        extractor = self.make_features_extractor()
        assert isinstance(self.action_space, spaces.Discrete)
        return RecurrentQNetwork(
            self.observation_space,
            self.action_space,
            extractor,
            extractor.features_dim,
            self.lstm_hidden_size,
            self.normalize_images,
        ).to(self.device)

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """Returns the best actions and the state after, two arrays (1, n_envs, H).

        Args:
            observation: Of one env or of several.
            state: Of the last call; None at first.
            episode_start: bool (n_envs,), where an episode begins; None: nowhere.
            deterministic: Without effect: exploration is the algorithm's.
        """
        self.set_training_mode(False)
        tensors, vectorised = self.obs_to_tensor(observation)
        first = next(iter(tensors.values())) if isinstance(tensors, dict) else tensors
        batch = first.shape[0]
        if state is None:
            hidden, cell = self.q_net.zero_state(batch)
        else:
            hidden, cell = (torch.as_tensor(s[0], device=self.device) for s in state)
        starts = np.zeros(batch) if episode_start is None else episode_start
        with torch.no_grad():
            values, (hidden, cell) = self.q_net.step(
                tensors,
                (hidden, cell),
                torch.as_tensor(starts, dtype=torch.float32, device=self.device),
            )
        actions = values.argmax(1).cpu().numpy()
        after = (hidden[None].cpu().numpy(), cell[None].cpu().numpy())
        return (actions if vectorised else actions.squeeze(0)), after

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            **super()._get_constructor_parameters(),
            "lstm_hidden_size": self.lstm_hidden_size,
        }


class CnnLstmPolicy(MlpLstmPolicy):
    """A recurrent Q-network on images."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"features_extractor_class": NatureCNN, **options})


class MultiInputLstmPolicy(MlpLstmPolicy):
    """A recurrent Q-network on dict observations."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"features_extractor_class": CombinedExtractor, **options})
