"""What z_what tells apart: few-shot accuracy, and clusters against true classes.

Encodings are (n, D), labels n words or numbers. Needs scikit-learn, of the extra ``zoo``.

* :func:`labels_of`: which object a detection shows
* :func:`few_shot`: indices of a few examples of each class
* :func:`fit_linear`, :func:`few_shot_accuracy`: classifiers of a few examples
* :class:`Clusters`, :func:`clusters`: k-means against true classes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from objwrappers.metrics.detection import alone
from objwrappers.names import check_name

__all__ = [
    "METHODS",
    "SHOTS",
    "Clusters",
    "clusters",
    "few_shot",
    "few_shot_accuracy",
    "fit_linear",
    "labels_of",
]

SHOTS = (1, 4, 16, 64)
"""Examples of each class (SPACE-Time's evaluation)."""

METHODS = ("ridge", "logistic", "centroid")
"""How a classifier of a few examples is fitted."""

DRAWS = 5
NEIGHBOURS = 24
LEAST_COVERED = 0.5  # share of an object that a detection has to cover to show it


def labels_of(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns the object that each detection shows, int (N,): a row of the truth, or -1.

    It is the one of which the detection covers the largest share, if that is half of it or more;
    of those covered alike the one whose centre is nearest. Where two objects lie on each other,
    their centres less than 3 pixels apart, nobody can tell which is shown: -1.

    Args:
        boxes: (N, 4), detections as (cx, cy, w, h), native pixels.
        truth: (M, 4), objects.
    """
    if not len(boxes) or not len(truth):
        return np.full(len(boxes), -1)
    first, last = (
        np.stack([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2]) for b in (boxes, truth)
    )
    sides = np.minimum(first[1][:, None], last[1]) - np.maximum(first[0][:, None], last[0])
    covered = sides.clip(0).prod(-1) / truth[:, 2:].prod(-1)
    distance = np.linalg.norm(boxes[:, None, :2] - truth[None, :, :2], axis=-1)
    best = np.lexsort((distance, -covered.round(6)), axis=1)[:, 0]
    enough = covered[np.arange(len(boxes)), best] >= LEAST_COVERED
    return np.where(enough & alone(truth)[best], best, -1)


def few_shot(labels: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Returns indices of ``shots`` random examples of each class, fewer where there are fewer."""
    labels = np.asarray(labels)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:shots] for label in np.unique(labels)]
    )


def fit_linear(
    what: np.ndarray, labels: np.ndarray, method: str = "ridge"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fits a linear classifier: of the scores ``what @ weight.T + bias`` the largest wins.

    Ridge regression, which the papers have, seldom gives a class that lies between others its
    due (Hastie et al. 2009, section 4.2, masking); logistic regression does. Its penalty is of
    encodings of unit variance on average, whatever the scale of those given.

    Args:
        what: Encodings (n, D).
        labels: Their classes (n,).
        method: ``"ridge"`` or ``"logistic"``, by scikit-learn, or ``"centroid"``, the nearest mean.

    Returns:
        The C classes, sorted, the weight (C, D) and the bias (C,).

    Raises:
        ValueError: No such method, or fewer than two classes.
    """
    from sklearn.linear_model import LogisticRegression, RidgeClassifier

    check_name("method", method, METHODS)
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(f"A classifier needs at least 2 classes, got {classes.tolist()}.")
    if method == "centroid":
        means = np.stack([what[labels == label].mean(0) for label in classes])
        return classes, 2 * means, -np.square(means).sum(1)
    if method == "ridge":
        model, scale = RidgeClassifier(), 1.0
    else:
        model, scale = LogisticRegression(max_iter=1000), np.sqrt(what.var(0).mean()) or 1.0
    model.fit(what / scale, labels)
    weight, bias = np.atleast_2d(model.coef_) / scale, np.atleast_1d(model.intercept_)
    if len(classes) == 2:
        # scikit-learn has one score for two classes: above 0 it is the second.
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    return classes, weight, bias


def few_shot_accuracy(
    pool: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    shots: int,
    seed: int = 0,
    method: str = "ridge",
) -> float:
    """Returns the share of the test encodings that a classifier of a few examples names right.

    The mean of five draws of the examples. A class of the test that the pool does not have is
    never named right. NaN without test encodings, or where the pool has fewer than two classes.

    Args:
        pool: Encodings (n, D) and labels (n,) to draw examples from; of other episodes than the
            test's.
        test: Encodings (m, D) and labels (m,).
        shots: Examples of each class.
        seed: Of the draws.
        method: See :func:`fit_linear`.
    """
    (what, labels), (test_what, test_labels) = _encodings(*pool), _encodings(*test)
    if not len(test_labels) or len(np.unique(labels)) < 2:
        return float("nan")
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(DRAWS):
        chosen = few_shot(labels, shots, rng)
        classes, weight, bias = fit_linear(what[chosen], labels[chosen], method)
        named = classes[(test_what @ weight.T + bias).argmax(1)]
        shares.append((named == test_labels).mean())
    return float(np.mean(shares))


@dataclass(frozen=True)
class Clusters:
    """K-means with as many clusters as there are classes, against these.

    Attributes:
        ami: Adjusted mutual information; chance is 0.
        ari: Adjusted Rand index; chance is 0.
        cluster_nn: Share of the test encodings named right by their nearest cluster, which has
            the commonest label of the 24 encodings of the pool that are nearest to its centroid.
    """

    ami: float
    ari: float
    cluster_nn: float


def clusters(
    pool: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int = 0
) -> Clusters:
    """Clusters the test encodings by k-means++, ten starts; NaN where there are too few.

    Args:
        pool: Encodings and labels that name the clusters.
        test: Encodings and labels that are clustered and judged.
        seed: Of k-means.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    (what, labels), (test_what, test_labels) = _encodings(*pool), _encodings(*test)
    count = len(np.unique(test_labels))
    if count < 2 or not len(labels):
        return Clusters(*[float("nan")] * 3)
    means = KMeans(count, n_init=10, random_state=seed).fit(test_what)
    distance = np.linalg.norm(means.cluster_centers_[:, None] - what[None], axis=-1)
    near = labels[np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]]
    names = np.array([_commonest(row) for row in near])
    named = names[_nearest(test_what, means.cluster_centers_)]
    return Clusters(
        ami=float(adjusted_mutual_info_score(test_labels, means.labels_)),
        ari=float(adjusted_rand_score(test_labels, means.labels_)),
        cluster_nn=float((named == test_labels).mean()),
    )


def _commonest(labels: np.ndarray) -> Any:
    """Returns the commonest label; of equals, the one that comes first."""
    classes, first, counts = np.unique(labels, return_index=True, return_counts=True)
    return classes[np.lexsort((first, -counts))[0]]


def _nearest(what: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    # |w|² is the same for all centroids; the rest needs no (n, C, D) array.
    return (what @ (2 * centroids.T) - np.square(centroids).sum(1)).argmax(1)


def _encodings(what: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    what, labels = np.asarray(what, float), np.asarray(labels)
    if what.ndim != 2 or labels.shape != what.shape[:1]:
        raise ValueError(
            f"Encodings must be (n, D) and labels (n,), got {what.shape} and {labels.shape}."
        )
    return what, labels
