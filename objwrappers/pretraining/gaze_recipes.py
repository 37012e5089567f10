"""What gaze models learn from: recorded human play.

* :func:`gaze`: the recipe
* :func:`split_steps`: which steps of a recording are for training, and which for validation
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from objwrappers.datasets.atari_head.recording import HumanRecording
from objwrappers.datasets.gaze import GazeBatches, GazePlay, split_trials
from objwrappers.pretraining.recipes import VALIDATION_SHARE, Datasets, Ingredients

__all__ = ["gaze", "split_steps"]

PREPARED_BY = 1024  # stacks


def gaze(module: Any, given: Ingredients) -> Datasets:
    """Stacks with people's densities; the model is prepared by those of the training.

    Raises:
        ValueError: Frames that nobody watched, bars, no such split, or no step with gaze.
    """
    if given.noise != "none":
        raise ValueError(
            f"People who saw no bars did not look around them: noise='none', got {given.noise!r}."
        )
    settings = given.settings
    recordings, _ = split_trials(_human(module, given.recordings), settings["split"])
    if not recordings:
        raise ValueError(
            f"split={settings['split']!r} leaves none of {len(given.recordings)} trials to learn "
            "from: the dataset's authors validated on them. Give others, or split='frames'."
        )
    count = settings["n_frames"] if settings["split"] == "frames" else math.inf
    plays = [GazePlay.of(recording) for recording in recordings]
    split = [split_steps(play, count, module.stack) for play in plays]
    sigma = (float(settings["sigma_rows"]), float(settings["sigma_columns"]))

    def batches(part: int) -> GazeBatches:
        steps = [parts[part] for parts in split]
        return GazeBatches(
            plays, steps, given.batch_size, module.stack, sigma, given.seed, given.rank
        )

    training, validation = batches(0), batches(1)
    module.prepare(_stacks(plays, [parts[0] for parts in split], module.stack, given.seed))
    return training, validation


def split_steps(play: GazePlay, count: float, stack: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits the first frames of a trial; what comes after them is left for testing.

    Args:
        play: T steps.
        count: The number of the last frame that is used.
        stack: Frames that a model looks at; no frame of the training is in a stack of validation.

    Returns:
        The steps with gaze of the first nine tenths, and those of the last tenth.
    """
    count = int(min(count, play.numbers[-1]))
    cut = count - round(VALIDATION_SHARE * count)
    early = play.seen & (play.numbers <= cut)
    late = play.seen & (play.numbers >= cut + stack) & (play.numbers <= count)
    return np.flatnonzero(early), np.flatnonzero(late)


def _human(module: Any, recordings: Sequence[Any]) -> list[Any]:
    """Returns the recordings with their gaze."""
    try:
        if not recordings:
            raise ValueError("There are none.")
        return [r if hasattr(r, "gaze") else HumanRecording(r.folder) for r in recordings]
    except ValueError as error:
        raise ValueError(
            f"{module.name} learns where people look from recordings of human play. {error} Give "
            "Atari-HEAD's trials: --trials (in Python: trials=)."
        ) from error


def _stacks(plays: list[GazePlay], steps: list[np.ndarray], length: int, seed: int) -> torch.Tensor:
    """Returns stacks of steps drawn from all recordings alike."""
    share = PREPARED_BY // len(plays) + 1
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(own)[:share] for own in steps]
    return torch.cat(
        [play.stacks(np.sort(own), length) for play, own in zip(plays, chosen, strict=True)]
    )
