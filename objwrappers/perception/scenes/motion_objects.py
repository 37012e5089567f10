"""Objects of native frames without a network: what stands out, told apart, boxed and described.

* :class:`FoundObjects`: of B frames
* :func:`find_objects`: native frames → objects
* :func:`joined`: those of several batches as one
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from objwrappers.perception.scenes.blobs import Blobs, find_blobs
from objwrappers.perception.scenes.subtraction import ACCESSORY, Pixels, Scenery, foreground_pixels

__all__ = ["DESCRIPTOR", "FoundObjects", "find_objects", "joined"]

DESCRIPTOR = (
    *("red", "green", "blue"),
    *("log width", "log height", "fill"),
    *("upper left", "upper right", "lower left", "lower right"),
)
"""What describes an object: its colour in [0, 1]; size in pixels; share of the box that is its;
shares of its pixels in the quarters of the box."""


@dataclass(frozen=True)
class FoundObjects:
    """What is found in B frames, up to M objects each.

    Attributes:
        boxes: float32 (B, M, 4), centre in [-1, 1], ±1 the frame's border, and shares of the
            frame's width and height; the first ``counts`` of M, the others zero.
        counts: int64 (B,).
        looks: float32 (B, M, 10), :data:`DESCRIPTOR`.
        masks: bool (B, H, W), True where an object is.
    """

    boxes: np.ndarray
    counts: np.ndarray
    looks: np.ndarray
    masks: np.ndarray


def find_objects(scenery: Scenery, frames: np.ndarray) -> FoundObjects:
    """Finds the objects of frames; what is found in one does not hang on the others.

    Args:
        scenery: Of the game.
        frames: uint8 (B, H, W, 3), native.

    Raises:
        ValueError: Frames of another size or dtype than the scenery.
    """
    if not len(frames):
        none = np.zeros((0, 0, 4 + len(DESCRIPTOR)), np.float32)
        masks = np.zeros(frames.shape[:3], bool)
        return FoundObjects(none[..., :4], np.zeros(0, np.int64), none[..., 4:], masks)
    pixels = foreground_pixels(scenery, frames)
    blobs = find_blobs(scenery, pixels, len(frames))
    height, width = frames.shape[1:3]
    left, top, w, h = blobs.boxes.T
    boxes = np.stack(
        [(2 * left + w) / width - 1, (2 * top + h) / height - 1, w / width, h / height], 1
    )
    rows = np.concatenate([boxes, _looks(scenery, blobs, pixels)], 1).astype(np.float32)
    padded, counts = _by_frame(rows, blobs.frame, len(frames))
    masks = np.zeros(frames.shape[:3], bool)
    there = blobs.owner >= 0
    masks[pixels.frame[there], pixels.y[there], pixels.x[there]] = True
    return FoundObjects(padded[..., :4], counts, padded[..., 4:], masks)


def joined(parts: Sequence[FoundObjects]) -> FoundObjects:
    """Returns what was found in several batches as that of one."""
    most = max(part.boxes.shape[1] for part in parts)

    def padded(arrays: Iterable[np.ndarray]) -> np.ndarray:
        wide = [np.pad(a, ((0, 0), (0, most - a.shape[1]), (0, 0))) for a in arrays]
        return np.concatenate(wide)

    return FoundObjects(
        padded(part.boxes for part in parts),
        np.concatenate([part.counts for part in parts]),
        padded(part.looks for part in parts),
        np.concatenate([part.masks for part in parts]),
    )


def _looks(scenery: Scenery, blobs: Blobs, pixels: Pixels) -> np.ndarray:
    """Describes each object by its pixels, (K, 10); halves of a split object look alike."""
    count = len(blobs.boxes)
    there = blobs.owner >= 0
    owner, rgb, y, x = (v[there] for v in (blobs.owner, pixels.rgb, pixels.y, pixels.x))
    areas = np.bincount(owner, minlength=count)
    left, top, w, h = blobs.boxes.T
    right = 2 * (x - left[owner]) + 1 >= w[owner]
    lower = 2 * (y - top[owner]) + 1 >= h[owner]
    quarter = np.bincount(4 * owner + 2 * lower + right, minlength=4 * count).reshape(count, 4)
    own = np.maximum(areas, 1)[:, None]
    mean = np.stack([np.bincount(owner, channel, count) for channel in rgb.T], 1) / own
    # The mean would tell how much of it max-pooling has blended, too.
    known = (blobs.group != ACCESSORY)[:, None]
    colour = np.where(known, scenery.palette[blobs.group], mean) / 255
    fill = np.minimum(areas / np.maximum(w * h, 1), 1)
    looks = np.column_stack([colour, np.log(w), np.log(h), fill, quarter / own])
    return looks[blobs.like]


def _by_frame(rows: np.ndarray, frame: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (K, D) of rising frames → (batch, M, D), padded with zeros, and their counts."""
    counts = np.bincount(frame, minlength=batch)
    position = np.arange(len(rows)) - (np.cumsum(counts) - counts)[frame]
    padded = np.zeros((batch, counts.max(initial=0), rows.shape[1]), rows.dtype)
    padded[frame, position] = rows
    return padded, counts
