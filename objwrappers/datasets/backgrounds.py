"""Backgrounds of a game by other means: mode, median, the frames just before, optical flow.

SPACE-Time (Delfosse et al. 2023) subtracts the mode or the median of a whole game, its "root", or
of the "trail" of frames before, or asks optical flow what moves. :func:`~.motion.background` is a
mode that looks around a pixel, too; it is the default.

* :func:`mode_background`, :func:`median_background`
* :func:`flowing`: where optical flow is strong
* :data:`BACKGROUNDS`: name → function
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion import background

__all__ = ["BACKGROUNDS", "flowing", "median_background", "mode_background"]

# Farneback's parameters, as published: scale, levels, window, iterations, neighbourhood, sigma.
FLOW = (0.6, 5, 15, 30, 5, 1.5)
HALO = 7  # pixels around what flows: the window blurs


def mode_background(frames: np.ndarray) -> np.ndarray:
    """Returns the most frequent colour of each pixel; of equally frequent ones, the darkest.

    Args:
        frames: uint8 (F, H, W, 3).

    Returns:
        uint8 (H, W, 3).
    """
    shape, count = frames.shape[1:3], frames.shape[1] * frames.shape[2]
    red, green, blue = (frames[..., c].reshape(-1, count).astype(np.int32) for c in range(3))
    used, number = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
    places = number.reshape(-1, count) * count + np.arange(count)
    often = np.bincount(places.ravel(), minlength=len(used) * count).reshape(-1, count)
    colour = used[often.argmax(0)]
    channels = [colour >> 16, colour >> 8 & 255, colour & 255]
    return np.stack(channels, -1).astype(np.uint8).reshape(*shape, 3)


def median_background(frames: np.ndarray) -> np.ndarray:
    """Returns the median of each pixel and channel, of frames uint8 (F, H, W, 3).

    Of an even number it is the lower of the two in the middle: a mean would be a new colour.
    """
    return np.partition(frames, (len(frames) - 1) // 2, axis=0)[(len(frames) - 1) // 2]


def _among_neighbours(frames: np.ndarray) -> np.ndarray:
    shown = torch.from_numpy(frames)[:, None]
    return background(Frames(shown, torch.zeros(shown.shape[:2], dtype=torch.bool))).numpy()


BACKGROUNDS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "neighbours": _among_neighbours,
    "mode": mode_background,
    "median": median_background,
}


def flowing(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Tells where optical flow (Farneback 2003) is stronger than on average.

    Args:
        before: uint8 (H, W, 3), the frame before.
        now: uint8 (H, W, 3).

    Returns:
        uint8 (H, W), 1 there and a little around, else 0.
    """
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (now, before)]
    nothing = np.zeros((*now.shape[:2], 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(grey[0], grey[1], nothing, *FLOW, 0)
    strength = (flow**2).sum(-1)
    strong = (strength > strength.mean()).astype(np.uint8)
    return cv2.dilate(strong, np.ones((HALO, HALO), np.uint8))
