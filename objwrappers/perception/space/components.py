"""The background of SPACE as K components, each with a mask (Lin et al. 2020; after GENESIS).

Masks are drawn one after the other, breaking a stick; each component then looks at the frame
under its mask.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.space.background import Backdrop
from objwrappers.perception.space.networks import conv_celu_norm, pixel_shuffle_block
from objwrappers.perception.space.objectives import MIXED, gaussian_kl, log_normal

__all__ = ["ComponentBackground", "break_stick"]

LATENT, HIDDEN = 32, 64  # of z_mask and z_comp; of the recurrent and the dense layers
SMALLEST_STD = 1e-4
SIZE = 128  # pixels a side


def break_stick(shares: Tensor) -> Tensor:
    """Turns shares of what is left into shares of the whole.

    Args:
        shares: (B, K, ...) in [0, 1]; the last ones are not read: the rest is theirs.

    Returns:
        The same shape; they sum to 1 over K.
    """
    left = torch.cat([torch.ones_like(shares[:, :1]), (1 - shares[:, :-1]).cumprod(1)], dim=1)
    return torch.cat([shares[:, :-1] * left[:, :-1], left[:, -1:]], dim=1)


def _conv_norm_elu(inputs: int, outputs: int, stride: int, padding: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding), nn.BatchNorm2d(outputs), nn.ELU()
    )


def _encoder(*channels: int) -> nn.Sequential:
    """Halves the frame with every layer, and ends in HIDDEN numbers."""
    blocks = [_conv_norm_elu(a, b, 2, 1) for a, b in pairwise(channels)]
    last = channels[-1] * (SIZE >> len(blocks)) ** 2
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(last, HIDDEN))


def _pixel_shuffle_decoder(blocks: list[tuple[int, int, int]], outputs: int) -> nn.Sequential:
    """Z of 1×1 → (outputs, 128, 128), by blocks of (channels, factor, groups)."""
    layers: list[nn.Module] = [nn.Unflatten(1, (LATENT, 1, 1))]
    channels = blocks[0][0]
    layers.append(conv_celu_norm(LATENT, channels, 1, 1, 0, 16))
    for width, factor, groups in blocks:
        layers.append(pixel_shuffle_block(channels, width, factor, groups))
        channels = width
    layers += [conv_celu_norm(channels, channels, 3, 1, 1, 4)]
    return nn.Sequential(*layers, nn.Conv2d(channels, outputs, 3, padding=1))


class BroadcastDecoder(nn.Module):
    """z → colours, by convolutions over z and coordinates at every pixel.

    Args:
        width: Channels.
    """

    grid: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv_norm_elu(LATENT + 2, width, 1, 0),
            *[_conv_norm_elu(width, width, 1, 0) for _ in range(3)],
            nn.Conv2d(width, 3, 1),
        )
        # Four convolutions without padding take four pixels from each side.
        side = torch.linspace(-1, 1, SIZE + 8)
        grid = torch.stack(torch.meshgrid(side, side, indexing="xy"))
        self.register_buffer("grid", grid[None], persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """(N, 32) → (N, 3, 128, 128), before the sigmoid."""
        everywhere = z[..., None, None].expand(-1, -1, *self.grid.shape[-2:])
        return self.body(torch.cat([everywhere, self.grid.expand(len(z), -1, -1, -1)], dim=1))


class ComponentBackground(nn.Module):
    """K components.

    Args:
        components: K, at least 1; a single one has the published "strong" decoder.
        width: Channels, in shares of the published: 1 or 0.5.

    Raises:
        ValueError: K < 1.
    """

    def __init__(self, components: int, width: float = 1.0) -> None:
        super().__init__()
        if components < 1:
            raise ValueError(f"components must be at least 1, got {components}.")
        self.components = components
        c256, c128, c64, c32, c16 = (int(n * width) for n in (256, 128, 64, 32, 16))
        self.image_encoder = nn.Sequential(_encoder(3, c64, c64, c64, c64), nn.ELU())
        self.mask_cell = nn.LSTMCell(LATENT + HIDDEN, HIDDEN)
        self.mask_start = nn.ParameterList(torch.zeros(n) for n in (HIDDEN, HIDDEN, LATENT))
        self.mask_head = nn.Linear(HIDDEN, 2 * LATENT)
        self.mask_decoder = _pixel_shuffle_decoder(
            [(c256, 4, 16), (c128, 2, 16), (c64, 4, 8), (c16, 4, 4)], 1
        )
        self.component_encoder = _encoder(4, c32, c32, c64, c64)
        self.component_decoder: nn.Module = (
            BroadcastDecoder(c32)
            if components > 1
            else _pixel_shuffle_decoder([(c256, 4, 16), (c128, 4, 16), (c64, 2, 8), (c16, 4, 4)], 3)
        )
        self.prior_cell = nn.LSTMCell(LATENT, HIDDEN)
        self.prior_start = nn.ParameterList(torch.zeros(HIDDEN) for _ in range(2))
        self.prior_mask_head = nn.Linear(HIDDEN, 2 * LATENT)
        self.prior_component = nn.Sequential(
            nn.Linear(LATENT, HIDDEN),
            nn.ELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ELU(),
            nn.Linear(HIDDEN, 2 * LATENT),
        )

    def forward(self, images: Tensor, sigma: float, moving: Tensor | None = None) -> Backdrop:
        """Explains images; see :meth:`ImageBackground.forward`."""
        count = self.components
        z_masks, kl = self._masks(images)
        logits = self.mask_decoder(z_masks.flatten(0, 1)).float().unflatten(0, (-1, count))
        masks = break_stick(logits.sigmoid())
        log_masks = (masks + MIXED).log()
        repeated = images[:, None].expand(-1, count, -1, -1, -1)
        seen = torch.cat([log_masks, repeated], dim=2).flatten(0, 1)
        mean, std = _posterior(self.component_encoder(seen))
        z = self._draw(mean, std)
        prior_mean, prior_std = _posterior(self.prior_component(z_masks.flatten(0, 1)))
        kl = kl + gaussian_kl(mean, std, prior_mean, prior_std).view(len(images), -1).sum(1)
        pictures = self.component_decoder(z).float().sigmoid().unflatten(0, (-1, count))
        likely = torch.logsumexp(log_normal(repeated, pictures, sigma) + log_masks, dim=1)
        image = (masks * pictures).sum(1)
        if moving is not None:
            image = torch.where(moving > 0, image.detach(), image)
            likely = torch.where(moving > 0, likely.detach(), likely)
        return Backdrop(image, likely, kl, masks, pictures)

    def _draw(self, mean: Tensor, std: Tensor) -> Tensor:
        return mean + std * torch.randn_like(std) if self.training else mean

    def _masks(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns z_mask (B, K, 32) and its divergence from the prior (B,)."""
        batch = len(images)
        seen = self.image_encoder(images)
        h, c, z = (start.expand(batch, -1) for start in self.mask_start)
        prior_h, prior_c = (start.expand(batch, -1) for start in self.prior_start)
        drawn, kl = [], images.new_zeros(batch)
        for _ in range(self.components):  # each mask depends on those before it
            h, c = self.mask_cell(torch.cat([z, seen], dim=1), (h, c))
            mean, std = _posterior(self.mask_head(h))
            prior_mean, prior_std = _posterior(self.prior_mask_head(prior_h))
            kl = kl + gaussian_kl(mean, std, prior_mean, prior_std).sum(1)
            z = self._draw(mean, std)
            # The prior is asked about what was drawn (teacher forcing).
            prior_h, prior_c = self.prior_cell(z, (prior_h, prior_c))
            drawn.append(z)
        return torch.stack(drawn, dim=1), kl


def _posterior(said: Tensor) -> tuple[Tensor, Tensor]:
    mean, raw = said.float().chunk(2, dim=-1)
    return mean, F.softplus(raw) + SMALLEST_STD
