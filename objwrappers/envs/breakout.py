"""Breakout whose wall is built again and again, so that its score has no end."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from ale_py import ALEInterface

__all__ = ["InfiniteBreakout"]

_SCORE = (76, 77)  # hundreds, and tens with ones: binary-coded decimals in the console's memory
_TWO_WALLS = (0x08, 0x64)
_ONE_WALL = (0x04, 0x32)
_WALL_POINTS = 432


class InfiniteBreakout(gym.Wrapper):
    """Says that one wall is down where two are, upon which the game builds the next one.

    The cartridge builds a second wall at 432 points and no third one at 864, where an agent's
    game can only go on without bricks (Nikulin et al. 2019, "BreakoutInfinite"). Rewards count
    on; the score on the screen falls back to 432.

    Args:
        env: Breakout, raw frames.
    """

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self._owed = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the game."""
        self._owed = 0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Plays a frame."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        reward, self._owed = float(reward) + self._owed, 0
        ale: ALEInterface = self.unwrapped.ale  # type: ignore[attr-defined]
        memory = ale.getRAM()
        if tuple(int(memory[address]) for address in _SCORE) == _TWO_WALLS:
            for address, digits in zip(_SCORE, _ONE_WALL, strict=True):
                ale.setRAM(address, digits)
            self._owed = _WALL_POINTS  # ALE takes them off the next reward
        return observation, reward, terminated, truncated, info
