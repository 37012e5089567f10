"""Stacks of frames with where people looked, as gaze models learn from them.

* :class:`GazePlay`: one recording of human play, in memory or mapped
* :class:`GazeBatches`: batches of stacks and densities, drawn by step
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from objwrappers.metrics.gaze_maps import GazeSamples, Sigma

__all__ = ["GazeBatches", "GazePlay"]


@dataclass(frozen=True)
class GazePlay:
    """Small frames of human play in succession, T steps, and the gaze during each.

    Attributes:
        frames: uint8 (T, h, w), grey.
        starts: bool (T,), True where a frame does not follow the one before it.
        gaze: Of T frames.

    Raises:
        ValueError: They are not of as many steps.
    """

    frames: np.ndarray
    starts: np.ndarray
    gaze: GazeSamples

    def __post_init__(self) -> None:
        steps = (len(self.frames), len(self.starts), len(self.gaze))
        if len({*steps}) > 1:
            raise ValueError(
                "Frames, starts and gaze must be of as many steps, got "
                f"{', '.join(map(str, steps))}."
            )

    @classmethod
    def of(cls, recording: Any) -> Self:
        """Returns the play of a recording that has ``small_frames``, ``starts`` and ``gaze``."""
        gaze = GazeSamples(
            torch.from_numpy(np.array(recording.gaze, np.float32)),
            torch.from_numpy(np.array(recording.gaze_offsets, np.int64)),
        )
        return cls(recording.small_frames, np.asarray(recording.starts, bool), gaze)

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
