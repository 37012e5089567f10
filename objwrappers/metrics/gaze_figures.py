"""How well maps foretell gaze: all measures at once, frame by frame, and their means.

* :func:`gaze_figures`: maps and gaze of B frames → measure → one value a frame
* :func:`published_figures`: three of them as free-lunch saliency's authors have them
* :class:`Figure`: the mean of such values; undefined ones are counted, never dropped in silence
* :func:`draw_others`, :func:`others_gaze`: whose gaze a frame's is told from, for the shuffled AUC
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.metrics.gaze_maps import SCREEN, GazeSamples, Sigma
from objwrappers.metrics.saliency import (
    FLOOR,
    TINY,
    auc,
    auc_judd,
    correlation,
    fixation_density,
    fixation_map,
    information_gain,
    kl_divergence,
    nss,
    shuffled_auc,
    similarity,
)

__all__ = [
    "Figure",
    "draw_others",
    "gaze_figures",
    "others_gaze",
    "published_figures",
    "summarise",
]

OTHERS = 10  # frames whose gaze is the negatives of one frame
PUBLISHED_SIGMA_PX = 5.0  # native, of people's density


@dataclass(frozen=True)
class Figure:
    """The mean of a measure over frames.

    Attributes:
        mean: Over the frames that have a value; NaN where none has.
        deviation: Their standard deviation (population).
        used: How many have one.
        undefined: How many have none: nobody looked at the screen, say.
    """

    mean: float
    deviation: float
    used: int
    undefined: int

    @classmethod
    def of(cls, values: Tensor) -> Self:
        """Returns the figure of values (N,), NaN where there is none."""
        values = values.double()
        defined = values[~values.isnan()]
        used = len(defined)
        mean, deviation = math.nan, math.nan
        if used:
            mean, deviation = float(defined.mean()), float(defined.std(correction=0))
        return cls(mean, deviation, used, len(values) - used)

    def __str__(self) -> str:
        said = f"{self.mean:.3f} ± {self.deviation:.3f} of {self.used}"
        return said + (f", {self.undefined} undefined" if self.undefined else "")


def summarise(values: Mapping[str, Tensor]) -> dict[str, Figure]:
    """Returns the figure of each measure."""
    return {name: Figure.of(found) for name, found in values.items()}


def gaze_figures(
    saliency: Tensor,
    gaze: GazeSamples,
    others: GazeSamples | None = None,
    baseline: Tensor | None = None,
    sigma: Sigma = "authors",
) -> dict[str, Tensor]:
    """Measures maps by where people looked.

    Args:
        saliency: (B, h, w), not negative; of any scale.
        gaze: Of the same frames.
        others: Of :func:`others_gaze`; None leaves ``shuffled_auc`` out.
        baseline: (h, w) or (B, h, w), which maps should be better than: the mean gaze of the
            frames trained on, say; None leaves ``information_gain`` out.
        sigma: Of people's density.

    Returns:
        Measure → float64 (B,), NaN where it is not defined; named as the functions of
        :mod:`objwrappers.metrics.saliency`, and ``kl`` with :data:`FLOOR`.

    Raises:
        ValueError: Maps of other frames or sizes.
    """
    height, width = saliency.shape[-2:]
    counts = gaze.counts(height, width).to(saliency)
    density = gaze.maps(sigma, height, width)[0].to(saliency)
    found = {
        "nss": nss(saliency, counts),
        "auc": auc(saliency, counts),
        "auc_judd": auc_judd(saliency, counts),
        "kl": kl_divergence(saliency, density, FLOOR),
        "correlation": correlation(saliency, density),
        "similarity": similarity(saliency, density),
    }
    if others is not None:
        found["shuffled_auc"] = shuffled_auc(
            saliency, counts, others.counts(height, width).to(saliency)
        )
    if baseline is not None:
        alike = baseline.to(saliency).expand_as(saliency)
        found["information_gain"] = information_gain(saliency, counts, alike)
    return found


def published_figures(
    saliency: Tensor, gaze: GazeSamples, others: GazeSamples
) -> dict[str, Tensor]:
    """Measures maps as published with free-lunch saliency, on native pixels (1908.02511, §4).

    A map that is the same everywhere has no figure; nor has the divergence, where people's blurred
    gaze reaches but one pixel without any saliency. The mean over drawn negatives is exact here.

    Args:
        saliency: (B, h, w), in [0, 1]: divided by the largest value of the whole trial.
        gaze: Of the same frames.
        others: Of :func:`others_gaze`.

    Returns:
        ``nss``, ``kl`` and ``shuffled_auc`` → float64 (B,), NaN where it is not defined.
    """
    native = F.interpolate(saliency[:, None].double(), SCREEN, mode="bilinear")[:, 0]
    counts, negatives = _rounded_counts(gaze), _rounded_counts(others)
    density = torch.from_numpy(fixation_density(counts.numpy(), PUBLISHED_SIGMA_PX))
    varies = native.std((-2, -1), correction=0) >= TINY
    faint = ((density > 0) & (native < TINY)).any(-1).any(-1)
    return {
        "nss": nss(native, counts).where(varies, math.nan),
        "kl": kl_divergence(native, density).where(~faint, math.nan),
        "shuffled_auc": shuffled_auc(native, counts, negatives).where(varies, math.nan),
    }


def _rounded_counts(gaze: GazeSamples) -> Tensor:
    """Counts samples by the nearest native pixels, float64 (B, 210, 160)."""
    ends = gaze.offsets.tolist()
    each = [gaze.points[a:b].numpy() for a, b in itertools.pairwise(ends)]
    return torch.from_numpy(np.stack([fixation_map(points, *SCREEN) for points in each]))


def draw_others(gaze: GazeSamples, seed: int = 0) -> Tensor:
    """Draws ten other frames for each frame, with replacement, of those in which people looked.

    Args:
        gaze: Of B frames, long enough that other frames are of other moments.
        seed: Of the drawing.

    Returns:
        int64 (B, 10); (B, 0) where fewer than two frames have gaze on the screen.
    """
    seen = torch.zeros(len(gaze)).index_add_(0, gaze.frame, gaze.on_screen.float()) > 0
    (having,) = seen.nonzero(as_tuple=True)
    if len(having) < 2:
        return torch.zeros(len(gaze), 0, dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    # A frame is skipped in its own draw: the numbers from its place on move up by one.
    own = torch.searchsorted(having, torch.arange(len(gaze)))
    choices = len(having) - seen.long()
    drawn = (torch.rand(len(gaze), OTHERS, generator=generator) * choices[:, None]).long()
    drawn += seen[:, None] & (drawn >= own[:, None])
    return having[drawn]


def others_gaze(gaze: GazeSamples, drawn: Tensor) -> GazeSamples:
    """Returns the gaze of other frames together, of as many groups as there are frames.

    Args:
        gaze: Of all frames.
        drawn: (B, n), which frames' gaze each is told from, see :func:`draw_others`.
    """
    return gaze[drawn.flatten()].joined(torch.arange(len(drawn) + 1) * drawn.shape[1])
