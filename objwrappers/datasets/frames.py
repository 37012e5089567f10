"""Small frames in memory, and batches drawn from them by step.

* :func:`read_frames`: a recorded folder → :class:`Frames` at the size that models learn from
* :class:`Frames`: uint8 (T, N, h, w, 3), N envs side by side, with the starts of episodes
* :class:`SingleFrames`: single frames, for PermaKey
* :class:`FramePairs`: pairs of frames of one episode, for the Transporter

Recordings on disk: :mod:`objwrappers.datasets.recordings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from objwrappers.datasets.recordings import Recording, RecordingWriter, read_facts
from objwrappers.datasets.small_frames import small_frames

__all__ = ["FramePairs", "FrameWriter", "Frames", "SingleFrames", "read_facts", "read_frames"]

FrameWriter = RecordingWriter  # the older name


@dataclass(frozen=True)
class Frames:
    """Small frames in memory.

    Attributes:
        frames: uint8 (T, N, h, w, 3).
        starts: bool (T, N), True where a frame does not follow the one before it.
    """

    frames: torch.Tensor
    starts: torch.Tensor

    def split(self, validation_share: float) -> tuple[Frames, Frames]:
        """Returns the first steps for training and the last ones for validation.

        Validation gets at least 64 steps, or half of a recording that is shorter than 128.

        Raises:
            ValueError: Too few steps for both parts.
        """
        steps = len(self.frames)
        cut = steps - max(round(validation_share * steps), min(64, steps // 2), 1)
        if cut < 1:
            raise ValueError(f"{steps} steps are too few to split; collect more frames.")
        return Frames(self.frames[:cut], self.starts[:cut]), Frames(
            self.frames[cut:], self.starts[cut:]
        )

    def runs(self, before: int, after: int = 0) -> torch.Tensor:
        """Returns int64 (M, 2), the (t, n) whose steps t-before..t+after are one episode.

        Raises:
            ValueError: No episode is long enough.
        """
        steps = len(self.starts)
        crossed = torch.zeros_like(self.starts)
        for lag in range(-after, before):
            # A start at t - lag, lag in [-after, before), cuts the window of t.
            shifted = torch.roll(self.starts, lag, dims=0)
            crossed |= shifted
        crossed[: min(before, steps)] = True
        if after:
            crossed[-after:] = True
        inside = (~crossed).nonzero()
        if len(inside) == 0:
            raise self.too_short(before + after + 1)
        return inside

    def too_short(self, steps: int) -> ValueError:
        """Returns the error to raise where no so many steps are of one episode."""
        if self.starts.all():
            return ValueError(
                f"{steps} frames in succession are needed, but all are independent of each other: "
                "images, or recorded with --iid."
            )
        return ValueError(f"No recorded episode lasts {steps} steps; collect more frames.")


class SingleFrames(torch.utils.data.Dataset):
    """Batches of single frames, each drawn from all; item s is the same whenever it is asked for.

    Args:
        frames: The frames.
        batch_size: B.
        seed: Of the drawing.
        rank: Of this process among several.
    """

    def __init__(self, frames: Frames, batch_size: int, seed: int = 0, rank: int = 0) -> None:
        self._frames = frames.frames.flatten(0, 1)
        self._batch_size = batch_size
        self._seed = (seed, rank)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Returns ``frames`` and, the same, ``clean``: uint8 (B, h, w, 3)."""
        rng = np.random.default_rng((*self._seed, step))
        frames = self._frames[rng.integers(len(self._frames), size=self._batch_size)]
        return {"frames": frames, "clean": frames}


class FramePairs(torch.utils.data.Dataset):
    """Batches of two frames of one episode, the target later by at most ``max_gap`` steps.

    An item is a whole batch, drawn by a generator seeded with (seed, step, rank): item s is the
    same whenever it is asked for, so that a resumed training sees what an uninterrupted one does.

    Args:
        frames: The frames.
        batch_size: Pairs in a batch, B.
        seed: Of the drawing.
        max_gap: Largest distance in steps.
        rank: Of this process among several.
    """

    def __init__(
        self, frames: Frames, batch_size: int, seed: int = 0, max_gap: int = 20, rank: int = 0
    ) -> None:
        self._frames = frames
        self._batch_size = batch_size
        self._seed = (seed, rank)
        starts = frames.starts.numpy().copy()
        starts[0] = True
        steps = np.arange(len(starts))[:, None]
        first = np.maximum.accumulate(np.where(starts, steps, 0), axis=0)
        past = np.minimum(steps - first, max_gap)
        self._targets = np.argwhere(past > 0)
        self._past = past[tuple(self._targets.T)]
        if len(self._targets) == 0:
            raise frames.too_short(2)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Returns ``source`` and ``target``, uint8 (B, h, w, 3) each."""
        rng = np.random.default_rng((*self._seed, step))
        chosen = rng.integers(len(self._targets), size=self._batch_size)
        gaps = rng.integers(1, self._past[chosen] + 1)
        t, n = self._targets[chosen].T
        return {
            "source": self._frames.frames[t - gaps, n],
            "target": self._frames.frames[t, n],
        }


def read_frames(
    folder: str | Path,
    size: int | tuple[int, int] = 84,
    *,
    grayscale: bool = False,
    cache: bool = True,
) -> Frames:
    """Reads a recording with its frames resized by area; they are made once and kept on disk.

    Args:
        folder: Written by :class:`RecordingWriter`.
        size: Height and width of the frames, pixels: h = w, or (h, w).
        grayscale: One grey channel instead of three colours.
        cache: Use and keep the small frames beside the shards, see
            :mod:`objwrappers.datasets.small_frames`.

    Raises:
        FileNotFoundError: No frames there.
        ValueError: A damaged, cut-off or foreign folder; the message names the file.
    """
    height, width = (size, size) if isinstance(size, int) else size
    recording = Recording(folder)
    if not len(recording):
        raise ValueError(
            f"{folder} holds no frames yet; record some with zoo/collect.py (objwrappers.collect)."
        )
    frames, starts = small_frames(recording, height, width, grayscale, cache)
    return Frames(torch.from_numpy(frames), torch.from_numpy(starts))
