"""Pixels → features, with what people look at as an input or as a lesson.

* :class:`GazeExtractor`: for any Stable-Baselines3 policy on stacks of grey frames
* :data:`METHODS`: what becomes of the gaze
* :data:`NETWORKS`: the convolutions

Zhang et al. (2018, AGIL), Saran et al. (2021, CGL) and GABRIL's authors' code, as far as these tell
their networks apart. Layer norm stands where the published networks have batch norm, which makes a
policy depend on the batch that it is asked with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import torch
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from objwrappers.names import check_name
from objwrappers.perception.gaze.module import GazeModule
from objwrappers.perception.registry import model_class
from objwrappers.sb3.free_lunch.networks import STEMS, Convolution, receptive_field
from objwrappers.sb3.free_lunch.painting import enlarge, gather

__all__ = ["METHODS", "NETWORKS", "GazeExtractor", "Method", "method_named"]


@dataclass(frozen=True)
class Method:
    """What becomes of the gaze.

    Attributes:
        sees_gaze: A map is an input, in play, too: a gaze model has to foretell it.
        lesson: The loss that people's gaze adds in training: ``"divergence"``, ``"error"``, None.
        weight: Of that loss, as published.
    """

    sees_gaze: bool = False
    lesson: str | None = None
    weight: float = 0.0


METHODS = {
    "plain": Method(),
    "agil": Method(sees_gaze=True),
    "channel": Method(sees_gaze=True),
    "mask": Method(sees_gaze=True),
    "cgl": Method(lesson="divergence", weight=0.01),
    "gabril": Method(lesson="error", weight=10.0),
}
"""Name → method. ``agil``: one branch sees the frames, another the frames times the map, and their
last maps are averaged. ``channel``: the map lies beside the frames. ``mask``: frames times the map
alone. ``cgl``: a convolution of single cells learns from the last map to be people's density.
``gabril``: the sum of the last map's channels does."""

NETWORKS: dict[str, tuple[tuple[Convolution, ...], bool]] = {
    "nature": (STEMS["sparse"], False),
    "same": ((Convolution(32, 8, 2, 3), Convolution(64, 4, 2, 1), Convolution(64, 3, 1, 1)), True),
}
"""Name → convolutions, and whether they are normalised. ``nature``: Mnih et al. (2015), a last map
of 7 by 7. ``same``: AGIL's as CGL's authors made it smaller, 21 by 21; nine times the work."""

SCALE = 50.0  # β of GABRIL, by which the sum of channels is divided


def method_named(name: str) -> Method:
    """Returns a method; raises ValueError, with the nearest name, where there is none."""
    check_name("method", name, METHODS)
    return METHODS[name]


class GazeExtractor(BaseFeaturesExtractor):
    """Stacked grey frames → features; see :data:`METHODS`.

    Where gaze is an input, the gaze model is a part of the extractor, frozen, and foretells it
    from the same four frames: the policy plays on frames alone, and its archive holds all of it.
    A map is divided by its highest cell: its sum is 1, and frames times that would be black.

    Args:
        observation_space: uint8 (S, h, w).
        method: A name of :data:`METHODS`.
        network: A name of :data:`NETWORKS`.
        gaze: Of the methods that see it: the name of a gaze model under ``"model"``, and its
            constructor's arguments.
        features_dim: Size of the dense layer.

    Attributes:
        gaze: The gaze model, or None.

    Raises:
        ValueError: No such method, network or gaze model, observations that are no images or too
            small, a gaze model that is missing, unneeded or reads other frames.
    """

    def __init__(
        self,
        observation_space: gym.Space,
        method: str = "plain",
        network: str = "nature",
        gaze: Mapping[str, Any] | None = None,
        features_dim: int = 512,
    ) -> None:
        super().__init__(observation_space, features_dim)
        if not isinstance(observation_space, gym.spaces.Box) or not is_image_space(
            observation_space, check_channels=False
        ):
            raise ValueError(f"These networks look at images, uint8 (S, h, w): {observation_space}")
        check_name("network", network, NETWORKS)
        self.method, self._name = method_named(method), method
        self.gaze = _gaze_model(gaze, method, observation_space.shape)
        stack, *size = observation_space.shape
        layers, normalised = NETWORKS[network]
        inputs = stack + (method == "channel")
        branches = 2 if method == "agil" else 1
        self.branches = nn.ModuleList(
            _convolutions(layers, inputs, normalised) for _ in range(branches)
        )
        cells = [_cells(side, layers) for side in size]
        channels = layers[-1].channels
        self.attention = nn.Conv2d(channels, 1, 1) if method == "cgl" else None
        field = receptive_field(layers)
        # Where the middle of the first cell is, and from there to the next one, pixels.
        self._first, self._step = (field.size - 1) / 2 - field.padding, float(field.stride)
        self._size, self._cells = (size[0], size[1]), (cells[0], cells[1])
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * cells[0] * cells[1], features_dim), nn.ReLU()
        )

    def train(self, mode: bool = True) -> GazeExtractor:
        """Sets the mode of all but the gaze model, which stays as it was trained."""
        super().train(mode)
        if self.gaze is not None:
            self.gaze.eval()
        return self

    def forward(self, observations: Tensor) -> Tensor:
        """Maps frames, float32 (N, S, h, w) in [0, 1], to (N, features_dim)."""
        return self.features_and_maps(observations)[0]

    def features_and_maps(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the features, and the last convolution's maps, (N, C, h', w')."""
        seen = [observations]
        if self.gaze is not None:
            map_ = self.heatmap(observations)[:, None]
            masked = observations * map_
            seen = {
                "agil": [observations, masked],
                "mask": [masked],
                "channel": [torch.cat([observations, map_], 1)],
            }[self._name]
        parts = [branch(images) for branch, images in zip(self.branches, seen, strict=True)]
        maps = torch.stack(parts).mean(0) if len(parts) > 1 else parts[0]
        return self.dense(maps), maps

    @torch.no_grad()
    def heatmap(self, observations: Tensor) -> Tensor:
        """Returns where people would look, (N, h, w), 1 at the highest cell."""
        assert self.gaze is not None
        density = self.gaze.perceive(observations)["heatmap"]
        return density / density.amax((-2, -1), keepdim=True)

    def log_attention(self, maps: Tensor) -> Tensor:
        """Returns the logarithm of a density over the cells of the last maps, (N, h', w')."""
        if self.attention is not None:
            logits = self.attention(maps)[:, 0]
        else:
            logits = maps.abs().sum(1) / SCALE
        return logits.flatten(1).log_softmax(-1).view_as(logits)

    def to_cells(self, density: Tensor) -> Tensor:
        """Shares a map of pixels, (N, h, w), out to the cells, (N, h', w'); its sum is kept."""
        return gather(density, *self._cells, self._first, self._step)

    def to_pixels(self, cells: Tensor) -> Tensor:
        """Enlarges a map of the cells, (N, h', w'), to the pixels, (N, h, w); bilinear."""
        return enlarge(cells, *self._size, self._first, self._step)


def _convolutions(layers: tuple[Convolution, ...], inputs: int, normalised: bool) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in layers:
        modules.append(nn.Conv2d(inputs, layer.channels, layer.kernel, layer.stride, layer.padding))
        modules += [nn.GroupNorm(1, layer.channels)] if normalised else []
        modules.append(nn.ReLU())
        inputs = layer.channels
    return nn.Sequential(*modules)


def _cells(side: int, layers: tuple[Convolution, ...]) -> int:
    for layer in layers:
        side = (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
        if side < 1:
            raise ValueError("The images are too small for this network's convolutions.")
    return side


def _gaze_model(
    gaze: Mapping[str, Any] | None, method: str, shape: tuple[int, ...]
) -> GazeModule | None:
    if METHODS[method].sees_gaze != (gaze is not None):
        cure = "needs a gaze model" if gaze is None else "needs no gaze model in play"
        raise ValueError(f"method {method!r} {cure}, got gaze={gaze!r}.")
    if gaze is None:
        return None
    arguments = dict(gaze)
    model = model_class(arguments.pop("model", None), "gaze")(**arguments)
    form = model.frame_format
    wanted = (form.stack, form.height, form.width)
    if shape != wanted:
        raise ValueError(f"This gaze model reads frames of {wanted}, observations are {shape}.")
    return model.requires_grad_(False).eval()
