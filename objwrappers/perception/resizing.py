"""Frames at the size that a network reads: by area, rounded, alike in training and in play.

* :func:`resize_area`: uint8 → uint8, on the frames' own device
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from objwrappers.resizing import resize_frames

__all__ = ["area_matrix", "resize_area"]


def resize_area(frames: Tensor, height: int, width: int) -> Tensor:
    """Resizes frames by area and rounds.

    On a processor this is OpenCV's INTER_AREA, to the last bit what ALE's own resize gives; on
    other devices, and where a side grows, two matrices, within one grey level of it.

    Args:
        frames: uint8 (..., H, W, C); returned as they are if they have the size.
        height: h, pixels.
        width: w, pixels.

    Returns:
        uint8 (..., h, w, C) on the same device.

    Raises:
        ValueError: Frames of another dtype, without pixels, or of fewer than three axes.
    """
    if frames.dtype != torch.uint8 or frames.ndim < 3 or 0 in frames.shape[-3:]:
        raise ValueError(
            "Frames must be uint8 of shape (..., H, W, C), got "
            f"{frames.dtype} of shape {tuple(frames.shape)}."
        )
    if frames.shape[-3:-1] == (height, width):
        return frames
    flat = frames.reshape(-1, *frames.shape[-3:])
    shrinks = height <= frames.shape[-3] and width <= frames.shape[-2]
    small = (_by_opencv if shrinks and not flat.is_cuda else _by_matrices)(flat, height, width)
    return small.view(*frames.shape[:-3], height, width, frames.shape[-1])


def _by_opencv(frames: Tensor, height: int, width: int) -> Tensor:
    return torch.from_numpy(resize_frames(frames.contiguous().numpy(), height, width))


def _by_matrices(frames: Tensor, height: int, width: int) -> Tensor:
    levels = _average(frames, height, width)
    # OpenCV rounds halves to even, but up where means are of 2x2 pixels.
    halved = frames.shape[1:3] == (2 * height, 2 * width)
    rounded = (levels + 0.5).floor() if halved else levels.round()
    return rounded.clamp(0, 255).to(torch.uint8)


def area_matrix(source: int, target: int) -> Tensor:
    """Returns (target, source), the matrix that averages ``source`` cells into ``target`` cells.

    Row i holds the share of each source cell in the interval [i, i+1)·source/target.

    Args:
        source: Cells before.
        target: Cells after, at most ``source`` (enlarging repeats cells).
    """
    edges = torch.arange(target + 1, dtype=torch.float64) * source / target
    cells = torch.arange(source, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], cells + 1) - torch.maximum(edges[:-1, None], cells)
    return (overlap.clamp(min=0) * target / source).float()


def _average(frames: Tensor, height: int, width: int) -> Tensor:
    """uint8 (B, H, W, C) → float32 (B, h, w, C) grey levels, not rounded."""
    batch, source_height, source_width, channels = frames.shape
    x = frames.float()
    groups, block = _block(source_height, height, frames.device)
    x = block @ x.reshape(batch * groups, source_height // groups, source_width * channels)
    groups, block = _block(source_width, width, frames.device)
    x = block @ x.view(batch * height * groups, source_width // groups, channels)
    return x.view(batch, height, width, channels)


_blocks: dict[tuple[int, int, torch.device], tuple[int, Tensor]] = {}


def _block(source: int, target: int, device: torch.device) -> tuple[int, Tensor]:
    """The matrix's equal blocks on its diagonal: how many there are, and one of them.

    Source and target share a greatest common divisor, which is their number.
    """
    key = (source, target, device)
    if key not in _blocks:
        groups = math.gcd(source, target)
        # Made outside of inference mode, so that a training may use it, too.
        with torch.inference_mode(False):
            _blocks[key] = groups, area_matrix(source // groups, target // groups).to(device)
    return _blocks[key]
