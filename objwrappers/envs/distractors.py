"""Moving bars on frames: noise that an agent should learn to overlook.

* :class:`Distractors`: where the bars are, for N envs at once
* :class:`NoisyFrames`, :class:`VectorNoisyFrames`: draw them on the frames of one env, of a
  vector env
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from objwrappers.rendering.bars import NOISES, POSITIONS, check_noise, draw_bars
from objwrappers.resets import env_seeds, reset_mask
from objwrappers.wrappers.base import pictures_of

__all__ = ["MOTIONS", "Distractors", "NoisyFrames", "VectorNoisyFrames", "check_motion"]

MOTIONS = ("iid", "smooth")
SPEEDS = (0.5, 2.0)  # of smooth motion, pixels of 84 per step


def check_motion(motion: str) -> None:
    """Raises ValueError where bars cannot move so."""
    if motion not in MOTIONS:
        raise ValueError(f"Unknown noise_motion {motion!r}. There are {', '.join(MOTIONS)}.")


class Distractors:
    """Positions of the bars: a pure function of an env's seed and of its steps since then.

    So an env shows the same bars alone and in a vector env, whenever the others are reset.

    Args:
        noise: ``"vertical"``, ``"horizontal"``, ``"both"``, or ``"none"``.
        motion: ``"iid"``, a fresh uniform position at each step, as published, or ``"smooth"``:
            bars glide at a constant speed, drawn with the seed, and turn round at the borders.
        num_envs: Envs, N.

    Raises:
        ValueError: No such noise or motion.
    """

    def __init__(self, noise: str, motion: str = "iid", num_envs: int = 1) -> None:
        self._drawn = NOISES[check_noise(noise)]
        check_motion(motion)
        self._smooth = motion == "smooth"
        self._seeds = np.random.default_rng().integers(2**63, size=num_envs, dtype=np.uint64)
        self._steps = np.zeros(num_envs, np.uint64)

    def seed(self, seeds: Sequence[int] | np.ndarray, envs: np.ndarray) -> None:
        """Begins anew for the given envs, with a seed for each."""
        self._seeds[envs] = [int(seed) % 2**64 for seed in seeds]
        self._steps[envs] = 0

    def advance(self, envs: np.ndarray) -> None:
        """Moves the bars of the given envs on by a step; a reset is a step too."""
        self._steps[envs] += np.uint64(1)

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the bars' positions across (N,) and down (N,), 0..78 of 84; NaN: no bar."""
        across, down = (
            self._along(axis) if drawn else np.full(len(self._seeds), np.nan)
            for axis, drawn in enumerate(self._drawn)
        )
        return across, down

    def _along(self, axis: int) -> np.ndarray:
        if not self._smooth:
            return np.floor(self._uniform(3 * axis, self._steps) * POSITIONS)
        first = self._uniform(3 * axis + 1)
        slowest, fastest = SPEEDS
        speed = slowest + (fastest - slowest) * self._uniform(3 * axis + 2)
        furthest = POSITIONS - 1
        way = (2 * first * furthest + speed * self._steps) % (2 * furthest)
        return np.minimum(way, 2 * furthest - way)

    def _uniform(self, stream: int, steps: np.ndarray | None = None) -> np.ndarray:
        """Uniform in [0, 1), a hash of seed, stream and step (SplitMix64, Steele et al. 2014)."""
        with np.errstate(over="ignore"):
            key = _mix(self._seeds + np.uint64(stream + 1) * _GAMMA)
            if steps is not None:
                key = _mix(key + (steps + np.uint64(1)) * _GAMMA)
        return (key >> np.uint64(11)) * 2.0**-53


_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def _mix(key: np.ndarray) -> np.ndarray:
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


class NoisyFrames(gym.Wrapper):
    """One env with bars on its frames, and on the picture that it keeps.

    Args:
        env: An env whose observations are uint8 (H, W, C) frames, RGB or grey.
        noise: See :class:`Distractors`.
        motion: See :class:`Distractors`.
    """

    def __init__(self, env: gym.Env, noise: str, motion: str = "iid") -> None:
        super().__init__(env)
        self.distractors = Distractors(noise, motion)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets the env; a seed begins the bars' motion anew."""
        frame, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self.distractors.seed([seed], _FIRST)
        return self._draw(frame), info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Steps the env and moves the bars."""
        frame, *rest = self.env.step(action)
        return self._draw(frame), *rest  # type: ignore[return-value]

    def _draw(self, frame: np.ndarray) -> np.ndarray:
        self.distractors.advance(_FIRST)
        return draw_bars(frame[None], *self.distractors.positions())[0]

    @property
    def picture(self) -> np.ndarray | None:
        """The native RGB frame with the bars, uint8 (H, W, 3), if it is kept."""
        kept = pictures_of(self.env)
        return kept if kept is None else draw_bars(kept[None], *self.distractors.positions())[0]


_FIRST = np.zeros(1, int)


class VectorNoisyFrames(VectorWrapper):
    """A vector env with bars on its frames and pictures; all are drawn at once.

    Args:
        env: A vector env whose observations are uint8 (N, H, W, C) frames, RGB or grey.
        noise: See :class:`Distractors`.
        motion: See :class:`Distractors`.
    """

    def __init__(self, env: VectorEnv, noise: str, motion: str = "iid") -> None:
        super().__init__(env)
        self.distractors = Distractors(noise, motion, env.num_envs)
        self._all = np.arange(env.num_envs)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names; see the env's own reset.

        Args:
            seed: See :func:`~objwrappers.resets.env_seeds`.
            options: ``{"reset_mask": bool (N,)}`` for a partial reset.
        """
        frames, info = self.env.reset(seed=seed, options=options)
        mask = reset_mask(options)
        envs = self._all if mask is None else np.flatnonzero(mask)
        seeds = env_seeds(seed, mask, self.num_envs)
        if seeds is not None:
            given = {int(i): one for i in envs if (one := seeds[i]) is not None}
            self.distractors.seed([*given.values()], np.array([*given], np.intp))
        self.distractors.advance(envs)
        return draw_bars(frames, *self.distractors.positions()), info

    def step(self, actions: Any) -> tuple[np.ndarray, Any, Any, Any, dict[str, Any]]:
        """Steps all envs and moves their bars."""
        frames, *rest = self.env.step(actions)
        self.distractors.advance(self._all)
        return draw_bars(frames, *self.distractors.positions()), *rest

    @property
    def pictures(self) -> np.ndarray | None:
        """The native RGB frames with the bars, uint8 (N, H, W, 3), if they are kept."""
        kept = pictures_of(self.env)
        return kept if kept is None else draw_bars(kept, *self.distractors.positions())
