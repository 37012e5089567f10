"""A scene model that knows Pong's colours: what it finds is where the screen shows it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from objwrappers.perception.base import FrameFormat
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.perception.scenes.module import Detections, SceneModule

PONG = {"player": (92, 186, 92), "enemy": (213, 130, 74), "ball": (236, 236, 236)}


class ColourScene(SceneModule):
    """Boxes round the pixels of each colour in Pong's play area; z_what is the colour."""

    name = "colours"

    def __init__(
        self, labels: Sequence[str] = ("object",), rows: Sequence[int] = (16,), blind: bool = False
    ) -> None:
        super().__init__(FrameFormat(210, 160))
        self.colours = nn.Parameter(torch.tensor([*PONG.values()]) / (1000 if blind else 255))
        self.define(3, labels, rows)

    def detect(self, images: Tensor) -> Detections:
        area = images[:, :, 34:194]
        like = ((area[:, None] - self.colours[None, :, :, None, None]).abs() < 0.02).all(2)
        ends = []
        for axis, size, first in ((-2, 160, 0), (-1, 210, 34)):
            line = like.any(axis)
            place = torch.arange(line.shape[-1]).float() + first
            low = torch.where(line, place, torch.inf).amin(-1)
            high = torch.where(line, place + 1, -torch.inf).amax(-1)
            ends.append(((low + high) / size - 1, (high - low) / size))
        (x, width), (y, height) = ends
        there = like.flatten(2).any(-1)
        boxes = torch.stack([x, y, width, height], -1).where(there[..., None], torch.zeros(()))
        what = self.colours.expand(len(images), -1, -1)
        return Detections(boxes, there.float() * 0.9, what)


def named_colours() -> ColourScene:
    model = ColourScene()
    centroids = torch.tensor([*PONG.values()]) / 255
    model.use_classifier(SceneClassifier.of_centroids(centroids, [*PONG], (1, 1, 1)))
    return model.eval().requires_grad_(False)
