"""Where a model looks against where people look.

Maps are arrays or tensors (..., H, W); each function gives float64 (...,) of the same kind, NaN
where the measure is not defined for a map. Fixations are counts of gaze samples, as
:func:`fixation_map` and :meth:`~objwrappers.metrics.gaze_maps.GazeSamples.counts` make them. The
scale of a saliency map does not matter: each is divided by its largest value. A map that is the
same everywhere is chance, one without any saliency is not defined.

What each measure rewards is in Bylinskii et al. (2019), "What do different evaluation metrics tell
us about saliency models?".
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

__all__ = [
    "FLOOR",
    "TINY",
    "auc",
    "auc_judd",
    "correlation",
    "fixation_density",
    "fixation_map",
    "information_gain",
    "kl_divergence",
    "nss",
    "shuffled_auc",
    "similarity",
]

FLOOR = 1e-10
"""Least density that a map is given where a logarithm of it is asked for, as Atari-HEAD has it."""

TINY = 1e-8
"""A saliency below this share of the largest is none."""

ROUNDING = 1e-6  # share of the largest saliency by which float32 may differ where nothing does

Maps = TypeVar("Maps", np.ndarray, Tensor)


def fixation_map(
    gaze: np.ndarray, height: int, width: int, screen: tuple[float, float] = (210, 160)
) -> np.ndarray:
    """Counts gaze samples by pixels; those off the screen are dropped.

    Args:
        gaze: (n, 2), (x, y) in pixels of the screen.
        height: H of the map.
        width: W of the map.
        screen: Height and width of what was looked at, in pixels.

    Returns:
        float64 (H, W).
    """
    counts = np.zeros((height, width))
    x, y = np.asarray(gaze, float).reshape(-1, 2).T * [[width / screen[1]], [height / screen[0]]]
    seen = np.isfinite(x) & np.isfinite(y)
    column, row = np.rint(x[seen]).astype(int), np.rint(y[seen]).astype(int)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    np.add.at(counts, (row[inside], column[inside]), 1)
    return counts


def fixation_density(fixations: np.ndarray, sigma: float = 5.0) -> np.ndarray:
    """Blurs fixations by a Gaussian, and makes each map sum to 1 (NaN without any).

    Args:
        fixations: (..., H, W).
        sigma: Of the Gaussian, in pixels; 5 for frames of 210×160, 2 for 84×84.

    Returns:
        float64 (..., H, W).
    """
    fixations = np.asarray(fixations, float)
    maps = fixations.reshape(-1, *fixations.shape[-2:])
    blurred = [
        cv2.GaussianBlur(one, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101) for one in maps
    ]
    return _share(torch.from_numpy(np.stack(blurred).reshape(fixations.shape))).numpy()


def nss(saliency: Maps, fixations: Maps) -> Maps:
    """Normalised scanpath saliency: mean z-score of the map at the fixations; chance is 0.

    Args:
        saliency: (..., H, W).
        fixations: (..., H, W).
    """
    s, f = _pair(saliency, fixations)
    z = torch.where(_even(s)[..., None, None], 0, _z_score(s))
    return _like(saliency, _sum(f * z) / _sum(f))


def kl_divergence(saliency: Maps, density: Maps, floor: float = 0.0) -> Maps:
    """Σ p ln(p / q) in nats, of people's density p from the map q; 0 is the best.

    Without a floor it is not defined where people look at what has no saliency at all.

    Args:
        saliency: (..., H, W), not negative; made to sum to 1.
        density: (..., H, W), of :func:`fixation_density`.
        floor: Least density of the map; Atari-HEAD's figures have :data:`FLOOR`.
    """
    s, d = _pair(saliency, density)
    p, q = _share(d), _share(s)
    looked_at = p > 0
    terms = torch.where(looked_at, p * (p / q.clamp(min=floor)).log(), 0)
    defined = p.isfinite().all(-1).all(-1) & q.isfinite().all(-1).all(-1)
    if floor == 0:
        defined &= ~(looked_at & (s < TINY)).any(-1).any(-1)
    return _like(saliency, torch.where(defined, _sum(terms), math.nan))


def information_gain(saliency: Maps, fixations: Maps, baseline: Maps) -> Maps:
    """Bits by which a map foretells a fixation better than a baseline does; 0 is no better.

    Args:
        saliency: (..., H, W), not negative; made to sum to 1.
        fixations: (..., H, W).
        baseline: (..., H, W), as ``saliency``: the mean gaze of a game, say.
    """
    s, f = _pair(saliency, fixations)
    b, _ = _pair(baseline, fixations)
    gain = _share(s).clamp(min=FLOOR).log2() - _share(b).clamp(min=FLOOR).log2()
    return _like(saliency, _sum(f * gain) / _sum(f))


def shuffled_auc(saliency: Maps, fixations: Maps, others: Maps) -> Maps:
    """Area under the ROC curve that tells this frame's fixations from those of other frames.

    What is looked at in every frame, the middle say, earns nothing; chance is .5. This is the
    exact value that sampling negatives in proportion to ``others`` approaches.

    Args:
        saliency: (..., H, W).
        fixations: (..., H, W), positives.
        others: (..., H, W), negatives: fixations of other frames, summed.
    """
    s, positive = _pair(saliency, fixations)
    _, negative = _pair(saliency, others)
    return _like(saliency, _areas(s, positive, negative))


def auc(saliency: Maps, fixations: Maps) -> Maps:
    """Area under the ROC curve that tells pixels looked at from others, each counted once.

    That is how Atari-HEAD's authors have it; chance is .5.

    Args:
        saliency: (..., H, W).
        fixations: (..., H, W).
    """
    s, f = _pair(saliency, fixations)
    return _like(saliency, _areas(s, (f > 0).double(), (f <= 0).double()))


def auc_judd(saliency: Maps, fixations: Maps) -> Maps:
    """As :func:`auc`, along straight lines between thresholds that are the pixels looked at.

    Between two thresholds the curve rises where :func:`auc` has a step, so that with few fixations
    this is more. Pixels of equal saliency are one threshold, and need no jitter.

    Args:
        saliency: (..., H, W).
        fixations: (..., H, W).
    """
    s, f = _pair(saliency, fixations)
    return _like(saliency, _areas(s, (f > 0).double(), (f <= 0).double(), judd=True))


def correlation(saliency: Maps, density: Maps) -> Maps:
    """Pearson's correlation of the pixels of both maps, in [-1, 1].

    Args:
        saliency: (..., H, W).
        density: (..., H, W), of :func:`fixation_density`.
    """
    s, d = _pair(saliency, density)
    return _like(saliency, (_z_score(s) * _z_score(d)).mean((-2, -1)))


def similarity(saliency: Maps, density: Maps) -> Maps:
    """What both maps, made to sum to 1, have in common, in [0, 1].

    Args:
        saliency: (..., H, W), not negative.
        density: (..., H, W), of :func:`fixation_density`.
    """
    s, d = _pair(saliency, density)
    return _like(saliency, _sum(torch.minimum(_share(s), _share(d))))


def _areas(saliency: Tensor, positive: Tensor, negative: Tensor, judd: bool = False) -> Tensor:
    """Areas under ROC curves (...,), where pixels are positive or negative as often as stated."""
    flat = [a.flatten(-2).reshape(-1, a.shape[-1] * a.shape[-2]) for a in (saliency, positive)]
    flat.append(negative.flatten(-2).reshape(flat[0].shape))
    on_processor = [a.cpu().numpy() for a in flat]
    area = _area_judd if judd else _area
    areas = [area(*one) for one in zip(*on_processor, strict=True)]
    return saliency.new_tensor(areas).reshape(saliency.shape[:-2])


def _told_apart(saliency: np.ndarray, p: np.ndarray, q: np.ndarray) -> bool:
    return bool(np.isfinite(saliency).all() and saliency.any() and p.any() and q.any())


def _area(saliency: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    if not _told_apart(saliency, positive, negative):
        return math.nan
    p, q = np.flatnonzero(positive), np.flatnonzero(negative)
    # Few are looked at: it is those that are sorted.
    if len(p) < len(q):
        return 1 - _mean_rank(saliency[q], negative[q], saliency[p], positive[p])
    return _mean_rank(saliency[p], positive[p], saliency[q], negative[q])


def _mean_rank(
    values: np.ndarray, weights: np.ndarray, of: np.ndarray, of_weights: np.ndarray
) -> float:
    """Share of ``of`` that is below a value, ties by half; the mean over the values."""
    order = of.argsort()
    below = np.concatenate([[0.0], of_weights[order].cumsum()])
    ranks = [below[of[order].searchsorted(values, side)] for side in ("left", "right")]
    return float(weights @ (ranks[0] + ranks[1]) / (2 * weights.sum() * below[-1]))


def _area_judd(saliency: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    if not _told_apart(saliency, positive, negative):
        return math.nan
    thresholds, hits = np.unique(saliency[positive > 0], return_counts=True)
    others = saliency[negative > 0]
    # How many thresholds a pixel reaches: it is a false alarm at those.
    reached = np.bincount(thresholds.searchsorted(others, "right"), minlength=len(hits) + 1)
    false_alarms = reached[:0:-1].cumsum() / len(others)
    found = hits[::-1].cumsum() / hits.sum()
    return float(np.trapezoid([0, *found, 1], [0, *false_alarms, 1]))


def _pair(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    a = _tensor(a).double()
    b = _tensor(b).to(a)
    if a.shape != b.shape or a.ndim < 2:
        raise ValueError(
            f"Both maps must be (..., H, W) alike, got {tuple(a.shape)} and {tuple(b.shape)}."
        )
    scaled = _divided(a, a.abs().amax((-2, -1), keepdim=True), least=0.0, otherwise=0.0)
    lowest, highest = (end((-2, -1), keepdim=True) for end in (scaled.amin, scaled.amax))
    return torch.where(highest - lowest < ROUNDING, highest, scaled), b


def _tensor(maps: Any) -> Tensor:
    # torch knows no views that run backwards.
    return maps if isinstance(maps, Tensor) else torch.from_numpy(np.ascontiguousarray(maps, float))


def _like(maps: Any, values: Tensor) -> Any:
    return values if isinstance(maps, Tensor) else values.numpy()


def _sum(maps: Tensor) -> Tensor:
    return maps.sum((-2, -1))


def _share(maps: Tensor) -> Tensor:
    return _divided(maps, maps.sum((-2, -1), keepdim=True))


def _z_score(maps: Tensor) -> Tensor:
    centred = maps - maps.mean((-2, -1), keepdim=True)
    return _divided(centred, centred.square().mean((-2, -1), keepdim=True).sqrt())


def _even(maps: Tensor) -> Tensor:
    lowest, highest = maps.amin((-2, -1)), maps.amax((-2, -1))
    return (highest == lowest) & (highest != 0)


def _divided(maps: Tensor, by: Tensor, least: float = TINY, otherwise: float = math.nan) -> Tensor:
    """Divides, but where the divisor is at most ``least``."""
    return torch.where(by > least, maps / by, otherwise)
