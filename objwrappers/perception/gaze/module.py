"""What all gaze models share: stacks of grey frames in, a density out, and how it is learned.

* :class:`GazeModule`: a perception model that says where people would look
* :func:`recoloured`: stacks in other grey levels
* :func:`peak`: the place of a density that is looked at most
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from objwrappers.perception.base import FrameFormat, PerceptionModule
from objwrappers.perception.optimization import Optimization, learning_rate

__all__ = ["SIDE", "STACK", "GazeModule", "peak", "recoloured"]

SIDE, STACK = 84, 4
KNOTS = 9  # of the curves that draw grey levels anew
REACH = 2  # cells around the highest one that a peak is the mean of
RHO, EPS = 0.95, 1e-8  # of Adadelta
FACTOR, PATIENCE, LEAST_RATE = 0.5, 3, 1e-5  # of the plateau


class GazeModule(PerceptionModule):
    """A perception model of human gaze; a subclass implements :meth:`logits`.

    It reads four grey frames in succession, 84×84, the oldest first. Atari-HEAD's are 1/60 s
    apart.

    Percepts are ``heatmap``, float32 (84, 84) that sums to 1, and ``gaze``, float32 (2,), the
    place looked at most (see :func:`peak`) in frame coordinates. The mean of the density would not
    do: people who look here or there do not look between.

    Args:
        dropout: Share of a layer's outputs that training leaves out.
        palette: Share of a training's stacks whose grey levels are drawn anew, by a random curve:
            mazes of other colours are mazes, too.
        flip: Half of a training's stacks are mirrored, left to right, with their gaze.

    Raises:
        ValueError: A share that is none.
    """

    family: ClassVar[str] = "gaze"
    settled = 0.0  # the rate falls with the figure, not with the steps
    mean: Tensor

    def __init__(self, dropout: float = 0.5, palette: float = 0.0, flip: bool = False) -> None:
        super().__init__(FrameFormat(SIDE, SIDE, grayscale=True, stack=STACK))
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {dropout}.")
        if not 0 <= palette <= 1:
            raise ValueError(f"palette must be in [0, 1], got {palette}.")
        self.dropout, self.palette, self.flip = dropout, palette, flip
        # What the frames of the training are on the average; networks read the difference.
        self.register_buffer("mean", torch.zeros(()))
        box = gym.spaces.Box
        self.observation_space = gym.spaces.Dict(
            {
                "heatmap": box(0, 1, (SIDE, SIDE), np.float32),
                "gaze": box(-1, 1, (2,), np.float32),
            }
        )

    def logits(self, images: Tensor) -> Tensor:
        """Returns the logarithm of the density, but for a constant: (B, 84, 84).

        Args:
            images: float32 (B, 4, 84, 84) in [0, 1].
        """
        raise NotImplementedError

    @torch.no_grad()
    def prepare(self, stacks: Tensor) -> None:
        """Learns what has to be known before the optimiser exists: here the frames' mean.

        Args:
            stacks: uint8 (N, 4, 84, 84), of many moments of the training.
        """
        self.mean.copy_(stacks.float().mean() / 255)

    def resize(self, frames: Tensor) -> Tensor:
        """Gives frames the size that the network reads; grey ones need no axis for their channel.

        Args:
            frames: uint8 (B, 4, H, W, 1) or (B, 4, H, W).

        Returns:
            uint8 (B, 4, 84, 84, 1).

        Raises:
            ValueError: Frames of another shape or dtype.
        """
        return super().resize(frames[..., None] if frames.ndim == 4 else frames)

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Returns heatmap (B, 84, 84) and gaze (B, 2)."""
        logits = self.logits(images).float()
        heatmap = logits.flatten(1).softmax(-1).view_as(logits)
        return {"heatmap": heatmap, "gaze": peak(heatmap)}

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """KL divergence from people's density, in nats; and both densities' correlation.

        Args:
            batch: ``frames`` uint8 (B, 4, 84, 84); ``map`` float32 (B, 84, 84), people's density;
                ``weight`` float32 (B,), what a frame counts, 0 where nobody looked.
            progress: Without effect.
        """
        images, maps = self.images(batch["frames"][..., None]), batch["map"]
        if self.training:
            images, maps = self._varied(images, maps)
        logits = self.logits(images).float()
        log_density = logits.flatten(1).log_softmax(-1)
        density, people = log_density.exp(), maps.flatten(1)
        weight = batch["weight"] / batch["weight"].sum().clamp(min=1e-8)
        # x log x is 0 where nobody looks.
        kl = (torch.special.xlogy(people, people) - people * log_density).sum(-1)
        predicted, seen = (
            maps - maps.mean(-1, keepdim=True) for maps in (density.detach(), people)
        )
        found = torch.nn.functional.cosine_similarity(predicted, seen, dim=-1)
        return {"loss": (weight * kl).sum(), "correlation": (weight * found).sum()}

    def _varied(self, images: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        chance = torch.rand(2, len(images), 1, 1, 1, device=images.device)
        if self.palette:
            images = torch.where(chance[0] < self.palette, recoloured(images), images)
        if self.flip:
            mirrored = chance[1] < 0.5
            images = torch.where(mirrored, images.flip(-1), images)
            maps = torch.where(mirrored[:, 0], maps.flip(-1), maps)
        return images, maps

    def configure_optimizers(self, settings: Mapping[str, Any], total_steps: int) -> Optimization:
        """Adadelta, whose rate halves where validation no longer improves.

        Args:
            settings: Hyperparameters; ``learning_rate`` and ``weight_decay`` count.
            total_steps: Without effect.

        Raises:
            ValueError: A learning rate that is no positive number.
        """
        optimizer = torch.optim.Adadelta(
            self.parameter_groups(),
            learning_rate(settings, "learning_rate"),
            RHO,
            EPS,
            float(settings.get("weight_decay", 0.0)),
        )
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=FACTOR, patience=PATIENCE, min_lr=LEAST_RATE
        )
        return Optimization(optimizer, schedule, interval="validation")

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the newest frame, and people's density over it in red, (B, 3, 84, 84) each."""
        newest = self.images(batch["frames"][..., None])[:, -1:].expand(-1, 3, -1, -1)
        people = batch["map"] / batch["map"].amax((-2, -1), keepdim=True).clamp(min=1e-8)
        human = newest * (1 - people[:, None])
        return {
            "input": newest,
            "human": torch.cat([human[:, :1] + people[:, None], human[:, 1:]], 1),
        }

    def percepts(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns what the model perceives in the batch's stacks."""
        return self.perceive(self.images(batch["frames"][..., None]))


def recoloured(images: Tensor) -> Tensor:
    """Maps the grey levels of each stack by a curve through nine random levels.

    Args:
        images: (B, ...) in [0, 1].
    """
    knots = torch.rand(len(images), KNOTS, device=images.device)
    place = images.flatten(1) * (KNOTS - 1)
    below = place.floor().clamp(max=KNOTS - 2)
    lower, upper = (knots.gather(1, (below + k).long()) for k in (0, 1))
    return torch.lerp(lower, upper, place - below).view_as(images)


def peak(density: Tensor) -> Tensor:
    """Returns the place looked at most: the mean of the density's highest cell and those around it.

    Args:
        density: (B, h, w), not negative.

    Returns:
        (B, 2), (x, y) in frame coordinates; the middle of a cell is that of its pixels.
    """
    height, width = density.shape[-2:]
    highest = density.flatten(1).argmax(-1)
    rows = torch.arange(height, device=density.device)
    columns = torch.arange(width, device=density.device)
    near_rows = (rows - highest[:, None] // width).abs() <= REACH
    near_columns = (columns - highest[:, None] % width).abs() <= REACH
    near = density * near_rows[:, :, None] * near_columns[:, None]
    total = near.sum((-2, -1)).clamp(min=torch.finfo(density.dtype).tiny)
    x = (near.sum(-2) @ ((columns + 0.5) / width * 2 - 1).to(density)) / total
    y = (near.sum(-1) @ ((rows + 0.5) / height * 2 - 1).to(density)) / total
    return torch.stack([x, y], -1)
