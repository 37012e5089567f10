"""Stacks of frames with where people looked, as gaze models learn from them.

* :class:`GazePlay`: one recording of human play, in memory or mapped
* :func:`trials_of_one_game`: Atari-HEAD's trials at a path that can be used
* :func:`split_trials`: which recordings are to learn from, and which to be scored on
* :class:`GazeBatches`: batches of stacks and densities, drawn by step
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from objwrappers.datasets.atari_head.finding import read_trials
from objwrappers.datasets.atari_head.splits import is_official_test
from objwrappers.datasets.atari_head.trials import Trial
from objwrappers.metrics.gaze_maps import GazeSamples, Sigma
from objwrappers.names import check_name

__all__ = ["GAZE_SPLITS", "GazeBatches", "GazePlay", "split_trials", "trials_of_one_game"]

GAZE_SPLITS = ("frames", "official")
"""What is left for testing: the later frames of each trial; or all of the trials that the dataset's
authors validated on, and nothing of the others."""


@dataclass(frozen=True)
class GazePlay:
    """Small frames of human play in succession, T steps, and the gaze during each.

    Attributes:
        frames: uint8 (T, h, w), grey.
        starts: bool (T,), True where a frame does not follow the one before it.
        gaze: Of T frames.
        numbers: int (T,), of the frames in their trial, ascending from 1.

    Raises:
        ValueError: They are not of as many steps.
    """

    frames: np.ndarray
    starts: np.ndarray
    gaze: GazeSamples
    numbers: np.ndarray

    def __post_init__(self) -> None:
        steps = [len(part) for part in (self.frames, self.starts, self.gaze, self.numbers)]
        if len({*steps}) > 1:
            raise ValueError(
                "Frames, starts, gaze and numbers must be of as many steps, got "
                f"{', '.join(map(str, steps))}."
            )

    @classmethod
    def of(cls, recording: Any) -> Self:
        """Returns what a :class:`~objwrappers.datasets.atari_head.HumanRecording` holds of this."""
        gaze = GazeSamples(
            torch.from_numpy(np.array(recording.gaze, np.float32)),
            torch.from_numpy(np.array(recording.gaze_offsets, np.int64)),
        )
        starts, numbers = np.asarray(recording.starts, bool), np.asarray(recording.numbers)
        return cls(recording.small_frames, starts, gaze, numbers)

    @cached_property
    def seen(self) -> np.ndarray:
        """Which steps have gaze on the screen, bool (T,)."""
        samples = self.gaze.frame[self.gaze.on_screen]
        return np.bincount(samples.numpy(), minlength=len(self.frames)) > 0

    @cached_property
    def _first(self) -> np.ndarray:
        step = np.arange(len(self.starts))
        return np.maximum.accumulate(np.where(self.starts, step, 0))

    def stacks(self, steps: np.ndarray, length: int) -> Tensor:
        """Returns the frames up to some steps, uint8 (N, length, h, w), the oldest first.

        Before an episode's first frame there is the first frame.
        """
        lags = np.arange(length)[::-1]
        which = np.maximum(steps[:, None] - lags, self._first[steps][:, None])
        return torch.from_numpy(np.ascontiguousarray(self.frames[which]))


def trials_of_one_game(path: str | Path, game: str | None = None) -> list[Trial]:
    """Returns the trials at a path that have frames and labels; a warning names the others.

    Args:
        path: The dataset's folder, a game's, a zip, or one trial's files.
        game: As ids spell it or as the dataset does; None if there are trials of one game only.

    Raises:
        FileNotFoundError: There are no trials of the game.
        ValueError: Atari-HEAD has no such game, trials of several, or none that is complete.
    """
    found = read_trials(path, game)
    complete = [trial for trial in found if trial.complete]
    if missing := [trial.name for trial in found if not trial.complete]:
        warnings.warn(f"Without frames or labels: {', '.join(missing)}.", stacklevel=3)
    games = sorted({trial.task for trial in complete})
    if len(games) > 1:
        raise ValueError(f"{path} has trials of {', '.join(games)}: give one of these games.")
    if not games:
        raise ValueError(f"No trial in {path} has both frames and labels.")
    return complete


def split_trials(recordings: Sequence[Any], split: str) -> tuple[list[Any], list[Any]]:
    """Returns the recordings to learn from and those to score; by frames, each is in both.

    Args:
        recordings: Of human play.
        split: A name of :data:`GAZE_SPLITS`.

    Raises:
        ValueError: No such split.
    """
    check_name("split", split, GAZE_SPLITS)
    if split == "frames":
        return [*recordings], [*recordings]
    parts: tuple[list[Any], list[Any]] = ([], [])
    for recording in recordings:
        parts[is_official_test(recording.name, recording.task)].append(recording)
    return parts


class GazeBatches(torch.utils.data.Dataset):
    """Batches of stacks and densities, of steps drawn from all; item s is always the same.

    Args:
        plays: Recordings.
        steps: Of each, those to draw from, int (n,).
        batch_size: B.
        length: Frames in a stack, S.
        sigma: Of people's densities.
        seed: Of the drawing.
        rank: Of this process among several.

    Raises:
        ValueError: There are no steps to draw from.
    """

    def __init__(
        self,
        plays: Sequence[GazePlay],
        steps: Sequence[np.ndarray],
        batch_size: int,
        length: int,
        sigma: Sigma = "authors",
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        self._plays = plays
        self._steps = np.concatenate([np.asarray(own, np.int64) for own in steps])
        self._play = np.repeat(np.arange(len(steps)), [len(own) for own in steps])
        if not len(self._steps):
            raise ValueError("There are no frames with gaze to learn from.")
        self._batch_size, self._length, self._sigma = batch_size, length, sigma
        self._seed = (seed, rank)

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """Returns a batch.

        Returns:
            ``frames`` uint8 (B, S, h, w), the oldest first; ``map`` float32 (B, h, w), people's
            density; ``weight`` float32 (B,), 0 for frames without gaze on the screen, else 1.
        """
        rng = np.random.default_rng((*self._seed, step))
        chosen = np.sort(rng.integers(len(self._steps), size=self._batch_size))
        return self.batch(chosen)

    def batch(self, chosen: np.ndarray) -> dict[str, Tensor]:
        """Returns a batch of steps by their place among those to draw from, ascending."""
        parts: dict[str, list[Tensor]] = {"frames": [], "map": [], "weight": []}
        for number in np.unique(self._play[chosen]):
            play = self._plays[number]
            steps = self._steps[chosen[self._play[chosen] == number]]
            parts["frames"].append(play.stacks(steps, self._length))
            height, width = play.frames.shape[1:]
            gaze = play.gaze[torch.from_numpy(steps)]
            maps, weight = gaze.maps(self._sigma, height, width)
            parts["map"].append(maps)
            parts["weight"].append(weight)
        return {key: torch.cat(values) for key, values in parts.items()}
