"""Atari-HEAD's network (Zhang et al. 2020, supplement): three convolutions, and back again.

* :class:`DeconvGaze`: the model ``"deconv"``
* :class:`Block`, :func:`encoder`, :class:`Decoder`: its parts, which others share
"""

from __future__ import annotations

from torch import Tensor, nn

from objwrappers.perception.gaze.module import STACK, GazeModule
from objwrappers.perception.layers import initialise

__all__ = ["WIDTH", "Block", "Decoder", "DeconvGaze", "encoder"]

WIDTH = 64
"""Channels of the narrowest map, of 7 by 7 cells."""


class Block(nn.Sequential):
    """A layer without padding, then ReLU, batch norm and dropout, in the authors' order.

    Args:
        layer: A convolution, or a transposed one.
        dropout: Share that is left out.
    """

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d, dropout: float) -> None:
        initialise(layer)
        norm = nn.BatchNorm2d(layer.out_channels, eps=1e-3, momentum=0.01)
        super().__init__(layer, nn.ReLU(inplace=True), norm, nn.Dropout(dropout))


def encoder(channels: int, dropout: float) -> nn.Sequential:
    """Returns three blocks, (B, channels, 84, 84) → (B, 64, 7, 7); between them 20×20 and 9×9."""
    return nn.Sequential(
        Block(nn.Conv2d(channels, 32, 8, 4), dropout),
        Block(nn.Conv2d(32, WIDTH, 4, 2), dropout),
        Block(nn.Conv2d(WIDTH, WIDTH, 3), dropout),
    )


class Decoder(nn.Sequential):
    """The encoder's way back: (B, 64, 7, 7) → logits (B, 84, 84).

    Args:
        dropout: Share that is left out.
    """

    def __init__(self, dropout: float) -> None:
        last = nn.ConvTranspose2d(32, 1, 8, 4)
        initialise(last)
        super().__init__(
            Block(nn.ConvTranspose2d(WIDTH, WIDTH, 3), dropout),
            Block(nn.ConvTranspose2d(WIDTH, 32, 4, 2), dropout),
            last,
        )

    def forward(self, features: Tensor) -> Tensor:
        """Returns the logits of each cell."""
        return super().forward(features)[:, 0]


class DeconvGaze(GazeModule):
    """The authors' encoder and decoder, 150,273 parameters.

    Args:
        dropout: Share of a layer's outputs that training leaves out; .5 is the published one.
        palette: Share of stacks in other grey levels, while training; see :class:`GazeModule`.
        flip: Mirror half of the stacks, while training.

    Raises:
        ValueError: A share that is none.
    """

    name = "deconv"

    def __init__(self, dropout: float = 0.5, palette: float = 0.0, flip: bool = False) -> None:
        super().__init__(dropout, palette, flip)
        self.encoder = encoder(STACK, dropout)
        self.decoder = Decoder(dropout)

    def logits(self, images: Tensor) -> Tensor:
        """See :meth:`GazeModule.logits`."""
        return self.decoder(self.encoder(images - self.mean))
