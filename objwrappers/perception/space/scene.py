"""How SPACE explains a batch, and what the explanation is worth.

* :class:`Scene`: all parts of an explanation
* :class:`Blend`: what motion tells about it beforehand
* :func:`divergences`, :func:`log_likelihood`: the terms of the bound, nats per frame
* :func:`unexplained`: where to look if nobody says where
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.perception.space.background import Backdrop
from objwrappers.perception.space.foreground import Cells, Objects
from objwrappers.perception.space.objectives import (
    bernoulli_kl,
    gaussian_kl,
    log_mixture,
    log_normal,
)
from objwrappers.perception.space.rendering import Rendering

__all__ = ["Blend", "Priors", "Scene", "divergences", "log_likelihood", "unexplained"]


@dataclass(frozen=True)
class Scene:
    """How the model explains a batch.

    Attributes:
        images: (B, 3, h, w).
        cells: Posteriors of all cells.
        chosen: Those of the cells that are looked at.
        objects: Their latents.
        rendering: Their picture; its alpha is what the bound takes.
        pure_alpha: (B, 1, h, w), before anything is blended in or fixed.
        backdrop: The background.
    """

    images: Tensor
    cells: Cells
    chosen: Cells
    objects: Objects
    rendering: Rendering
    pure_alpha: Tensor
    backdrop: Backdrop

    @property
    def reconstruction(self) -> Tensor:
        """(B, 3, h, w), foreground over background."""
        alpha = self.rendering.alpha
        return alpha * self.rendering.image + (1 - alpha) * self.backdrop.image


@dataclass(frozen=True)
class Blend:
    """What motion tells a forward pass, see SPACE-Time.

    Attributes:
        wanted: (B, N) in {0, 1}, cells to look at whatever they say.
        share: How much of motion's own boxes, presences and mask is blended in.
        boxes: (B, N, 4).
        mask: (B, 1, h, w) in {0, 1}, where something covers the background.
    """

    wanted: Tensor
    share: float
    boxes: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Priors:
    """What is expected before a frame is seen.

    Attributes:
        presence: Probability that a cell holds an object.
        scale_mean: Of a box's size, before the sigmoid.
        scale_std: The same.
    """

    presence: float
    scale_mean: float
    scale_std: float


def divergences(scene: Scene, priors: Priors) -> dict[str, Tensor]:
    """KL of each latent from its prior, (B,); presence over all cells, the others where chosen."""
    few, objects = scene.chosen, scene.objects
    what = gaussian_kl(objects.what_mean, objects.what_std, 0.0, 1.0)
    scale = gaussian_kl(few.scale_mean, few.scale_std, priors.scale_mean, priors.scale_std)
    shift = gaussian_kl(few.shift_mean, few.shift_std, 0.0, 1.0)
    return {
        "kl_what": what.sum((1, 2)),
        "kl_where": (scale + shift).sum((1, 2)),
        "kl_pres": bernoulli_kl(scene.cells.present, priors.presence).sum(1),
        "kl_depth": gaussian_kl(few.depth_mean, few.depth_std, 0.0, 1.0).sum((1, 2)),
        "kl_bg": scene.backdrop.kl,
    }


def log_likelihood(scene: Scene, sigma: float, visible: Tensor | None = None) -> Tensor:
    """Log-likelihood of the frames, (B,), nats.

    Args:
        scene: What explains them.
        sigma: Of the foreground's pixels.
        visible: (B, h, w) in [0, 1]; what is hidden counts less.
    """
    foreground = log_normal(scene.images, scene.rendering.image, sigma)
    pixels = log_mixture(foreground, scene.backdrop.log_likelihood, scene.rendering.alpha)
    if visible is not None:
        pixels = pixels * visible[:, None]
    return pixels.sum((1, 2, 3))


@torch.no_grad()
def unexplained(
    images: Tensor, backdrop: Backdrop, sigma: float, grid: int, visible: Tensor | None = None
) -> Tensor:
    """Where the background fails: 1 - exp(-mean error of a cell), (B, G²) in [0, 1].

    Args:
        images: (B, 3, h, w).
        backdrop: Of them.
        sigma: Of its pixels; an error is a squared difference in units of 2·sigma².
        grid: G.
        visible: (B, h, w) in [0, 1]; absent, all is.
    """
    error = (images - backdrop.image).square().mean(1, keepdim=True) / (2 * sigma**2)
    if visible is not None:
        error = error * visible[:, None]
    return 1 - (-F.adaptive_avg_pool2d(error, grid).flatten(1)).exp()
