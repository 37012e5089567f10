"""Replay of stacked images that keeps each frame once.

* :class:`FrameReplayBuffer`, :class:`Transitions`
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import VecNormalize

from objwrappers.memory import available_bytes

__all__ = ["FrameReplayBuffer", "Transitions"]

RGB = 3
GB = 1e9


class Transitions(NamedTuple):
    """B steps, each with what came of it within n steps or by its episode's end."""

    observations: torch.Tensor
    """uint8 (B, C, H, W)."""
    actions: torch.Tensor
    """float32 (B, A), scaled to [-1, 1]."""
    rewards: torch.Tensor
    """float32 (B,), the sum of gamma^i r_i of the k ≤ n steps up to the next
    observation."""
    discounts: torch.Tensor
    """float32 (B,), of the next observation's value: gamma^k, or 0 where the episode is over for
    good. One that is cut off goes on in its last observation's value."""
    next_observations: torch.Tensor
    """uint8 (B, C, H, W)."""


class FrameReplayBuffer(ReplayBuffer):
    """Keeps each env's newest frames, one a row, in a lane of its own; stacks them when sampled.

    An episode of T steps takes T + S rows where S frames are stacked: the older frames of its
    first stack, its T observations that were acted on, and its last one.

    Args:
        buffer_size: Rows of all lanes together; one takes the bytes of a frame.
        observation_space: uint8 images (S·c, H, W), the newest frame last.
        action_space: A Box of one axis.
        device: Where samples go.
        n_envs: Lanes.
        optimize_memory_usage: Not supported; a frame is stored once anyway.
        frame_channels: Of one frame, c; None is 3 where the image's are a multiple of it, else 1.
        n_steps: Of the returns, n.
        gamma: Discount factor.

    Attributes:
        size_bytes: Of all rows.
        capacity: Rows, a multiple of the lanes.

    Raises:
        ValueError: A lane shorter than a stack and a return, or images that are no such stacks.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        frame_channels: int | None = None,
        n_steps: int = 3,
        gamma: float = 0.99,
    ) -> None:
        # The base class would allocate whole stacks; only its bookkeeping is wanted.
        super(ReplayBuffer, self).__init__(
            buffer_size, observation_space, action_space, device, n_envs
        )
        self.optimize_memory_usage = optimize_memory_usage
        self.handle_timeout_termination = True
        assert observation_space.shape is not None and action_space.shape is not None
        channels, *size = observation_space.shape
        self.frame_channels = frame_channels or (1 if channels % RGB else RGB)
        if channels % self.frame_channels:
            raise ValueError(
                f"frame_channels={frame_channels} does not divide the {channels} channels of an "
                "observation: give the number of one frame's, 3 of RGB, 1 of grey."
            )
        self.stack_num = channels // self.frame_channels
        self.n_steps, self.gamma = n_steps, gamma
        self.lane_size = buffer_size // n_envs
        shortest = self.stack_num + n_steps + 1
        if self.lane_size < shortest:
            raise ValueError(
                f"buffer_size must be at least {shortest} for each env, got {buffer_size} for "
                f"{n_envs} envs."
            )
        self.capacity = self.lane_size * n_envs
        self._frame_shape = (self.frame_channels, *size)
        row_bytes = int(np.prod(self._frame_shape)) + 4 * action_space.shape[0] + 4 + 3
        self.size_bytes = self.capacity * row_bytes
        self._written = np.zeros(n_envs, np.int64)
        self._first = np.zeros(n_envs, np.int64)  # acted row of the present episode
        self._fresh = np.ones(n_envs, bool)
        self._n_complete = 0
        self._frames: np.ndarray | None = None

    def reserve(self) -> None:
        """Takes the memory, unless that is done.

        Raises:
            ValueError: There is not so much.
        """
        if self._frames is not None:
            return
        free = available_bytes()
        if free is not None and free < self.size_bytes:
            fits = int(0.8 * self.capacity * free / self.size_bytes)
            raise ValueError(
                f"A replay of buffer_size={self.buffer_size} frames takes "
                f"{self.size_bytes / GB:.1f} GB, and {free / GB:.1f} GB of memory are free: take "
                f"a smaller one, -params buffer_size:{fits}."
            )
        shape = (self.lane_size, self.n_envs)
        # Zeros are no memory until they are written to.
        self._frames = np.zeros((*shape, *self._frame_shape), np.uint8)
        self.actions = np.zeros((*shape, self.action_dim), np.float32)
        self.rewards = np.zeros(shape, np.float32)
        self.terminated = np.zeros(shape, bool)
        self.last = np.zeros(shape, bool)
        self._complete = np.zeros(shape, bool)  # rows that may be sampled

    @property
    def ready(self) -> bool:
        """True when there is a step to sample."""
        return self._n_complete > 0

    def size(self) -> int:
        """Rows stored in all lanes."""
        return int(np.minimum(self._written, self.lane_size).sum())

    def reset(self) -> None:
        """Forgets all rows."""
        self._written[:] = self._n_complete = 0
        self._fresh[:] = True
        if self._frames is not None:
            self._complete[:] = False

    def begin_episodes(self) -> None:
        """Tells that the next rows are the first of their episodes, whatever was added before.

        An episode that is cut off so ends at its newest row, whose action is forgotten.
        """
        (cut,) = np.nonzero(~self._fresh)
        if len(cut):
            self._end(cut)
        self._fresh[:] = True

    def add(
        self,
        obs: np.ndarray,
        next_obs: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        done: np.ndarray,
        infos: list[dict[str, Any]],
    ) -> None:
        """Appends a step of each env, and for those that ended the last observation.

        Raises:
            ValueError: Within an episode, an observation does not go on from the one before by
                one frame.
        """
        self.reserve()
        stacks, after = self._as_stacks(obs), self._as_stacks(next_obs)
        every = np.arange(self.n_envs)
        (begun,), (going,) = np.nonzero(self._fresh), np.nonzero(~self._fresh)
        for age in range(self.stack_num - 1):
            self._write(begun, stacks[:, age])
        self._check(going, stacks)
        row = self._write(every, stacks[:, -1])
        self._first[begun] = self._written[begun] - 1
        cut = np.array([info.get("TimeLimit.truncated", False) for info in infos], bool)
        self.actions[row, every] = np.asarray(action).reshape(self.n_envs, -1)
        self.rewards[row, every] = reward
        self.terminated[row, every] = np.asarray(done, bool) & ~cut
        whole = every[self._written - 1 - self.n_steps >= self._first]
        self._mark(whole, self._written[whole] - 1 - self.n_steps)
        (ended,) = np.nonzero(done)
        if len(ended):
            self._check(ended, after)
            self._write(ended, after[:, -1])
            self._end(ended)
        self._fresh = np.asarray(done, bool).copy()

    def _as_stacks(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(images).reshape(self.n_envs, self.stack_num, *self._frame_shape)

    def _write(self, envs: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Writes a row, which belongs to no step yet, and returns where."""
        assert self._frames is not None
        row = self._written[envs] % self.lane_size
        self._frames[row, envs] = frames[envs]
        self.last[row, envs] = False
        # Stacks of the oldest rows lose the frame that was here.
        broken = (row + np.arange(self.stack_num)[:, None]) % self.lane_size
        self._n_complete -= int(self._complete[broken, envs].sum())
        self._complete[broken, envs] = False
        self._written[envs] += 1
        return row

    def _mark(self, envs: np.ndarray, numbers: np.ndarray) -> None:
        """Rows, counted from the lane's beginning, whose return is known from now on."""
        self._complete[numbers % self.lane_size, envs] = True
        self._n_complete += len(envs)

    def _end(self, envs: np.ndarray) -> None:
        """Makes the newest rows the last ones of their episodes."""
        newest = self._written[envs] - 1
        row = newest % self.lane_size
        self.last[row, envs] = True
        self.rewards[row, envs] = self.actions[row, envs] = 0
        self.terminated[row, envs] = False
        for back in range(1, self.n_steps + 1):
            number = newest - back
            known = self._complete[number % self.lane_size, envs]
            chosen = (number >= self._first[envs]) & ~known
            self._mark(envs[chosen], number[chosen])

    def _check(self, envs: np.ndarray, stacks: np.ndarray) -> None:
        """Raises ValueError unless the older frames of stacks are the newest rows."""
        assert self._frames is not None
        rows = (self._written[envs, None] - np.arange(self.stack_num - 1, 0, -1)) % self.lane_size
        if not np.array_equal(stacks[envs, :-1], self._frames[rows, envs[:, None]]):
            channels = self.observation_space.shape[0]  # type: ignore[index]
            raise ValueError(
                f"An observation of {channels} channels is no stack of frames of "
                f"{self.frame_channels}, each step pushing one more in at the end: give "
                f"frame_channels (-params frame_channels:1 of grey frames, {channels} of images "
                "that are no stacks)."
            )

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> Transitions:  # type: ignore[override]
        """Draws steps uniformly from all whose return is known.

        Raises:
            ValueError: There is none yet.
        """
        if not self.ready:
            raise ValueError(
                f"No env has made {self.n_steps + 1} steps or ended an episode yet; collect "
                f"{(self.n_steps + 1) * self.n_envs} steps first."
            )
        stored = np.minimum(self._written, self.lane_size)
        rows, lanes = np.empty(0, np.int64), np.empty(0, np.int64)
        while len(rows) < batch_size:
            # Nearly all rows are good, so some are drawn again instead of all being listed.
            drawn = np.random.randint(stored.sum(), size=batch_size)
            of = np.searchsorted(stored.cumsum(), drawn, side="right")
            at = drawn - (stored.cumsum() - stored)[of]
            good = self._complete[at, of]
            rows, lanes = np.append(rows, at[good]), np.append(lanes, of[good])
        return self._get(rows[:batch_size], lanes[:batch_size], env)

    def _get(self, rows: np.ndarray, lanes: np.ndarray, env: VecNormalize | None) -> Transitions:
        returns, steps = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.int64)
        alive, over = np.ones(len(rows), bool), np.zeros(len(rows), bool)
        for i in range(self.n_steps):
            now, after = (rows + i) % self.lane_size, (rows + i + 1) % self.lane_size
            reward = self._normalize_reward(self.rewards[now, lanes], env)
            returns += alive * np.float32(self.gamma**i) * reward
            steps += alive
            over |= alive & self.terminated[now, lanes]
            alive &= ~self.last[after, lanes]
        discounts = np.where(over, 0, self.gamma**steps).astype(np.float32)
        return Transitions(
            self._stacks(rows, lanes),
            self.to_torch(self.actions[rows, lanes]),
            self.to_torch(returns),
            self.to_torch(discounts),
            self._stacks(rows + steps, lanes),
        )

    def _stacks(self, rows: np.ndarray, lanes: np.ndarray) -> torch.Tensor:
        assert self._frames is not None
        rows = (rows[:, None] + np.arange(1 - self.stack_num, 1)) % self.lane_size
        # Whole frames of one axis are copied faster than those of two.
        frames = self._frames.reshape(self.capacity, *self._frame_shape)
        stacks = frames.take(rows * self.n_envs + lanes[:, None], axis=0)
        return self.to_torch(stacks.reshape(len(rows), -1, *stacks.shape[-2:]), copy=False)
