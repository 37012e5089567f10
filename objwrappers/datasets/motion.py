"""Frames with a map of what moves, as motion-coverage keypoints learn from them.

A pixel moves where it differs both from the game's background (the median over the recording)
and from a frame shortly before or after. Scores, timers, lives and blinking scenery change too,
but they do not travel: where little of the foreground arrives from nearby, it is left out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.datasets.frames import Frames

__all__ = ["MotionFrames", "background", "travel_mask"]

THRESHOLD = 25  # grey levels of 255
LAGS = (2, 4)  # agent steps
SEARCH_RADIUS = 5  # pixels of the small frame
LEAST_TRAVEL = 0.08


def difference(a: Tensor, b: Tensor) -> Tensor:
    """Largest difference over the channels, (..., h, w, 3) uint8 → (..., h, w) int16."""
    return (a.short() - b.short()).abs().amax(-1)


def background(frames: Frames, samples: int = 1001, seed: int = 0) -> Tensor:
    """Returns uint8 (h, w, 3), the median of frames drawn from the recording."""
    flat = frames.frames.flatten(0, 1)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(flat), generator=generator)[:samples]
    return flat[chosen].median(dim=0).values


def travel_mask(frames: Frames, still: Tensor, samples: int = 1000, seed: int = 0) -> Tensor:
    """Finds where foreground travels rather than changes in place.

    Foreground arrives at a pixel if it was not there :data:`LAGS`'s first steps ago but
    foreground of its colour was nearby. Around a score little of the foreground arrives; where
    sprites pass, much does.

    Args:
        frames: The recording.
        still: uint8 (h, w, 3), its background.
        samples: Frames looked at.
        seed: Of the drawing.

    Returns:
        float32 (h, w), 0 where what changes does not travel, else 1.
    """
    lag = LAGS[0]
    inside = frames.runs(lag)
    generator = torch.Generator().manual_seed(seed)
    t, n = inside[torch.randperm(len(inside), generator=generator)[:samples]].T
    foreground_sum = torch.zeros(still.shape[:2])
    arrived_sum = torch.zeros(still.shape[:2])
    for part in torch.arange(len(t)).split(100):
        now, before = frames.frames[t[part], n[part]], frames.frames[t[part] - lag, n[part]]
        foreground = difference(now, still) > THRESHOLD
        moved = foreground & (difference(now, before) > THRESHOLD)
        arrived = moved & _nearby(now, before, difference(before, still) > THRESHOLD)
        foreground_sum += foreground.sum(0)
        arrived_sum += arrived.sum(0)
    near = {"kernel_size": 5, "stride": 1, "padding": 2}
    foreground_near = F.avg_pool2d(foreground_sum[None], **near)[0] / len(t)
    arrived_near = F.avg_pool2d(arrived_sum[None], **near)[0] / len(t)
    stays = (foreground_near > 1 / len(t)) & (arrived_near < LEAST_TRAVEL * foreground_near)
    return (~stays).float()


def _nearby(now: Tensor, before: Tensor, was_foreground: Tensor) -> Tensor:
    """True where a foreground pixel of like colour was within the search radius before."""
    height, width = now.shape[1:3]
    r = SEARCH_RADIUS
    colours = before.short()
    colours[~was_foreground] = -1000
    padded = F.pad(colours, (0, 0, r, r, r, r), value=-1000)
    found = torch.zeros_like(was_foreground)
    for dy in range(2 * r + 1):
        for dx in range(2 * r + 1):
            window = padded[:, dy : dy + height, dx : dx + width]
            found |= difference(window, now) <= THRESHOLD
    return found


class MotionFrames(torch.utils.data.Dataset):
    """Batches of frames and their motion maps; item s is the same whenever it is asked for.

    Args:
        frames: The recording.
        batch_size: Frames in a batch, B.
        still: uint8 (h, w, 3), its background.
        travels: float32 (h, w), :func:`travel_mask`.
        seed: Of the drawing.
        rank: Of this process among several.
    """

    def __init__(
        self,
        frames: Frames,
        batch_size: int,
        still: Tensor,
        travels: Tensor,
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        self._frames = frames
        self._batch_size = batch_size
        self._still, self._travels = still, travels
        self._seed = (seed, rank)
        self._inside = frames.runs(max(LAGS), max(LAGS))

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """Returns ``frames`` uint8 (B, h, w, 3) and ``motion`` float32 (B, h/2, w/2)."""
        generator = torch.Generator().manual_seed(hash((*self._seed, step)))
        chosen = torch.randint(len(self._inside), (self._batch_size,), generator=generator)
        t, n = self._inside[chosen].T
        now = self._frames.frames[t, n]
        return {"frames": now, "motion": self._motion(now, t, n)}

    def _motion(self, now: Tensor, t: Tensor, n: Tensor) -> Tensor:
        foreground = difference(now, self._still)
        change = torch.stack(
            [
                difference(now, self._frames.frames[t + lag, n])
                for lag in (*LAGS, *(-lag for lag in LAGS))
            ]
        ).amax(0)
        moves = (torch.minimum(foreground, change) > THRESHOLD).float() * self._travels
        return F.avg_pool2d(moves[:, None], 2)[:, 0]
