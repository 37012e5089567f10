"""The objects of games that are played, from the consoles' memory.

:class:`Truth`: arrays of :mod:`objwrappers.datasets.truth`, frame by frame.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from objwrappers.datasets.truth import SETTLING_STEPS, truth_arrays, truth_facts
from objwrappers.envs.raw import raw_frames_of
from objwrappers.metrics.ram import drawn, sprites
from objwrappers.metrics.scenery import still_sprites
from objwrappers.wrappers.base import pictures_of

__all__ = ["Truth"]


class Truth:
    """Reads the objects of single envs from their consoles' memory, frame by frame.

    Args:
        game: ``"MsPacman"``.
        env: A vector env of single envs that keep raw frames, or an SB3 one around it.

    Raises:
        ValueError: A game whose memory is not known.
    """

    def __init__(self, game: str, env: Any) -> None:
        truth_facts(game)
        self._game = game
        found = env.get_attr("envs", 0)[0] if isinstance(env, VecEnv) else env.unwrapped.envs
        self._envs: list[gym.Env] = list(found)
        self._ages = np.zeros(len(self._envs), int)

    @property
    def frames(self) -> np.ndarray:
        """The last native frames, uint8 (N, H, W, 3), bars included."""
        return np.stack([np.asarray(pictures_of(env)) for env in self._envs])

    def __call__(self, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the arrays of the last frames.

        Args:
            starts: bool (N,), True where a frame is the first of an episode.
        """
        self._ages = np.where(starts, 0, self._ages + 1)
        moving, still = [], []
        for env in self._envs:
            raw = raw_frames_of(env)
            before, after = raw.memory
            there = sprites(self._game, after, before)
            moving.append([sprite for sprite in there if drawn(sprite, raw.pair)])
            still.append(still_sprites(self._game, raw.picture))
        height, width, _ = raw.picture.shape
        return truth_arrays(
            self._game, moving, still, (height, width), self._ages >= SETTLING_STEPS
        )
