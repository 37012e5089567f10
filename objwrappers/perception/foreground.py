"""Objects before a known background: differing pixels, connected, boxed.

* :class:`Scenery`: what a game looks like without objects
* :func:`find_objects`: native frames → boxes
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["FoundObjects", "Scenery", "find_objects"]

THRESHOLD = 25  # grey levels of 255
LEAST_AREA = 3  # pixels
APART = 2  # pixels around a frame, so that nothing grows into the next one or past the border


@dataclass(frozen=True)
class Scenery:
    """What a game looks like without objects, in native pixels.

    Attributes:
        background: uint8 (H, W, 3).
        travels: bool (H, W), False where what changes does not travel.
        ground: uint8 (K, 3), colours of large parts of the background: they show where scenery is
            gone, an eaten pill, say.
    """

    background: np.ndarray
    travels: np.ndarray
    ground: np.ndarray


@dataclass(frozen=True)
class FoundObjects:
    """What is found in B frames.

    Attributes:
        boxes: float32 (B, M, 4), centre in [-1, 1], ±1 the frame's border, and shares of the
            frame's width and height; the first ``counts`` of M, the others zero.
        counts: int64 (B,).
        masks: bool (B, H, W), True where an object is.
    """

    boxes: np.ndarray
    counts: np.ndarray
    masks: np.ndarray


def find_objects(scenery: Scenery, frames: np.ndarray) -> FoundObjects:
    """Finds what differs from the background, uint8 (B, H, W, 3)."""
    batch, height, width = frames.shape[:3]
    change = cv2.absdiff(
        frames.reshape(-1, width, 3), np.tile(scenery.background, (batch, 1, 1))
    ).reshape(frames.shape)
    masks = (change.max(-1) > THRESHOLD) & scenery.travels
    for colour in scenery.ground:
        masks &= (frames != colour).any(-1)
    # One tall picture: frames one below the other.
    apart = np.zeros((batch, height + 2 * APART, width + 2 * APART), np.uint8)
    apart[:, APART:-APART, APART:-APART] = masks
    tall = cv2.morphologyEx(
        apart.reshape(-1, apart.shape[2]), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(tall, connectivity=8, ltype=cv2.CV_32S)
    stats = stats[1:]
    stats = stats[stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA]
    frame, top = np.divmod(stats[:, cv2.CC_STAT_TOP], apart.shape[1])
    left, top, w, h = stats[:, 0] - APART, top - APART, stats[:, 2], stats[:, 3]
    boxes = np.stack(
        [(2 * left + w) / width - 1, (2 * top + h) / height - 1, w / width, h / height], 1
    )
    return FoundObjects(*_by_frame(boxes.astype(np.float32), frame, batch), masks)


def _by_frame(rows: np.ndarray, frame: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (K, D) of frames in any order → (batch, M, D), padded with zeros, and their counts."""
    order = np.argsort(frame, kind="stable")
    rows, frame = rows[order], frame[order]
    counts = np.bincount(frame, minlength=batch)
    position = np.arange(len(rows)) - (np.cumsum(counts) - counts)[frame]
    padded = np.zeros((batch, counts.max(initial=0), rows.shape[1]), rows.dtype)
    padded[frame, position] = rows
    return padded, counts
