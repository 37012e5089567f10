"""Replay of sequences for recurrent value functions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecNormalize

__all__ = ["SequenceReplayBuffer", "Sequences"]

Tensors = torch.Tensor | dict[str, torch.Tensor]


class Sequences(NamedTuple):
    """Windows of T successive rows of B lanes; time is the first axis.

    A row is an observation and what was done there, or the last observation of an episode, where
    nothing is done. So the state that a truncated episode ends in can be bootstrapped from.
    """

    observations: Tensors
    """(T, B, ...)."""
    actions: torch.Tensor
    """int64 (T, B)."""
    rewards: torch.Tensor
    """float32 (T, B)."""
    terminated: torch.Tensor
    """float32 (T, B), 1 where the action ended the episode for good."""
    last: torch.Tensor
    """float32 (T, B), 1 for the last observation of an episode."""
    starts: torch.Tensor
    """float32 (T, B), 1 for the first observation of an episode."""
    states: tuple[torch.Tensor, torch.Tensor]
    """The recurrent state (B, H) before the first row; zeros where it is not stored."""


class SequenceReplayBuffer(ReplayBuffer):
    """Keeps each env's steps in a lane of its own; windows may cross the end of an episode.

    Args:
        buffer_size: Rows of all lanes together.
        observation_space: Of one env: a Box, Discrete, or a Dict of such.
        action_space: Discrete.
        device: Where samples go.
        n_envs: Lanes.
        optimize_memory_usage: Not supported; a row is stored once anyway.
        window: Rows of a sequence, T.
        hidden_size: Of the recurrent state, H.
        store_states: Remember the acting network's state at each row.

    Raises:
        ValueError: A lane shorter than a window, or an observation space of another kind.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        window: int = 12,
        hidden_size: int = 128,
        store_states: bool = False,
    ) -> None:
        # The base class would allocate flat transitions; only its bookkeeping is wanted.
        super(ReplayBuffer, self).__init__(
            buffer_size, observation_space, action_space, device, n_envs
        )
        self.optimize_memory_usage = optimize_memory_usage
        self.handle_timeout_termination = True
        self.lane_size = buffer_size // n_envs
        if self.lane_size < window:
            raise ValueError(
                f"buffer_size must be at least {window} for each env, got {buffer_size} for "
                f"{n_envs} envs."
            )
        self.window, self.hidden_size, self.store_states = window, hidden_size, store_states
        shape = (self.lane_size, n_envs)
        own = {"": observation_space}
        parts = observation_space.spaces if isinstance(observation_space, spaces.Dict) else own
        self._rows: dict[str, np.ndarray] = {}
        for key, part in parts.items():
            if not isinstance(part, spaces.Box | spaces.Discrete):
                raise ValueError(f"Sequences of {part} are not supported.")
            self._rows[key] = np.zeros(shape + (part.shape or ()), part.dtype)
        self.actions = np.zeros(shape, np.int64)
        self.rewards = np.zeros(shape, np.float32)
        self.terminated = np.zeros(shape, np.float32)
        self.last = np.zeros(shape, np.float32)
        self.starts = np.zeros(shape, np.float32)
        self.states = np.zeros((*shape, 2, hidden_size), np.float32) if store_states else None
        self._written = np.zeros(n_envs, np.int64)
        self._fresh = np.ones(n_envs, bool)
        self._state_now = np.zeros((n_envs, 2, hidden_size), np.float32)

    @property
    def ready(self) -> bool:
        """True when there is a window to sample."""
        return bool((self._written >= self.window).any())

    def size(self) -> int:
        """Rows stored in all lanes."""
        return int(np.minimum(self._written, self.lane_size).sum())

    def reset(self) -> None:
        """Forgets all rows."""
        self._written[:] = 0
        self._fresh[:] = True

    def begin_episodes(self) -> None:
        """Tells that the next rows are the first of their episodes, whatever was added before.

        An episode that is cut off so ends at its newest row, whose action is forgotten.
        """
        (cut,) = np.nonzero(~self._fresh)
        row = (self._written[cut] - 1) % self.lane_size
        self.actions[row, cut] = 0
        self.rewards[row, cut] = self.terminated[row, cut] = 0
        self.last[row, cut] = 1
        self._fresh[:] = True

    def note_states(self, hidden: np.ndarray, cell: np.ndarray) -> None:
        """Tells the recurrent state, (n_envs, H) each, in which the next rows were acted on."""
        self._state_now = np.stack([hidden, cell], axis=1)

    def add(
        self,
        obs: np.ndarray | dict[str, np.ndarray],
        next_obs: np.ndarray | dict[str, np.ndarray],
        action: np.ndarray,
        reward: np.ndarray,
        done: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        """Appends a step of each env, and for those that ended the last observation."""
        cut = np.array([info.get("TimeLimit.truncated", False) for info in infos])
        every = np.arange(self.n_envs)
        row = self._next_rows(every, obs)
        self.actions[row, every] = np.asarray(action).reshape(self.n_envs)
        self.rewards[row, every] = reward
        self.terminated[row, every] = done & ~cut
        self.last[row, every] = 0
        self.starts[row, every] = self._fresh
        (ended,) = np.nonzero(done)
        if len(ended):
            row = self._next_rows(ended, next_obs)
            self.actions[row, ended] = 0
            self.rewards[row, ended] = self.terminated[row, ended] = 0
            self.starts[row, ended] = 0
            self.last[row, ended] = 1
        self._fresh = np.asarray(done, bool).copy()

    def _next_rows(
        self, envs: np.ndarray, observations: np.ndarray | dict[str, np.ndarray]
    ) -> np.ndarray:
        row = self._written[envs] % self.lane_size
        parts = observations if isinstance(observations, dict) else {"": observations}
        for key, values in parts.items():
            self._rows[key][row, envs] = values[envs]
        if self.states is not None:
            self.states[row, envs] = self._state_now[envs]
        self._written[envs] += 1
        return row

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> Sequences:  # type: ignore[override]
        """Draws windows uniformly from all that are complete.

        Raises:
            ValueError: No lane holds a window yet.
        """
        stored = np.minimum(self._written, self.lane_size)
        windows = np.maximum(stored - self.window + 1, 0)
        if windows.sum() == 0:
            raise ValueError(
                f"No env has made {self.window} steps yet, as many as a sequence is long; collect "
                f"{self.window * self.n_envs} steps first."
            )
        chosen = np.random.randint(windows.sum(), size=batch_size)
        lanes = np.searchsorted(windows.cumsum(), chosen, side="right")
        # The oldest row of a full lane is the one to be overwritten next.
        first = chosen - (windows.cumsum() - windows)[lanes]
        first += np.where(stored[lanes] == self.lane_size, self._written[lanes], 0)
        rows = (first + np.arange(self.window)[:, None]) % self.lane_size
        return self._get(rows, lanes, env)

    def _get(self, rows: np.ndarray, lanes: np.ndarray, env: VecNormalize | None) -> Sequences:
        found = {key: values[rows, lanes] for key, values in self._rows.items()}
        observations: Any = found.get("", found)
        observations = self._normalize_obs(observations, env)
        tensors: Tensors = (
            {key: self.to_torch(value) for key, value in observations.items()}
            if isinstance(observations, dict)
            else self.to_torch(observations)
        )
        state = np.zeros((len(lanes), 2, self.hidden_size), np.float32)
        if self.states is not None:
            state = self.states[rows[0], lanes]
        return Sequences(
            tensors,
            self.to_torch(self.actions[rows, lanes]),
            self.to_torch(self._normalize_reward(self.rewards[rows, lanes], env)),
            self.to_torch(self.terminated[rows, lanes]),
            self.to_torch(self.last[rows, lanes]),
            self.to_torch(self.starts[rows, lanes]),
            (self.to_torch(state[:, 0]), self.to_torch(state[:, 1])),
        )
