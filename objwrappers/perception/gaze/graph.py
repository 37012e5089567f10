"""A graph between regions of a map: Li & Gupta (2018), "Beyond Grids".

* :class:`GraphUnit`: projection onto vertices, a graph convolution, and back onto the map
* :func:`clusters`: where the vertices begin, by k-means
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GraphUnit", "clusters"]

LEAST = 1e-6  # cells that belong to a vertex, and length of its differences
LEAST_DEVIATION, MOST_DEVIATION = 0.05, 0.95  # of a cluster; a vertex's are between 0 and 1


class GraphUnit(nn.Module):
    """Cells that look alike become one vertex, whichever they are; vertices talk to each other.

    Args:
        channels: d, of the map.
        vertices: V.
        outputs: Channels of what comes back; by default d.

    Raises:
        ValueError: A number that is below 1.
    """

    def __init__(self, channels: int, vertices: int, outputs: int | None = None) -> None:
        super().__init__()
        outputs = channels if outputs is None else outputs
        if min(channels, vertices, outputs) < 1:
            raise ValueError(
                "channels, vertices and outputs must be at least 1, got "
                f"{channels}, {vertices} and {outputs}."
            )
        self.anchors = nn.Parameter(torch.randn(vertices, channels))
        self.scales = nn.Parameter(torch.zeros(vertices, channels))
        self.weight = nn.Parameter(torch.empty(channels, outputs))
        nn.init.xavier_uniform_(self.weight)

    @property
    def deviations(self) -> Tensor:
        """How far from its anchor a vertex reaches, (V, d), in (0, 1)."""
        return self.scales.sigmoid()

    @torch.no_grad()
    def start_from(self, centres: Tensor, deviations: Tensor) -> None:
        """Puts the vertices where clusters are.

        Args:
            centres: (V, d).
            deviations: (V, d), cut off at .05 and .95.

        Raises:
            ValueError: Clusters of another number or size.
        """
        if centres.shape != self.anchors.shape or deviations.shape != self.anchors.shape:
            raise ValueError(
                f"Clusters must be {tuple(self.anchors.shape)}, got "
                f"{tuple(centres.shape)} and {tuple(deviations.shape)}."
            )
        self.anchors.copy_(centres)
        self.scales.copy_(deviations.clamp(LEAST_DEVIATION, MOST_DEVIATION).logit())

    def assign(self, cells: Tensor) -> Tensor:
        """Returns how much each cell belongs to each vertex: (B, N, V), rows sum to 1.

        Args:
            cells: (B, N, d).
        """
        # Only differences count; near 0 their squares lose the least when they are taken apart.
        middle = self.anchors.detach().mean(0)
        x, anchors, inverse = cells - middle, self.anchors - middle, self.deviations**-2
        distance = (
            x.square() @ inverse.T
            - 2 * (x @ (anchors * inverse).T)
            + (anchors.square() * inverse).sum(-1)
        )
        return (-distance / 2).softmax(-1)

    def project(self, cells: Tensor, belonging: Tensor) -> Tensor:
        """Returns the vertices, (B, V, d) of length 1: mean differences from their anchors."""
        total = belonging.sum(1)[..., None]
        sums = belonging.transpose(1, 2) @ cells - total * self.anchors
        # A vertex that next to nothing belongs to has no direction, and no gradient that explodes.
        differences = sums / self.deviations / total.clamp(min=LEAST)
        return F.normalize(differences, dim=-1, eps=LEAST)

    def forward(self, features: Tensor) -> Tensor:
        """Returns what vertices say to the cells that belong to them.

        Args:
            features: (B, d, h, w).

        Returns:
            (B, outputs, h, w).
        """
        # Squares of differences outrun half precision.
        with torch.autocast(features.device.type, enabled=False):
            cells = features.flatten(2).transpose(1, 2)
            cells = cells.to(self.anchors.dtype)
            belonging = self.assign(cells)
            vertices = self.project(cells, belonging)
            affinity = vertices @ vertices.transpose(1, 2)
            back = belonging @ (affinity @ vertices @ self.weight).relu()
        return back.transpose(1, 2).unflatten(-1, features.shape[-2:])


def clusters(cells: Tensor, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Finds clusters by k-means on small batches.

    Args:
        cells: (N, d), at least as many as clusters.
        count: V.
        seed: Of the beginning.

    Returns:
        Centres and standard deviations, float32 (V, d) each.

    Raises:
        ValueError: Fewer cells than clusters.
    """
    from sklearn.cluster import MiniBatchKMeans

    if len(cells) < count:
        raise ValueError(f"{count} clusters need as many cells, got {len(cells)}.")
    values = cells.float().cpu()
    found = MiniBatchKMeans(count, random_state=seed, n_init=3).fit(values.numpy())
    centres = torch.from_numpy(found.cluster_centers_).float()
    label = torch.from_numpy(found.labels_).long()
    squares = (values - centres[label]).square()
    sums = torch.zeros_like(centres).index_add_(0, label, squares)
    members = torch.bincount(label, minlength=count).clamp(min=1)
    return centres, (sums / members[:, None]).sqrt()
