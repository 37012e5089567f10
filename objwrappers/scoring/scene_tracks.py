"""Do objects keep their rows? Scene models followed through whole episodes.

* :func:`follow`: identity switches of a model's tracked rows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from objwrappers.metrics.detection import alone
from objwrappers.metrics.identity import Step, Switches, switches
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, SceneModule
from objwrappers.scoring.moments import View, views_with_bars
from objwrappers.scoring.scene_truth import SETS, Truth, boxes_in_pixels, boxes_of
from objwrappers.wrappers.tracking import SPARE_ROWS, Tracker

__all__ = ["follow"]

BATCH = 32


@dataclass(frozen=True)
class Rows:
    """What a tracker shows at a step.

    Attributes:
        numbers: int (n,), rows that show an object.
        boxes: (n, 4), native pixels.
    """

    numbers: np.ndarray
    boxes: np.ndarray


def follow(
    model: SceneModule,
    episodes: Sequence[list[View]],
    truths: Sequence[list[Truth]],
    noise: str,
    motion: str,
    seed: int,
) -> dict[str, Switches]:
    """Counts how often an object changes its row, with the tracker that the envs have.

    While an object lies on another it is not looked at; afterwards it should be where it was.

    Args:
        model: What is followed.
        episodes: Successive views without bars, from
            :func:`objwrappers.scoring.moments.play_through`.
        truths: What these show.
        noise: Bars that are drawn on them.
        motion: How these move.
        seed: Of the bars.

    Returns:
        Set of objects → counts.
    """
    total = dict.fromkeys(SETS, Switches())
    for number, (episode, there) in enumerate(zip(episodes, truths, strict=True)):
        tracked = _tracked(model, views_with_bars(episode, noise, motion, seed + number))
        for which in SETS:
            total[which] += switches(
                [_step(*each, which) for each in zip(tracked, there, strict=True)]
            )
    return total


def _tracked(model: SceneModule, views: Sequence[View]) -> list[Rows]:
    if not views:
        return []
    rows_of_classes = model.classifier.rows
    offered = [count + SPARE_ROWS for count in rows_of_classes]
    percepts = _perceive(model.offering(SPARE_ROWS), [view.frame for view in views])
    size = views[0].frame.shape[:2]
    tracker = Tracker(1, rows_of_classes, offered, size)
    shown = []
    for t in range(len(views)):
        now = {key: values[t : t + 1] for key, values in percepts.items()}
        tracked = tracker(now, np.zeros(1, int), np.array([t == 0]))
        rows = np.flatnonzero(tracked["present"][0] > PRESENT_THRESHOLD)
        shown.append(Rows(rows, boxes_in_pixels(tracked["boxes"][0][rows].astype(float), *size)))
    return shown


def _step(rows: Rows, truth: Truth, which: str) -> Step:
    objects = truth.sought(which)
    clear = alone(boxes_of(objects))
    objects = [s for s, is_clear in zip(objects, clear, strict=True) if is_clear]
    names = [(s.name, s.number) for s in objects]
    return Step(rows.numbers, rows.boxes, names, boxes_of(objects))


@torch.inference_mode()
def _perceive(model: SceneModule, frames: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    device = next(model.buffers()).device
    batches = []
    for i in range(0, len(frames), BATCH):
        batch = torch.from_numpy(np.stack(frames[i : i + BATCH])).to(device)
        batches.append({key: value.cpu().numpy() for key, value in model(batch).items()})
    return {key: np.concatenate([b[key] for b in batches]) for key in batches[0]}
