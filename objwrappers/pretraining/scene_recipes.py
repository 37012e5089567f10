"""What scene models learn from: frames, alone or in stacks, with what moves in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from objwrappers.datasets.frames import Frames, SingleFrames
from objwrappers.datasets.motion_boxes import MotionBoxes, motion_boxes
from objwrappers.datasets.motion_scenery import (
    MotionSettings,
    fit_scenery,
    past_bars,
    sampled_frames,
)
from objwrappers.datasets.stacks import StackBatches
from objwrappers.perception.scenes.classes import find_classes
from objwrappers.perception.scenes.motion_objects import find_objects
from objwrappers.pretraining.recipes import Datasets, Ingredients

__all__ = ["motion_scene", "single", "stacks"]

LOOKED_AT = 1000  # frames that looks and classes of objects are learned from


def motion_scene(module: Any, given: Ingredients) -> Datasets:
    """Learns the whole model: the scenery, the looks of objects, their classes.

    Raises:
        ValueError: No recording, or several: a background is that of one game.
    """
    if len(given.recordings) != 1:
        raise ValueError(
            f"A background is subtracted that is one game's, got {len(given.recordings)} "
            "recordings: train on the frames of one game."
        )
    (recording,) = given.recordings
    scenery = fit_scenery(recording, MotionSettings.of(given.settings))
    # Nothing is drawn over what is learned from; bars are ignored in play.
    module.set_scenery(scenery if given.noise == "none" else past_bars(scenery))
    frames = torch.from_numpy(sampled_frames(recording, LOOKED_AT, seed=1))
    found = [find_objects(scenery, part.numpy()) for part in frames.split(64)]
    looks = [np.concatenate(list(map(_there, part.looks, part.counts))) for part in found]
    module.set_looks(torch.from_numpy(np.concatenate(looks)))
    module.use_classifier(find_classes(module, frames))
    shown = Frames(frames[:, None], torch.ones(len(frames), 1, dtype=torch.bool))
    batches = SingleFrames(shown, given.batch_size, given.seed, given.rank)
    return batches, batches


def _there(looks: np.ndarray, count: int) -> np.ndarray:
    return looks[:count]


def stacks(module: Any, given: Ingredients) -> Datasets:
    """Stacks of ``module.stack_length`` frames with motion targets on ``module.grid`` cells."""
    return _batches(module, given, module.stack_length)


def single(module: Any, given: Ingredients) -> Datasets:
    """Independent frames; with motion targets where there are native recordings."""
    return _batches(module, given, 1)


def _motion(given: Ingredients) -> list[MotionBoxes]:
    settings = MotionSettings.of(given.settings)
    return [motion_boxes(recording, settings) for recording in given.recordings]


def _batches(module: Any, given: Ingredients, length: int) -> Datasets:
    found = _motion(given)
    # A scene model that starts from the background has a place for it.
    if len(found) == 1 and hasattr(module, "set_background"):
        module.set_background(found[0].background)

    def batches(part: Frames, first: int) -> Dataset:
        stacked = StackBatches(
            part, found, first, given.batch_size, length, module.grid, given.seed, given.rank
        )
        return given.noisy(stacked, "frames")

    return batches(given.training, 0), batches(given.validation, len(given.training.frames))
