"""What scene models learn from: frames, alone or in stacks, with what moves in them."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion_boxes import MotionBoxes, motion_boxes
from objwrappers.datasets.motion_scenery import MotionSettings
from objwrappers.datasets.stacks import StackBatches
from objwrappers.pretraining.recipes import Datasets, Ingredients

__all__ = ["single", "stacks"]


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
