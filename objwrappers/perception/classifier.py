"""What the objects of a scene are called: a linear classifier of z_what.

Nearest centroids are linear, too, so that classes found without supervision and classes learned
from a few examples are stored and run alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["SceneClassifier"]

MOST_CLASSES, MOST_ROWS = 64, 256  # what a stranger's config.json may ask for


class SceneClassifier(nn.Module):
    """z_what → the score of each class, ``weight @ what + bias``; the largest wins.

    Args:
        what_size: D, of z_what.
        labels: Names of the C classes.
        rows: Rows that each class has in an observation, at least 1 each.

    Attributes:
        labels: The same.
        rows: The same.
        weight: float32 (C, D).
        bias: float32 (C,).

    Raises:
        ValueError: No class, a name twice, another number of rows, or too many of them.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, what_size: int, labels: Sequence[str], rows: Sequence[int]) -> None:
        super().__init__()
        self.labels, self.rows = tuple(labels), tuple(rows)
        _check_classes(self.labels, self.rows)
        self.register_buffer("weight", torch.zeros(len(labels), what_size))
        self.register_buffer("bias", torch.zeros(len(labels)))

    @classmethod
    def of_centroids(
        cls, centroids: Tensor, labels: Sequence[str], rows: Sequence[int]
    ) -> SceneClassifier:
        """Returns the classifier whose class is that of the nearest of the centroids (C, D)."""
        classifier = cls(centroids.shape[1], labels, rows)
        classifier.weight.copy_(2 * centroids)
        classifier.bias.copy_(-centroids.square().sum(1))
        return classifier

    def forward(self, what: Tensor) -> Tensor:
        """(..., D) → scores (..., C)."""
        return what @ self.weight.T + self.bias


def _check_classes(labels: tuple[str, ...], rows: tuple[int, ...]) -> None:
    if not labels or len({*labels}) < len(labels) or len(labels) > MOST_CLASSES:
        raise ValueError(f"labels must be 1 to {MOST_CLASSES} different names, got {labels}.")
    if len(rows) != len(labels) or min(rows) < 1 or sum(rows) > MOST_ROWS:
        raise ValueError(
            f"rows must be a number of at least 1 for each of {len(labels)} labels, at most "
            f"{MOST_ROWS} together, got {rows}."
        )
