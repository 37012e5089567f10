"""Draws what a perception model sees on the frame it saw it in."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

import cv2
import numpy as np

from objwrappers.metrics.keypoints import to_pixels

__all__ = ["SCALE", "draw_percepts", "keypoint_colour"]

SCALE = 3
"""Pixels of the picture per pixel of the frame, in each direction."""

PRESENT_THRESHOLD = 0.5
_RADIUS = 6
_OUTLINE_WIDTH = 2
_OUTLINE = (0, 0, 0)
_GOLDEN_RATIO = (5**0.5 - 1) / 2
_SUBPIXEL_BITS = 4


def keypoint_colour(index: int) -> tuple[int, int, int]:
    """Returns the RGB colour of a keypoint: always the same, and far from its neighbours'.

    Hues advance by the golden ratio, so that any few in a row differ well; every third is pale
    and every third dark, so that close hues differ too.
    """
    saturation, value = ((1.0, 1.0), (0.55, 1.0), (1.0, 0.75))[index % 3]
    colour = colorsys.hsv_to_rgb(index * _GOLDEN_RATIO % 1.0, saturation, value)
    red, green, blue = (round(255 * channel) for channel in colour)
    return red, green, blue


def draw_percepts(frame: np.ndarray, percepts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draws percepts on an enlarged copy of the frame they were seen in.

    Args:
        frame: uint8 (H, W, 3), RGB.
        percepts: Arrays of one env by the conventional names. ``keypoints`` (K, 2), as (x, y) in
            [-1, 1], become discs, coloured by index; with ``present`` (K,), only those above 0.5.
            Other names are not drawn.

    Returns:
        uint8 (3·H, 3·W, 3).

    Raises:
        ValueError: The frame is not uint8 (H, W, 3), or the percepts' shapes do not fit.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"A frame is uint8 (H, W, 3), got {frame.dtype} {frame.shape}.")
    picture = np.ascontiguousarray(frame.repeat(SCALE, axis=0).repeat(SCALE, axis=1))
    if "keypoints" in percepts:
        _draw_keypoints(picture, percepts["keypoints"], percepts.get("present"))
    return picture


def _draw_keypoints(picture: np.ndarray, keypoints: np.ndarray, present: np.ndarray | None) -> None:
    keypoints = np.asarray(keypoints)
    if keypoints.ndim != 2 or keypoints.shape[1] != 2:
        raise ValueError(f"Keypoints are (K, 2), got {keypoints.shape}.")
    shown = np.ones(len(keypoints), bool) if present is None else present > PRESENT_THRESHOLD
    if shown.shape != (len(keypoints),):
        raise ValueError(
            f"{len(keypoints)} keypoints need present ({len(keypoints)},), got {shown.shape}."
        )
    height, width = picture.shape[:2]
    centres = to_pixels(keypoints, height, width)
    for index in np.flatnonzero(shown):
        # The picture's pixel (0, 0) has its centre at (.5, .5) of the measure that to_pixels uses.
        x, y = np.round((centres[index] - 0.5) * 2**_SUBPIXEL_BITS).astype(int).tolist()
        for radius, colour in (
            (_RADIUS + _OUTLINE_WIDTH, _OUTLINE),
            (_RADIUS, keypoint_colour(int(index))),
        ):
            cv2.circle(
                picture, (x, y), radius << _SUBPIXEL_BITS, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS
            )
