"""Where objects travel, and where what changes stays in its place: scores, timers, lives.

The idea of :func:`objwrappers.datasets.motion.travel_mask`, for whole objects: a digit becomes
another one of its size at the same place, a sprite moves on.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from objwrappers.perception.scenes.blobs import Blobs, find_blobs
from objwrappers.perception.scenes.subtraction import Pixels, Scenery, foreground_pixels

__all__ = ["travelled_places"]

MOVED = 1  # pixel between two frames
REACH = 16  # pixels: farther is another object
SIZE_TOLERANCE = 2  # pixels
SELDOM = 0.01  # share of the frames that have an object there: below, nothing is judged
LEAST_MOVED = 0.05  # share of the objects there
AROUND = 5  # pixels, over which shares are averaged
CALM = 0.02  # pixels of moving objects that a row of the frame has on average: below, none pass
GAP = 5  # rows, over which lines of a display are closed


def travelled_places(scenery: Scenery, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Finds where objects move from one frame to a later one.

    Args:
        scenery: Of the game; where things travel need not be known yet.
        before: uint8 (P, H, W, 3).
        after: uint8 (P, H, W, 3), a few steps later.

    Returns:
        uint8 (H, W), 0 where objects are often but hardly ever move, else 1. Rows of the frame
        that have such places, and beside them nothing that moves, are 0 from side to side: where
        one digit of a score has changed, others will.
    """
    # What is small, too, must be seen to stay.
    scenery = replace(scenery, sizes=np.zeros_like(scenery.sizes))
    pixels = foreground_pixels(scenery, after)
    later = find_blobs(scenery, pixels, len(after))
    earlier = find_blobs(scenery, foreground_pixels(scenery, before), len(before))
    distance = _way(later, earlier)
    known = np.isfinite(distance)
    height, width = scenery.background.shape[:2]
    seen = _places(pixels, later, known, height, width)
    moved = _places(pixels, later, known & (distance >= MOVED), height, width)
    stays = (seen > SELDOM * len(after)) & (moved < LEAST_MOVED * seen)
    stays |= _display(stays, moved / len(after))[:, None]
    return (~stays).astype(np.uint8)


def _display(stays: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Rows of the frame where things stay, and beside which nothing moves, bool (H,)."""
    calm = (moved * ~stays).sum(1) < CALM
    lines = (stays.any(1) & calm).astype(np.uint8)[:, None]
    return cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((GAP, 1), np.uint8))[:, 0] > 0


def _way(later: Blobs, earlier: Blobs) -> np.ndarray:
    """How far each object was a few steps ago, pixels; infinite where none of its looks is near."""
    way = np.full(len(later.frame), np.inf)
    first = np.searchsorted(earlier.frame, later.frame, "left")
    last = np.searchsorted(earlier.frame, later.frame, "right")
    for k in range(int((last - first).max(initial=0))):  # the k-th object of a frame, not frames
        mine = np.flatnonzero(first + k < last)
        other = first[mine] + k
        size = np.abs(later.boxes[mine, 2:] - earlier.boxes[other, 2:]).max(1)
        same = (later.group[mine] == earlier.group[other]) & (size <= SIZE_TOLERANCE)
        centres = (
            blobs.boxes[chosen, :2] + blobs.boxes[chosen, 2:] / 2
            for blobs, chosen in ((later, mine), (earlier, other))
        )
        apart = np.abs(next(centres) - next(centres)).max(1)
        apart = np.where(same & (apart <= REACH), apart, np.inf)
        way[mine] = np.minimum(way[mine], apart)
    return way


def _places(
    pixels: Pixels, blobs: Blobs, chosen: np.ndarray, height: int, width: int
) -> np.ndarray:
    """How often a pixel belongs to one of the chosen objects, averaged around it, (H, W)."""
    there = blobs.owner >= 0
    there[there] = chosen[blobs.owner[there]]
    flat = pixels.y[there] * width + pixels.x[there]
    counts = np.bincount(flat, minlength=height * width).reshape(height, width)
    return cv2.blur(counts.astype(np.float32), (AROUND, AROUND))
