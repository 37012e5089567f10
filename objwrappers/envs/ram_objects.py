"""Objects that the console's memory knows, as a list a step, as good or as bad as one wants.

* :class:`Degradation`: what is done to perfect objects
* :class:`RamObjects`: one env of memory → lists for
  :class:`~objwrappers.perception.scenes.listed.ListedScene`
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import gymnasium as gym
import numpy as np

from objwrappers.envs.cartridges import screen_size
from objwrappers.games import check_game, rom_name
from objwrappers.metrics.ram import play_area, sprites
from objwrappers.metrics.ram_classes import RAM_CLASSES
from objwrappers.wrappers.base import pictures_of

__all__ = ["ENTRY_COUNT", "Degradation", "RamObjects"]

ENTRY_COUNT = 6  # ListedScene says what they are; it needs torch
STREAM = 0x72616D
"""Beside an env's seed: what it draws is nobody else's."""


@dataclass(frozen=True)
class Degradation:
    """What is done to perfect objects; by default nothing.

    Attributes:
        jitter_px: σ of the normal noise on centres, x and y alike, native pixels; fresh each step.
        misses: Chance that an object is not found at a step.
        false_positives: Spurious objects, a share of the real ones on average: with this chance
            each of these brings one along, of its own size, of any class, anywhere in the play
            area.

    Raises:
        ValueError: A negative number, or a share beyond 1.
    """

    jitter_px: float = 0.0
    misses: float = 0.0
    false_positives: float = 0.0

    def __post_init__(self) -> None:
        """Checks them."""
        for name, most in (("jitter_px", np.inf), ("misses", 1.0), ("false_positives", 1.0)):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, Real)
                or not 0 <= float(value) <= most
            ):
                wanted = "a number of at least 0" if most == np.inf else "in [0, 1]"
                raise ValueError(f"{name} must be {wanted}, got {value!r}.")
        if self.jitter_px == np.inf:
            raise ValueError("jitter_px must be finite, got inf.")

    def __call__(
        self,
        boxes: np.ndarray,
        kinds: np.ndarray,
        num_kinds: int,
        area: tuple[float, float, float, float],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Degrades the objects of a step.

        Args:
            boxes: float (n, 4), centres (x, y), width and height, native pixels.
            kinds: int (n,), numbers of their classes.
            num_kinds: Classes that there are.
            area: Left, right, top and bottom of the play area.
            rng: Draws.

        Returns:
            The same of those that are found. Real objects keep their order; spurious ones are
            anywhere among them.
        """
        count = len(boxes)
        spurious, new = boxes[:0], kinds[:0]
        if self.false_positives:
            spurious = boxes[rng.random(count) < self.false_positives]
            left, right, top, bottom = area
            places = rng.uniform((left, top), (right, bottom), (len(spurious), 2))
            spurious = np.concatenate([places, spurious[:, 2:]], 1)
            new = rng.integers(num_kinds, size=len(spurious))
        if self.misses:
            found = rng.random(count) >= self.misses
            boxes, kinds = boxes[found], kinds[found]
        if self.jitter_px:
            moved = boxes[:, :2] + rng.normal(0, self.jitter_px, (len(boxes), 2))
            boxes = np.concatenate([moved, boxes[:, 2:]], 1)
        if not len(spurious):
            return boxes, kinds
        place = np.concatenate([np.arange(len(boxes)), rng.uniform(-1, len(boxes), len(spurious))])
        order = place.argsort()
        return np.concatenate([boxes, spurious])[order], np.concatenate([kinds, new])[order]


class RamObjects(gym.Wrapper):
    """Lists the objects of one env's memory, float32 (M, 6), a row of zeros where there is none.

    A list has the entries of :data:`~objwrappers.perception.scenes.listed.ENTRIES`. Positions are
    those of the last raw frame. What is drawn at random hangs on the seed of the last seeded reset
    alone.

    Args:
        env: Of ``make_atari(..., memory=True)``.
        game: ``"MsPacman"``, one of :data:`~objwrappers.metrics.ram.RAM_GAMES`.
        degradation: What is done to the objects.
        classes: False for objects that are all of one class.
        shuffled: In another order each step. Otherwise the order is memory's, so that it tells
            who is who.
    """

    def __init__(
        self,
        env: gym.Env,
        game: str,
        degradation: Degradation,
        classes: bool = True,
        shuffled: bool = False,
    ) -> None:
        super().__init__(env)
        self._game = check_game(game)
        labels = RAM_CLASSES[self._game]
        self._kinds = {label: number if classes else 0 for number, label in enumerate(labels)}
        self._num_kinds = len(labels) if classes else 1
        self._area = play_area(self._game)
        self._degradation, self._shuffled = degradation, shuffled
        height, width = screen_size(rom_name(self._game))
        self._size = np.array([width, height], np.float32)
        # Each real object brings one spurious one along at most.
        self._room = sum(labels.values()) * (2 if degradation.false_positives else 1)
        shape = self._room, ENTRY_COUNT
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, shape, np.float32)
        self._rng = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets the env; a seed begins what is drawn anew."""
        memory, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._rng = np.random.default_rng([int(seed), STREAM])
        return self._list(memory), info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Steps the env."""
        memory, *rest = self.env.step(action)
        return self._list(memory), *rest  # type: ignore[return-value]

    def _list(self, memory: np.ndarray) -> np.ndarray:
        before, after = memory
        objects = sprites(self._game, after, before)
        boxes = np.array([(s.x, s.y, s.width, s.height) for s in objects]).reshape(-1, 4)
        kinds = np.array([self._kinds[s.label] for s in objects], int)
        boxes, kinds = self._degradation(boxes, kinds, self._num_kinds, self._area, self._rng)
        if self._shuffled:
            order = self._rng.permutation(len(boxes))
            boxes, kinds = boxes[order], kinds[order]
        listed = np.zeros((self._room, ENTRY_COUNT), np.float32)
        count = len(boxes)
        listed[:count, :2] = 2 * boxes[:, :2] / self._size - 1
        listed[:count, 2:4] = boxes[:, 2:] / self._size
        listed[:count, 4], listed[:count, 5] = 1, kinds
        return listed

    @property
    def picture(self) -> np.ndarray | None:
        """The native RGB frame, uint8 (H, W, 3), if it is kept."""
        return pictures_of(self.env)
