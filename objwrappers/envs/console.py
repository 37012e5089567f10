"""The console's memory as an observation, an agent's step at a time.

* :class:`ConsoleMemory`: memory around the last raw frame; pictures where somebody looks at them
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from ale_py import ALEInterface

__all__ = ["ConsoleMemory"]

BYTES = 128


class ConsoleMemory(gym.Wrapper):
    """Plays an action for several raw frames; the observation is memory, uint8 (2, 128).

    The first row is memory before the last raw frame, from which some sprites are drawn, the second
    memory after it; after a reset both are the same.

    Args:
        env: Raw frames of an ALE game, whatever it gives of them.
        frameskip: Raw frames an action lasts.
        pictures: Keep ``picture``. Screens are read in the last two raw frames alone.

    Attributes:
        picture: uint8 (H, W, 3), the maximum of the last two raw frames, as
            :class:`gymnasium.wrappers.AtariPreprocessing` makes it; None where it is not kept.
    """

    def __init__(self, env: gym.Env, frameskip: int, pictures: bool = False) -> None:
        super().__init__(env)
        self.observation_space = gym.spaces.Box(0, 255, (2, BYTES), np.uint8)
        self._frameskip = frameskip
        self._keeps = pictures
        self._earlier: np.ndarray | None = None
        self.picture: np.ndarray | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets the game."""
        _, info = self.env.reset(seed=seed, options=options)
        memory = self._ale().getRAM()
        if self._keeps:
            self.picture = self._ale().getScreenRGB()
            self._earlier = np.zeros_like(self.picture)
        return np.stack([memory, memory]), info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Plays the action until its last raw frame, or the game's."""
        total, ale = 0.0, self._ale()
        for taken in range(1, self._frameskip + 1):
            before = ale.getRAM()
            _, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
            if self._keeps and taken == self._frameskip - 1:
                self._earlier = ale.getScreenRGB()
            elif self._keeps and taken == self._frameskip:
                self.picture = ale.getScreenRGB()
        if self._keeps and self._frameskip > 1:
            assert self.picture is not None and self._earlier is not None
            self.picture = np.maximum(self.picture, self._earlier)
        return np.stack([before, ale.getRAM()]), total, terminated, truncated, info

    def _ale(self) -> ALEInterface:
        return self.unwrapped.ale  # type: ignore[attr-defined]
