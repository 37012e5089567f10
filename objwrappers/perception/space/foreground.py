"""The foreground of SPACE: cells that say what is there, where, how deep, and what it looks like.

* :class:`Cells`: what the encoder says of each cell, posteriors
* :class:`Objects`: latents of the cells that are looked at closely
* :class:`Foreground`: encoder, glimpses, rendering

Sparse cells: glimpses and rendering are for the M most probable cells alone; all others count as
empty, which is what they are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from objwrappers.perception.space.networks import (
    HEADS,
    SIZES,
    GlimpseDecoder,
    cell_encoder,
    glimpse_encoder,
)
from objwrappers.perception.space.rendering import Rendering, composite
from objwrappers.perception.space.spatial_transformer import glimpse

__all__ = ["Cells", "Foreground", "Objects"]

LOGIT_BOUND = 8.8  # of z_pres: 1.5e-4 < p < 1 - 1.5e-4
SMALLEST_STD = 1e-5
PICKED = 2.0  # more than any probability: a cell that is to be picked whatever it says


@dataclass(frozen=True)
class Cells:
    """Posteriors of N cells in B images, row-major.

    Attributes:
        bounded: (B, N), tanh of what the head says of presence.
        depth_mean: (B, N, 1), as are the deviations.
        depth_std: The same.
        scale_mean: (B, N, 2), of width and height before the sigmoid.
        scale_std: The same.
        shift_mean: (B, N, 2), before the tanh.
        shift_std: The same.
    """

    bounded: Tensor
    depth_mean: Tensor
    depth_std: Tensor
    scale_mean: Tensor
    scale_std: Tensor
    shift_mean: Tensor
    shift_std: Tensor

    @property
    def logit(self) -> Tensor:
        """(B, N), of z_pres."""
        return LOGIT_BOUND * self.bounded

    @property
    def present(self) -> Tensor:
        """(B, N), the probability of an object."""
        return self.logit.sigmoid()

    def pick(self, chosen: Tensor) -> Cells:
        """Returns the cells of these numbers, int64 (B, M)."""
        return Cells(*(take(getattr(self, field.name), chosen) for field in fields(self)))


@dataclass(frozen=True)
class Objects:
    """Latents of M cells.

    Attributes:
        cells: int64 (B, M), their numbers.
        present: (B, M) in (0, 1), z_pres.
        depth: (B, M, 1).
        boxes: (B, M, 4), z_where as (x, y, width, height).
        what: (B, M, D), z_what, a sample while training.
        what_mean: (B, M, D).
        what_std: (B, M, D).
    """

    cells: Tensor
    present: Tensor
    depth: Tensor
    boxes: Tensor
    what: Tensor
    what_mean: Tensor
    what_std: Tensor


def take(values: Tensor, chosen: Tensor) -> Tensor:
    """Picks cells (B, M) of (B, N) or (B, N, C)."""
    if values.ndim == 2:
        return values.gather(1, chosen)
    return values.gather(1, chosen[..., None].expand(-1, -1, values.shape[-1]))


def sample(mean: Tensor, std: Tensor, noisy: bool) -> Tensor:
    """Draws from N(mean, std), or returns the mean."""
    return mean + std * torch.randn_like(std) if noisy else mean


class Foreground(nn.Module):
    """Objects in images, and images of objects.

    Args:
        network: ``"light"`` or ``"published"``.
        grid: G, cells a side.
        what_size: D, of z_what.
        scale: Where the light network's scales start, before the sigmoid.
    """

    def __init__(self, network: str, grid: int, what_size: int, scale: float) -> None:
        super().__init__()
        self.grid, self.patch = grid, SIZES[network].patch
        self.cells = cell_encoder(network, grid, scale)
        self.glimpses = glimpse_encoder(network, what_size)
        self.decoder = GlimpseDecoder(network, what_size)

    def encode(self, images: Tensor) -> Cells:
        """Looks at images (B, 3, h, w) once, for all cells."""
        said = self.cells(images).float().flatten(2).transpose(1, 2)
        presence, depth, scale, shift = said.split(list(HEADS.values()), dim=-1)
        posteriors = []
        for value in (depth, scale, shift):
            mean, raw = value.chunk(2, dim=-1)
            posteriors += [mean, F.softplus(raw) + SMALLEST_STD]
        return Cells(presence[..., 0].tanh(), *posteriors)

    def choose(self, present: Tensor, count: int, wanted: Tensor | None = None) -> Tensor:
        """Returns the numbers of the most probable cells, int64 (B, count).

        Args:
            present: (B, N).
            count: M; all cells where there are fewer.
            wanted: (B, N) in [0, 1]; cells with a 1 come before all others.
        """
        if count >= present.shape[1]:
            return torch.arange(present.shape[1], device=present.device).expand(len(present), -1)
        ranked = present.detach() + (0 if wanted is None else PICKED * wanted)
        return ranked.topk(count, dim=1).indices

    def boxes(self, chosen: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Returns z_where as boxes (B, M, 4); a centre lies at most a cell from its cell's.

        Args:
            chosen: int64 (B, M), numbers of the cells.
            scale: (B, M, 2), before the sigmoid.
            shift: (B, M, 2), before the tanh.
        """
        place = torch.stack([chosen % self.grid, chosen // self.grid], dim=-1)
        centre = 2 / self.grid * (place + 0.5 + shift.tanh()) - 1
        return torch.cat([centre, scale.sigmoid()], dim=-1)

    def look(self, images: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns z_what's means and deviations, (B, M, D) each, of what is in boxes."""
        patches = glimpse(images, boxes, self.patch)
        flat = patches.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        mean, raw = self.glimpses(flat).float().unflatten(0, boxes.shape[:2]).chunk(2, dim=-1)
        return mean, F.softplus(raw) + SMALLEST_STD

    def render(self, objects: Objects, height: int, width: int) -> Rendering:
        """Draws objects together, see :func:`composite`."""
        colour, mask = self.decoder(objects.what.flatten(0, 1))
        alpha = mask.unflatten(0, objects.present.shape) * objects.present[..., None, None, None]
        drawn = alpha * colour.unflatten(0, objects.present.shape)
        return composite(
            drawn,
            alpha,
            objects.boxes,
            objects.depth,
            self.grid**2 - objects.present.shape[1],
            (height, width),
            windows=not drawn.is_cuda,
        )
