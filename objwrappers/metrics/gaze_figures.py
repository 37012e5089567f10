"""How well maps foretell gaze: all measures at once, frame by frame, and their means.

* :func:`gaze_figures`: maps and gaze of B frames → measure → one value a frame
* :class:`Figure`: the mean of such values; undefined ones are counted, never dropped in silence
* :func:`draw_others`, :func:`others_gaze`: whose gaze a frame's is told from, for the shuffled AUC
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from objwrappers.metrics.gaze_maps import GazeSamples, Sigma
from objwrappers.metrics.saliency import (
    FLOOR,
    auc,
    auc_judd,
    correlation,
    information_gain,
    kl_divergence,
    nss,
    shuffled_auc,
    similarity,
)

__all__ = ["Figure", "draw_others", "gaze_figures", "others_gaze", "summarise"]

OTHERS = 10  # frames whose gaze is the negatives of one frame


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
    others: Tensor | None = None,
    baseline: Tensor | None = None,
    sigma: Sigma = "authors",
) -> dict[str, Tensor]:
    """Measures maps by where people looked.

    Args:
        saliency: (B, h, w), not negative; of any scale.
        gaze: Of the same frames.
        others: (B, h, w), counts of :func:`others_gaze`; None leaves ``shuffled_auc`` out.
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
        found["shuffled_auc"] = shuffled_auc(saliency, counts, others)
    if baseline is not None:
        alike = baseline.to(saliency).expand_as(saliency)
        found["information_gain"] = information_gain(saliency, counts, alike)
    return found


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


def others_gaze(gaze: GazeSamples, drawn: Tensor, height: int, width: int) -> Tensor:
    """Counts the gaze of other frames together, float32 (B, h, w).

    Args:
        gaze: Of all frames.
        drawn: (B, n), which frames' gaze each is told from, see :func:`draw_others`.
        height: h, cells.
        width: w, cells.
    """
    several = gaze[drawn.flatten()]
    ends = torch.arange(len(drawn) + 1) * drawn.shape[1]
    return GazeSamples(several.points, several.offsets[ends]).counts(height, width)
