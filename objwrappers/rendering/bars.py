"""Distractor bars (PermaKey, Gopalakrishnan et al. 2021): opaque violet, without meaning.

Published on 84×84 frames: a vertical bar is 5 pixels wide and as high as the frame, a horizontal
one the other way round, its edge on one of the pixels 0..78. Elsewhere they are drawn to scale.

* :func:`bar_cells`: which rows or columns a bar covers
* :func:`draw_bars`: paints bars on native frames
* :func:`visible_share`, :func:`blend_bars`: the same on small frames, as if before an area resize
"""

from __future__ import annotations

import numpy as np

from objwrappers.names import check_name

__all__ = [
    "COLOUR",
    "GREY",
    "NOISES",
    "POSITIONS",
    "bar_cells",
    "blend_bars",
    "check_noise",
    "draw_bars",
    "visible_share",
]

REFERENCE_SIZE = 84
THICKNESS = 5
POSITIONS = 79
"""A bar's first pixel on the reference frame is one of 0..78."""

COLOUR = np.array([128, 0, 255], np.uint8)
GREY = np.array([67], np.uint8)  # the colour's luma

NOISES: dict[str, tuple[bool, bool]] = {
    "none": (False, False),
    "vertical": (True, False),
    "horizontal": (False, True),
    "both": (True, True),
}
"""Name → is there a vertical bar, is there a horizontal one."""


def check_noise(noise: str) -> str:
    """Returns the name; raises ValueError, which lists the names, if there is no such noise."""
    check_name("noise", noise, NOISES)
    return noise


def bar_cells(positions: np.ndarray, size: int) -> np.ndarray:
    """Tells which cells of a side bars cover.

    Args:
        positions: (N,), first pixel of each bar on the reference frame, 0..78; NaN: no bar.
        size: Cells of the side, rows or columns of the frame.

    Returns:
        bool (N, size), one run of round(5·size/84) cells in each row.
    """
    scale = size / REFERENCE_SIZE
    first = np.rint(np.asarray(positions, float) * scale)[:, None]
    cells = np.arange(size)
    return (cells >= first) & (cells < first + round(THICKNESS * scale))


def draw_bars(frames: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Paints a vertical and a horizontal bar on each frame.

    Args:
        frames: uint8 (N, H, W, 3), or grey, (N, H, W, 1).
        across: (N,), position of the vertical bar from the left, as in :func:`bar_cells`.
        down: (N,), position of the horizontal bar from the top.

    Returns:
        uint8, a copy of the frames' shape.
    """
    _, height, width, channels = frames.shape
    columns, rows = bar_cells(across, width), bar_cells(down, height)
    covered = rows[:, :, None] | columns[:, None, :]
    return np.where(covered[..., None], COLOUR if channels == 3 else GREY, frames)


def visible_share(
    across: np.ndarray, down: np.ndarray, size: tuple[int, int], native: tuple[int, int]
) -> np.ndarray:
    """Returns float32 (N, h, w), the share of each small pixel that no bar covers.

    Args:
        across: As in :func:`draw_bars`.
        down: As in :func:`draw_bars`.
        size: Height h and width w of the small frames.
        native: Height and width of the frame that the bars are drawn on.
    """
    rows = _share(bar_cells(down, native[0]), size[0])
    columns = _share(bar_cells(across, native[1]), size[1])
    return ((1 - rows)[:, :, None] * (1 - columns)[:, None, :]).astype(np.float32)


def blend_bars(frames: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Paints bars on small frames so that they look as those of native frames do after resizing.

    Args:
        frames: uint8 (N, h, w, 3), resized by area.
        visible: (N, h, w), from :func:`visible_share`.

    Returns:
        uint8 (N, h, w, 3), a copy. Equal to drawing first and resizing then, but for the
        pixels that a bar's edge divides, where the frame is taken to be even.
    """
    shown = visible[..., None]
    return np.rint(shown * frames + (1 - shown) * COLOUR).astype(np.uint8)


def _share(covered: np.ndarray, size: int) -> np.ndarray:
    """(N, native) booleans → (N, size) shares, by area."""
    native = covered.shape[1]
    total = np.zeros((len(covered), native + 1), np.float32)
    total[:, 1:] = covered.cumsum(1)
    edges = np.arange(size + 1) * native / size
    whole = edges.astype(int)
    following = total[:, np.minimum(whole + 1, native)]
    sums = total[:, whole] + (edges - whole) * (following - total[:, whole])
    return np.diff(sums, axis=1) * size / native
