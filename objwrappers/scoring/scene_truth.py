"""What a frame shows, what was found in it, and which of that counts.

* :class:`Truth`: the objects of a frame, by set
* :class:`Seen`: what a model found in it
* :func:`truths_of`, :func:`look`: of moments, of a model
* :data:`SETS`: which objects are looked for
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from objwrappers.geometry import to_pixels
from objwrappers.metrics.detection import Scene
from objwrappers.metrics.ram import Sprite, play_area
from objwrappers.metrics.scenery import still_sprites
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, SceneModule
from objwrappers.scoring.moments import View

__all__ = ["SETS", "Seen", "Truth", "boxes_in_pixels", "boxes_of", "look", "truths_of"]

SETS = ("relevant", "moving", "all")
"""Objects that are looked for.

* relevant: those that are scored. Others (shots, what flicker hides, what stands still) and all
  that is found outside the play area count neither for nor against.
* moving: all that memory knows and flicker does not hide; the rest is false.
* all: what stands still, too (:mod:`objwrappers.metrics.scenery`).
"""

BATCH = 32


def boxes_of(objects: Sequence[Sprite]) -> np.ndarray:
    """Returns boxes (N, 4) of sprites, (cx, cy, w, h) in native pixels."""
    return np.array([(s.x, s.y, s.width, s.height) for s in objects], float).reshape(-1, 4)


def boxes_in_pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Converts boxes (..., 4) of percepts, centres in [-1, 1] and sizes as shares, to pixels."""
    sizes = boxes[..., 2:] * np.array([width, height])
    return np.concatenate([to_pixels(boxes[..., :2], height, width), sizes], axis=-1)


@dataclass(frozen=True)
class Seen:
    """What a model found in a frame, n objects.

    Attributes:
        boxes: (n, 4), (cx, cy, w, h) in native pixels.
        confidence: (n,).
        what: (n, D).
        label: n names, or none where nothing names them.
    """

    boxes: np.ndarray
    confidence: np.ndarray
    what: np.ndarray
    label: np.ndarray

    @classmethod
    def of_boxes(cls, boxes: np.ndarray, confidence: np.ndarray | None = None) -> Seen:
        """Boxes alone, all as confident where nothing else is said."""
        count = len(boxes)
        sure = np.ones(count) if confidence is None else confidence
        return cls(boxes, sure, np.zeros((count, 0)), np.zeros(0, str))


@dataclass(frozen=True)
class Truth:
    """The objects of a frame.

    Attributes:
        objects: All that memory knows.
        shown: Those that flicker has not hidden.
        still: Those that stand still.
        area: Left, right, top and bottom of the play area, native pixels.
    """

    objects: Sequence[Sprite]
    shown: Sequence[Sprite]
    still: Sequence[Sprite]
    area: tuple[float, float, float, float]

    def sought(self, which: str) -> list[Sprite]:
        """Returns the objects of a set that should be found.

        Raises:
            ValueError: No such set.
        """
        if which == "relevant":
            return [s for s in self.shown if s.scored]
        if which == "moving":
            return [*self.shown]
        if which == "all":
            return [*self.shown, *self.still]
        raise ValueError(f"Unknown set of objects {which!r}. There are {', '.join(SETS)}.")

    def inside(self, boxes: np.ndarray) -> np.ndarray:
        """Tells which boxes (n, 4) have their centre in the play area, bool (n,)."""
        left, right, top, bottom = self.area
        x, y = boxes[:, 0], boxes[:, 1]
        return (left <= x) & (x < right) & (top <= y) & (y < bottom)

    def judge(self, seen: Seen, which: str) -> Scene:
        """Returns what is judged of a frame."""
        sought = self.sought(which)
        if which != "relevant":
            return Scene(seen.boxes, seen.confidence, boxes_of(sought))
        ignored = [s for s in (*self.objects, *self.still) if s not in sought]
        kept = self.inside(seen.boxes)
        return Scene(seen.boxes[kept], seen.confidence[kept], boxes_of(sought), boxes_of(ignored))


def truths_of(game: str, views: Sequence[View]) -> list[Truth]:
    """Returns what views show; they are to be without bars.

    Raises:
        ValueError: A game whose memory is not known.
    """
    area = play_area(game)
    return [Truth(v.objects, v.shown, still_sprites(game, v.frame), area) for v in views]


@torch.inference_mode()
def look(model: SceneModule, frames: Sequence[np.ndarray]) -> list[Seen]:
    """Returns what a model finds in each frame, uint8 (H, W, 3), above its threshold."""
    device = next(model.buffers()).device
    names = np.array(model.classifier.labels)
    seen = []
    for i in range(0, len(frames), BATCH):
        batch = np.stack(frames[i : i + BATCH])
        found = model.detections(torch.from_numpy(batch).to(device))
        label = model.classifier(found.what).argmax(-1).cpu().numpy()
        boxes = boxes_in_pixels(found.boxes.cpu().numpy().astype(float), *batch.shape[1:3])
        present, what = found.present.cpu().numpy(), found.what.cpu().numpy()
        for k, there in enumerate(present > PRESENT_THRESHOLD):
            seen.append(
                Seen(boxes[k][there], present[k][there], what[k][there], names[label[k][there]])
            )
    return seen
