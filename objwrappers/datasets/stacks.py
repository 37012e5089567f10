"""Stacks of consecutive frames with what moves in them, as scene models learn from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion_boxes import MotionBoxes, cell_targets
from objwrappers.resizing import resize_frames

__all__ = ["StackBatches"]

LEAST_SHARE = 0.3  # of a small pixel that is an object's


class StackBatches(torch.utils.data.Dataset):
    """Batches of S stacks of T frames and their motion targets; item s is always the same.

    Args:
        frames: Of one or several recordings, side by side along their envs.
        motion: Of each recording, what moves in it; none for frames without targets.
        first: The step of the recordings at which ``frames`` begin.
        batch_size: B = S·T, frames in a batch.
        length: T, frames in a stack; 1 for independent frames.
        grid: G, cells a side of the targets.
        seed: Of the drawing.
        rank: Of this process among several.

    Raises:
        ValueError: B is no multiple of T, no episode is as long as a stack, or the recordings have
            other envs or fewer steps than the frames.
    """

    def __init__(
        self,
        frames: Frames,
        motion: Sequence[MotionBoxes],
        first: int,
        batch_size: int,
        length: int,
        grid: int,
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        if batch_size % length:
            raise ValueError(
                f"batch_size counts frames, in stacks of {length}: it must be a multiple of "
                f"{length}, got {batch_size}."
            )
        envs, steps = frames.starts.shape[1], len(frames.starts)
        if motion and sum(m.counts.shape[1] for m in motion) != envs:
            raise ValueError(f"The recordings' envs are others than the {envs} of the frames.")
        if motion and min(len(m.counts) for m in motion) < first + steps:
            raise ValueError(
                f"Frames of steps {first} to {first + steps} were given, but a recording has only "
                f"{min(len(m.counts) for m in motion)}."
            )
        self._frames, self._motion, self._first = frames, motion, first
        self._stacks, self._length, self._grid = batch_size // length, length, grid
        self._seed = (seed, rank)
        self._ends = frames.runs(length - 1)

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """Returns a batch; frame t of stack s is number s·T + t.

        Returns:
            ``frames`` and, the same, ``clean``, uint8 (B, h, w, 3). With motion also
            ``motion_present`` float32 (B, G²) in {0, 1}; ``motion_where`` float32 (B, G², 4),
            boxes as in :class:`MotionBoxes`; ``motion_mask`` float32 (B, h, w) in {0, 1}.
        """
        rng = np.random.default_rng((*self._seed, step))
        ends = self._ends[torch.from_numpy(rng.integers(len(self._ends), size=self._stacks))]
        lags = torch.arange(self._length - 1, -1, -1)
        t = (ends[:, :1] - lags).flatten()
        n = ends[:, 1:].expand(-1, self._length).flatten()
        now = self._frames.frames[t, n]
        batch = {"frames": now, "clean": now}
        if self._motion:
            batch |= self._targets(t.numpy() + self._first, n.numpy(), now.shape[1:3])
        return batch

    def _targets(self, t: np.ndarray, n: np.ndarray, size: Sequence[int]) -> dict[str, Tensor]:
        most = max(m.boxes.shape[2] for m in self._motion)
        boxes = np.zeros((len(t), most, 4), np.float32)
        counts = np.zeros(len(t), np.int64)
        mask = np.zeros((len(t), *size), np.float32)
        first = 0
        for motion in self._motion:  # recordings, not frames
            envs = motion.counts.shape[1]
            own = np.flatnonzero((first <= n) & (n < first + envs))
            if own.size:
                where = (t[own], n[own] - first)
                boxes[own, : motion.boxes.shape[2]] = motion.boxes[where]
                counts[own] = motion.counts[where]
                shares = resize_frames(motion.mask(*where)[..., None] * np.uint8(255), *size)
                mask[own] = shares.reshape(len(own), *size) >= LEAST_SHARE * 255
            first += envs
        present, where_boxes = cell_targets(
            torch.from_numpy(boxes), torch.from_numpy(counts), self._grid
        )
        return {
            "motion_present": present,
            "motion_where": where_boxes,
            "motion_mask": torch.from_numpy(mask),
        }
