"""How SPACE's objects cover one another: the picture and the alpha of all of them together.

:func:`composite`: patches, boxes and depths → :class:`Rendering`
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from objwrappers.perception.space.spatial_transformer import paste, paste_in_windows

__all__ = ["Rendering", "composite"]

IMPORTANCE = 100.0  # how sharply what lies in front covers what lies behind
SHIFT = 30.0  # subtracted in exponents, so that no importance in [0, 100] leaves float32
WINDOW_STEP = 8  # pixels; a window's side is a multiple of it
LARGEST_WINDOW = 0.6  # of the frame's side; above, windows save nothing


@dataclass(frozen=True)
class Rendering:
    """What the objects look like together.

    Attributes:
        image: (B, 3, H, W), black where nothing is.
        alpha: (B, 1, H, W), where it is foreground.
    """

    image: Tensor
    alpha: Tensor


def composite(
    drawn: Tensor,
    alpha: Tensor,
    boxes: Tensor,
    depth: Tensor,
    left_out: int,
    size: tuple[int, int],
    windows: bool,
) -> Rendering:
    """Draws objects, what lies in front over what lies behind (SPACE, appendix).

    At each pixel objects are mixed by a softmax over all cells' importance,
    100·alpha·sigmoid(-depth); cells that miss the pixel take part with an importance of 0.

    Args:
        drawn: (B, N, 3, P, P), colours times alpha.
        alpha: (B, N, 1, P, P) in [0, 1].
        boxes: (B, N, 4).
        depth: (B, N, 1).
        left_out: Cells beyond these N; they are empty, and weigh as much as published.
        size: H and W of the frame, pixels.
        windows: Draw each object in a window just large enough for the largest, and add the
            windows up. The result is the same, for a fraction of the work where objects are
            small; on CUDA the sum has no fixed order.
    """
    # Products of half precision would place pixels, and an exponential of 100, too coarsely.
    with torch.autocast(drawn.device.type, enabled=False):
        return _composite(torch.cat([drawn, alpha], dim=2), boxes, depth, left_out, size, windows)


def _composite(
    both: Tensor,
    boxes: Tensor,
    depth: Tensor,
    left_out: int,
    size: tuple[int, int],
    windows: bool,
) -> Rendering:
    # Pasting is linear: an object's importance is its alpha's, weighed by depth.
    front = IMPORTANCE * (-depth[..., None]).sigmoid()
    none = math.exp(-SHIFT)  # the weight of a cell that misses the pixel
    side = _window(boxes, both.shape[-1], size) if windows else None
    if side is None:
        full = paste(both, boxes, *size)
        weight = (front * full[:, :, 3] - SHIFT).exp()
        total = weight.sum(1) + left_out * none
        mixed = torch.einsum("bnhw,bnchw->bchw", weight, full)
    else:
        full, place = paste_in_windows(both, boxes, *size, side)
        weight = (front * full[:, :, 3] - SHIFT).exp()[:, :, None]
        parts = torch.cat([weight * full, weight - none], dim=2)
        parts = parts.transpose(1, 2).flatten(2)
        place = place.flatten(1)[:, None].expand_as(parts)
        empty = parts.new_zeros(*parts.shape[:2], size[0] * size[1])
        mixed = empty.scatter_add(2, place, parts).unflatten(2, size)
        total = mixed[:, 4] + (left_out + boxes.shape[1]) * none
    mixed = mixed[:, :4] / total[:, None]
    return Rendering(mixed[:, :3], mixed[:, 3:])


def _window(boxes: Tensor, patch: int, size: tuple[int, int]) -> int | None:
    """Returns the side of a window around any of the boxes; None where the frame is as good."""
    # Bilinear pasting reaches half a patch's pixel beyond the box, and pixels are whole.
    reach = boxes[..., 2:].detach() * (1 + 1 / patch)
    largest = float((reach * reach.new_tensor(size[::-1])).amax()) + 2
    if not math.isfinite(largest):  # the training diverged, which the loop says
        return None
    side = math.ceil(largest / WINDOW_STEP) * WINDOW_STEP
    return side if side <= LARGEST_WINDOW * min(size) else None
