"""Boxes against objects: precision, recall, average precision, counts, centres.

Boxes are (cx, cy, w, h) in native pixels. A detection claims one object of its frame, the one that
it fits best; the most confident detection that claims an object is a hit, later ones are false.
Two measures of fit: intersection over union, and how far the centres are apart.

* :class:`Scene`: what was found in one frame, and what is there
* :func:`iou`, :func:`closeness`: how well boxes fit
* :func:`hits`: the claims of one frame
* :func:`alone`: objects that do not lie on others
* :class:`Found`, :func:`found`: precision, recall, F1, errors of the centres, over frames
* :func:`average_precision`: area under precision over recall
* :class:`Counts`, :func:`counts`: as many objects as there are?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = [
    "CLOSE",
    "IOU_THRESHOLDS",
    "Counts",
    "Found",
    "Scene",
    "alone",
    "average_precision",
    "closeness",
    "counts",
    "found",
    "hits",
    "iou",
]

CLOSE = 0.5
"""A detection is on an object if their :func:`closeness` is above this."""

IOU_THRESHOLDS = tuple(round(0.1 * i, 1) for i in range(1, 10))
"""Those over which average precision is averaged (SPACE-Time's evaluation)."""

RECALL_LEVELS = np.linspace(0, 1, 11)
ON_EACH_OTHER = 3.0  # native pixels
MARGIN = 3.0  # native pixels around objects that count neither for nor against

Fit = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _no_boxes() -> np.ndarray:
    return np.zeros((0, 4))


@dataclass(frozen=True)
class Scene:
    """One frame, as it is and as it was seen.

    Attributes:
        boxes: (N, 4), detections.
        confidence: (N,), any scale; the most confident claim first.
        truth: (M, 4), objects to find.
        dont_care: (D, 4), objects that count neither for nor against: a detection on one of them
            that hits nothing else is not judged.
    """

    boxes: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray
    dont_care: np.ndarray = field(default_factory=_no_boxes)

    def __post_init__(self) -> None:
        for name in ("boxes", "truth", "dont_care"):
            boxes = np.asarray(getattr(self, name), float)
            boxes = boxes.reshape(-1, 4) if boxes.size == 0 else boxes
            if boxes.ndim != 2 or boxes.shape[1] != 4:
                raise ValueError(f"{name} must have shape (N, 4), got {boxes.shape}.")
            object.__setattr__(self, name, boxes)  # the class is frozen
        confidence = np.asarray(self.confidence, float)
        if confidence.shape != (len(self.boxes),):
            raise ValueError(
                f"confidence must have shape ({len(self.boxes)},), one for each box, got "
                f"{confidence.shape}."
            )
        object.__setattr__(self, "confidence", confidence)


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns intersection over union of boxes (N, 4) and (M, 4), (N, M); 0 without any area."""
    first, last = _corners(boxes)[:, None], _corners(others)[None]
    sides = np.minimum(first[..., 2:], last[..., 2:]) - np.maximum(first[..., :2], last[..., :2])
    shared = sides.clip(0).prod(-1)
    union = boxes[:, 2:].prod(-1)[:, None] + others[:, 2:].prod(-1)[None] - shared
    return np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)


def closeness(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns max(0, 1 - distance of the centres / diagonal of the object), (N, M).

    The sizes of the boxes (N, 4) play no part, those of the objects (M, 4) do (SPACE-Time's
    evaluation).
    """
    distance = np.linalg.norm(boxes[:, None, :2] - truth[None, :, :2], axis=-1)
    diagonal = np.linalg.norm(truth[:, 2:], axis=-1)[None]
    share = np.divide(distance, diagonal, out=np.full(distance.shape, np.inf), where=diagonal > 0)
    return (1 - share).clip(0)


def alone(truth: np.ndarray) -> np.ndarray:
    """Tells which objects (M, 4) do not lie on another, bool (M,).

    Where centres are less than 3 native pixels apart, nobody can tell which object is seen.
    """
    apart = np.linalg.norm(truth[:, None, :2] - truth[None, :, :2], axis=-1)
    return (apart < ON_EACH_OTHER).sum(1) == 1


def hits(scene: Scene, fit: Fit = closeness, threshold: float = CLOSE) -> np.ndarray:
    """Returns the object that each detection finds, int (N,): its row in the truth, or -1.

    A detection claims only the object that it fits best, and only where it fits better than the
    threshold; of two that claim one object, the more confident has it, of equals the first.

    Args:
        scene: One frame.
        fit: :func:`iou` or :func:`closeness`.
        threshold: Of the fit; :func:`iou` may be equal to it.
    """
    claimed = np.full(len(scene.boxes), -1)
    if not claimed.size or not len(scene.truth):
        return claimed
    fits = fit(scene.boxes, scene.truth)
    best = fits.argmax(1)
    highest = fits.max(1)
    enough = highest >= threshold if fit is iou else highest > threshold
    order = np.argsort(-scene.confidence, kind="stable")
    order = order[enough[order]]
    objects, first = np.unique(best[order], return_index=True)
    claimed[order[first]] = objects
    return claimed


def _judged(scene: Scene, claimed: np.ndarray) -> np.ndarray:
    """Tells which detections count: hits, and what is not on an object without weight."""
    near = closeness(scene.boxes, scene.dont_care) > CLOSE
    offsets = np.abs(scene.boxes[:, None, :2] - scene.dont_care[None, :, :2])
    inside = (offsets <= scene.dont_care[None, :, 2:] / 2 + MARGIN).all(-1)
    return (claimed >= 0) | ~(near | inside).any(1)


@dataclass(frozen=True)
class Found:
    """Counts over frames; add to pool them.

    Attributes:
        hits: Detections that are on an object.
        judged: Detections, those on objects without weight left out.
        objects: Objects to find.
        errors: Distance of the centres at each hit, native pixels.
    """

    hits: int = 0
    judged: int = 0
    objects: int = 0
    errors: tuple[float, ...] = ()

    @property
    def precision(self) -> float:
        """Share of detections that are hits; NaN without detections."""
        return self.hits / self.judged if self.judged else float("nan")

    @property
    def recall(self) -> float:
        """Share of objects found; NaN without objects."""
        return self.hits / self.objects if self.objects else float("nan")

    @property
    def f1(self) -> float:
        """2 P R / (P + R): 0 where nothing is hit, NaN where nothing is there and nothing found."""
        both = self.judged + self.objects
        return 2 * self.hits / both if both else float("nan")

    @property
    def centre_error(self) -> float:
        """Mean distance of a hit's centre from its object's, native pixels; NaN without hits."""
        return float(np.mean(self.errors)) if self.errors else float("nan")

    @property
    def centre_error_95(self) -> float:
        """95th percentile of those distances."""
        return float(np.percentile(self.errors, 95)) if self.errors else float("nan")


def found(scenes: Sequence[Scene], fit: Fit = closeness, threshold: float = CLOSE) -> Found:
    """Pools the hits of frames; arguments as of :func:`hits`."""
    total, judged, objects = 0, 0, 0
    errors: list[float] = []
    for scene in scenes:
        claimed = hits(scene, fit, threshold)
        hit = claimed >= 0
        offsets = scene.boxes[hit, :2] - scene.truth[claimed[hit], :2]
        errors += np.linalg.norm(offsets, axis=-1).tolist()
        total += int(hit.sum())
        judged += int(_judged(scene, claimed).sum())
        objects += len(scene.truth)
    return Found(total, judged, objects, tuple(errors))


def average_precision(scenes: Sequence[Scene], threshold: float) -> float:
    """Returns 11-point interpolated average precision at a threshold of IoU.

    The mean, over recalls 0, .1, ..., 1, of the highest precision at that recall or above;
    detections of all frames are ranked together. NaN without objects, 0 without detections.
    """
    confidence, right = [np.zeros(0)], [np.zeros(0, bool)]
    for scene in scenes:
        claimed = hits(scene, iou, threshold)
        judged = _judged(scene, claimed)
        confidence.append(scene.confidence[judged])
        right.append(claimed[judged] >= 0)
    objects = sum(len(scene.truth) for scene in scenes)
    if not objects:
        return float("nan")
    order = np.argsort(-np.concatenate(confidence), kind="stable")
    hit = np.concatenate(right)[order].cumsum()
    precision, recall = hit / np.arange(1, len(hit) + 1), hit / objects
    # 3 of 10 is a recall of .3, whatever floating point makes of it.
    reached = recall[None] >= RECALL_LEVELS[:, None] - 1e-9
    return float(np.where(reached, precision[None], 0).max(1, initial=0).mean())


@dataclass(frozen=True)
class Counts:
    """Whether frames have as many detections as objects.

    Attributes:
        perfect: Share of frames with as many.
        over: With more.
        under: With fewer.
        error_rate: Mean of |detections - objects| / objects, over frames with objects; NaN where
            none has any.
    """

    perfect: float
    over: float
    under: float
    error_rate: float


def counts(scenes: Sequence[Scene]) -> Counts:
    """Compares the number of detections with that of objects, frame by frame; NaN of no frame."""
    if not scenes:
        return Counts(*[float("nan")] * 4)
    judged = np.array([_judged(scene, hits(scene)).sum() for scene in scenes])
    objects = np.array([len(scene.truth) for scene in scenes])
    rates = np.abs(judged - objects)[objects > 0] / objects[objects > 0]
    return Counts(
        perfect=float((judged == objects).mean()),
        over=float((judged > objects).mean()),
        under=float((judged < objects).mean()),
        error_rate=float(rates.mean()) if rates.size else float("nan"),
    )


def _corners(boxes: np.ndarray) -> np.ndarray:
    halves = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - halves, boxes[:, :2] + halves], axis=-1)
