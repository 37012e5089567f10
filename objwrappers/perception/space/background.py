"""The background of SPACE: one image that hardly changes, or K components.

* :class:`Backdrop`: what a background says of a batch
* :class:`ImageBackground`: a learned image and a coarse autoencoder for what changes in it

The components: :mod:`objwrappers.perception.space.components`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.space.objectives import gaussian_kl, log_normal

__all__ = ["Backdrop", "ImageBackground"]

LATENT = 16
COARSE = 32  # pixels a side of what the autoencoder adds
CHANGE = 0.5  # largest change of a colour by the autoencoder, in [0, 1]
EDGE = 0.02  # a pixel's colour is kept this far from 0 and 1, where its logit is infinite


@dataclass(frozen=True)
class Backdrop:
    """A background.

    Attributes:
        image: (B, 3, H, W).
        log_likelihood: (B, 3, H, W), of the pixels, if they are background.
        kl: (B,), nats.
        masks: (B, K, 1, H, W), shares of the components; they sum to 1.
        components: (B, K, 3, H, W).
    """

    image: Tensor
    log_likelihood: Tensor
    kl: Tensor
    masks: Tensor
    components: Tensor


class ImageBackground(nn.Module):
    """A learned image, the same in all frames, and a coarse autoencoder for what changes in it.

    What moves must not end in either: its pixels teach the background nothing, see ``moving``.

    Args:
        size: Side of the frames, pixels.

    Attributes:
        known: 1 where the image was set, see :meth:`show`.
    """

    known: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3, size, size))
        self.register_buffer("known", torch.zeros(()))
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, 4, 4),
            nn.CELU(),
            nn.Conv2d(16, 32, 4, 2, 1),
            nn.CELU(),
            nn.Conv2d(32, 16, 4, 2, 1),
            nn.CELU(),
            nn.Flatten(),
            nn.Linear(16 * (size // 16) ** 2, 2 * LATENT),
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 16 * 8 * 8),
            nn.CELU(),
            nn.Unflatten(1, (16, 8, 8)),
            nn.Conv2d(16, 16 * 4, 3, padding=1),
            nn.PixelShuffle(2),
            nn.CELU(),
            nn.Conv2d(16, 3 * (COARSE // 16) ** 2, 3, padding=1),
            nn.PixelShuffle(COARSE // 16),
        )
        last = self.decoder[-2]
        assert isinstance(last, nn.Conv2d)
        with torch.no_grad():
            last.weight.mul_(0.1)

    @torch.no_grad()
    def show(self, image: Tensor) -> None:
        """Sets the image, (3, H, W) in [0, 1]."""
        self.logits.copy_(torch.logit(image.clamp(EDGE, 1 - EDGE)))
        self.known.fill_(1)

    def forward(self, images: Tensor, sigma: float, moving: Tensor | None = None) -> Backdrop:
        """Explains images.

        Args:
            images: (B, 3, H, W).
            sigma: Of the pixels.
            moving: (B, 1, H, W) in {0, 1}, pixels that something covers: the background is
                there, but does not learn from them.
        """
        mean, raw = self.encoder(images).float().chunk(2, dim=-1)
        std = F.softplus(raw) + 1e-4
        noise = torch.randn_like(std) if self.training else torch.zeros_like(std)
        change = CHANGE * self.decoder(mean + std * noise).float().tanh()
        change = F.interpolate(change, images.shape[-2:], mode="bilinear", align_corners=False)
        image = self.logits.sigmoid() + change
        if moving is not None:
            image = torch.where(moving > 0, image.detach(), image)
        return Backdrop(
            image=image.clamp(0, 1),
            log_likelihood=log_normal(images, image, sigma),
            kl=gaussian_kl(mean, std, 0.0, 1.0).sum(1),
            masks=torch.ones_like(image[:, None, :1]),
            components=image[:, None].clamp(0, 1),
        )
