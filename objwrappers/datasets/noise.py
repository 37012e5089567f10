"""Distractor bars drawn on batches of clean frames, so that one recording serves every noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from objwrappers.rendering.bars import (
    COLOUR,
    NOISES,
    POSITIONS,
    blend_bars,
    check_noise,
    visible_share,
)

__all__ = ["NoisyBatches"]

STREAM = 0xBA5  # of the generator: the datasets underneath draw from (seed, rank, step), too
NATIVE_SIZE = (210, 160)  # of most games; elsewhere bars are a little thicker or thinner


class NoisyBatches(torch.utils.data.Dataset):
    """Another dataset's batches with a bar of its own on each frame, at a uniform place.

    Item s is the same whenever it is asked for.

    Args:
        batches: A dataset whose items are dicts of tensors.
        keys: Those of the frames to draw on, uint8 (B, h, w, 3) each; the others stay clean, so
            that a model can learn from what is behind the bars.
        noise: ``"none"``, ``"vertical"``, ``"horizontal"``, ``"both"``.
        seed: Of the places.
        rank: Of this process among several.

    Raises:
        ValueError: No such noise.
    """

    def __init__(
        self,
        batches: torch.utils.data.Dataset,
        keys: Sequence[str],
        noise: str,
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        self._batches, self._keys = batches, keys
        self._drawn = NOISES[check_noise(noise)]
        self._seed = (seed, rank)

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Returns the other dataset's item, with bars.

        ``visible``, float32 (B, h, w), is the share of each pixel of the last key's frames that
        no bar covers.
        """
        batch = dict(self._batches[step])
        if not any(self._drawn):
            frames = batch[self._keys[-1]]
            return {**batch, "visible": frames.new_ones(frames.shape[:3], dtype=torch.float32)}
        rng = np.random.default_rng((*self._seed, step, STREAM))
        for key in self._keys:
            frames = batch[key]
            across, down = (
                rng.integers(POSITIONS, size=len(frames)).astype(float)
                if drawn
                else np.full(len(frames), np.nan)
                for drawn in self._drawn
            )
            share = visible_share(across, down, tuple(frames.shape[1:3]), NATIVE_SIZE)
            batch["visible"] = visible = torch.from_numpy(share).to(frames.device)
            if frames.device.type != "cpu":
                shown = visible[..., None]
                bars = (1 - shown) * torch.from_numpy(COLOUR).to(frames.device)
                batch[key] = (shown * frames + bars).round().to(torch.uint8)
            else:
                batch[key] = torch.from_numpy(blend_bars(frames.numpy(), share))
        return batch
