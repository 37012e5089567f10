"""What is measured while a model trains, beyond its loss: one line of a table for each family.

* :data:`EVALUATORS`: family → what makes an :data:`Evaluator` for the games of a training
* :func:`evaluator_of`: that of a model, if there is anything to measure by
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np
import torch

from objwrappers.datasets.noise import NoisyBatches
from objwrappers.datasets.truth import LABELS
from objwrappers.geometry import to_pixels
from objwrappers.metrics.detection import Scene, found
from objwrappers.metrics.ram import play_area
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD
from objwrappers.pretraining.collect import SPLITS
from objwrappers.pretraining.play import play_at_random, thinned

__all__ = ["EVALUATORS", "Evaluator", "evaluator_of", "scene_evaluator"]

Evaluator = Callable[[Any], dict[str, float]]
"""Module, in evaluation mode → figures, by name; it changes nothing and draws nothing."""

MOMENTS = 104  # of each game
ENVS = 8
THINNED = 0.05  # share of the frames: an episode is seen from its beginning to later
AT_ONCE = 26  # frames


def evaluator_of(
    family: str, tasks: Sequence[str], noise: str = "none", seed: int = 0
) -> Evaluator | None:
    """Returns what measures models of a family on games; None where there is nothing to measure by.

    Args:
        family: Of the model.
        tasks: Those whose memory is not known are left out.
        noise: Bars on the frames.
        seed: Of the bars.
    """
    known = [task for task in tasks if task in LABELS]
    make = EVALUATORS.get(family)
    return make(known, noise, seed) if make and known else None


def scene_evaluator(games: Sequence[str], noise: str, seed: int) -> Evaluator:
    """Measures scene models by the relevant objects of games that training never saw.

    Frames are of random play by the validation split's seed; they are played at the first call.
    """
    played: dict[str, tuple[torch.Tensor, dict[str, np.ndarray]]] = {}

    def evaluate(module: Any) -> dict[str, float]:
        scenes = []
        for game in games:
            if game not in played:
                played[game] = _moments(game, noise, seed)
            scenes += _scenes(module, game, *played[game])
        total = found(scenes)
        return {
            "relevant_f1": total.f1,
            "relevant_precision": total.precision,
            "relevant_recall": total.recall,
            "relevant_centre_error": total.centre_error,
        }

    return evaluate


EVALUATORS: dict[str, Callable[[Sequence[str], str, int], Evaluator]] = {
    "scenes": scene_evaluator,
}
"""Family → (games, noise, seed) → evaluator. Families without a line are judged by their loss."""


def _moments(game: str, noise: str, seed: int) -> tuple[torch.Tensor, dict[str, np.ndarray]]:
    """Plays a game: frames uint8 (M, H, W, 3) with bars, arrays of truth (M, K, ...)."""
    split_seed = 1 + SPLITS["validation"].seed_offset
    play = play_at_random(game, ENVS, split_seed, truth=True)
    with closing(thinned(play, THINNED, split_seed)) as thin:  # type: ignore[type-var]
        rows = list(islice(thin, MOMENTS // ENVS))
    frames = torch.from_numpy(np.concatenate([frames for frames, _, _ in rows]))
    truth = {
        name: np.concatenate([arrays[name] for _, _, arrays in rows])
        for name in ("boxes", "present", "relevant")
    }
    one_batch: Any = [{"frames": frames}]
    return NoisyBatches(one_batch, ["frames"], noise, seed)[0]["frames"], truth


def _scenes(
    module: Any, game: str, frames: torch.Tensor, truth: dict[str, np.ndarray]
) -> list[Scene]:
    """What the module sees in the play area, beside what is there, in native pixels."""
    device = next(module.buffers()).device
    seen = [module.detections(part.to(device)) for part in frames.split(AT_ONCE)]
    size = frames.shape[1:3]
    boxes = _pixels(torch.cat([part.boxes.float().cpu() for part in seen]).numpy(), *size)
    confidence = torch.cat([part.present.float().cpu() for part in seen]).numpy()
    there = _pixels(truth["boxes"], *size)
    left, right, top, bottom = play_area(game)
    x, y = boxes[..., 0], boxes[..., 1]
    found = confidence > PRESENT_THRESHOLD
    found &= (left <= x) & (x < right) & (top <= y) & (y < bottom)
    relevant = truth["relevant"]
    others = truth["present"] & ~relevant
    return [
        Scene(
            boxes[i, found[i]], confidence[i, found[i]], there[i, relevant[i]], there[i, others[i]]
        )
        for i in range(len(frames))
    ]


def _pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    sides = boxes[..., 2:] * np.array([width, height])
    return np.concatenate([to_pixels(boxes[..., :2], height, width), sides], axis=-1)
