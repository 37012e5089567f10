"""Pixels → objects: connected, told apart by colour and by size.

Two sprites that touch are one connected component. They are two objects where each has a colour
of its own, or where a component is about twice as large as objects of its colour are alone.
Colours and sizes are learned (:mod:`objwrappers.datasets.motion_scenery`).

* :class:`Blobs`: boxes in pixels
* :func:`find_blobs`: pixels → blobs
* :func:`connected`: the components of some pixels
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from objwrappers.perception.scenes.subtraction import ACCESSORY, Pixels, Scenery

__all__ = ["Blobs", "connected", "find_blobs"]

APART = 2  # pixels around a frame, so that nothing grows into the next one or past the border
CLOSING = np.ones((3, 3), np.uint8)
LEAST_AREA = 3  # pixels of an object
LEAST_PART = 0.3  # of the usual area of a colour's objects: a smaller rest of one is not boxed
ALONE = 0.4  # of that, where nothing hides it: it may be clipped by the border
DOUBLE = 1.5  # of the usual width or height, and area: from here on it is more than one object
SPLIT_FROM = 20  # pixels: smaller objects smear over their own size where they move


@dataclass(frozen=True)
class Blobs:
    """K objects of a batch, by frame.

    Attributes:
        frame: int64 (K,), rising.
        boxes: int64 (K, 4): left, top, width, height, pixels.
        group: int64 (K,), of the colour that most of it has, :data:`ACCESSORY` if none.
        owner: int64 (n,), which blob a pixel belongs to; -1 for none. A pixel of a blob that
            was split by size belongs to the first of its parts.
        like: int64 (K,), itself, or the first part of which it is the second.
    """

    frame: np.ndarray
    boxes: np.ndarray
    group: np.ndarray
    owner: np.ndarray
    like: np.ndarray


def connected(
    layer: np.ndarray, y: np.ndarray, x: np.ndarray, layers: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds connected components (8-neighbours, gaps of up to two pixels closed) in each layer.

    Args:
        layer: int64 (n,), the layer of each pixel; pixels of two layers never touch.
        y: int64 (n,).
        x: int64 (n,).
        layers: How many.
        size: Height and width of a layer.

    Returns:
        The component of each pixel, int64 (n,); of each component its layer, int64 (K,), and
        left, top, width, height, int64 (K, 4).
    """
    height, width = (side + 2 * APART for side in size)
    # One tall picture, one layer below the other: a single call however many there are.
    tall = np.zeros((layers * height, width), np.uint8)
    row, column = layer * height + y + APART, x + APART
    tall[row, column] = 1
    closed = cv2.morphologyEx(tall, cv2.MORPH_CLOSE, CLOSING)
    count, labels = cv2.connectedComponents(closed, connectivity=8, ltype=cv2.CV_32S)
    owner = labels[row, column].astype(np.int64) - 1
    # OpenCV's own statistics look at every pixel of the picture; these are far fewer.
    of_layer = np.zeros(count - 1, np.int64)
    of_layer[owner] = layer
    corners = [_extremes(owner, values, count - 1) for values in (x, y)]
    (left, right), (top, bottom) = corners
    return owner, of_layer, np.stack([left, top, right - left + 1, bottom - top + 1], 1)


def _extremes(owner: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each owner, int64 (count,) each."""
    values = values.astype(np.int64)
    # NumPy is fast here where all are of one type and lie side by side.
    least, greatest = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
    np.minimum.at(least, owner, values)
    np.maximum.at(greatest, owner, values)
    return least, greatest


def find_blobs(scenery: Scenery, pixels: Pixels, batch: int) -> Blobs:
    """Finds the objects among the foreground's pixels of ``batch`` frames."""
    size = scenery.background.shape[0], scenery.background.shape[1]
    owner, frame, boxes = connected(pixels.frame, pixels.y, pixels.x, batch, size)
    areas = _areas(owner, pixels.group, len(boxes))
    least = _least_areas(scenery, areas.shape[1])
    own = areas >= least
    own[:, ACCESSORY] = False
    mixed = own.sum(1) > 1
    if mixed.any():
        owner, frame, boxes = _by_colour(pixels, owner, frame, boxes, own, mixed, size)
        areas = _areas(owner, pixels.group, len(boxes))
    main = areas.copy()
    main[:, ACCESSORY] = 0
    group = np.where(main.any(1), main.argmax(1), ACCESSORY)
    part = np.arange(len(group)) >= (~mixed).sum()
    keep = areas.sum(1) >= np.where(part, 1, ALONE) * least[group]
    blobs = _by_size(
        scenery, _chosen(Blobs(frame, boxes, group, owner, np.arange(len(frame))), keep), pixels
    )
    return _reordered(blobs, np.argsort(blobs.frame, kind="stable"))


def _least_areas(scenery: Scenery, groups: int) -> np.ndarray:
    """Pixels that an object of each group has at least, (groups,)."""
    least = np.full(groups, float(LEAST_AREA))
    area, alike = scenery.sizes[: groups - 1, 2:].T
    least[1:] = np.maximum(LEAST_AREA, LEAST_PART * area * alike)
    return least


def _areas(owner: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Pixels of each group in each component, (count, groups)."""
    groups = int(group.max(initial=0)) + 1
    there = owner >= 0
    numbers = owner[there] * groups + group[there]
    return np.bincount(numbers, minlength=count * groups).reshape(count, groups)


def _by_colour(
    pixels: Pixels,
    owner: np.ndarray,
    frame: np.ndarray,
    boxes: np.ndarray,
    own: np.ndarray,
    mixed: np.ndarray,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replaces components of several main colours by those of each colour.

    Pixels of other colours in such a component belong to none of them.
    """
    inside = np.flatnonzero(mixed[owner] & own[owner, pixels.group])
    pair, layer = np.unique(
        owner[inside] * own.shape[1] + pixels.group[inside], return_inverse=True
    )
    part, of_layer, part_boxes = connected(
        layer, pixels.y[inside], pixels.x[inside], len(pair), size
    )
    kept = np.cumsum(~mixed) - 1
    renumbered = np.where(mixed[owner], -1, kept[owner])
    renumbered[inside] = part + (~mixed).sum()
    part_frame = frame[pair[of_layer] // own.shape[1]]
    return (
        renumbered,
        np.concatenate([frame[~mixed], part_frame]),
        np.concatenate([boxes[~mixed], part_boxes]),
    )


def _by_size(scenery: Scenery, blobs: Blobs, pixels: Pixels) -> Blobs:
    """Splits what is twice as large as objects of its colour into two of their size.

    Two boxes of a known size that together just fill a larger one stand in opposite corners of
    it; which corners, the pixels tell.
    """
    if len(blobs.boxes) == 0:
        return blobs
    width, height, area, alike = scenery.sizes[np.maximum(blobs.group, 1) - 1].T
    pixel_count = np.bincount(blobs.owner[blobs.owner >= 0], minlength=len(blobs.boxes))
    left, top, w, h = blobs.boxes.T
    double = (
        (blobs.group != ACCESSORY)
        & (alike > 0)
        & (area >= SPLIT_FROM)
        & (pixel_count >= DOUBLE * area)
        & ((w >= DOUBLE * width) | (h >= DOUBLE * height))
        & (w <= 2.5 * width)
        & (h <= 2.5 * height)
    )
    if not double.any():
        return blobs
    chosen = np.flatnonzero(double)
    one_w = np.minimum(np.rint(width[chosen]).astype(np.int64), w[chosen])
    one_h = np.minimum(np.rint(height[chosen]).astype(np.int64), h[chosen])
    near_x, near_y = left[chosen], top[chosen]
    far_x, far_y = near_x + w[chosen] - one_w, near_y + h[chosen] - one_h
    # Does the falling or the rising diagonal hold more of the pixels?
    of_chosen = np.full(len(blobs.boxes) + 1, -1)
    of_chosen[chosen] = np.arange(len(chosen))
    mine = of_chosen[blobs.owner]
    inside = mine >= 0
    mine, y, x = mine[inside], pixels.y[inside], pixels.x[inside]
    right_half = 2 * (x - near_x[mine]) + 1 >= w[chosen][mine]
    lower_half = 2 * (y - near_y[mine]) + 1 >= h[chosen][mine]
    falling = np.bincount(mine, np.where(right_half == lower_half, 1, -1), len(chosen)) >= 0
    first = np.stack([near_x, np.where(falling, near_y, far_y), one_w, one_h], 1)
    second = np.stack([far_x, np.where(falling, far_y, near_y), one_w, one_h], 1)
    boxes = blobs.boxes.copy()
    boxes[chosen] = first
    return Blobs(
        np.concatenate([blobs.frame, blobs.frame[chosen]]),
        np.concatenate([boxes, second]),
        np.concatenate([blobs.group, blobs.group[chosen]]),
        blobs.owner,
        np.concatenate([blobs.like, chosen]),
    )


def _chosen(blobs: Blobs, keep: np.ndarray) -> Blobs:
    number = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)
    frame, boxes, group = blobs.frame[keep], blobs.boxes[keep], blobs.group[keep]
    return Blobs(frame, boxes, group, number[blobs.owner], np.arange(len(frame)))


def _reordered(blobs: Blobs, order: np.ndarray) -> Blobs:
    number = np.full(len(order) + 1, -1)
    number[order] = np.arange(len(order))
    frame, boxes, group = blobs.frame[order], blobs.boxes[order], blobs.group[order]
    return Blobs(frame, boxes, group, number[blobs.owner], number[blobs.like[order]])
