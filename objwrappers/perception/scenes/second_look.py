"""Keypoints that look a second time, at native resolution: what lies under each of them?

A keypoint comes from a small map and is some native pixels off. What stands out from the game's
background near it is found to the pixel, and its look tells what it is: that is the scene model
``motion``, asked about the neighbourhood of keypoints alone.

* :class:`SecondLook`: a keypoint model and a scene model → keypoints on the middles of objects
* :class:`UnderKeypoints`: → the objects that lie under keypoints, as a scene
* :func:`background_of`: the scene model of a game that both ask
"""

from __future__ import annotations

import torch
from torch import Tensor

from objwrappers.perception.base import FrameFormat, PerceptionModule
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.loading import load_model
from objwrappers.perception.runtime import Network
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, Detections, SceneModule
from objwrappers.perception.scenes.motion import MotionScene

__all__ = ["REACH_PX", "SecondLook", "UnderKeypoints", "background_of"]

REACH_PX = 6.0
"""Gap between a keypoint and the box of an object that it lies on, native pixels, at most."""


def background_of(game: str, device: str = "auto", noise: str = "none") -> MotionScene:
    """Returns the scene model that knows a game's background.

    Raises:
        FileNotFoundError: There are no weights of it; the message says how to make them.
    """
    scene = load_model(MotionScene.name, game, None, device, noise, family=MotionScene.family)
    assert isinstance(scene, MotionScene)
    return scene


class SecondLook(PerceptionModule):
    """A keypoint model whose keypoints go to the middle of what lies under them.

    A keypoint that lies on nothing stays where it is. Presence and features are the model's own.
    It is made of two models, and not stored.

    Args:
        keypoints: The keypoint model.
        scene: The scene model ``motion`` of the same game.
        network: What perceives as the keypoint model does, in another runtime, say; by default
            the model itself.

    Attributes:
        observation_space: That of the keypoint model.
    """

    name = "second_look"

    def __init__(
        self, keypoints: KeypointModule, scene: MotionScene, network: Network | None = None
    ) -> None:
        super().__init__(FrameFormat())
        self.keypoints, self.scene, self._network = keypoints, scene, network
        self.observation_space = keypoints.observation_space

    @property
    def digests(self) -> dict[str, str]:
        """Those of the two models."""
        return {**self.keypoints.digests, **self.scene.digests}

    @torch.no_grad()
    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives native frames, uint8 (B, H, W, 3); see :class:`KeypointModule`."""
        percepts = (self._network or self.keypoints)(frames)
        found = self.scene.detections(frames)
        gap = _gaps(percepts["keypoints"], found, frames.shape[1:3])
        nearest, which = gap.min(-1)
        middle = found.boxes[..., :2].gather(1, which[..., None].expand(-1, -1, 2))
        on_object = (nearest <= REACH_PX)[..., None]
        where = torch.where(on_object, middle, percepts["keypoints"])
        return {**percepts, "keypoints": where.clamp(-1, 1)}


class UnderKeypoints(SceneModule):
    """A scene of the objects that present keypoints lie on.

    Boxes, looks and classes are those of the scene model, and so are its roles; an object is as
    probable as the most probable keypoint on it. It is made of two models, and not stored.

    Args:
        keypoints: The keypoint model.
        scene: The scene model ``motion`` of the same game.
        network: What perceives as the keypoint model does, see :class:`SecondLook`.
    """

    name = MotionScene.name

    def __init__(
        self, keypoints: KeypointModule, scene: MotionScene, network: Network | None = None
    ) -> None:
        super().__init__(FrameFormat())
        self.keypoints, self.scene, self._network = keypoints, scene, network
        self.what_size = scene.what_size
        self.use_classifier(scene.classifier)

    @property
    def digest(self) -> str:
        """That of the scene model, whose classes these are."""
        return self.scene.digest

    @property
    def digests(self) -> dict[str, str]:
        """Those of the two models, and of the classes of the rows."""
        return {**self.keypoints.digests, **super().digests}

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives native frames, uint8 (B, H, W, 3); see :class:`SceneModule`."""
        return self.arrange(self.detections(frames))

    @torch.no_grad()
    def detections(self, frames: Tensor) -> Detections:
        """Finds the objects under the keypoints of native frames, uint8 (B, H, W, 3)."""
        percepts = (self._network or self.keypoints)(frames)
        found = self.scene.detections(frames)
        gap = _gaps(percepts["keypoints"], found, frames.shape[1:3])
        claims = percepts["present"][..., None] * (gap <= REACH_PX)
        return Detections(found.boxes, claims.amax(1), found.what)


def _gaps(keypoints: Tensor, found: Detections, size: torch.Size) -> Tensor:
    """Distance of each keypoint from each box, (B, K, N), native pixels; inf from none."""
    height, width = size
    half = keypoints.new_tensor([width / 2, height / 2])
    away = (keypoints[:, :, None] - found.boxes[:, None, :, :2]).abs() * half
    gap = (away - found.boxes[:, None, :, 2:] * half).clamp(min=0).norm(dim=-1)
    there = found.present[:, None] > PRESENT_THRESHOLD
    return torch.where(there, gap, gap.new_tensor(torch.inf))
