"""What training SPACE looks like: one column for each part of the scene, as published.

:func:`columns`: a scene → name → (B, 3, h, w) in [0, 1]
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.perception.space.background import Backdrop
from objwrappers.perception.space.rendering import Rendering
from objwrappers.perception.space.spatial_transformer import paste

__all__ = ["boxes_on", "cells_on", "columns"]

SPRITE, BORDER = 21, 2  # pixels, of the published frame that marks a box
GREEN = (0.0, 1.0, 0.0)
SHADE = 0.5  # of a cell without an object


def columns(images: Tensor, rendering: Rendering, backdrop: Backdrop) -> dict[str, Tensor]:
    """Returns input, reconstruction, foreground, background, components, masks and alpha.

    Args:
        images: (B, 3, h, w).
        rendering: Of the foreground.
        backdrop: Of the background, K components.
    """
    alpha = rendering.alpha
    both = rendering.alpha * rendering.image + (1 - alpha) * backdrop.image
    shown = {
        "input": images,
        "reconstruction": both,
        "foreground": alpha * rendering.image,
        "background": backdrop.image,
        "alpha": alpha.expand(-1, 3, -1, -1),
    }
    masks = backdrop.masks.expand(-1, -1, 3, -1, -1)
    if masks.shape[1] > 1:
        for k in range(masks.shape[1]):
            shown[f"masked component {k}"] = masks[:, k] * backdrop.components[:, k]
            shown[f"mask {k}"] = masks[:, k]
            shown[f"component {k}"] = backdrop.components[:, k]
    return {name: picture.clamp(0, 1) for name, picture in shown.items()}


def boxes_on(images: Tensor, boxes: Tensor, present: Tensor) -> Tensor:
    """Draws green boxes (B, N, 4), as bright as they are probable (B, N), on images."""
    sprite = images.new_ones(SPRITE, SPRITE)
    sprite[BORDER:-BORDER, BORDER:-BORDER] = 0
    patches = sprite * present[..., None, None, None]
    drawn = paste(patches, boxes, *images.shape[-2:]).amax(1)
    green = images.new_tensor(GREEN)[:, None, None]
    return (images * (1 - drawn) + green * drawn).clamp(0, 1)


def cells_on(images: Tensor, present: Tensor, grid: int) -> Tensor:
    """Darkens the cells without an object; present is (B, G²), probabilities."""
    cells = present.view(-1, 1, grid, grid)
    shade = SHADE + (1 - SHADE) * F.interpolate(cells, images.shape[-2:])
    return torch.clamp(images * shade, 0, 1)
