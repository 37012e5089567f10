"""Where a model looks against where people look.

Maps are arrays (..., H, W); each function gives float64 (...,), NaN where the measure is not
defined for a map. Fixations are counts of gaze samples, as :func:`fixation_map` makes them. The
scale of a saliency map does not matter: each is divided by its largest value.

What each measure rewards is in Bylinskii et al. (2019), "What do different evaluation metrics tell
us about saliency models?".
"""

from __future__ import annotations

import cv2
import numpy as np

__all__ = [
    "correlation",
    "fixation_density",
    "fixation_map",
    "kl_divergence",
    "nss",
    "shuffled_auc",
    "similarity",
]

TINY = 1e-8  # a saliency below this share of the largest is none


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
    return _share(np.stack(blurred).reshape(fixations.shape))


def nss(saliency: np.ndarray, fixations: np.ndarray) -> np.ndarray:
    """Normalised scanpath saliency: mean z-score of the map at the fixations; chance is 0.

    Args:
        saliency: (..., H, W).
        fixations: (..., H, W).
    """
    saliency, fixations = _pair(saliency, fixations)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = _sum(fixations * _z_score(saliency)) / _sum(fixations)
    return found


def kl_divergence(saliency: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Σ p ln(p / q) in nats, of people's density p from the map q; 0 is the best.

    It is not defined where people look at what has no saliency at all.

    Args:
        saliency: (..., H, W), not negative; made to sum to 1.
        density: (..., H, W), of :func:`fixation_density`.
    """
    saliency, density = _pair(saliency, density)
    p, q = _share(density), _share(saliency)
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = np.where(p > 0, p * np.log(p / q), 0)
    defined = ~((p > 0) & (saliency < TINY)).any((-2, -1)) & np.isfinite(p).all((-2, -1))
    return np.where(defined, _sum(terms), np.nan)


def shuffled_auc(saliency: np.ndarray, fixations: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Area under the ROC curve that tells this frame's fixations from those of other frames.

    What is looked at in every frame, the middle say, earns nothing; chance is .5. This is the
    exact value that sampling negatives in proportion to ``others`` approaches.

    Args:
        saliency: (..., H, W).
        fixations: (..., H, W), positives.
        others: (..., H, W), negatives: fixations of other frames, summed.
    """
    saliency, fixations = _pair(saliency, fixations)
    _, others = _pair(saliency, others)
    shape = saliency.shape[:-2]
    flat = [a.reshape(-1, a.shape[-2] * a.shape[-1]) for a in (saliency, fixations, others)]
    areas = [_area(*one) for one in zip(*flat, strict=True)]
    return np.array(areas).reshape(shape)


def _area(saliency: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    defined = np.isfinite(saliency).all() and np.ptp(saliency) > 0
    if not defined or positive.sum() == 0 or negative.sum() == 0:
        return float("nan")
    levels, level = np.unique(saliency, return_inverse=True)
    p = np.bincount(level, positive, len(levels)) / positive.sum()
    q = np.bincount(level, negative, len(levels)) / negative.sum()
    below = np.cumsum(q) - q
    return float((p * (below + q / 2)).sum())


def correlation(saliency: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Pearson's correlation of the pixels of both maps, in [-1, 1].

    Args:
        saliency: (..., H, W).
        density: (..., H, W), of :func:`fixation_density`.
    """
    saliency, density = _pair(saliency, density)
    with np.errstate(invalid="ignore"):
        return (_z_score(saliency) * _z_score(density)).mean((-2, -1))


def similarity(saliency: np.ndarray, density: np.ndarray) -> np.ndarray:
    """What both maps, made to sum to 1, have in common, in [0, 1].

    Args:
        saliency: (..., H, W), not negative.
        density: (..., H, W), of :func:`fixation_density`.
    """
    saliency, density = _pair(saliency, density)
    return _sum(np.minimum(_share(saliency), _share(density)))


def _pair(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim < 2:
        raise ValueError(f"Both maps must be (..., H, W) alike, got {a.shape} and {b.shape}.")
    return _of_largest(a), b


def _of_largest(maps: np.ndarray) -> np.ndarray:
    largest = np.abs(maps).max((-2, -1), keepdims=True)
    return np.divide(maps, largest, out=np.zeros(maps.shape), where=largest > 0)


def _sum(maps: np.ndarray) -> np.ndarray:
    return maps.sum((-2, -1))


def _share(maps: np.ndarray) -> np.ndarray:
    total = maps.sum((-2, -1), keepdims=True)
    return np.divide(maps, total, out=np.full(maps.shape, np.nan), where=total > TINY)


def _z_score(maps: np.ndarray) -> np.ndarray:
    spread = maps.std((-2, -1), keepdims=True)
    centred = maps - maps.mean((-2, -1), keepdims=True)
    return np.divide(centred, spread, out=np.full(maps.shape, np.nan), where=spread > TINY)
