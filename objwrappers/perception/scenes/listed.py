"""A scene model that is told its objects: it reads lists, of the console's memory, and no frames.

* :class:`ListedScene`: a list → the rows of a scene
* :data:`ENTRIES`: the numbers that a list has of each object
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from objwrappers.perception.base import FrameFormat
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.module import Detections, SceneModule

__all__ = ["ENTRIES", "ListedScene"]

ENTRIES = ("x", "y", "width", "height", "present", "label")
"""Of each object: those of a box, as :class:`Detections` has them, 1 where there is an object, and
the number of its class."""


class ListedScene(SceneModule):
    """Makes scenes of lists of objects; z_what says the class, one of D numbers is 1.

    There is nothing to train. What follows objects, names them or shows them to a player takes it
    for any other scene model, but "frames" are float32 (B, M, 6), the :data:`ENTRIES` of M places.

    Args:
        labels: Names of the D classes.
        rows: Rows that each class has in an observation.

    Raises:
        ValueError: Classes that cannot be.
    """

    name = "ram"

    def __init__(self, labels: Sequence[str], rows: Sequence[int]) -> None:
        super().__init__(FrameFormat())
        self._told = tuple(labels)
        self.define(len(labels), labels, rows)
        self.use_classifier(SceneClassifier.of_centroids(torch.eye(len(labels)), labels, rows))

    @property
    def digest(self) -> str:
        """SHA-256 of the classes that z_what tells, whatever the classifier makes of them."""
        return hashlib.sha256("\n".join([self.name, *self._told]).encode()).hexdigest()

    def resize(self, frames: Tensor) -> Tensor:
        """Returns the lists as they are.

        Raises:
            ValueError: Something else.
        """
        if frames.ndim != 3 or frames.shape[-1] != len(ENTRIES):
            raise ValueError(
                f"{self.name!r} reads lists of objects, (B, M, {len(ENTRIES)}), and no frames; got "
                f"an array of shape {tuple(frames.shape)}."
            )
        return frames

    def images(self, frames: Tensor) -> Tensor:
        """Returns the lists as they are."""
        return frames

    def detect(self, images: Tensor) -> Detections:
        """Takes what the lists say."""
        boxes, present, label = images.split([4, 1, 1], -1)
        what = one_hot(label[..., 0].long(), self.what_size).float()
        return Detections(boxes, present[..., 0], what)
