"""Networks whose agents tell where they look, by an attention learnt from reward alone.

Free-lunch saliency (Nikulin et al. 2019): between the convolutions and the dense layer stands a
small head that gives one number for each cell, and the features are multiplied by it.

* :class:`Network`: which convolutions, which attention, how it is used
* :data:`NETWORKS`: the fifteen published ones by name
* :class:`FreeLunchExtractor`: pixels → 512 features and, by the way, the attention
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import torch
import torch.nn.functional as F
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

__all__ = ["NETWORKS", "FreeLunchExtractor", "Network", "ReceptiveField", "network_of"]


@dataclass(frozen=True)
class Convolution:
    """One layer: output channels, kernel and stride, and zeros around its input."""

    channels: int
    kernel: int
    stride: int
    padding: int = 0


STEMS = {
    "sparse": (Convolution(32, 8, 4), Convolution(64, 4, 2), Convolution(64, 3, 1)),
    "dense": (Convolution(32, 7, 1, 3), Convolution(64, 5, 1, 2), Convolution(64, 3, 1, 1)),
}
"""Mnih et al.'s (2015) convolutions, which see seven cells a side, and their like of 84."""

ATTENTIONS = ("fls", "daqn", "rs")
SOFTPLUS_BASE_2 = math.log(2)


@dataclass(frozen=True)
class Network:
    """A network of section 3 of the paper, or any other combination of its parts.

    Attributes:
        stem: ``"sparse"`` or ``"dense"``, of :data:`STEMS`.
        attention: ``"fls"``; ``"daqn"``, a softmax over the cells (Sorokin et al. 2015); ``"rs"``,
            two of them (Yang et al. 2018); or None.
        after: Convolutions, counted from 1, whose map is attended to.
        kernel: Of both convolutions of ``"fls"``.
        softplus_beta: Softplus is log(1 + exp(βx))/β; with β = ln 2 the base is 2.
        normalised: An attention's cells sum to 1.
        final_relu: Of the last convolution.
        pooled: The attended features are summed over the cells; otherwise cells stay apart.
        padding: Zeros around the image, pixels.

    Raises:
        ValueError: A part that does not exist, or parts that do not go together.
    """

    stem: str = "sparse"
    attention: str | None = "fls"
    after: Sequence[int] = (3,)
    kernel: int = 3
    softplus_beta: float = 1.0
    normalised: bool = False
    final_relu: bool = True
    pooled: bool = False
    padding: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "after", tuple(self.after))
        if self.stem not in STEMS:
            raise ValueError(f"stem must be one of {', '.join(STEMS)}, got {self.stem!r}.")
        if self.attention not in (None, *ATTENTIONS):
            raise ValueError(
                f"attention must be one of {', '.join(ATTENTIONS)} or None, got {self.attention!r}."
            )
        count = len(self.convolutions)
        if sorted(set(self.after) & set(range(1, count + 1))) != list(self.after) or not self.after:
            raise ValueError(
                f"after must rise and name convolutions from 1 to {count}, got {self.after}."
            )
        if self.attention in ("daqn", "rs") and self.after != (count,):
            raise ValueError(f"{self.attention!r} attends to the last map only: after=({count},).")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd and positive, got {self.kernel}.")
        if self.softplus_beta <= 0:
            raise ValueError(f"softplus_beta must be positive, got {self.softplus_beta}.")
        if self.padding < 0:
            raise ValueError(f"padding must not be negative, got {self.padding}.")
        if self.pooled and (self.attention is None or self.after != (count,)):
            raise ValueError(f"pooled sums what an attention after ({count},) weighs, and no more.")

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The layers of the stem."""
        return STEMS[self.stem]


def _with_sparse_fls(**options: Any) -> Network:
    return Network("sparse", "fls", **options)


NETWORKS: dict[str, Network] = {
    "cnn": Network("sparse", None),
    "cnn_daqn": Network("sparse", "daqn", pooled=True),
    "cnn_rsppo": Network("sparse", "rs", padding=1),
    "cnn_rsppo_nopad": Network("sparse", "rs"),
    "cnn_sparse_fls": _with_sparse_fls(),
    "cnn_sparse_fls_pool": _with_sparse_fls(pooled=True),
    "cnn_sparse_fls_norm": _with_sparse_fls(normalised=True),
    "cnn_sparse_fls_1x1": _with_sparse_fls(kernel=1),
    "cnn_sparse_fls_sp2": _with_sparse_fls(softplus_beta=SOFTPLUS_BASE_2),
    "cnn_sparse_fls_norelu": _with_sparse_fls(final_relu=False),
    "cnn_sparse_fls_norelu_pool": _with_sparse_fls(final_relu=False, pooled=True),
    "cnn_sparse_fls_h1": _with_sparse_fls(after=(1,)),
    "cnn_sparse_fls_x3": _with_sparse_fls(after=(1, 2, 3)),
    "cnn_dense_fls": Network("dense", "fls", pooled=True),
    "cnn_dense_fls_norelu": Network("dense", "fls", pooled=True, final_relu=False),
}
"""The fifteen networks under their published names."""


def network_of(network: str | Mapping[str, Any] | Network) -> Network:
    """Returns a network by its name or its options, as YAML gives them.

    Raises:
        ValueError: No such name, option or combination; the message lists what there is.
    """
    if isinstance(network, Network):
        return network
    if isinstance(network, Mapping):
        try:
            return Network(**network)
        except TypeError as error:
            options = ", ".join(Network.__dataclass_fields__)
            raise ValueError(f"A network has the options {options}: {error}.") from error
    if network not in NETWORKS:
        nearest = difflib.get_close_matches(str(network), NETWORKS, n=1)
        hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
        raise ValueError(f"Unknown network {network!r}. {hint}There are {', '.join(NETWORKS)}.")
    return NETWORKS[network]


@dataclass(frozen=True)
class ReceptiveField:
    """What the cells of a map see of an image: cell i the pixels from S·i - P to S·i - P + R - 1.

    Attributes:
        size: R, pixels.
        stride: S, pixels.
        padding: P, pixels.
    """

    size: int = 1
    stride: int = 1
    padding: int = 0

    def through(self, layer: Convolution) -> ReceptiveField:
        """Returns the field of what a convolution gives whose inputs have this one."""
        return ReceptiveField(
            self.size + (layer.kernel - 1) * self.stride,
            self.stride * layer.stride,
            self.padding + layer.padding * self.stride,
        )


def receptive_field(layers: Sequence[Convolution], padding: int = 0) -> ReceptiveField:
    """Returns the field of the last of some layers, with zeros around the image."""
    field = ReceptiveField(padding=padding)
    for layer in layers:
        field = field.through(layer)
    return field


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

    On CUDA it runs under autocast, channels last. Dense networks have 136 times as many activations
    as sparse ones; they are computed again in the backward pass instead of kept.

    Args:
        observation_space: uint8 (C, H, W).
        network: A name of :data:`NETWORKS`, a :class:`Network`, or its options in a dict.
        features_dim: Size of the dense layer.

    Attributes:
        network: Its description.
        attention: Of the last forward pass, float32 (N, h, w), without gradients; None before the
            first one and for a network without attention. Several attentions are summed on the
            grid of the first of them, each cell spread over what it sees there.
        field: What the attention's cells see of the image.

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
        self.attention: Tensor | None = None
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
                raise ValueError(
                    "The images are too small for these convolutions; 36 pixels are needed."
                )
        return side

    def forward(self, observations: Tensor) -> Tensor:
        """Maps images, float32 (N, C, H, W) in [0, 1], to (N, features_dim)."""
        with torch.autocast("cuda", torch.bfloat16, enabled=observations.is_cuda):
            features, attention = self.forward_with_attention(observations)
        self.attention = None if attention is None else attention.detach()
        return features

    def forward_with_attention(self, observations: Tensor) -> tuple[Tensor, Tensor | None]:
        """Returns the features, and the attention (N, h, w) with its gradients."""
        x = observations.contiguous(memory_format=torch.channels_last)
        x = F.pad(x, [self.network.padding] * 4)
        maps: dict[int, Tensor] = {}
        for i in range(1, len(self.convolutions) + 1):
            if self.network.stem == "dense" and self.training and torch.is_grad_enabled():
                x, attended = checkpoint(self._layer, i, x, use_reentrant=False)
            else:
                x, attended = self._layer(i, x)
            if attended is not None:
                maps[i] = attended
        features = x.sum((2, 3)) if self.network.pooled else x.flatten(1)
        return self.dense(features).float(), self._joined(maps)

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

    def _joined(self, maps: dict[int, Tensor]) -> Tensor | None:
        """Sums the attentions on the grid of the first."""
        if not maps:
            return None
        first = min(maps)
        total = maps[first]
        for i in sorted(maps)[1:]:
            field = receptive_field(self.network.convolutions[first:i])
            ones = maps[i].new_ones(1, 1, field.size, field.size)
            total = total + F.conv_transpose2d(maps[i], ones, None, field.stride, field.padding)
        return total[:, 0]
