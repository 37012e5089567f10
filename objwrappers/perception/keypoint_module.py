"""What all keypoint models share: their observation and how features are read off a map.

Features come pooled under each keypoint, or, for convolutional policies, as the map itself where
keypoints are (KeyQN, Kulkarni et al. 2019).
"""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import torch.nn.functional as F
from torch import Tensor

from objwrappers.geometry import cells_to_frame
from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.layers import area_pool, gaussian_maps, pool_features

__all__ = ["FEATURES", "MAP_SCALE", "KeypointModule"]

FEATURES = ("pooled", "map")

MOST_KEYPOINTS, MOST_CHANNELS = 1024, 4096  # what a stranger's config.json may ask for
SIGMAS = (1e-4, 1e4)
MASK_SIGMA = 0.15
MASK_THRESHOLD = 0.2
MAP_SCALE = 32
"""A feature map's byte is 1/32: batch norm and ReLU seldom give more than 8."""

LARGEST_BYTE = 254
"""Of a feature map; where 255 is allowed, Stable-Baselines3 takes it for an image of h colours."""


class KeypointModule(PerceptionModule):
    """A perception model that finds K keypoints on a feature map.

    A subclass calls :meth:`define` in its constructor and implements :meth:`look`.

    Attributes:
        num_keypoints: K.
        sigma: Radius of a keypoint's bump, in units of [-1, 1].
    """

    exportable = True
    num_keypoints: int
    sigma: float

    def define(
        self,
        num_keypoints: int,
        sigma: float,
        channels: int,
        cells: int | tuple[int, int],
        keypoint_cells: int | tuple[int, int] | None = None,
    ) -> None:
        """Sets the observation space.

        Args:
            num_keypoints: K.
            sigma: Radius of a keypoint's bump, in units of [-1, 1].
            channels: Of the feature map, F.
            cells: Side of the feature map, or its rows and columns.
            keypoint_cells: Side of the map that keypoints are found on, or its rows and columns;
                by default that of the feature map.

        Raises:
            ValueError: K or a number of channels that is no integer of at least 1, or is larger
                than any map has use for, or a σ that is not positive.
        """
        _check_count("num_keypoints", num_keypoints, MOST_KEYPOINTS)
        _check_count("channels", channels, MOST_CHANNELS)
        number = isinstance(sigma, int | float) and not isinstance(sigma, bool)
        if not number or not math.isfinite(sigma) or not SIGMAS[0] <= sigma <= SIGMAS[1]:
            raise ValueError(f"sigma must be a positive number, got {sigma!r}.")
        self.num_keypoints, self.sigma = num_keypoints, sigma
        self._map_shape = (channels, *_sides(cells))
        self._keypoint_map = _sides(keypoint_cells or cells)
        self.use_features("pooled")

    def use_features(self, kind: str, map_size: int | None = None) -> None:
        """Chooses what ``features`` of the observation are.

        Args:
            kind: ``"pooled"``: float32 (K, F), the map's mean under each keypoint's bump.
                ``"map"``: uint8 (F, h, w), the map where a bump of σ = .15 is at least
                .2 high, else 0; a byte is 1/32, at most 254.
            map_size: h; by default as many rows as the network's map, otherwise fewer: means of
                cells by area, for less memory and faster policies. Columns become fewer alike.

        Raises:
            ValueError: Another kind, or a size that is larger or has no map.
        """
        if kind not in FEATURES:
            raise ValueError(f"features must be 'pooled' or 'map', got {kind!r}.")
        count, (channels, rows, columns) = self.num_keypoints, self._map_shape
        if map_size is not None and kind != "map":
            raise ValueError(f"map_size={map_size} needs features='map', got {kind!r}.")
        size = rows if map_size is None else map_size
        if not isinstance(size, int) or not 1 <= size <= rows:
            raise ValueError(f"map_size must be an integer from 1 to {rows}, got {map_size!r}.")
        self._features, self._shown_size = kind, (size, max(1, round(columns * size / rows)))
        map_shape = (channels, *self._shown_size)
        box = gym.spaces.Box
        self.observation_space = gym.spaces.Dict(
            {
                "keypoints": box(-1, 1, (count, 2), np.float32),
                "present": box(0, 1, (count,), np.float32),
                "features": box(0, np.inf, (count, channels), np.float32)
                if kind == "pooled"
                else box(0, LARGEST_BYTE, map_shape, np.uint8),
            }
        )

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Finds keypoints in small images, float32 (B, 3, size, size) in [0, 1].

        Returns:
            Keypoints (B, K, 2) in the coordinates of the map that they are found on, presences
            (B, K) in [0, 1], features (B, F, h, w) on all cells.
        """
        raise NotImplementedError

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Returns keypoints (B, K, 2), present (B, K) and features, see :meth:`use_features`.

        Keypoints are in frame coordinates, ±1 the frame's border, whatever the network's map.
        """
        return self.shown(*self.look(images))

    def shown(
        self, keypoints: Tensor, present: Tensor, features: Tensor, pooled: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Makes percepts of what :meth:`look` finds.

        Args:
            keypoints: See :meth:`look`.
            present: See :meth:`look`.
            features: See :meth:`look`.
            pooled: Features (B, K, F) of each keypoint, if they are known; by default the means
                under their bumps.
        """
        features = features.float()
        size = features.shape[-2:]
        if self._features == "map":
            there = (present > 0.5).float()[..., None, None]
            bumps = (there * gaussian_maps(keypoints, MASK_SIGMA, *size)).sum(1, keepdim=True)
            masked = self._pooled(features * (bumps >= MASK_THRESHOLD))
            seen = (masked * MAP_SCALE).round().clamp(0, LARGEST_BYTE)
        elif pooled is None:
            seen = pool_features(features, gaussian_maps(keypoints, self.sigma, *size))
        else:
            seen = pooled
        where = cells_to_frame(keypoints.float().clamp(-1, 1), *self._keypoint_map)
        return {"keypoints": where, "present": present, "features": seen}

    def _pooled(self, maps: Tensor) -> Tensor:
        (_, rows, columns), (height, width) = self._map_shape, self._shown_size
        if rows % height or columns % width:
            return area_pool(maps, height, width)
        return F.avg_pool2d(maps, (rows // height, columns // width))


def _sides(side: int | tuple[int, int]) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else side


def _check_count(argument: str, count: object, most: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"{argument} must be an integer of at least 1, got {count!r}.")
    if count > most:
        raise ValueError(f"{argument} must be at most {most}, got {count}.")
