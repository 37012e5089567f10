"""Do objects keep their rows? Scene models followed through whole episodes.

* :func:`follow`: identity switches of a model's tracked rows
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from objwrappers.metrics.detection import alone
from objwrappers.metrics.identity import Step, Switches, switches
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, SceneModule
from objwrappers.scoring.moments import View, views_with_bars
from objwrappers.scoring.scene_truth import boxes_in_pixels, boxes_of
from objwrappers.wrappers.tracking import SPARE_ROWS, Tracker

__all__ = ["follow"]

BATCH = 32


def follow(
    model: SceneModule, episodes: Sequence[list[View]], noise: str, motion: str, seed: int
) -> Switches:
    """Counts how often a relevant object changes its row, with the tracker that the envs have.

    While an object lies on another it is not looked at; afterwards it should be where it was.

    Args:
        model: What is followed.
        episodes: Successive views without bars, from
            :func:`objwrappers.scoring.moments.play_through`.
        noise: Bars that are drawn on them.
        motion: How these move.
        seed: Of the bars.
    """
    total = Switches()
    for number, episode in enumerate(episodes):
        views = views_with_bars(episode, noise, motion, seed + number)
        total += switches(_steps(model, views))
    return total


def _steps(model: SceneModule, views: Sequence[View]) -> list[Step]:
    if not views:
        return []
    rows_of_classes = model.classifier.rows
    offered = [count + SPARE_ROWS for count in rows_of_classes]
    percepts = _perceive(model.offering(SPARE_ROWS), [view.frame for view in views])
    tracker = Tracker(1, rows_of_classes, offered, views[0].frame.shape[:2])
    steps = []
    for t, view in enumerate(views):
        now = {key: values[t : t + 1] for key, values in percepts.items()}
        tracked = tracker(now, np.zeros(1, int), np.array([t == 0]))
        rows = np.flatnonzero(tracked["present"][0] > PRESENT_THRESHOLD)
        boxes = boxes_in_pixels(tracked["boxes"][0][rows].astype(float), *view.frame.shape[:2])
        objects = [s for s in view.shown if s.scored]
        clear = alone(boxes_of(objects))
        objects = [s for s, is_clear in zip(objects, clear, strict=True) if is_clear]
        names = [(s.name, s.number) for s in objects]
        steps.append(Step(rows, boxes, names, boxes_of(objects)))
    return steps


@torch.inference_mode()
def _perceive(model: SceneModule, frames: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    device = next(model.buffers()).device
    batches = []
    for i in range(0, len(frames), BATCH):
        batch = torch.from_numpy(np.stack(frames[i : i + BATCH])).to(device)
        batches.append({key: value.cpu().numpy() for key, value in model(batch).items()})
    return {key: np.concatenate([b[key] for b in batches]) for key in batches[0]}
