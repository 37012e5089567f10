"""Draws percepts on a frame.

* :func:`draw_percepts`: frame and named arrays → picture
* :func:`colour`: the colour of the i-th object, the same in every picture
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from objwrappers.geometry import to_pixels

__all__ = ["PRESENT_THRESHOLD", "SCALE", "colour", "draw_percepts"]

SCALE = 3
"""Picture pixels per native pixel: a native frame is too small to look at."""
PRESENT_THRESHOLD = 0.5
"""Keypoints above this probability count as present."""

_RADIUS = 2.0  # of a disc, native pixels
_OUTLINE = 1.0  # native pixels, white and then black
_GOLDEN_RATIO = 0.618034
_FRACTION_BITS = 4  # cv2 draws at sixteenths of a pixel
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


@lru_cache
def colour(index: int) -> tuple[int, int, int]:
    """Returns the RGB colour of the i-th object.

    Hues advance by the golden ratio: neighbours in the list are far apart on the colour wheel,
    however long it is.
    """
    brightness = (1.0, 0.75)[index // 8 % 2]
    red, green, blue = colorsys.hsv_to_rgb(index * _GOLDEN_RATIO % 1, 0.9, brightness)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_percepts(
    frame: np.ndarray,
    percepts: Mapping[str, np.ndarray],
    scale: int = SCALE,
    show_absent: bool = False,
) -> np.ndarray:
    """Returns the frame, enlarged, with the percepts drawn on it.

    Keypoints are filled discs with an outline, one colour each. Those whose ``present`` is at
    most 0.5 are left out, and so are those that are not finite. Other keys are not drawn.

    Args:
        frame: uint8 (H, W, 3), native RGB; it is not written to.
        percepts: ``keypoints`` (K, 2) as (x, y) in [-1, 1]; ``present`` (K,), optional,
            probabilities.
        scale: Picture pixels per native pixel, at least 1.
        show_absent: Draw absent keypoints as thin rings.

    Returns:
        uint8 (scale·H, scale·W, 3).

    Raises:
        ValueError: A frame or keypoints of another shape or dtype, or a scale below 1.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[-1] != 3:
        raise ValueError(
            f"The frame must be uint8 of shape (H, W, 3), got {frame.dtype} of shape {frame.shape}."
        )
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}.")
    picture = np.ascontiguousarray(frame.repeat(scale, axis=0).repeat(scale, axis=1))
    if "keypoints" in percepts:
        keypoints = np.asarray(percepts["keypoints"], float)
        present = np.asarray(percepts.get("present", np.ones(len(keypoints))), float)
        if keypoints.ndim != 2 or keypoints.shape[1] != 2 or present.shape != keypoints.shape[:1]:
            raise ValueError(
                "keypoints must have shape (K, 2) and present (K,), got "
                f"{keypoints.shape} and {present.shape}."
            )
        _draw_keypoints(picture, keypoints, present > PRESENT_THRESHOLD, scale, show_absent)
    return picture


def _draw_keypoints(
    picture: np.ndarray,
    keypoints: np.ndarray,
    present: np.ndarray,
    scale: int,
    show_absent: bool,
) -> None:
    height, width = picture.shape[:2]
    # cv2 counts from the centre of the first pixel, to_pixels from its edge.
    pixels = to_pixels(keypoints, height, width) - 0.5
    # First the absent, so that no ring crosses a disc.
    for index in np.argsort(present, kind="stable"):
        if not np.isfinite(pixels[index]).all():
            continue
        if present[index]:
            _circle(picture, pixels[index], (_RADIUS + _OUTLINE) * scale, _BLACK, -1)
            _circle(picture, pixels[index], (_RADIUS + 0.7 * _OUTLINE) * scale, _WHITE, -1)
            _circle(picture, pixels[index], _RADIUS * scale, colour(int(index)), -1)
        elif show_absent:
            _circle(picture, pixels[index], _RADIUS * scale, colour(int(index)), 1)


def _circle(
    picture: np.ndarray,
    centre: np.ndarray,
    radius: float,
    rgb: tuple[int, int, int],
    thickness: int,
) -> None:
    unit = 1 << _FRACTION_BITS
    x, y = (round(float(value) * unit) for value in centre)
    cv2.circle(
        picture, (x, y), round(radius * unit), rgb, thickness, cv2.LINE_AA, shift=_FRACTION_BITS
    )
