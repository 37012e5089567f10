"""Scenes without a network: what stands out from a background that was learned beforehand.

Background, colours and sizes are stored like weights. A frame is compared with the background,
connected pixels are an object, touching objects are told apart by colour and size, and what an
object looks like says its class (:mod:`objwrappers.perception.scenes.motion_objects`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from objwrappers.perception.base import FrameFormat
from objwrappers.perception.scenes.module import Detections, SceneModule
from objwrappers.perception.scenes.motion_objects import (
    DESCRIPTOR,
    FoundObjects,
    find_objects,
    joined,
)
from objwrappers.perception.scenes.subtraction import GROUND, NUM_CODES, Scenery

__all__ = ["MotionScene"]

WORKERS = 2
PER_WORKER = 4  # frames: fewer are not worth a thread
MOST_OBJECTS = 96  # of a frame: batches are alike however many there are
LEAST_SPREAD = 0.05  # of a number that describes objects: below, it is noise
WORTH = (2.0,) * 3 + (1.0,) * 2 + (0.25,) * 5
"""Of each number of the descriptor: legs move and sprites are clipped, colours stay."""

_SCENERY = tuple(field.name for field in fields(Scenery))

_workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="motion-scene")


class MotionScene(SceneModule):
    """Finds objects by subtracting the background; reads native frames of one game.

    Nothing is minimised while training: the recipe learns the background, colours, sizes and
    classes from a recording (:func:`objwrappers.pretraining.scene_recipes.motion_scene`). ``what``
    is :data:`~objwrappers.perception.scenes.motion_objects.DESCRIPTOR`, standardised; an object
    that is found has probability 1. What rests is found, too, as long as it differs from the
    background.

    Args:
        height: H of the game's native frames, pixels.
        width: W.
        labels: Names of the classes.
        rows: Rows that each class has.

    Raises:
        ValueError: A side below 1, or classes that cannot be.
    """

    name = "motion"
    monitor: ClassVar[str] = "loss"

    background: Tensor
    travels: Tensor
    colours: Tensor
    sizes: Tensor
    palette: Tensor
    stands_for: Tensor
    spread: Tensor

    def __init__(
        self,
        height: int = 210,
        width: int = 160,
        labels: Sequence[str] = ("object",),
        rows: Sequence[int] = (16,),
    ) -> None:
        super().__init__(FrameFormat(None, None))
        if min(height, width) < 1:
            raise ValueError(f"Frames have at least one pixel, got {height} by {width}.")
        self.define(len(DESCRIPTOR), labels, rows)
        for name, tensor in (
            ("background", torch.zeros(height, width, 3, dtype=torch.uint8)),
            ("travels", torch.ones(height, width, dtype=torch.uint8)),
            ("colours", torch.zeros(NUM_CODES, dtype=torch.uint8)),
            ("sizes", torch.zeros(GROUND - 1, 4)),
            ("palette", torch.zeros(GROUND, 3, dtype=torch.uint8)),
            ("stands_for", torch.arange(256)[:, None].repeat(1, 2).to(torch.uint8)),
            ("spread", torch.ones(len(DESCRIPTOR))),
        ):
            self.register_buffer(name, tensor)
        # The one parameter: optimisers want one, and weights that have none would know no device.
        self.centre = nn.Parameter(torch.zeros(len(DESCRIPTOR)))
        self._scenery: tuple[Tensor, Scenery] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments, with the size and the classes of today."""
        height, width = self.background.shape[:2]
        return {**super().arguments, "height": height, "width": width}

    def set_scenery(self, scenery: Scenery) -> None:
        """Tells the model its game, and with it the size of the frames."""
        for name in _SCENERY:
            tensor = torch.from_numpy(getattr(scenery, name)).to(self.centre.device)
            self.register_buffer(name, tensor)
        self._scenery = None

    @torch.no_grad()
    def set_looks(self, looks: Tensor) -> None:
        """Standardises ``what`` by the looks of many objects, (K, 10), and weighs it."""
        if len(looks):
            self.centre.copy_(looks.mean(0))
            spread = looks.std(0, unbiased=False).clamp(min=LEAST_SPREAD)
            self.spread.copy_(spread / spread.new_tensor(WORTH))

    def scenery(self) -> Scenery:
        """The game as :func:`find_objects` knows it."""
        # Weights that are loaded or moved are other tensors, or of another version.
        if self._scenery is None or self._scenery[0] is not self.background:
            arrays = [getattr(self, name).cpu().numpy().copy() for name in _SCENERY]
            self._scenery = self.background, Scenery(*arrays)
        return self._scenery[1]

    def load_state_dict(self, *arguments, **options):  # type: ignore[no-untyped-def]
        """See torch; what was read from the tensors before is forgotten."""
        self._scenery = None
        return super().load_state_dict(*arguments, **options)

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives native frames, uint8 (B, H, W, 3); see :class:`SceneModule`.

        Raises:
            ValueError: Frames of another shape or dtype, or another size than the game's.
        """
        return self.arrange(self.detections(frames))

    @torch.no_grad()
    def detections(self, frames: Tensor) -> Detections:
        """Finds objects in native frames, uint8 (B, H, W, 3).

        Raises:
            ValueError: Frames of another shape or dtype, or another size than the game's.
        """
        found = self._find(self.resize(frames).cpu().numpy())
        device = self.centre.device
        rows = np.concatenate([found.boxes, found.looks], -1)
        if rows.shape[1] > MOST_OBJECTS:  # the smallest are left out
            order = np.argsort(-rows[..., 2] * rows[..., 3], axis=1, kind="stable")
            kept = np.sort(order[:, :MOST_OBJECTS], 1)
            rows = np.take_along_axis(rows, kept[..., None], 1)
        spare = MOST_OBJECTS - rows.shape[1]
        padded = torch.from_numpy(np.pad(rows, ((0, 0), (0, spare), (0, 0)))).to(device)
        boxes, looks = padded.split([4, len(DESCRIPTOR)], 2)
        counts = torch.from_numpy(found.counts).to(device)
        there = torch.arange(MOST_OBJECTS, device=device) < counts[:, None]
        what = (looks - self.centre) / self.spread * there[..., None]
        return Detections(boxes, there.float(), what)

    def detect(self, images: Tensor) -> Detections:
        """See :meth:`SceneModule.detect`."""
        return self.detections((images * 255).round().to(torch.uint8).movedim(1, -1))

    def _find(self, frames: np.ndarray) -> FoundObjects:
        """Finds objects, a few frames a thread: OpenCV and NumPy release the interpreter."""
        scenery = self.scenery()
        parts = min(WORKERS, max(1, len(frames) // PER_WORKER))
        if parts == 1:
            return find_objects(scenery, frames)
        work = [(scenery, part) for part in np.array_split(frames, parts)]
        return joined([*_workers.map(find_objects, *zip(*work, strict=True))])

    def settle(self, draw: Callable[[int], Tensor]) -> None:
        """Does nothing: the recipe has found the classes in native frames."""

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Nothing is left to learn when the recipe is done: 0, with a gradient of 0."""
        return {"loss": 0 * self.centre.sum()}

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the frames, float32 (B, 3, H, W)."""
        return {"input": self.images(batch["frames"])}
