"""Keypoints against objects: how many are found, how many keypoints are on one.

* :func:`to_pixels`: model coordinates → native pixels
* :class:`KeypointScore`: counts that add up, recall and precision
* :func:`score`: one frame
* :func:`grid_keypoints`, :func:`uniform_keypoints`: what any model must beat
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objwrappers.metrics.ram import Sprite

__all__ = ["KeypointScore", "grid_keypoints", "score", "to_pixels", "uniform_keypoints"]

MAP_SIZE = 42
RADIUS = 10.0
BOX_MARGIN = 3.0


def to_pixels(
    keypoints: np.ndarray, height: int = 210, width: int = 160, map_size: int = MAP_SIZE
) -> np.ndarray:
    """Converts (x, y) in [-1, 1] to pixels.

    ±1 are the centres of a map's outermost cells; each cell covers width/map_size pixels.

    Args:
        keypoints: (..., 2).
        height: Of the frame, pixels.
        width: Of the frame, pixels.
        map_size: Cells of the map in each direction.

    Returns:
        float (..., 2), (x, y) from the top left corner.
    """
    cells = (np.asarray(keypoints, float) + 1) / 2 * (map_size - 1) + 0.5
    return cells * (np.array([width, height]) / map_size)


@dataclass(frozen=True)
class KeypointScore:
    """Counts over frames; add scores to pool them.

    Attributes:
        sprites: Scored sprites.
        found: Those with a keypoint within the radius of their centre.
        judged: Keypoints that are not on a don't-care object only.
        on_sprite: Those on a scored sprite.
        keypoints: All keypoints counted, judged or not.
        frames: Frames counted.
    """

    sprites: int = 0
    found: int = 0
    judged: int = 0
    on_sprite: int = 0
    keypoints: int = 0
    frames: int = 0

    def __add__(self, other: KeypointScore) -> KeypointScore:
        """Pools the counts of two sets of frames."""
        return KeypointScore(
            *(getattr(self, field) + getattr(other, field) for field in self.__match_args__)
        )

    @property
    def recall(self) -> float:
        """Share of scored sprites with a keypoint; NaN without sprites."""
        return self.found / self.sprites if self.sprites else float("nan")

    @property
    def precision(self) -> float:
        """Share of judged keypoints on a sprite; NaN without keypoints."""
        return self.on_sprite / self.judged if self.judged else float("nan")


def score(
    keypoints: np.ndarray,
    objects: Sequence[Sprite],
    radius: float = RADIUS,
    margin: float = BOX_MARGIN,
) -> KeypointScore:
    """Scores the keypoints of one frame.

    A keypoint is on an object if it is within ``radius`` of the centre or inside the box
    enlarged by ``margin``.

    Args:
        keypoints: (K, 2), (x, y) in native pixels, only those that count as present.
        objects: From :func:`objwrappers.metrics.ram.sprites`.
        radius: Native pixels.
        margin: Native pixels.
    """
    keypoints = np.asarray(keypoints, float).reshape(-1, 2)
    scored = np.array([sprite.scored for sprite in objects], bool)
    boxes = np.array([(s.x, s.y, s.width, s.height) for s in objects]).reshape(-1, 4)
    offsets = np.abs(keypoints[:, None] - boxes[None, :, :2])
    near = np.hypot(*np.moveaxis(offsets, -1, 0)) <= radius
    on = near | (offsets <= boxes[None, :, 2:] / 2 + margin).all(-1)
    on_scored = on[:, scored].any(1)
    on_ignored = on[:, ~scored].any(1) & ~on_scored
    return KeypointScore(
        sprites=int(scored.sum()),
        found=int(near[:, scored].any(0).sum()),
        judged=int((~on_ignored).sum()),
        on_sprite=int(on_scored.sum()),
        keypoints=len(keypoints),
        frames=1,
    )


def grid_keypoints(count: int, height: int = 210, width: int = 160) -> np.ndarray:
    """Returns (count, 2) pixels on a regular grid, as square as the count allows.

    Raises:
        ValueError: A count below 1.
    """
    if count < 1:
        raise ValueError(f"A grid needs at least 1 keypoint, got {count}.")
    columns = int(np.ceil(np.sqrt(count * width / height)))
    rows = int(np.ceil(count / columns))
    y, x = np.mgrid[:rows, :columns]
    points = np.stack([(x + 0.5) * width / columns, (y + 0.5) * height / rows], axis=-1)
    return points.reshape(-1, 2)[:count]


def uniform_keypoints(
    rng: np.random.Generator, count: int, height: int = 210, width: int = 160
) -> np.ndarray:
    """Returns (count, 2) pixels drawn uniformly over the frame."""
    return rng.uniform((0, 0), (width, height), (count, 2))
