"""What all scene models share: detections, their classes, and the rows of an observation.

* :class:`Detections`: boxes with a presence and z_what each
* :class:`SceneModule`: a perception model that gives them, in fixed rows for each class
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.classifier import SceneClassifier
from objwrappers.perception.scene_classes import find_classes

__all__ = ["PRESENT_THRESHOLD", "Detections", "SceneModule"]

PRESENT_THRESHOLD = 0.5
"""Probability above which a detection is an object."""

CLASSIFIED = 1000  # frames that classes are found in


@dataclass(frozen=True)
class Detections:
    """What is found in B frames, N candidates each, in any order.

    Attributes:
        boxes: float32 (B, N, 4): centre (x, y) in [-1, 1], ±1 the frame's border; width and
            height as shares of the frame's.
        present: float32 (B, N), probabilities; above :data:`PRESENT_THRESHOLD` it is an object.
        what: float32 (B, N, D), posterior means of z_what.
    """

    boxes: Tensor
    present: Tensor
    what: Tensor


class SceneModule(PerceptionModule):
    """A perception model that finds objects: boxes, presences and z_what, named by a classifier.

    A subclass calls :meth:`define` in its constructor, passes ``labels`` and ``rows`` on to it,
    and implements :meth:`detect`.

    Attributes:
        classifier: Which class a z_what is of, and how many rows a class has.
        what_size: D.
    """

    family: ClassVar[str] = "scenes"
    classifier: SceneClassifier
    what_size: int

    def define(self, what_size: int, labels: Sequence[str], rows: Sequence[int]) -> None:
        """Sets z_what's size, the classes and the observation space.

        Raises:
            ValueError: Classes that cannot be.
        """
        self.what_size = what_size
        self.use_classifier(SceneClassifier(what_size, labels, rows))

    def use_classifier(self, classifier: SceneClassifier) -> None:
        """Names objects by another classifier; it is stored with the weights from then on.

        Raises:
            ValueError: It reads a z_what of another size.
        """
        if classifier.weight.shape[1] != self.what_size:
            raise ValueError(
                f"The classifier reads a z_what of {classifier.weight.shape[1]} numbers, but "
                f"{self.name} gives {self.what_size}: it was made for other weights."
            )
        self.classifier = classifier
        count, classes = sum(classifier.rows), len(classifier.labels)
        box = gym.spaces.Box
        self.observation_space = gym.spaces.Dict(
            {
                "boxes": box(-np.inf, np.inf, (count, 4), np.float32),
                "present": box(0, 1, (count,), np.float32),
                "what": box(-np.inf, np.inf, (count, self.what_size), np.float32),
                "label": box(0, max(1, classes - 1), (count,), np.uint8),
            }
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments, with the classes of today's classifier."""
        classes = {"labels": [*self.classifier.labels], "rows": [*self.classifier.rows]}
        return {**super().arguments, **classes}

    def settle(self, draw: Callable[[int], Tensor]) -> None:
        """Finds the classes of what the trained model sees; see :func:`find_classes`."""
        self.use_classifier(find_classes(self, draw(CLASSIFIED)))

    def detect(self, images: Tensor) -> Detections:
        """Finds objects in what :meth:`images` gives, float32 (B, 3, h, w) in [0, 1]."""
        raise NotImplementedError

    @torch.no_grad()
    def detections(self, frames: Tensor) -> Detections:
        """Finds objects in frames, uint8 (B, H, W, 3) of any size; posterior means, no gradient."""
        return self.detect(self.images(self.resize(frames)))

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Returns boxes (B, R, 4), present (B, R), what (B, R, D) and label (B, R).

        R rows, as many for each class as the classifier says; of a class with more objects the
        most probable are shown. A row without an object has zeros, and its class as label.
        """
        return self.arrange(self.detect(images))

    def arrange(self, found: Detections) -> dict[str, Tensor]:
        """Puts detections into the rows of their classes, the most probable first."""
        rows = torch.tensor(self.classifier.rows, device=found.present.device)
        first = rows.cumsum(0) - rows
        there = found.present > PRESENT_THRESHOLD
        label = self.classifier(found.what).argmax(-1)
        # By class, then by probability; what is no object comes last.
        order = torch.where(there, label + 1 - found.present, 2.0 * len(rows) + 1).argsort(-1)
        label, there = label.gather(1, order), there.gather(1, order)
        of_class = torch.nn.functional.one_hot(label, len(rows)) * there[..., None]
        rank = (of_class.cumsum(1) * of_class).sum(-1) - 1
        kept = there & (rank < rows[label])
        total = int(sum(self.classifier.rows))
        # What is not shown lands in a row beyond the last, which is cut off.
        row = torch.where(kept, first[label] + rank, total)
        arranged = {}
        for key, values in (
            ("boxes", found.boxes),
            ("present", found.present[..., None]),
            ("what", found.what),
        ):
            width = values.shape[-1]
            values = values.gather(1, order[..., None].expand(-1, -1, width))
            empty = values.new_zeros(len(values), total + 1, width)
            arranged[key] = empty.scatter(1, row[..., None].expand(-1, -1, width), values)[:, :-1]
        arranged["present"] = arranged["present"][..., 0]
        classes = torch.arange(len(rows), device=rows.device).repeat_interleave(rows)
        arranged["label"] = classes.float().expand(len(label), -1)
        return arranged
