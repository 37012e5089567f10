"""The last raw frames beside what an agent sees: who looks at games sees all sixty in a second.

* :class:`RawStack`: keeps them, beneath the frame skip
* :class:`WithRawStack`: shows them beside the frame, above it
* :class:`SmallFrames`: the last raw frames, grey and small
"""

from __future__ import annotations

from typing import Any

import cv2
import gymnasium as gym
import numpy as np

from objwrappers.resizing import resize_frames

__all__ = ["RAW_STACK", "SIDE_PX", "RawStack", "SmallFrames", "WithRawStack"]

RAW_STACK, SIDE_PX = 4, 84
"""As models of gaze read them."""


class SmallFrames:
    """The last raw frames, grey, 84×84, the oldest first.

    Attributes:
        stack: uint8 (84, 84, 4).
    """

    def __init__(self) -> None:
        self.stack = np.zeros((SIDE_PX, SIDE_PX, RAW_STACK), np.uint8)

    def begin(self, frame: np.ndarray) -> None:
        """Fills the stack with an episode's first frame, uint8 (H, W, 3) or grey (H, W)."""
        self.stack[:] = _small(frame)

    def push(self, frame: np.ndarray) -> None:
        """Takes the next raw frame, uint8 (H, W, 3) or grey (H, W)."""
        self.stack[..., :-1] = self.stack[..., 1:]
        self.stack[..., -1:] = _small(frame)

    def beside(self, frame: np.ndarray) -> np.ndarray:
        """Returns the stack, and behind it the frame, uint8 (84, 84, 1): uint8 (84, 84, 5)."""
        return np.concatenate([self.stack, frame], axis=-1)


class RawStack(gym.Wrapper):
    """Keeps the last raw frames of one env.

    Args:
        env: Raw frames, uint8 (H, W, 3) or grey (H, W).
        small: Where they are kept.
    """

    def __init__(self, env: gym.Env, small: SmallFrames) -> None:
        super().__init__(env)
        self._small = small

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the game."""
        frame, info = self.env.reset(seed=seed, options=options)
        self._small.begin(frame)
        return frame, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Plays a raw frame."""
        frame, *rest = self.env.step(action)
        self._small.push(frame)
        return frame, *rest


class WithRawStack(gym.ObservationWrapper):
    """Shows the last raw frames beside the frame: uint8 (84, 84, 5), the frame last.

    Args:
        env: Its observations are grey, uint8 (84, 84, 1).
        small: The raw frames.
    """

    def __init__(self, env: gym.Env, small: SmallFrames) -> None:
        super().__init__(env)
        self._small = small
        self.observation_space = gym.spaces.Box(0, 255, (SIDE_PX, SIDE_PX, RAW_STACK + 1), np.uint8)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        """Returns both."""
        return self._small.beside(observation)


def _small(frame: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame
    return resize_frames(grey[None, ..., None], SIDE_PX, SIDE_PX)[0]
