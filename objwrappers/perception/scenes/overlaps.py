"""How much boxes overlap, and which of them say the same.

* :func:`overlaps`: intersection over union
* :func:`repeated`: boxes that a more probable one says already
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["overlaps", "repeated"]


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """Returns the intersection over union of boxes (B, M, 4) and others (B, N, 4), (B, M, N).

    Boxes are (x, y) of the centre in [-1, 1] and width and height as shares of the frame's.
    """
    a, b = boxes[:, :, None], others[:, None]
    # A share w of the frame is a length of 2w in [-1, 1].
    low = torch.maximum(a[..., :2] - a[..., 2:], b[..., :2] - b[..., 2:])
    high = torch.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1) / 4
    union = a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - common
    return common / union.clamp(min=1e-12)


def repeated(boxes: Tensor, present: Tensor, overlap: float) -> Tensor:
    """Tells which boxes overlap a more probable one by more than ``overlap``, bool (B, M).

    One comparison of all pairs, without a loop: a box is out even if the one that it repeats
    is itself a repetition.

    Args:
        boxes: (B, M, 4).
        present: (B, M), probabilities; of equal ones the first wins.
        overlap: Intersection over union.
    """
    order = torch.arange(present.shape[1], device=present.device)
    ahead = present[:, None] > present[:, :, None]
    ahead |= (present[:, None] == present[:, :, None]) & (order < order[:, None])
    return ((overlaps(boxes, boxes) > overlap) & ahead).any(-1)
