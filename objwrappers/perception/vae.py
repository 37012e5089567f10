"""The convolutional VAE whose features PermaKey looks at (Gopalakrishnan et al. 2021)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.layers import ConvBlock

__all__ = ["ENCODER_CELLS", "ENCODER_CHANNELS", "VAE", "encoder_layers"]

ENCODER_CHANNELS = (32, 64, 64, 128)
ENCODER_CELLS = (84, 42, 21, 21)
VARIANCE_TIMES_2 = 0.2  # of the pixels' Gaussian likelihood


def encoder_layers(count: int) -> nn.ModuleList:
    """Returns the first ``count`` of four blocks; see ENCODER_CELLS."""
    blocks = [
        ConvBlock(3, 32, kernel=4),
        ConvBlock(32, 64, stride=2),
        ConvBlock(64, 64, stride=2),
        ConvBlock(64, 128),
    ]
    return nn.ModuleList(blocks[:count])


class VAE(nn.Module):
    """Latent and decoder on top of the encoder's last block.

    Args:
        latent: Size of the latent, D.
    """

    def __init__(self, latent: int = 32) -> None:
        super().__init__()
        self.posterior = nn.Linear(21 * 21 * ENCODER_CHANNELS[-1], 2 * latent)
        self.prior_to_map = nn.Linear(latent, 21 * 21)
        self.decoder = nn.Sequential(
            ConvBlock(1, 128),
            nn.Upsample(scale_factor=2),
            ConvBlock(128, 64),
            nn.Upsample(scale_factor=2),
            ConvBlock(64, 64),
            ConvBlock(64, 32),
            ConvBlock(32, 16, kernel=4),
            ConvBlock(16, 3, kernel=4, activation=nn.Sigmoid()),
        )

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Samples a latent and decodes it.

        Args:
            encoded: (B, 128, 21, 21).

        Returns:
            The reconstruction (B, 3, 84, 84) in [0, 1], the posterior's mean and standard
            deviation, (B, D) each.
        """
        mean, raw = self.posterior(encoded.flatten(1)).chunk(2, dim=-1)
        deviation = F.softplus(raw)
        latent = mean + deviation * torch.randn_like(deviation)
        small = F.relu(self.prior_to_map(latent)).view(-1, 1, 21, 21)
        return self.decoder(small), mean, deviation

    def loss(self, encoded: Tensor, images: Tensor) -> dict[str, Tensor]:
        """Negative ELBO as published: likelihood a mean over pixels, divergence a sum.

        Args:
            encoded: (B, 128, 21, 21).
            images: (B, 3, 84, 84) in [0, 1].

        Returns:
            ``nll`` and ``kl``, scalars.
        """
        result, mean, deviation = self(encoded)
        variance = deviation.square().clamp(min=1e-12)
        divergence = 0.5 * (mean.square() + variance - 1 - variance.log()).sum(-1).mean()
        return {"nll": F.mse_loss(result, images) / VARIANCE_TIMES_2, "kl": divergence}
