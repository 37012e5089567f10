"""Boxes that any detector must beat.

* :func:`grid_boxes`: always in the same places
* :func:`difference_boxes`: what differs from the frame before
"""

from __future__ import annotations

import cv2
import numpy as np

from objwrappers.metrics.keypoints import grid_keypoints

__all__ = ["difference_boxes", "grid_boxes"]

LEAST_PIXELS = 2


def grid_boxes(
    count: int, size: tuple[float, float], height: int = 210, width: int = 160
) -> np.ndarray:
    """Returns boxes (count, 4) on a regular grid, (cx, cy, w, h) in pixels.

    Args:
        count: Boxes.
        size: Width and height of each, pixels.
        height: Of the frame.
        width: Of the frame.

    Raises:
        ValueError: A count below 1.
    """
    points = grid_keypoints(count, height, width)
    return np.concatenate([points, np.broadcast_to(np.array(size, float), points.shape)], axis=1)


def difference_boxes(frame: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns boxes (n, 4) of what differs from the frame before, and their confidence (n,).

    Components of the pixels that differ, gaps of a pixel closed; the larger the surer.

    Args:
        frame: uint8 (H, W, 3).
        before: uint8 (H, W, 3).
    """
    differs = (frame != before).any(-1).astype(np.uint8)
    closed = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    left, top, width, height, area = stats[1:].astype(float).T  # the first is the ground
    boxes = np.stack([left + width / 2, top + height / 2, width, height], axis=-1)
    kept = area >= LEAST_PIXELS
    return boxes[kept], area[kept] / area[kept].max(initial=1)
