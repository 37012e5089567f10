"""Draws percepts on a frame.

* :func:`draw_percepts`: frame and named arrays → picture
* :data:`DRAWN`: how each percept is drawn; another one is another line
* :func:`colour`: the colour of the i-th object, the same in every picture
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np

from objwrappers.geometry import to_pixels
from objwrappers.rendering.layout import write_plate
from objwrappers.rendering.saliency import blend

__all__ = ["DRAWN", "PRESENT_THRESHOLD", "SCALE", "colour", "draw_percepts"]

Colour = tuple[int, int, int]
Percepts = Mapping[str, np.ndarray]

SCALE = 3
"""Picture pixels per native pixel: a native frame is too small to look at."""
PRESENT_THRESHOLD = 0.5
"""Objects above this probability count as present."""

_RADIUS = 2.0  # of a disc, native pixels
_OUTLINE = 1.0  # native pixels, white and then black
_ARM = 6.0  # of the gaze's cross, native pixels
_GOLDEN_RATIO = 0.618034
_TRACK = 1.0  # width of a track, native pixels
_LETTERS = 0.14  # of the font, size per picture pixel of a native one
_FRACTION_BITS = 4  # cv2 draws at sixteenths of a pixel
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


@lru_cache
def colour(index: int) -> Colour:
    """Returns the RGB colour of the i-th object.

    Hues advance by the golden ratio: neighbours in the list are far apart on the colour wheel,
    however long it is.
    """
    brightness = (1.0, 0.75)[index // 8 % 2]
    red, green, blue = colorsys.hsv_to_rgb(index * _GOLDEN_RATIO % 1, 0.9, brightness)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_percepts(
    frame: np.ndarray, percepts: Percepts, scale: int = SCALE, names: Sequence[str] = ()
) -> np.ndarray:
    """Returns the frame, enlarged, with the percepts drawn on it.

    Percepts without a line in :data:`DRAWN` are not drawn, and neither is what is not finite or
    whose ``present`` is at most 0.5.

    Args:
        frame: uint8 (H, W, 3), native RGB; it is not written to.
        percepts: Of one frame; coordinates are (x, y) in [-1, 1].

            * ``keypoints`` (K, 2): filled discs with an outline, one colour each
            * ``boxes`` (M, 4): outlines, (x, y) of the middle and the shares of the frame's width
              and height; one colour each, or one for each ``label`` (M,); what is outside the
              frame is cut off
            * ``tracks`` (M, L, 2): lines through the past places of the boxes, the oldest first
              and faintest; NaN where there was none
            * ``present`` (K,) or (M,), optional: their probabilities
            * ``gaze`` (2,): a cross
            * ``heatmap`` (h, w), not negative: laid over the frame, the largest value opaque most
        scale: Picture pixels per native pixel, at least 1.
        names: What the numbers of ``label`` are called; on plates above boxes.

    Returns:
        uint8 (scale·H, scale·W, 3).

    Raises:
        ValueError: A frame or percepts of another shape or dtype, or a scale below 1.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[-1] != 3:
        raise ValueError(
            f"The frame must be uint8 of shape (H, W, 3), got {frame.dtype} of shape {frame.shape}."
        )
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}.")
    picture = np.ascontiguousarray(frame.repeat(scale, axis=0).repeat(scale, axis=1))
    if len(names):
        percepts = {**percepts, "names": np.array(names)}
    for key, draw in DRAWN.items():
        if key in percepts:
            draw(picture, percepts, scale)
    return picture


def _draw_heatmap(picture: np.ndarray, percepts: Percepts, scale: int) -> None:
    heatmap = np.asarray(percepts["heatmap"], float)
    if heatmap.ndim != 2 or not heatmap.size:
        raise ValueError(f"heatmap must have shape (h, w), got {heatmap.shape}.")
    values = np.clip(np.nan_to_num(heatmap, nan=0.0, posinf=0.0, neginf=0.0), 0, None)
    if values.max() > 0:
        picture[:] = blend(picture, values / values.max())


def _draw_boxes(picture: np.ndarray, percepts: Percepts, scale: int) -> None:
    labels, shown, corners = _boxes(picture, percepts)
    thickness = max(1, scale - 1)
    for i in shown:
        first, last = corners[i].tolist()
        cv2.rectangle(picture, first, last, _BLACK, thickness + 2)
        cv2.rectangle(picture, first, last, colour(int(labels[i])), thickness)


def _draw_names(picture: np.ndarray, percepts: Percepts, scale: int) -> None:
    if "boxes" not in percepts or "label" not in percepts:
        return
    labels, shown, corners = _boxes(picture, percepts)
    names = percepts["names"]
    for i in shown:
        number = int(labels[i])
        if not 0 <= number < len(names):
            continue
        name, size = str(names[number]), _LETTERS * scale
        write_plate(picture, name, corners[i].tolist(), colour(number), size)


def _draw_tracks(picture: np.ndarray, percepts: Percepts, scale: int) -> None:
    tracks = np.asarray(percepts["tracks"], float)
    if tracks.ndim != 3 or tracks.shape[2] != 2:
        raise ValueError(f"tracks must have shape (M, L, 2), got {tracks.shape}.")
    present = np.asarray(percepts.get("present", np.ones(len(tracks))), float)
    labels = np.asarray(percepts.get("label", np.arange(len(tracks))))
    for key, values in (("present", present), ("label", labels)):
        if values.shape != tracks.shape[:1]:
            raise ValueError(f"{key} must have shape {tracks.shape[:1]}, got {values.shape}.")
    known = np.isfinite(tracks).all(-1)
    height, width = picture.shape[:2]
    pixels = to_pixels(np.where(known[..., None], tracks, 0), height, width) - 0.5
    limit = 4 * max(height, width)
    ends = np.clip(np.rint(pixels), -limit, limit).astype(int)
    shown = (present > PRESENT_THRESHOLD)[:, None] & known[:, 1:] & known[:, :-1]
    # Column by column, so that of crossing tracks the newer piece lies above.
    for piece in range(shown.shape[1]):
        share = (piece + 1) / shown.shape[1]
        faded = picture.copy() if shown[:, piece].any() else picture
        for i in np.flatnonzero(shown[:, piece]):
            first, last = ends[i, piece].tolist(), ends[i, piece + 1].tolist()
            cv2.line(faded, first, last, colour(int(labels[i])), max(1, round(_TRACK * scale)))
        if faded is not picture:
            cv2.addWeighted(faded, share, picture, 1 - share, 0, dst=picture)


def _boxes(picture: np.ndarray, percepts: Percepts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns labels (M,), which boxes are to be drawn, and corners, int (M, 2, 2), all checked."""
    boxes = np.asarray(percepts["boxes"], float)
    present = _present("boxes", boxes, 4, percepts)
    labels = np.asarray(percepts.get("label", np.arange(len(boxes))))
    if labels.shape != boxes.shape[:1]:
        raise ValueError(f"label must have shape {boxes.shape[:1]}, got {labels.shape}.")
    height, width = picture.shape[:2]
    shown = present & np.isfinite(labels)
    boxes = np.where(shown[:, None], boxes, 0)
    middles = to_pixels(boxes[:, :2], height, width)
    halves = boxes[:, 2:] * np.array([width, height]) / 2
    corners = np.stack([middles - halves, middles + halves - 1], 1)
    # Far outside is outside: cv2 counts in 32 bits.
    limit = 4 * max(height, width)
    return labels, np.flatnonzero(shown), np.clip(np.rint(corners), -limit, limit).astype(int)


def _draw_keypoints(picture: np.ndarray, percepts: Percepts, scale: int) -> None:
    keypoints = np.asarray(percepts["keypoints"], float)
    present = _present("keypoints", keypoints, 2, percepts)
    # cv2 counts from the centre of the first pixel, to_pixels from its edge.
    pixels = to_pixels(keypoints, *picture.shape[:2]) - 0.5
    for i in np.flatnonzero(present):
        _disc(picture, pixels[i], (_RADIUS + _OUTLINE) * scale, _BLACK)
        _disc(picture, pixels[i], (_RADIUS + 0.7 * _OUTLINE) * scale, _WHITE)
        _disc(picture, pixels[i], _RADIUS * scale, colour(int(i)))


def _draw_gaze(picture: np.ndarray, percepts: Percepts, scale: int) -> None:
    gaze = np.asarray(percepts["gaze"], float)
    if gaze.shape != (2,):
        raise ValueError(f"gaze must have shape (2,), got {gaze.shape}.")
    if not np.isfinite(gaze).all():
        return
    x, y = (to_pixels(gaze, *picture.shape[:2]) - 0.5).clip(-1e4, 1e4).round().astype(int).tolist()
    arm = round(_ARM * scale)
    for rgb, thickness in ((_BLACK, 3 * scale), (_WHITE, scale)):
        cv2.line(picture, (x - arm, y), (x + arm, y), rgb, thickness)
        cv2.line(picture, (x, y - arm), (x, y + arm), rgb, thickness)


DRAWN: dict[str, Callable[[np.ndarray, Percepts, int], None]] = {
    "heatmap": _draw_heatmap,
    "tracks": _draw_tracks,
    "boxes": _draw_boxes,
    "names": _draw_names,
    "keypoints": _draw_keypoints,
    "gaze": _draw_gaze,
}
"""Percept → what draws it on the enlarged picture, in place: ``draw(picture, percepts, scale)``.

The first lie lowest.
"""


def _present(key: str, values: np.ndarray, width: int, percepts: Percepts) -> np.ndarray:
    """Returns which objects are to be drawn, bool (K,); raises ValueError for other shapes."""
    present = np.asarray(percepts.get("present", np.ones(len(values))), float)
    if values.ndim != 2 or values.shape[1] != width or present.shape != values.shape[:1]:
        raise ValueError(
            f"{key} must have shape (K, {width}) and present (K,), got "
            f"{values.shape} and {present.shape}."
        )
    return (present > PRESENT_THRESHOLD) & np.isfinite(values).all(-1)


def _disc(picture: np.ndarray, centre: np.ndarray, radius: float, rgb: Colour) -> None:
    unit = 1 << _FRACTION_BITS
    x, y = (round(float(value) * unit) for value in centre)
    cv2.circle(picture, (x, y), round(radius * unit), rgb, -1, cv2.LINE_AA, shift=_FRACTION_BITS)
