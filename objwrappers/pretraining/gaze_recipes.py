"""What gaze models learn from: recorded human play.

* :func:`gaze`: the recipe
* :func:`split_steps`: which steps of a recording are for training, and which for validation
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from objwrappers.datasets.gaze import GazeBatches, GazePlay
from objwrappers.pretraining.recipes import VALIDATION_SHARE, Datasets, Ingredients

__all__ = ["gaze", "split_steps"]

PREPARED_BY = 1024  # stacks


def gaze(module: Any, given: Ingredients) -> Datasets:
    """Stacks with people's densities; the model is prepared by those of the training.

    Raises:
        ValueError: Frames that nobody watched, bars, or no step with gaze.
    """
    if given.noise != "none":
        raise ValueError(
            f"People who saw no bars did not look around them: noise='none', got {given.noise!r}."
        )
    if not given.recordings or not all(hasattr(r, "gaze_offsets") for r in given.recordings):
        raise ValueError(
            f"{module.name} learns where people look from recorded human play: give its trials, "
            "--trials (in Python: trials=)."
        )
    settings = given.settings
    plays = [GazePlay.of(recording) for recording in given.recordings]
    split = [split_steps(play, settings["n_frames"], module.stack) for play in plays]
    sigma = (float(settings["sigma_rows"]), float(settings["sigma_columns"]))

    def batches(part: int) -> GazeBatches:
        steps = [parts[part] for parts in split]
        return GazeBatches(
            plays, steps, given.batch_size, module.stack, sigma, given.seed, given.rank
        )

    training, validation = batches(0), batches(1)
    module.prepare(_stacks(plays, [parts[0] for parts in split], module.stack, given.seed))
    return training, validation


def split_steps(play: GazePlay, count: int, stack: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits the first steps of a recording; what comes after them is left for testing.

    Args:
        play: T steps.
        count: How many of them are used, the first ones.
        stack: Frames that a model looks at; no frame of the training is in a stack of validation.

    Returns:
        The steps with gaze of the first nine tenths, and those of the last tenth.
    """
    count = min(count, len(play.frames))
    cut = count - round(VALIDATION_SHARE * count)
    (seen,) = np.nonzero(play.seen[:count])
    return seen[seen < cut], seen[seen >= cut + stack - 1]


def _stacks(plays: list[GazePlay], steps: list[np.ndarray], length: int, seed: int) -> torch.Tensor:
    """Returns stacks of steps drawn from all recordings alike."""
    share = PREPARED_BY // len(plays) + 1
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(own)[:share] for own in steps]
    return torch.cat(
        [play.stacks(np.sort(own), length) for play, own in zip(plays, chosen, strict=True)]
    )
