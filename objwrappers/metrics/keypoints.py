"""Keypoints against objects: how many are found, how many keypoints are on one.

* :class:`KeypointScore`: counts that add up, recall and precision
* :func:`score`: one frame
* :class:`Tracking`, :func:`follow`: from one step to the next, do keypoints stay on their object?
* :func:`on_border`, :func:`on_bars`: keypoints parked at the frame's edge, lured by distractors
* :func:`grid_keypoints`, :func:`uniform_keypoints`, :func:`difference_peaks`: what any model must
  beat
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from objwrappers.geometry import to_pixels
from objwrappers.metrics.ram import Sprite

__all__ = [
    "KeypointScore",
    "Tracking",
    "difference_peaks",
    "follow",
    "grid_keypoints",
    "on_bars",
    "on_border",
    "score",
    "to_pixels",
    "uniform_keypoints",
]

RADIUS = 10.0
BOX_MARGIN = 3.0
BORDER = 5.0
PEAK_WINDOW = 9.0


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
        distance: Sum over the found sprites of the distance from their centre to the nearest
            keypoint, native pixels.
    """

    sprites: int = 0
    found: int = 0
    judged: int = 0
    on_sprite: int = 0
    keypoints: int = 0
    frames: int = 0
    distance: float = 0.0

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

    @property
    def centre_error(self) -> float:
        """Mean distance from a found sprite's centre to its nearest keypoint; NaN if none is found.

        Native pixels. Recall within the radius does not see the difference between 1 and 9.
        """
        return self.distance / self.found if self.found else float("nan")


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
    distances = np.hypot(*np.moveaxis(offsets, -1, 0))
    near = distances <= radius
    on = near | (offsets <= boxes[None, :, 2:] / 2 + margin).all(-1)
    on_scored = on[:, scored].any(1)
    on_ignored = on[:, ~scored].any(1) & ~on_scored
    found = near.any(0) & scored
    return KeypointScore(
        sprites=int(scored.sum()),
        found=int(found.sum()),
        judged=int((~on_ignored).sum()),
        on_sprite=int(on_scored.sum()),
        keypoints=len(keypoints),
        frames=1,
        distance=float(distances[:, found].min(0).sum()) if found.any() else 0.0,
    )


@dataclass(frozen=True)
class Tracking:
    """Counts over pairs of successive steps; add to pool them.

    Attributes:
        started: Keypoints on a scored object that is there at the next step too.
        stayed: Those that are on the same object then.
        wobble: Sum over those of how far the keypoint moved on its object, native pixels.
    """

    started: int = 0
    stayed: int = 0
    wobble: float = 0.0

    def __add__(self, other: Tracking) -> Tracking:
        """Pools the counts of two sets of pairs."""
        return Tracking(
            self.started + other.started, self.stayed + other.stayed, self.wobble + other.wobble
        )

    @property
    def consistency(self) -> float:
        """Share of keypoints that stay on their object for a step; NaN without keypoints on one.

        At a constant rate, a keypoint stays for 1 / (1 - share) steps.
        """
        return self.stayed / self.started if self.started else float("nan")

    @property
    def jitter(self) -> float:
        """Mean native pixels that a keypoint moves on its object in a step; NaN if none stays."""
        return self.wobble / self.stayed if self.stayed else float("nan")


def follow(
    keypoints: np.ndarray,
    objects: Sequence[Sprite],
    keypoints_after: np.ndarray,
    objects_after: Sequence[Sprite],
    radius: float = RADIUS,
) -> Tracking:
    """Follows the keypoints of one frame to the next.

    A keypoint belongs to the nearest scored object within ``radius``.

    Args:
        keypoints: (K, 2) native pixels; NaN where a keypoint is not present.
        objects: From :func:`objwrappers.metrics.ram.sprites`.
        keypoints_after: (K, 2), the same keypoints a step later.
        objects_after: The objects then.
        radius: Native pixels.
    """
    before = {(s.name, s.number): s for s in objects if s.scored}
    after = {(s.name, s.number): s for s in objects_after if s.scored}
    tracking = Tracking()
    for here, there in zip(keypoints, keypoints_after, strict=True):
        key = _nearest(here, before, radius)
        if key is None or key not in after:
            continue
        stayed = key == _nearest(there, after, radius)
        wobble = 0.0
        if stayed:
            offset = here - (before[key].x, before[key].y)
            wobble = float(np.linalg.norm(there - (after[key].x, after[key].y) - offset))
        tracking += Tracking(1, int(stayed), wobble)
    return tracking


def _nearest(
    keypoint: np.ndarray, objects: dict[tuple[str, int], Sprite], radius: float
) -> tuple[str, int] | None:
    distances = {key: np.hypot(keypoint[0] - s.x, keypoint[1] - s.y) for key, s in objects.items()}
    near = {key: distance for key, distance in distances.items() if distance <= radius}
    return min(near, key=near.__getitem__, default=None)


def on_border(keypoints: np.ndarray, height: int = 210, width: int = 160) -> np.ndarray:
    """Tells which keypoints (K, 2) lie within 5 native pixels of the frame's edge, bool (K,)."""
    x, y = np.asarray(keypoints, float).reshape(-1, 2).T
    return (np.minimum(x, width - x) <= BORDER) | (np.minimum(y, height - y) <= BORDER)


def on_bars(keypoints: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Tells which keypoints lie on a distractor bar.

    Args:
        keypoints: (K, 2) native pixels.
        columns: bool (W,), those that a vertical bar covers.
        rows: bool (H,), those that a horizontal bar covers.

    Returns:
        bool (K,).
    """
    x, y = np.asarray(keypoints, float).reshape(-1, 2).astype(int).T
    return columns[x.clip(0, len(columns) - 1)] | rows[y.clip(0, len(rows) - 1)]


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


def difference_peaks(
    frame: np.ndarray, before: np.ndarray, count: int, window: float = PEAK_WINDOW
) -> np.ndarray:
    """Returns (count, 2) pixels where a frame differs most from the one before, strongest first.

    The difference is averaged over a window; a peak is the middle of a plateau, and hides what is
    nearer than a window's side. Peaks without any difference are NaN.

    Args:
        frame: uint8 (H, W, 3).
        before: uint8 (H, W, 3).
        count: Peaks.
        window: Side of the window, native pixels.
    """
    differs = np.abs(frame.astype(np.int16) - before).max(-1).astype(np.float32)
    side = round(window) | 1
    strength = cv2.blur(differs, (side, side), borderType=cv2.BORDER_CONSTANT)
    peaks = np.full((count, 2), np.nan)
    for k in range(count):
        y, x = np.unravel_index(strength.argmax(), strength.shape)
        if strength[y, x] <= 0:
            break
        top, left = max(0, y - side), max(0, x - side)
        around = strength[top : y + side + 1, left : x + side + 1]
        ys, xs = np.nonzero(around >= 0.999 * strength[y, x])
        peaks[k] = left + xs.mean() + 0.5, top + ys.mean() + 0.5
        y, x = round(top + ys.mean()), round(left + xs.mean())
        strength[max(0, y - side) : y + side + 1, max(0, x - side) : x + side + 1] = 0
    return peaks
