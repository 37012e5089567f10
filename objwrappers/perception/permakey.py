"""PermaKey: keypoints where a feature map cannot be predicted from its surroundings.

Gopalakrishnan, van Steenkiste & Schmidhuber 2021, arXiv 2011.12930. Three modules learn at once,
each from its own loss: an encoder (a VAE's, or a random one), local spatial prediction on some of
its layers, and a PointNet that puts keypoints on the prediction's error maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.coverage import (
    Presence,
    covers,
    falling_sigma,
    repulsion,
    uncovered,
    visible_at,
)
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.layers import (
    ConvBlock,
    coordinate_grid,
    gaussian_maps,
    initialise,
    marginal_soft_argmax,
    per_object,
    spatial_soft_argmax,
)
from objwrappers.perception.local_prediction import LocalPrediction, min_max
from objwrappers.perception.scenery import Scenery
from objwrappers.perception.vae import ENCODER_CELLS, ENCODER_CHANNELS, VAE, encoder_layers

__all__ = ["PRESETS", "PermaKey"]

PRESETS: dict[str, dict[str, Any]] = {
    "published": {},
    "light": {
        "encoder": "random",
        "predictor_widths": (128, 64),
        "cells": 2048,
        "pointnet_widths": (16, 32, 32, 64),
        "grid": 42,
        "sigma": 0.08,
        "coverage": True,
        "foreground": True,
        "moving": True,
        "looks_at": ("errors", "frame", "place"),
    },
}
"""Arguments of :class:`PermaKey`; ``published`` has the published layers and losses."""

START_SIGMA = 0.5
TEMPERATURE = 2.0
REPULSION_WEIGHT = 0.1
FOREGROUND_THRESHOLD = 25 / 255
LEAST_ERROR = 0.1  # of an object, in a min–max error map
WARM_UP = 0.1  # share of the training without keypoints, while errors take shape


class PermaKey(Scenery, KeypointModule):
    """Keypoints on the error maps of local spatial prediction; see the module's docstring.

    Args:
        num_keypoints: K.
        sigma: Radius of a keypoint's bump, in units of [-1, 1].
        lsp_layers: Layers of the encoder, 0..3, whose errors are looked at.
        patch_sizes: Side of a predicted cell, one for each of ``lsp_layers``.
        error: ``"mse"`` or ``"rmse"``; the two published variants of the error maps.
        grid: Cells of the PointNet's map, 21 or 42; likewise.
        encoder: ``"vae"`` as published, or ``"random"``: features that are not trained.
        latent: Size of the VAE's latent.
        predictor_widths: Hidden layers of local prediction; None is as wide as the input.
        cells: Cells of a batch that local prediction learns from at each step; None is all.
        pointnet_widths: Channels of the PointNet's four blocks.
        coverage: The PointNet learns to cover the error maps, each object weighing the same, with
            a presence for each keypoint and a σ that falls while training; False is the published
            squared error between the bumps' sum and the maps.
        foreground: The PointNet sees errors only where the frame differs from the background and
            things travel; :meth:`set_scenery` tells both before training.
        moving: With ``coverage``: what is to be covered must move, too; frames before and after
            tell so while training.
        looks_at: What the PointNet sees: ``"errors"``, ``"frame"`` where there are errors,
            ``"place"``, the coordinates.

    Raises:
        ValueError: K < 1, a layer that does not exist, layers and patch sizes of unequal number, a
            patch larger than its layer, another error, encoder or grid, widths below 1.
    """

    name = "permakey"
    exportable = False  # its neighbourhoods are cut out of maps whose size a graph does not know
    stored_dtype = torch.float16

    def __init__(
        self,
        num_keypoints: int = 7,
        sigma: float = 0.12,
        lsp_layers: int | Sequence[int] = (0, 1),
        patch_sizes: int | Sequence[int] = (2, 2),
        error: str = "mse",
        grid: int = 21,
        encoder: str = "vae",
        latent: int = 32,
        predictor_widths: Sequence[int | None] = (None, 512, 256),
        cells: int | None = None,
        pointnet_widths: Sequence[int] = (32, 64, 64, 128),
        coverage: bool = False,
        foreground: bool = False,
        moving: bool = False,
        looks_at: Sequence[str] = ("errors",),
    ) -> None:
        super().__init__()
        # On the command line, one layer is a number.
        lsp_layers = (lsp_layers,) if isinstance(lsp_layers, int) else tuple(lsp_layers)
        patch_sizes = (patch_sizes,) if isinstance(patch_sizes, int) else tuple(patch_sizes)
        _check_layers(lsp_layers, patch_sizes)
        _check_widths(cells, pointnet_widths, predictor_widths)
        if encoder not in ("vae", "random"):
            raise ValueError(f"encoder must be 'vae' or 'random', got {encoder!r}.")
        if grid not in (21, 42):
            raise ValueError(f"grid must be 21 or 42, got {grid!r}.")
        if not looks_at or not {*looks_at} <= {"errors", "frame", "place"}:
            raise ValueError(f"looks_at may name errors, frame and place, got {list(looks_at)}.")
        last = lsp_layers[-1]
        self.define(num_keypoints, sigma, ENCODER_CHANNELS[last], ENCODER_CELLS[last], grid)
        self.cells, self.grid = cells, grid
        self.lsp_layers = lsp_layers
        self.coverage, self.moving = coverage, moving
        depth = len(ENCODER_CHANNELS) if encoder == "vae" else max(lsp_layers) + 1
        self.encoder = encoder_layers(depth)
        self.vae = VAE(latent) if encoder == "vae" else None
        if self.vae is None:
            self.encoder.requires_grad_(False)
        self.predictors = nn.ModuleList(
            LocalPrediction(ENCODER_CHANNELS[layer], patch, predictor_widths, error)
            for layer, patch in zip(lsp_layers, patch_sizes, strict=True)
        )
        a, b, c, d = pointnet_widths
        self.looks_at = tuple(looks_at)
        inputs = sum({"errors": len(lsp_layers), "frame": 3, "place": 2}[k] for k in looks_at)
        self.pointnet = nn.Sequential(
            ConvBlock(inputs, a, kernel=4),
            ConvBlock(a, b, stride=2 if grid == 21 else 1),
            ConvBlock(b, c, stride=2),
            ConvBlock(c, d),
        )
        self.head = nn.Conv2d(d, num_keypoints, 1)
        initialise(self.head)
        self.presence = Presence(d) if coverage else None
        self.register_scenery(foreground, self.size)

    def encode(self, images: Tensor) -> list[Tensor]:
        """Returns the activations of the encoder's layers, (B, C, H, W) each."""
        activations = []
        for block in self.encoder:
            images = block(images)
            activations.append(images)
        return activations

    def error_maps(self, images: Tensor, activations: list[Tensor]) -> Tensor:
        """Returns the errors of each layer, enlarged by repetition.

        Args:
            images: (B, 3, 84, 84) in [0, 1].
            activations: What :meth:`encode` makes of them.

        Returns:
            (B, L, 84, 84) in [0, 1].
        """
        maps = []
        for layer, predictor in zip(self.lsp_layers, self.predictors, strict=True):
            assert isinstance(predictor, LocalPrediction)
            errors = predictor.error_map(activations[layer].float())
            maps.append(F.interpolate(errors[:, None], size=self.size, mode="nearest"))
        scaled = min_max(torch.cat(maps, dim=1))
        if self.foreground:
            differs = self.without_scenery(images).abs().amax(1, keepdim=True)
            scaled = scaled * (differs > FOREGROUND_THRESHOLD)
        return scaled

    def _locate(self, images: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Error maps → keypoints (B, K, 2) and presence logits (B, K)."""
        y, x = coordinate_grid(self.size, self.size, like=maps)
        views = {
            "errors": maps,
            "frame": images * maps.amax(1, keepdim=True),
            "place": torch.stack(torch.meshgrid(y, x, indexing="ij")).expand(len(maps), -1, -1, -1),
        }
        features = self.pointnet(torch.cat([views[key] for key in self.looks_at], dim=1))
        logits = self.head(features).float()
        if self.presence is None:
            keypoints = marginal_soft_argmax(logits)
            return keypoints, torch.full_like(keypoints[..., 0], torch.inf)
        keypoints, weights = spatial_soft_argmax(logits, TEMPERATURE)
        return keypoints, self.presence(features, weights)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :meth:`KeypointModule.look`; features are those of the last of ``lsp_layers``."""
        activations = self.encode(images)
        keypoints, present = self._locate(images, self.error_maps(images, activations))
        return keypoints, present.sigmoid(), activations[self.lsp_layers[-1]]

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """The sum of the modules' losses; each has gradients in its own module only.

        Args:
            batch: ``frames`` uint8 (B, 84, 84, 3); where ``coverage`` is on ``clean`` too, the
                same without bars, and ``visible`` float32 (B, 84, 84), 0 behind a bar: the
                errors of what is visible are to be covered, and a keypoint on a bar is not
                present. With ``moving``, ``objects`` (B, 42, 42), above 0 where something moves.
            progress: σ hangs on it where ``coverage`` is on.
        """
        images = self.images(batch["frames"])
        activations = self.encode(images)
        losses = self.vae.loss(activations[-1], images) if self.vae else {}
        seen = [activation.detach() for activation in activations]
        for layer, predictor in zip(self.lsp_layers, self.predictors, strict=True):
            assert isinstance(predictor, LocalPrediction)
            losses[f"lsp_{layer}"] = predictor.loss(seen[layer], self.cells)
        with torch.no_grad():
            maps = self.error_maps(images, seen)
        if not self.coverage:
            keypoints, _ = self._locate(images, maps)
            bumps = gaussian_maps(keypoints, self.sigma, self.grid, self.grid).sum(1, keepdim=True)
            enlarged = F.interpolate(bumps, size=self.size, mode="nearest")
            losses["pointnet"] = F.mse_loss(enlarged.expand_as(maps), maps)
        elif progress >= WARM_UP:
            losses |= self._cover(
                images, maps, batch, falling_sigma(START_SIGMA, self.sigma, progress)
            )
        return {**losses, "loss": sum(losses.values(), torch.zeros((), device=images.device))}

    def _cover(
        self, images: Tensor, maps: Tensor, batch: dict[str, Tensor], sigma: float
    ) -> dict[str, Tensor]:
        keypoints, present = self._locate(images, maps)
        with torch.no_grad():
            objects = self._objects(maps, batch)
        there = covers(keypoints, (objects > LEAST_ERROR).float(), self.sigma)
        there = there * visible_at(keypoints, batch["visible"])
        return {
            "uncovered": uncovered(keypoints, per_object(objects), sigma),
            "repulsion": REPULSION_WEIGHT * repulsion(keypoints),
            "presence": F.binary_cross_entropy_with_logits(present, there),
        }

    def _objects(self, maps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """(B, 42, 42), the errors that keypoints should cover, without bars."""
        if not torch.equal(batch["clean"], batch["frames"]):
            clean = self.images(batch["clean"])
            maps = self.error_maps(clean, self.encode(clean))
        objects = F.avg_pool2d(maps.amax(1) * batch["visible"], 2)
        if self.moving:
            objects = objects * (F.max_pool2d(batch["objects"], 3, stride=1, padding=1) > 0)
        return objects

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the frames and their error maps, one for each layer, (B, 3, 84, 84) each."""
        images = self.images(batch["frames"])
        shown = {
            name: m[:, None].expand(-1, 3, -1, -1) for name, m in self.diagnostics(images).items()
        }
        return {"input": images, **shown}

    def diagnostics(self, images: Tensor) -> dict[str, Tensor]:
        """Returns the error maps, one for each of ``lsp_layers``."""
        errors = self.error_maps(images, self.encode(images)).unbind(1)
        return {f"errors, layer {n}": m for n, m in zip(self.lsp_layers, errors, strict=True)}


def _check_layers(lsp_layers: Sequence[int], patch_sizes: Sequence[int]) -> None:
    if len(lsp_layers) != len(patch_sizes) or not lsp_layers:
        raise ValueError(
            f"lsp_layers and patch_sizes must be equally many, at least one: got "
            f"{list(lsp_layers)} and {list(patch_sizes)}."
        )
    for layer, patch in zip(lsp_layers, patch_sizes, strict=True):
        if not isinstance(layer, int) or layer not in range(len(ENCODER_CHANNELS)):
            raise ValueError(f"The encoder has no layer {layer!r}; lsp_layers may be 0, 1, 2, 3.")
        if not isinstance(patch, int) or not 1 <= patch <= ENCODER_CELLS[layer]:
            raise ValueError(
                f"patch_sizes must be integers from 1 to the layer's {ENCODER_CELLS[layer]} cells, "
                f"got {patch!r}."
            )


def _check_widths(cells: int | None, pointnet: Sequence[int], predictor: Sequence) -> None:
    if cells is not None and (not isinstance(cells, int) or cells < 1):
        raise ValueError(f"cells must be an integer of at least 1, or None for all, got {cells!r}.")
    if len(pointnet) != 4 or not all(isinstance(width, int) and width > 0 for width in pointnet):
        raise ValueError(f"pointnet_widths must be four positive integers, got {list(pointnet)}.")
    if not all(w is None or (isinstance(w, int) and w > 0) for w in predictor):
        raise ValueError(
            f"predictor_widths must be positive integers, or None, got {list(predictor)}."
        )
