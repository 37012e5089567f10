"""What a game looks like where nothing covers it, stored with a model's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Scenery"]


class Scenery(nn.Module):
    """Mixin for models with an option ``foreground``, which look past the scenery.

    Attributes:
        foreground: Does the model know its scenery?
        background: uint8 (3, size, size); only with ``foreground``.
        travels: uint8 (size, size), 1 where what changes travels; only with ``foreground``.
    """

    foreground: bool
    background: Tensor
    travels: Tensor

    def register_scenery(self, foreground: bool, size: int) -> None:
        """Makes room for the scenery if ``foreground``; to be called once, by the constructor."""
        self.foreground = foreground
        if foreground:
            black = torch.zeros(3, size, size, dtype=torch.uint8)
            self.register_buffer("background", black)
            self.register_buffer("travels", torch.ones(size, size, dtype=torch.uint8))

    def set_scenery(self, background: Tensor, travels: Tensor) -> None:
        """Tells a model with ``foreground`` its scenery; to be called before training.

        Args:
            background: uint8 (size, size, 3), :func:`objwrappers.datasets.motion.background`.
            travels: (size, size), 1 where what changes travels, else 0,
                :func:`objwrappers.datasets.motion.travel_mask`.
        """
        self.background.copy_(background.permute(2, 0, 1))
        self.travels.copy_(travels)

    def without_scenery(self, images: Tensor) -> Tensor:
        """(B, 3, size, size) images minus the background, 0 where what changes does not travel."""
        return (images - self.background.float() / 255) * self.travels
