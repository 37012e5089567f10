"""Classes of objects without labels: clusters of z_what.

* :func:`find_classes`: a scene model and frames → a classifier by nearest centroid
* :func:`cluster`: points → their clusters, as many as fit best
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from objwrappers.perception.scenes.classifier import SceneClassifier

if TYPE_CHECKING:
    from objwrappers.perception.scenes.module import SceneModule

__all__ = ["cluster", "find_classes"]

MOST_CLASSES = 12
MOST_ROWS = 64
SEEN_AT_ONCE = 0.995  # share of the frames in which all objects of a class have a row
CLUSTERED = 1500  # objects: more cost time and tell little
LEAST_SHARE = 0.005  # of the objects: a cluster of fewer is no class
BATCH = 32
LEAST_SILHOUETTE = 0.25  # below, clusters are no better than one


@torch.no_grad()
def find_classes(module: SceneModule, frames: Tensor, seed: int = 0) -> SceneClassifier:
    """Clusters what a scene model finds in frames.

    Args:
        module: The model.
        frames: uint8 (N, h, w, 3), of its game.
        seed: Of which objects are clustered, where they are many.

    Returns:
        A classifier of labels ``"class 0"``, ... by falling number of objects. Each class has as
        many rows as it has objects at once in 99.5 % of the frames, all classes at most 64.
    """
    was_training = module.training
    module.eval()
    device = next(module.parameters()).device
    what, frame, first = [], [], 0
    for part in frames.split(BATCH):
        found = module.detections(part.to(device))
        where, candidate = (found.present > 0.5).nonzero(as_tuple=True)
        what.append(found.what[where, candidate].float().cpu())
        frame.append(where.cpu() + first)
        first += len(part)
    module.train(was_training)
    points, owner = torch.cat(what), torch.cat(frame)
    if len(points) < 2:
        return SceneClassifier(module.what_size, ("class 0",), (1,)).to(device)
    drawn = np.random.default_rng(seed).permutation(len(points))[:CLUSTERED]
    sample = points[torch.from_numpy(drawn)]
    labels = torch.from_numpy(cluster(sample.numpy()))
    centroids = torch.stack([sample[labels == k].mean(0) for k in range(int(labels.max()) + 1)])
    names = [f"class {k}" for k in range(len(centroids))]
    nearest = SceneClassifier.of_centroids(centroids, names, [1] * len(names))
    counts = torch.zeros(len(frames), len(names))
    counts.index_put_((owner, nearest(points).argmax(-1)), torch.ones(()), accumulate=True)
    by_number = counts.sum(0).argsort(descending=True)
    counts, centroids = counts[:, by_number], centroids[by_number]
    at_once = torch.quantile(counts, SEEN_AT_ONCE, dim=0, interpolation="higher").long()
    rows = _at_most(at_once.clamp(min=1), MOST_ROWS)
    return SceneClassifier.of_centroids(centroids, names, rows).to(device)


def _at_most(rows: Tensor, total: int) -> list[int]:
    """Takes rows from the class that has most, until there are no more than ``total``."""
    rows = rows.clone()
    while rows.sum() > total:  # classes have at least one row each, and are few
        rows[rows.argmax()] -= 1
    return rows.tolist()


def cluster(points: np.ndarray) -> np.ndarray:
    """Finds clusters by Ward's method; their number is that of the best silhouette.

    Args:
        points: (K, D), K > 1.

    Returns:
        int64 (K,), the cluster of each point, from 0 on; a cluster of very few points is put to
        the nearest of the others.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import cdist

    distance = cdist(points, points)
    if distance.max() == 0:
        return np.zeros(len(points), np.int64)
    tree = linkage(points, "ward")
    best, chosen = LEAST_SILHOUETTE, np.zeros(len(points), np.int64)
    for count in range(2, min(MOST_CLASSES, len(points) - 1) + 1):
        labels = _without_rare(fcluster(tree, count, "maxclust") - 1, distance)
        score = _silhouette(labels, distance)
        if score > best:
            best, chosen = score, labels
    return chosen


def _without_rare(labels: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Puts points of rare clusters to the nearest point's of the others; renumbers."""
    counts = np.bincount(labels)
    common = counts >= LEAST_SHARE * len(labels)
    among = np.flatnonzero(common[labels])
    nearest = among[distance[:, among].argmin(1)]
    kept = np.where(common[labels], labels, labels[nearest])
    return np.unique(kept, return_inverse=True)[1]


def _silhouette(labels: np.ndarray, distance: np.ndarray) -> float:
    """The mean silhouette (Rousseeuw 1987); 0 of a single cluster."""
    count = int(labels.max()) + 1
    if count < 2:
        return 0.0
    member = np.eye(count)[labels]
    sizes = member.sum(0)
    sums = distance @ member
    rows = np.arange(len(labels))
    own = sums[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[rows, labels] = np.inf
    other = means.min(1)
    score = (other - own) / np.maximum(np.maximum(own, other), 1e-12)
    return float(np.where(sizes[labels] > 1, score, 0).mean())
