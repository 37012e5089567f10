"""A scene model that needs no training, and frames of which it is known what they show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from objwrappers.perception.base import FrameFormat
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.module import Detections, SceneModule

COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}


class Blobs(SceneModule):
    """Finds what is bright in each of 8×8 cells of black frames; z_what is its mean colour."""

    name = "blobs"
    cells = 8

    def __init__(
        self,
        labels: Sequence[str] = ("object",),
        rows: Sequence[int] = (16,),
        size: int = 80,
    ) -> None:
        super().__init__(FrameFormat(size, size))
        self.threshold = nn.Parameter(torch.tensor(0.3))
        self.define(3, labels, rows)

    def detect(self, images: Tensor) -> Detections:
        side, cells = self.size, self.cells
        inside = side // cells
        bright = (images.amax(1) > self.threshold).float()

        def by_cell(values: Tensor) -> Tensor:
            split = values.unflatten(-1, (cells, inside)).unflatten(-3, (cells, inside))
            return split.transpose(-3, -2).flatten(-2).flatten(-3, -2)

        lit = by_cell(bright)
        count = lit.sum(-1)
        pixel = (2 * torch.arange(side, device=images.device) + 1) / side - 1
        x = by_cell(pixel.expand(side, side))
        y = by_cell(pixel[:, None].expand(side, side))
        ends = []
        for places in (x, y):
            first = places.masked_fill(lit == 0, torch.inf).amin(-1)
            last = places.masked_fill(lit == 0, -torch.inf).amax(-1)
            middle, width = (first + last) / 2, (last - first) / 2 + 1 / side
            ends.append(torch.stack([middle, width], -1))
        boxes = torch.stack(ends, -1).flatten(-2)  # both middles, then both widths
        there = count > 0
        boxes = boxes.masked_fill(~there[..., None], 0)
        what = (by_cell(images) * lit[:, None]).sum(-1) / count.clamp_min(1)[:, None]
        return Detections(boxes, 0.9 * there, what.transpose(1, 2))


def named_blobs(rows: Sequence[int] = (2, 2, 2), threshold: float = 0.3) -> Blobs:
    """Blobs that tell red, green and blue apart; above .6, Pong's background is none."""
    centroids = torch.tensor([*COLOURS.values()]) / 255
    model = Blobs()
    model.use_classifier(SceneClassifier.of_centroids(centroids, [*COLOURS], rows))
    nn.init.constant_(model.threshold, threshold)
    return model.eval().requires_grad_(False)


def frame_with(*objects: tuple[str, int, int, int, int], side: int = 80) -> np.ndarray:
    """A black frame with boxes of (colour, left, top, width, height)."""
    frame = np.zeros((side, side, 3), np.uint8)
    for name, left, top, width, height in objects:
        frame[top : top + height, left : left + width] = COLOURS[name]
    return frame
