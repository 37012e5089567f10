"""What happens between the emulator's raw frames and an agent's steps, in one env.

* :class:`NoopStart`: no-ops begin an episode, as many as in ALE's vector env
* :class:`RawFrames`: keeps the last raw frames in colour, and the console's memory around them;
  :func:`raw_frames_of` finds it in an env
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from ale_py import ALEInterface
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode

from objwrappers.envs.options import MAX_SEED

__all__ = ["NoopStart", "RawFrames", "raw_frames_of"]

_NOOP = 0


class NoopStart(gym.Wrapper):
    """Begins each episode with as many no-ops as ALE's vector env does for the same seed.

    ALE draws their number in C++, with a distribution that each compiler implements in its own
    way. So ALE is asked: a vector env of one game is reset along, and tells its frame number.
    No-ops do not count towards an episode's length there, so nor do they here.

    Args:
        env: Raw frames, of episodes long enough for the no-ops, too.
        rom: The game's, ``"ms_pacman"``.
        noop_max: Fewer no-ops than that begin an episode.
        max_frames: Raw frames after them until an episode is truncated.
    """

    def __init__(self, env: gym.Env, rom: str, noop_max: int, max_frames: int) -> None:
        super().__init__(env)
        self._max_frames = max_frames
        self._played = 0
        self._twin = AtariVectorEnv(
            rom,
            1,
            num_threads=1,
            img_height=1,
            img_width=1,
            stack_num=1,
            noop_max=noop_max,
            use_fire_reset=False,
            autoreset_mode=AutoresetMode.NEXT_STEP,
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the game and plays the no-ops."""
        observation, info = self.env.reset(seed=seed, options=options)
        _, there = self._twin.reset(seed=None if seed is None else int(seed) % MAX_SEED)
        noops = int(there["episode_frame_number"][0]) - info["episode_frame_number"]
        action = self._no_operation()
        for _ in range(noops):
            observation, _, _, _, latest = self.env.step(action)
            info.update(latest)
        self._played = 0
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Plays a raw frame."""
        observation, reward, terminated, _, info = self.env.step(action)
        self._played += 1
        truncated = self._played >= self._max_frames and not terminated
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Closes the game and the one that the no-ops are read from."""
        self._twin.close()
        super().close()

    def _no_operation(self) -> Any:
        discrete = isinstance(self.action_space, gym.spaces.Discrete)
        return _NOOP if discrete else np.zeros(self.action_space.shape or (), np.float32)


class RawFrames(gym.Wrapper):
    """Keeps the last two raw frames of an agent's step, in colour, and the memory around the last.

    It lies beneath :class:`gymnasium.wrappers.AtariPreprocessing` and pools as that does, an
    episode's end within a step included.

    Args:
        env: Raw frames, uint8 (H, W, 3).
        frameskip: Raw frames of an agent's step.

    Attributes:
        picture: uint8 (H, W, 3), maximum of the last two raw frames (after a reset, the first).
        pair: uint8 (2, H, W, 3), these frames, the newer one last.
        memory: uint8 (2, 128), the console's memory before and after the last raw frame.
    """

    def __init__(self, env: gym.Env, frameskip: int) -> None:
        super().__init__(env)
        assert env.observation_space.shape is not None
        self._frameskip = frameskip
        self._taken = 0
        self.picture = np.zeros(env.observation_space.shape, np.uint8)
        self.pair = np.zeros((2, *env.observation_space.shape), np.uint8)
        self.memory = np.zeros((2, 128), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets the game; both frames are the first one."""
        frame, info = self.env.reset(seed=seed, options=options)
        self._taken = 0
        self.picture = frame
        self.pair[:] = frame
        self.memory[:] = self._ale().getRAM()
        return frame, info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Plays a raw frame."""
        self.memory[0] = self.memory[1]
        frame, reward, terminated, truncated, info = self.env.step(action)
        self.memory[1] = self._ale().getRAM()
        self._taken += 1
        over = terminated or truncated
        if not over and self._taken >= self._frameskip - 1:
            self.pair[0], self.pair[1] = self.pair[1], frame
        if over or self._taken == self._frameskip:
            self._pool(over)
        return frame, reward, terminated, truncated, info

    def _pool(self, over: bool) -> None:
        if not over:
            self.picture = self.pair.max(0) if self._frameskip > 1 else self.pair[1].copy()
        elif self._taken == self._frameskip > 1:  # this step kept its last frame but one alone
            self.picture = np.maximum(self.picture, self.pair[1])
        self._taken = 0

    def _ale(self) -> ALEInterface:
        return self.unwrapped.ale  # type: ignore[attr-defined]


def raw_frames_of(env: gym.Env) -> RawFrames:
    """Returns the layer that keeps an env's raw frames and the console's memory.

    Args:
        env: Of ``make_atari(..., raw_frames=True)``.

    Raises:
        ValueError: It was made without them.
    """
    layer: gym.Env = env
    while isinstance(layer, gym.Wrapper):
        if isinstance(layer, RawFrames):
            return layer
        layer = layer.env
    raise ValueError(f"{env} keeps no raw frames: make it by make_atari(..., raw_frames=True).")
