"""What stands out from a known background, pixel by pixel.

* :class:`Scenery`: what a game looks like without objects, and which colours objects have
* :func:`colour_codes`: RGB → one of 32,768 numbers
* :class:`Pixels`, :func:`foreground_pixels`: the pixels that are no scenery
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = [
    "ACCESSORY",
    "GROUND",
    "NUM_CODES",
    "SCENE_CUT",
    "THRESHOLD",
    "Pixels",
    "Scenery",
    "colour_codes",
    "foreground_pixels",
]

THRESHOLD = 25  # grey levels of 255
SCENE_CUT = 0.3  # share of the frame: if more changes, it is another scene, and nothing moves
NUM_CODES = 32**3
ACCESSORY, GROUND = 0, 255  # in a table of colours; between them are main colours


@dataclass(frozen=True)
class Scenery:
    """What a game looks like without objects, in native pixels, and which colours objects have.

    Attributes:
        background: uint8 (H, W, 3).
        travels: uint8 (H, W), 0 where what changes does not travel, else 1.
        colours: uint8 (32768,), for each of :func:`colour_codes` its group: 1, 2, ... for
            colours that objects have alone, :data:`ACCESSORY` for those seen beside others only
            (eyes) or never, :data:`GROUND` for colours of large parts of the background, which
            show where scenery is gone (an eaten pill).
        sizes: float32 (254, 4), for each group the width, height and area that its objects have
            while alone, pixels, and 1 where they all have the same, else 0.
        palette: uint8 (255, 3), the colour of each number in ``colours`` below :data:`GROUND`.
        stands_for: uint8 (256, 2), of each number in ``colours`` the groups that it stands for:
            the colours of two sprites, max-pooled, show that both are there.
    """

    background: np.ndarray
    travels: np.ndarray
    colours: np.ndarray
    sizes: np.ndarray
    palette: np.ndarray
    stands_for: np.ndarray


@dataclass(frozen=True)
class Pixels:
    """The n pixels of a batch that are no scenery; one that shows two sprites is there twice.

    Attributes:
        frame: int32 (n,), which frame.
        y: int32 (n,).
        x: int32 (n,).
        rgb: uint8 (n, 3).
        group: uint8 (n,), of its colour, see :attr:`Scenery.colours`.
    """

    frame: np.ndarray
    y: np.ndarray
    x: np.ndarray
    rgb: np.ndarray
    group: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> Pixels:
        """Some of the pixels."""
        return Pixels(*(getattr(self, key)[chosen] for key in ("frame", "y", "x", "rgb", "group")))


def colour_codes(rgb: np.ndarray) -> np.ndarray:
    """Numbers colours by five bits a channel, uint8 (..., 3) → int32 (...) below 32,768."""
    red, green, blue = (rgb[..., channel].astype(np.int32) >> 3 for channel in range(3))
    return red << 10 | green << 5 | blue


def foreground_pixels(scenery: Scenery, frames: np.ndarray) -> Pixels:
    """Finds the pixels that differ from the background, where things travel, but from the ground.

    Args:
        scenery: Of the frames' size.
        frames: uint8 (B, H, W, 3).

    Raises:
        ValueError: Frames of another size or dtype than the scenery.
    """
    if frames.dtype != np.uint8 or frames.shape[1:] != scenery.background.shape:
        raise ValueError(
            f"The background was learned from uint8 frames of shape {scenery.background.shape}, "
            f"got {frames.dtype} of shape {frames.shape[1:]}; give native frames of the same game, "
            "or train on frames of this size."
        )
    height, width = frames.shape[1:3]
    tall = np.ascontiguousarray(frames).reshape(-1, width, 3)
    still = np.broadcast_to(scenery.background, frames.shape).reshape(tall.shape)
    change = cv2.absdiff(tall, still)
    same = cv2.inRange(change, (0, 0, 0), (THRESHOLD,) * 3)
    moves = cv2.bitwise_not(same).reshape(frames.shape[:3]) & (255 * scenery.travels)
    found = cv2.findNonZero(moves.reshape(-1, width))
    x, row = np.zeros((2, 0), np.int32) if found is None else found.reshape(-1, 2).T.copy()
    frame, y = np.divmod(row, np.int32(height))
    rgb = tall.reshape(-1, 3).take(row.astype(np.int64) * width + x, 0)
    group = scenery.colours[colour_codes(rgb)]
    # Where much of the frame changes it is another scene, and nothing is known of it.
    same_scene = np.bincount(frame, minlength=len(frames)) < SCENE_CUT * height * width
    kept = (group != GROUND) & same_scene[frame]
    frame, y, x, rgb, group = frame[kept], y[kept], x[kept], rgb[kept], group[kept]
    one, other = scenery.stands_for[group].T
    again = np.flatnonzero(one != other)
    if not again.size:
        return Pixels(frame, y, x, rgb, group)
    both = np.concatenate([np.arange(len(group)), again])
    return Pixels(frame[both], y[both], x[both], rgb[both], np.concatenate([one, other[again]]))
