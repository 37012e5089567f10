"""What context translation learns from: a moment in one context, and in another.

* :class:`TranslationPairs`: a video in one view, and what it should be in another
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from objwrappers.datasets.demonstrations import Demonstrations
from objwrappers.names import check_name

__all__ = ["PAIRINGS", "TranslationPairs"]

PAIRINGS = ("aligned", "independent", "cameras")


class TranslationPairs(Dataset):
    """Videos in one view, and the same or others in another; item s is the batch of step s.

    Batches hold ``source`` and ``target``, uint8 (B, L, h, w, 3), and ``context``, uint8
    (B, h, w, 3), the first frame of the target's video.

    Args:
        demonstrations: In at least two views.
        batch_size: B.
        pairing: ``"aligned"``, the same episode in two views; ``"cameras"``, in two views of one
            context; ``"independent"``, two episodes, as published, though then the source says
            little of the target.
        whole_videos: L is the length of a video, else 1, a moment at random.
        seed: Of all that is drawn.
        rank: Of this process among several.

    Raises:
        ValueError: No such pairing, or not the views that it needs.
    """

    def __init__(
        self,
        demonstrations: Demonstrations,
        batch_size: int,
        pairing: str = "aligned",
        whole_videos: bool = False,
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        check_name("pairing", pairing, PAIRINGS)
        self._cameras = len(demonstrations.cameras)
        count = self._cameras if pairing == "cameras" else demonstrations.num_views
        if count < 2:
            kind = "cameras" if pairing == "cameras" else "contexts"
            raise ValueError(
                f"pairing={pairing!r} needs demonstrations in two {kind} at least, got {count}: "
                f"record them with --{kind} and two names."
            )
        self._frames = demonstrations.frames
        self._batch_size, self._pairing, self._whole = batch_size, pairing, whole_videos
        self._seed = (seed, rank)

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        """Returns the batch of a step."""
        rng = np.random.default_rng([*self._seed, step])
        episodes, views, length = self._frames.shape[:3]
        size = self._batch_size
        source = rng.integers(episodes, size=size)
        target = source if self._pairing != "independent" else rng.integers(episodes, size=size)
        seen = rng.integers(views, size=size)
        if self._pairing == "cameras":
            context, camera = seen // self._cameras, seen % self._cameras
            other = (camera + rng.integers(1, self._cameras, size=size)) % self._cameras
            wanted = context * self._cameras + other
        else:
            wanted = (seen + rng.integers(1, views, size=size)) % views
        if self._whole:
            frames = self._frames[source, seen], self._frames[target, wanted]
        else:
            moment = rng.integers(length, size=size)
            frames = (
                self._frames[source, seen, moment][:, None],
                self._frames[target, wanted, moment][:, None],
            )
        return {
            "source": torch.from_numpy(frames[0]),
            "target": torch.from_numpy(frames[1]),
            "context": torch.from_numpy(self._frames[target, wanted, 0]),
        }
