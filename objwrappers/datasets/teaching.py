"""Frames with what a trained keypoint model sees in them."""

from __future__ import annotations

import numpy as np
import torch

from objwrappers.datasets.frames import Frames
from objwrappers.perception.base import PerceptionModule

__all__ = ["TaughtFrames"]

TEACHER_BATCH = 64


class TaughtFrames(torch.utils.data.Dataset):
    """Batches of frames with a teacher's keypoints; the teacher looks at each frame once.

    Item s is the same whenever it is asked for.

    Args:
        frames: The frames, as small as the student's network reads them.
        teacher: Frozen.
        batch_size: B.
        seed: Of the drawing.
        rank: Of this process among several.

    Raises:
        ValueError: The teacher gives no keypoints.
    """

    def __init__(
        self,
        frames: Frames,
        teacher: PerceptionModule,
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        if "keypoints" not in teacher.observation_space.spaces:
            raise ValueError(f"A teacher must give keypoints; {teacher.name!r} gives none.")
        self._frames = frames.frames.flatten(0, 1)
        self._batch_size = batch_size
        self._seed = (seed, rank)
        self._keypoints, self._present = self._ask(teacher)

    @torch.inference_mode()
    def _ask(self, teacher: PerceptionModule) -> tuple[torch.Tensor, torch.Tensor]:
        where = next(teacher.parameters()).device
        keypoints, present = [], []
        for part in self._frames.split(TEACHER_BATCH):
            percepts = teacher.perceive(teacher.images(teacher.resize(part.to(where))))
            keypoints.append(percepts["keypoints"].float().cpu())
            present.append(percepts["present"].float().cpu())
        return torch.cat(keypoints).clone(), torch.cat(present).clone()

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        """Returns a batch.

        Returns:
            ``frames`` uint8 (B, h, w, 3), ``keypoints`` (B, K, 2) in frame coordinates, whatever
            the teacher's map, ``present`` (B, K).
        """
        rng = np.random.default_rng((*self._seed, step))
        chosen = torch.from_numpy(rng.integers(len(self._frames), size=self._batch_size))
        return {
            "frames": self._frames[chosen],
            "keypoints": self._keypoints[chosen],
            "present": self._present[chosen],
        }
