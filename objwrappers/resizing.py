"""Frames resized by area as ALE resizes its own: the one rule of training and play."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["resize_frames"]


def resize_frames(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes frames by OpenCV's INTER_AREA, rounded, which is how ALE resizes its own.

    Args:
        frames: uint8 (N, H, W, C), C = 1 or 3.
        height: h.
        width: w.

    Returns:
        uint8 (N, h, w, C); the frames themselves where they have the size.
    """
    if frames.shape[1:3] == (height, width):
        return frames
    small = np.empty((len(frames), height, width, frames.shape[3]), np.uint8)
    # One call for each frame: where OpenCV enlarges, a strip would mix neighbouring frames.
    for frame, target in zip(frames, small, strict=True):
        cv2.resize(frame, (width, height), dst=target, interpolation=cv2.INTER_AREA)
    return small
