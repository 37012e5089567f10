"""What a game looks like without objects, learned from a recording at its native size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion import background, travel_mask
from objwrappers.datasets.recordings import Recording
from objwrappers.perception.foreground import Scenery
from objwrappers.resizing import resize_frames

__all__ = ["MotionSettings", "fit_scenery"]

SAMPLED_PER_SHARD = 48
GROUND_SHARE = 0.2  # of the frame


@dataclass(frozen=True)
class MotionSettings:
    """How objects are told from the background."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> MotionSettings:
        """Those of a model's hyperparameters."""
        return cls()

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fit_scenery(recording: Recording, settings: MotionSettings) -> Scenery:
    """Finds the background and where what changes travels."""
    rng = np.random.default_rng(0)
    native, small, starts = [], [], []
    for frames, new, _ in recording:
        flat = frames.reshape(-1, *frames.shape[2:])
        native.append(flat[rng.permutation(len(flat))[:SAMPLED_PER_SHARD]])
        size = flat.shape[1] // 2, flat.shape[2] // 2
        small.append(resize_frames(flat, *size).reshape(*new.shape, *size, 3))
        starts.append(new)
    sampled = torch.from_numpy(np.concatenate(native))[:, None]
    still = background(Frames(sampled, torch.zeros(sampled.shape[:2], dtype=torch.bool)))
    half = Frames(torch.from_numpy(np.concatenate(small)), torch.from_numpy(np.concatenate(starts)))
    travels = travel_mask(half, background(half)).numpy() > 0
    height, width = still.shape[:2]
    rows = np.arange(height) * travels.shape[0] // height
    columns = np.arange(width) * travels.shape[1] // width
    colours, areas = np.unique(still.reshape(-1, 3), axis=0, return_counts=True)
    ground = colours[areas >= GROUND_SHARE * height * width]
    return Scenery(still.numpy(), travels[np.ix_(rows, columns)], ground)
