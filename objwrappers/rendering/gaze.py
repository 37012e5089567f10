"""Draws where people looked beside where a model says that they would.

:func:`draw_gaze`: a frame with both, in two hues, and the samples of people's gaze
"""

from __future__ import annotations

import cv2
import numpy as np

from objwrappers.rendering.layout import titled
from objwrappers.rendering.overlay import SCALE
from objwrappers.rendering.saliency import tint

__all__ = ["ATTENDED", "HUMAN", "PREDICTED", "draw_gaze"]

PREDICTED, HUMAN, ATTENDED = (0, 200, 255), (255, 60, 160), (255, 150, 0)
"""Hues, RGB: cyan is the model's, pink is people's, orange is an agent's; where two are, they
mix."""

_FIRST, _LAST = 90, 255  # brightness of the first sample and of the last
_DOT = 1.2  # radius of a sample, native pixels


def draw_gaze(
    frame: np.ndarray,
    predicted: np.ndarray | None = None,
    human: np.ndarray | None = None,
    samples: np.ndarray | None = None,
    text: str | None = None,
    scale: int = SCALE,
    hue: tuple[int, int, int] = PREDICTED,
) -> np.ndarray:
    """Returns the frame, enlarged, with gaze on it.

    Args:
        frame: uint8 (H, W, 3), native RGB.
        predicted: (h, w), not negative, of any scale: a model's density, or saliency.
        human: (h, w), likewise: people's density, in pink.
        samples: (n, 2), (x, y) in native pixels: dots, the first dark, the last white; those
            beside the frame are not drawn.
        text: A line above.
        scale: Picture pixels per native pixel, at least 1.
        hue: Of what is predicted, RGB; cyan by default.

    Returns:
        uint8 (scale·H, scale·W, 3), with text 20 pixels higher.

    Raises:
        ValueError: A frame of another shape or dtype, or a scale below 1.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[-1] != 3 or scale < 1:
        raise ValueError(
            "The frame must be uint8 of shape (H, W, 3) and scale at least 1, got "
            f"{frame.dtype} of shape {frame.shape}, and {scale}."
        )
    picture = np.ascontiguousarray(frame.repeat(scale, axis=0).repeat(scale, axis=1))
    for density, rgb in ((human, HUMAN), (predicted, hue)):
        if density is not None and np.max(density) > 0:
            picture = tint(picture, density / np.max(density), rgb)
    if samples is not None:
        _draw_samples(picture, samples, scale)
    return picture if text is None else titled(picture, text)


def _draw_samples(picture: np.ndarray, samples: np.ndarray, scale: int) -> None:
    height, width = picture.shape[:2]
    radius = max(1, round(_DOT * scale))
    for i, (x, y) in enumerate(np.asarray(samples, float) * scale):
        if 0 <= x < width and 0 <= y < height:
            share = (i + 1) / len(samples)
            grey = round(_FIRST + (_LAST - _FIRST) * share)
            cv2.circle(picture, (int(x), int(y)), radius + 1, (0, 0, 0), -1)
            cv2.circle(picture, (int(x), int(y)), radius, (grey, grey, grey), -1)
