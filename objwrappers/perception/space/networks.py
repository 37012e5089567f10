"""The foreground's networks of SPACE, light and published.

* :func:`cell_encoder`: image → what each cell of the grid says
* :func:`glimpse_encoder`: patch → z_what's mean and raw deviation
* :class:`GlimpseDecoder`: z_what → colour and mask of a patch
* :class:`Sizes`, :data:`SIZES`: what ``network`` chooses

The published ones are those of Lin et al. 2020 (appendix, and the authors' code where that
differs); the light ones do with a fortieth of the work, and have batch norms, which are folded
into the convolutions where the network only plays.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = [
    "HEADS",
    "SIZES",
    "GlimpseDecoder",
    "Sizes",
    "cell_encoder",
    "conv_celu_norm",
    "glimpse_encoder",
    "pixel_shuffle_block",
]

HEADS = {"presence": 1, "depth": 2, "scale": 4, "shift": 4}
"""Channels of what a cell says: a logit, then means and raw deviations."""


@dataclass(frozen=True)
class Sizes:
    """What ``network`` decides about the foreground.

    Attributes:
        image: Side of the frames, pixels.
        patch: Side of a glimpse, pixels.
        grids: Cells a side that the encoder can give.
    """

    image: int
    patch: int
    grids: tuple[int, ...]


SIZES = {"light": Sizes(128, 16, (8, 16)), "published": Sizes(128, 32, (4, 8, 16))}


def conv_celu_norm(
    inputs: int, outputs: int, kernel: int, stride: int, padding: int, groups: int
) -> nn.Sequential:
    """A published block: the activation comes before the norm."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding),
        nn.CELU(),
        nn.GroupNorm(groups, outputs),
    )


def pixel_shuffle_block(inputs: int, outputs: int, factor: int, groups: int) -> nn.Sequential:
    """A published upsampling: a 1×1 convolution and PixelShuffle, then a 3×3 convolution."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs * factor**2, 1),
        nn.PixelShuffle(factor),
        nn.CELU(),
        nn.GroupNorm(groups, outputs),
        conv_celu_norm(outputs, outputs, 3, 1, 1, groups),
    )


def _light_block(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class PublishedCells(nn.Module):
    """The published encoder with its lateral connection and four heads.

    Args:
        grid: G, cells a side: 4, 8 or 16.
    """

    def __init__(self, grid: int) -> None:
        super().__init__()
        fourth, fifth = (2 if grid == 4 else 1), (1 if grid == 16 else 2)
        self.encoder = nn.Sequential(
            conv_celu_norm(3, 16, 4, 2, 1, 4),
            conv_celu_norm(16, 32, 4, 2, 1, 8),
            conv_celu_norm(32, 64, 4, 2, 1, 8),
            conv_celu_norm(64, 128, 3, fourth, 1, 16),
            conv_celu_norm(128, 256, 3, fifth, 1, 32),
            conv_celu_norm(256, 128, 1, 1, 0, 16),
        )
        self.lateral = nn.Sequential(
            conv_celu_norm(128, 128, 3, 1, 1, 16), conv_celu_norm(128, 128, 3, 1, 1, 16)
        )
        self.joined = conv_celu_norm(256, 128, 3, 1, 1, 16)
        self.heads = nn.ModuleDict({name: nn.Conv2d(128, n, 1) for name, n in HEADS.items()})

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 128, 128) → (B, 11, G, G), channels as in :data:`HEADS`."""
        features = self.encoder(images)
        features = self.joined(torch.cat([features, self.lateral(features)], dim=1))
        return torch.cat([head(features) for head in self.heads.values()], dim=1)


def cell_encoder(network: str, grid: int, scale: float) -> nn.Module:
    """Returns (B, 3, 128, 128) → (B, 11, G, G), channels as in :data:`HEADS`.

    Args:
        network: ``"light"`` or ``"published"``.
        grid: G.
        scale: Where the light network's scales start, before the sigmoid.
    """
    if network == "published":
        return PublishedCells(grid)
    head = nn.Conv2d(80, sum(HEADS.values()), 1)
    # Boxes start at the size that is expected, certain enough to be learned from: the deviations
    # of depth, scale and shift are softplus(-2) = .13.
    start = torch.zeros(sum(HEADS.values()))
    start[3:5] = scale
    start[[2, 5, 6, 9, 10]] = -2.0
    nn.init.normal_(head.weight, std=0.01)
    head.bias = nn.Parameter(start)
    return nn.Sequential(
        _light_block(3, 24, 4, 2),
        _light_block(24, 48, 4, 2),
        _light_block(48, 72, 4, 2),
        _light_block(72, 80, 3, 16 // grid),
        _light_block(80, 80, 3, 1),
        head,
    )


def glimpse_encoder(network: str, what_size: int) -> nn.Sequential:
    """Returns (N, 3, P, P) → (N, 2·what_size), means and raw deviations."""
    if network == "published":
        return nn.Sequential(
            conv_celu_norm(3, 16, 3, 1, 1, 4),
            conv_celu_norm(16, 32, 4, 2, 1, 8),
            conv_celu_norm(32, 32, 3, 1, 1, 4),
            conv_celu_norm(32, 64, 4, 2, 1, 8),
            conv_celu_norm(64, 128, 4, 2, 1, 8),
            conv_celu_norm(128, 256, 4, 1, 0, 16),
            nn.Flatten(),
            nn.Linear(256, 2 * what_size),
        )
    return nn.Sequential(
        _light_block(3, 24, 3, 1),
        _light_block(24, 32, 4, 2),
        _light_block(32, 32, 4, 2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 128),
        nn.ReLU(inplace=True),
        nn.Linear(128, 2 * what_size),
    )


class GlimpseDecoder(nn.Module):
    """z_what → a patch's colours and its mask.

    Args:
        network: ``"light"`` or ``"published"``.
        what_size: D.
    """

    def __init__(self, network: str, what_size: int) -> None:
        super().__init__()
        if network == "published":
            self.body = nn.Sequential(
                nn.Unflatten(1, (what_size, 1, 1)),
                conv_celu_norm(what_size, 256, 1, 1, 0, 16),
                pixel_shuffle_block(256, 128, 2, 16),
                pixel_shuffle_block(128, 128, 2, 16),
                pixel_shuffle_block(128, 64, 2, 8),
                pixel_shuffle_block(64, 32, 2, 8),
                pixel_shuffle_block(32, 16, 2, 4),
            )
            last = 16
        else:
            self.body = nn.Sequential(
                nn.Linear(what_size, 32 * 4 * 4),
                nn.CELU(),
                nn.Unflatten(1, (32, 4, 4)),
                nn.Conv2d(32, 32 * 4, 3, padding=1),
                nn.PixelShuffle(2),
                nn.CELU(),
                nn.GroupNorm(4, 32),
                nn.Conv2d(32, 16 * 4, 3, padding=1),
                nn.PixelShuffle(2),
                nn.CELU(),
                nn.GroupNorm(4, 16),
            )
            last = 16
        self.colour = nn.Conv2d(last, 3, 3, padding=1)
        self.mask = nn.Conv2d(last, 1, 3, padding=1)

    def forward(self, what: Tensor) -> tuple[Tensor, Tensor]:
        """(N, D) → colours (N, 3, P, P) and masks (N, 1, P, P), both in (0, 1)."""
        features = self.body(what)
        return self.colour(features).float().sigmoid(), self.mask(features).float().sigmoid()
