"""Pixels → features, with an attention learnt from reward alone that tells where an agent looks.

Free-lunch saliency (Nikulin et al. 2019): between the convolutions and the dense layer stands a
small head that gives one number for each cell, and the features are multiplied by it.
:mod:`objwrappers.sb3.free_lunch.networks` describes the fifteen published networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import torch
import torch.nn.functional as F
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from objwrappers.sb3.free_lunch.networks import Network, ReceptiveField, network_of, receptive_field
from objwrappers.sb3.free_lunch.painting import spread

__all__ = ["FreeLunchExtractor"]


class _Attention(nn.Module):
    """Features (N, C, h, w) → attention (N, 1, h, w)."""

    def __init__(self, channels: int, network: Network) -> None:
        super().__init__()
        self.kind, self.beta = network.attention, network.softplus_beta
        self.normalised = network.normalised
        inner, maps, kernel, activation = {
            "fls": (256, 1, network.kernel, nn.ReLU()),
            "daqn": (256, 1, 1, nn.Tanh()),
            "rs": (512, 2, 1, nn.ELU()),
        }[str(self.kind)]
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inner, kernel, padding=kernel // 2),
            activation,
            nn.Conv2d(inner, maps, kernel, padding=kernel // 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits = self.layers(x).float()
        if self.kind == "fls":
            weights = F.softplus(logits, beta=self.beta)
        else:
            weights = logits.flatten(2).softmax(-1).view_as(logits).sum(1, keepdim=True)
        return weights / weights.sum((2, 3), keepdim=True) if self.normalised else weights


class FreeLunchExtractor(BaseFeaturesExtractor):
    """Pixels → 512 features, for any Stable-Baselines3 policy.

    Dense networks have 136 times as many activations as sparse ones: on CUDA they run under
    autocast to bfloat16, and activations are computed again in the backward pass instead of kept.

    Args:
        observation_space: uint8 (C, H, W).
        network: A name of :data:`NETWORKS`, a :class:`Network`, or its options in a dict.
        features_dim: Size of the dense layer.

    Attributes:
        network: Its description.
        maps: The attentions of the last forward pass, float32 (N, h, w) without gradients, each
            with what its cells see of the image; empty before the first one and for a network
            without attention.
        field: What the cells of the first attention see of the image.

    Raises:
        ValueError: Observations that are not images, or too small for the convolutions.
    """

    def __init__(
        self,
        observation_space: gym.Space,
        network: str | Mapping[str, Any] | Network = "cnn_sparse_fls",
        features_dim: int = 512,
    ) -> None:
        super().__init__(observation_space, features_dim)
        if not isinstance(observation_space, gym.spaces.Box) or not is_image_space(
            observation_space, check_channels=False
        ):
            raise ValueError(
                f"These networks look at images, uint8 (C, H, W): got {observation_space}."
            )
        self.network = network_of(network)
        self.maps: list[tuple[Tensor, ReceptiveField]] = []
        channels, height, width = observation_space.shape
        layers = self.network.convolutions
        self.field = receptive_field(layers[: self.network.after[0]], self.network.padding)
        convolutions, attentions = [], {}
        for i, layer in enumerate(layers, 1):
            convolutions.append(
                nn.Conv2d(channels, layer.channels, layer.kernel, layer.stride, layer.padding)
            )
            channels = layer.channels
            if self.network.attention and i in self.network.after:
                attentions[str(i)] = _Attention(channels, self.network)
        self.convolutions = nn.ModuleList(convolutions)
        self.attentions = nn.ModuleDict(attentions)
        height, width = (self._cells(side) for side in (height, width))
        inputs = channels if self.network.pooled else channels * height * width
        self.dense = nn.Sequential(nn.Linear(inputs, features_dim), nn.ReLU())

    def _cells(self, side: int) -> int:
        side += 2 * self.network.padding
        for layer in self.network.convolutions:
            side = (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
            if side < 1:
                raise ValueError("The images are too small for this network's convolutions.")
        return side

    def forward(self, observations: Tensor) -> Tensor:
        """Maps images, float32 (N, C, H, W) in [0, 1], to (N, features_dim)."""
        narrow = observations.is_cuda and self.network.stem == "dense"
        with torch.autocast("cuda", torch.bfloat16, enabled=narrow):
            features, maps = self.forward_with_attention(observations)
        layers, padding = self.network.convolutions, self.network.padding
        self.maps = [
            (attention.detach(), receptive_field(layers[:i], padding))
            for i, attention in maps.items()
        ]
        return features

    @property
    def attention(self) -> Tensor | None:
        """The attention of the last forward pass, float32 (N, h, w), or None.

        Several are summed on the grid of the first, as published: each cell is spread over what it
        sees there.
        """
        if not self.maps:
            return None
        total = self.maps[0][0]
        first, *others = self.network.after
        for i, (cells, _) in zip(others, self.maps[1:], strict=True):
            field = receptive_field(self.network.convolutions[first:i])
            total = total + spread(cells, field, *total.shape[-2:])
        return total

    def forward_with_attention(self, observations: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """Returns the features, and the number of a convolution → attention (N, h, w) after it."""
        x = observations.contiguous(memory_format=torch.channels_last)
        x = F.pad(x, [self.network.padding] * 4)
        maps: dict[int, Tensor] = {}
        for i in range(1, len(self.convolutions) + 1):
            if self.network.stem == "dense" and torch.is_grad_enabled():
                x, attended = checkpoint(self._layer, i, x, use_reentrant=False)
            else:
                x, attended = self._layer(i, x)
            if attended is not None:
                maps[i] = attended[:, 0]
        features = x.sum((2, 3)) if self.network.pooled else x.flatten(1)
        return self.dense(features).float(), maps

    def _layer(self, i: int, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The i-th convolution, and the attention to its map where there is one."""
        x = self.convolutions[i - 1](x)
        if i < len(self.convolutions) or self.network.final_relu:
            x = F.relu(x)
        if self.network.attention == "rs":
            # Regions are compared by direction; eps is the root of TensorFlow's 1e-12.
            x = F.normalize(x, dim=1, eps=1e-6) if i == len(self.convolutions) else x
        if str(i) not in self.attentions:
            return x, None
        attention = self.attentions[str(i)](x)
        return x * attention, attention
