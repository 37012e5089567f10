"""What all scene models share: detections, their classes, and the rows of an observation.

* :class:`Detections`: boxes with a presence and z_what each
* :class:`SceneModule`: a perception model that gives them, in fixed rows for each class
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from objwrappers.perception.base import PerceptionModule
from objwrappers.perception.scenes.classes import find_classes
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.storage import digest_of

__all__ = ["PRESENT_THRESHOLD", "Detections", "SceneModule"]

PRESENT_THRESHOLD = 0.5
"""Probability above which a detection is an object."""

CHANNEL_ORDERS = ("RGB", "BGR")

CLASSES = "classes"  # what the digest of a classifier is called
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
        spare_rows: Rows that :meth:`perceive` gives beyond those of each class, see
            :meth:`offering`.
    """

    family: ClassVar[str] = "scenes"
    classifier: SceneClassifier
    what_size: int
    spare_rows: int = 0

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

    def with_classifier(self, classifier: SceneClassifier) -> Self:
        """Returns this model with another classifier; the network is the same, not a copy.

        Raises:
            ValueError: It reads a z_what of another size.
        """
        other = self._shallow()
        other.use_classifier(copy.deepcopy(classifier).to(self.classifier.weight.device))
        return other

    def offering(self, spare_rows: int) -> Self:
        """Returns this model with more rows of each class, for who chooses among them.

        What follows objects looks for each near where it was, and not first for the most probable.
        Its observation space stays as it is.
        """
        other = self._shallow()
        other.spare_rows = spare_rows
        return other

    def _shallow(self) -> Self:
        other = copy.copy(self)
        # A shallow copy of a module shares the table of its parts, which are to differ.
        other._modules = dict(self._modules)
        return other

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the numbers of ``label`` are called."""
        return self.classifier.labels

    @property
    def digest(self) -> str:
        """SHA-256 of all that z_what hangs on: the tensors, whatever the classifier."""
        state = self.state_dict().items()
        own = {key: tensor for key, tensor in state if not key.startswith("classifier.")}
        return digest_of(self.name, own)

    @property
    def digests(self) -> dict[str, str]:
        """What its observations hang on: the model, and the classes of their rows."""
        return {**super().digests, CLASSES: self.classifier.digest}

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

    def scene_description(
        self, frames: np.ndarray | Tensor, channel_order: str = "RGB"
    ) -> list[dict[str, dict[str, np.ndarray]]]:
        """Describes frames: which objects are where, however many there are.

        All frames go through the network at once, in evaluation mode.

        Args:
            frames: uint8 (H, W, 3) or (B, H, W, 3), of any size, on any device.
            channel_order: Of the frames, ``"RGB"`` or ``"BGR"``.

        Returns:
            For each frame: label → ``boxes`` (n, 4), their ``centres`` (n, 2) as (x, y) in
            [-1, 1], and ``present`` (n,), their probabilities, the most probable first. Every
            label is there; where a frame has no object of it, n is 0.

        Raises:
            ValueError: Frames of another shape or dtype, or another order.
        """
        if channel_order not in CHANNEL_ORDERS:
            orders = " or ".join(map(repr, CHANNEL_ORDERS))
            raise ValueError(f"channel_order must be {orders}, got {channel_order!r}.")
        if not isinstance(frames, Tensor):
            frames = torch.from_numpy(np.ascontiguousarray(frames))
        batch = frames[None] if frames.ndim == 3 else frames
        if channel_order == "BGR":
            batch = batch.flip(-1)
        was_training = self.training
        self.eval()
        try:
            found = self.detections(batch.to(self.classifier.weight.device))
        finally:
            self.train(was_training)
        labels = self.classifier(found.what).argmax(-1).cpu().numpy()
        boxes, present = found.boxes.float().cpu().numpy(), found.present.float().cpu().numpy()
        return [self._describe(*each) for each in zip(boxes, present, labels, strict=True)]

    def _describe(
        self, boxes: np.ndarray, present: np.ndarray, labels: np.ndarray
    ) -> dict[str, dict[str, np.ndarray]]:
        scene = {}
        for number, name in enumerate(self.classifier.labels):
            (of_class,) = np.nonzero((present > PRESENT_THRESHOLD) & (labels == number))
            of_class = of_class[np.argsort(-present[of_class], kind="stable")]
            scene[name] = {
                "boxes": boxes[of_class],
                "centres": boxes[of_class, :2],
                "present": present[of_class],
            }
        return scene

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Returns boxes (B, R, 4), present (B, R), what (B, R, D) and label (B, R).

        R rows, as many for each class as the classifier says; of a class with more objects the
        most probable are shown. A row without an object has zeros, and its class as label.
        """
        return self.arrange(self.detect(images))

    def arrange(self, found: Detections) -> dict[str, Tensor]:
        """Puts detections into the rows of their classes, the most probable first."""
        counts = [count + self.spare_rows for count in self.classifier.rows]
        rows = torch.tensor(counts, device=found.present.device)
        first = rows.cumsum(0) - rows
        # Few of the candidates are objects: what follows is about those alone.
        frame, candidate = (found.present > PRESENT_THRESHOLD).nonzero(as_tuple=True)
        label = self.classifier(found.what[frame, candidate]).argmax(-1)
        group = frame * len(rows) + label
        order = found.present[frame, candidate].argsort(descending=True, stable=True)
        order = order[group[order].argsort(stable=True)]
        group = group[order]
        rank = torch.arange(len(group), device=group.device) - torch.searchsorted(group, group)
        shown = rank < rows[label[order]]
        order, rank = order[shown], rank[shown]
        frame, candidate, row = frame[order], candidate[order], first[label[order]] + rank
        arranged = {}
        for key in ("boxes", "present", "what"):
            values = getattr(found, key)
            arranged[key] = values.new_zeros(len(values), sum(counts), *values.shape[2:])
            arranged[key][frame, row] = values[frame, candidate]
        classes = torch.arange(len(rows), device=rows.device).repeat_interleave(rows)
        arranged["label"] = classes.float().expand(len(found.present), -1)
        return arranged
