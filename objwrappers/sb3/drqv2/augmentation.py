"""Random shifts of images, the augmentation of DrQ-v2 (arXiv 2107.09645, section 3.1).

* :func:`random_shift`: each image by a shift of its own
* :func:`shift_images`: by given shifts
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["random_shift", "shift_images"]


def random_shift(images: Tensor, pad_px: int) -> Tensor:
    """Shifts each image by up to ``pad_px`` along each axis; its channels move together.

    Args:
        images: (B, C, H, W), of any dtype.
        pad_px: Largest shift.

    Returns:
        float32 (B, C, H, W).
    """
    shifts = torch.randint(2 * pad_px + 1, (len(images), 2), device=images.device)
    return shift_images(images, shifts, pad_px)


def shift_images(images: Tensor, shifts: Tensor, pad_px: int) -> Tensor:
    """Cuts a window of the image's size out of the image with its border repeated.

    Args:
        images: (B, C, H, W), of any dtype.
        shifts: int (B, 2), where the window begins in the padded image, (x, y), each from 0 to
            ``2 * pad_px``; ``pad_px`` leaves an image as it was.
        pad_px: Pixels that the border is repeated on each side.

    Returns:
        float32 (B, C, H, W), interpolated between pixels as published; the shifts are whole.
    """
    padded = functional.pad(images.float(), (pad_px,) * 4, mode="replicate")
    height, width = padded.shape[-2:]
    xs, ys = (_centres(size, size - 2 * pad_px, images.device) for size in (width, height))
    grid = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1)
    scale = 2 / torch.tensor([width, height], device=images.device)
    return functional.grid_sample(
        padded, grid + (shifts * scale)[:, None, None], padding_mode="zeros", align_corners=False
    )


def _centres(size: int, count: int, device: torch.device) -> Tensor:
    """The first pixels' centres along an axis whose borders are at ±1."""
    return (torch.arange(count, device=device) * 2 + 1) / size - 1
