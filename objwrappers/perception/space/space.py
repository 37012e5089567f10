"""SPACE: a scene as objects in cells and a background (Lin et al. 2020).

Every cell of a grid says whether an object is there, where, how deep and, from a glimpse, what it
looks like; the objects' picture and the background together explain the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from objwrappers.perception.base import FrameFormat
from objwrappers.perception.optimization import Optimization, adam, learning_rate
from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, Detections, SceneModule
from objwrappers.perception.scenes.overlaps import repeated
from objwrappers.perception.space.background import ImageBackground
from objwrappers.perception.space.checks import check_space
from objwrappers.perception.space.components import ComponentBackground
from objwrappers.perception.space.foreground import (
    LOGIT_BOUND,
    Foreground,
    Objects,
    sample,
    take,
)
from objwrappers.perception.space.networks import SIZES
from objwrappers.perception.space.objectives import anneal, boundary_loss
from objwrappers.perception.space.pictures import boxes_on, cells_on, columns
from objwrappers.perception.space.presets import SPACE_PRESETS
from objwrappers.perception.space.rendering import Rendering
from objwrappers.perception.space.scene import (
    Blend,
    Priors,
    Scene,
    divergences,
    log_likelihood,
    unexplained,
)

__all__ = ["PRESETS", "Space"]

PRESETS = SPACE_PRESETS
Network = Literal["light", "published"]


class Space(SceneModule):
    """Finds objects by explaining frames; nobody says where they are.

    A schedule is (first value, last value, share of the training where it starts to move, share
    where it has arrived).

    Args:
        network: ``"published"``: 5,307,651 parameters with ``components`` > 1. ``"light"``:
            smaller networks and patches of 16×16; with one component, a learned image as
            background.
        grid: G, cells a side.
        components: K, of the background.
        max_objects: M, cells that are looked at closely; 0 for all.
        what_size: D, of z_what.
        sigma_foreground: Of the pixels, in [0, 1].
        sigma_background: The same.
        presence_prior: Schedule of an object's probability.
        scale_prior: Schedule of the mean of a box's size before the sigmoid: -2 is .12 of the
            frame's side. What a game's objects measure.
        scale_std: Of that prior.
        temperature: Schedule, of the relaxed presences.
        fixed_alpha: (share of the training, value): at first every pixel is foreground with this
            probability, so that both parts learn.
        boundary_until: Share of the training with the boundary loss; published for rooms in 3D.
        repetition: Intersection over union above which of two detections only the more probable
            is an object; 1 keeps both, as published.
        labels: Names of the classes.
        rows: Rows of each in the observation.

    Raises:
        ValueError: A grid, number or schedule that cannot be.
    """

    name = "space"
    stored_dtype = torch.float16
    monitor = "loss"

    def __init__(
        self,
        network: Network = "light",
        grid: int = 16,
        components: int = 1,
        max_objects: int = 24,
        what_size: int = 32,
        sigma_foreground: float = 0.2,
        sigma_background: float = 0.1,
        presence_prior: Sequence[float] = (0.1, 1e-4, 0.0, 1.0),
        scale_prior: Sequence[float] = (-2.5, -2.5, 0.0, 1.0),
        scale_std: float = 1.0,
        temperature: Sequence[float] = (1.0, 1.0, 0.0, 1.0),
        fixed_alpha: Sequence[float] = (0.0, 0.1),
        boundary_until: float = 0.0,
        repetition: float = 0.3,
        labels: Sequence[str] = ("object",),
        rows: Sequence[int] = (16,),
    ) -> None:
        check_space(
            network,
            grid,
            components,
            max_objects,
            what_size,
            {
                "sigma_foreground": sigma_foreground,
                "sigma_background": sigma_background,
                "scale_std": scale_std,
            },
            {
                "presence_prior": presence_prior,
                "scale_prior": scale_prior,
                "temperature": temperature,
            },
            fixed_alpha,
            {"boundary_until": boundary_until, "repetition": repetition},
        )
        size = SIZES[network].image
        super().__init__(FrameFormat(size, size))
        self.define(what_size, labels, rows)
        self.grid, self.network = grid, network
        self.max_objects = min(max_objects or grid**2, grid**2)
        self.sigmas = (sigma_foreground, sigma_background)
        self.presence_prior, self.scale_prior = presence_prior, scale_prior
        self.scale_std, self.temperature = scale_std, temperature
        self.fixed_alpha, self.boundary_until = fixed_alpha, boundary_until
        self.gradient_clip_norm = 1.0 if network == "published" else 100.0
        self.repetition = repetition
        self.foreground = Foreground(network, grid, what_size, scale_prior[0])
        self.background: nn.Module = (
            ImageBackground(size)
            if network == "light" and components == 1
            else ComponentBackground(components, 1.0 if network == "published" else 0.5)
        )

    def set_background(self, still: Tensor | np.ndarray) -> None:
        """Lets a learned background image start as this one, uint8 (H, W, 3) of any size."""
        if isinstance(self.background, ImageBackground):
            if isinstance(still, np.ndarray):
                still = torch.from_numpy(still.copy())  # a mapped file cannot be written to
            self.background.show(self.images(self.resize(still[None]))[0])

    def detect(self, images: Tensor) -> Detections:
        """See :meth:`SceneModule.detect`; N is ``max_objects``. Nothing is rendered."""
        cells = self.foreground.encode(images)
        chosen = self.foreground.choose(cells.present, self.max_objects)
        few = cells.pick(chosen)
        boxes = self.foreground.boxes(chosen, few.scale_mean, few.shift_mean)
        # Two cells at whose border an object lies may both have it.
        present = few.present.masked_fill(repeated(boxes, few.present, self.repetition), 0.0)
        return Detections(boxes, present, self.foreground.look(images, boxes)[0])

    def explain(
        self,
        images: Tensor,
        progress: float,
        blend: Blend | None = None,
        visible: Tensor | None = None,
    ) -> Scene:
        """Explains images (B, 3, h, w): samples while training, else posterior means.

        Of sparse cells only those that are looked at learn from pixels. Where nobody tells which,
        they are, while training, those in which the background fails.

        Args:
            images: Frames.
            progress: Schedules hang on it.
            blend: What motion tells.
            visible: (B, h, w), 0 behind bars, which are no failure of the background.
        """
        noisy, front = self.training, self.foreground
        backdrop = self.background(images, self.sigmas[1], None if blend is None else blend.mask)
        cells = front.encode(images)
        wanted = blend.wanted if blend is not None else None
        if wanted is None and noisy:
            wanted = unexplained(images, backdrop, self.sigmas[1], self.grid, visible)
        chosen = front.choose(cells.present, self.max_objects, wanted)
        few = cells.pick(chosen)
        boxes = front.boxes(
            chosen,
            sample(few.scale_mean, few.scale_std, noisy),
            sample(few.shift_mean, few.shift_std, noisy),
        )
        bounded, seen_boxes = few.bounded, boxes
        if blend is not None and blend.share > 0:
            asked = take(blend.wanted, chosen)
            bounded = torch.lerp(bounded, 2 * asked - 1, blend.share)
            weight = blend.share * asked[..., None]
            seen_boxes = torch.lerp(boxes, take(blend.boxes, chosen), weight)
        mean, std = front.look(images, seen_boxes)
        objects = Objects(
            cells=chosen,
            present=self._presence(bounded, progress),
            depth=sample(few.depth_mean, few.depth_std, noisy),
            boxes=seen_boxes,
            what=sample(mean, std, noisy),
            what_mean=mean,
            what_std=std,
        )
        rendering = front.render(objects, *images.shape[-2:])
        alpha = pure = rendering.alpha
        if blend is not None and blend.share > 0:
            alpha = torch.lerp(alpha, blend.mask, blend.share)
        if 0 < progress < self.fixed_alpha[0]:
            alpha = torch.full_like(alpha, self.fixed_alpha[1])
        return Scene(images, cells, few, objects, Rendering(rendering.image, alpha), pure, backdrop)

    def _presence(self, bounded: Tensor, progress: float) -> Tensor:
        logit = LOGIT_BOUND * bounded
        if not self.training:
            return logit.sigmoid()
        uniform = torch.rand_like(bounded).clamp(1e-6, 1 - 1e-6)
        return ((logit + uniform.logit()) / anneal(self.temperature, progress)).sigmoid()

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """The negative bound, nats per frame, and its terms.

        Args:
            batch: ``frames`` uint8 (B, h, w, 3); ``visible`` float32 (B, h, w), 0 behind a bar:
                such pixels need no explanation; absent, all are visible.
            progress: Schedules hang on it.
        """
        images, visible = self.images(batch["frames"]), batch.get("visible")
        scene = self.explain(images, progress, visible=visible)
        return self.bound(scene, batch, progress)

    def bound(self, scene: Scene, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Returns the terms of the bound and the total under ``"loss"``; means over frames."""
        priors = Priors(
            presence=anneal(self.presence_prior, progress),
            scale_mean=anneal(self.scale_prior, progress),
            scale_std=self.scale_std,
        )
        terms = divergences(scene, priors)
        terms["log_like"] = log_likelihood(scene, self.sigmas[0], batch.get("visible"))
        loss = sum(value for key, value in terms.items() if key.startswith("kl_"))
        loss = loss - terms["log_like"]
        if progress < self.boundary_until:
            objects = scene.objects
            terms["boundary"] = boundary_loss(objects.present, objects.boxes, scene.rendering.alpha)
            loss = loss + terms["boundary"]
        terms["mse"] = (scene.reconstruction - scene.images).square().mean((1, 2, 3))
        terms["count"] = (scene.cells.present > PRESENT_THRESHOLD).float().sum(1)
        terms["loss"] = torch.as_tensor(loss)
        return {key: value.mean() for key, value in terms.items()}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Returns foreground and background, each with its own rate."""
        return [
            {"params": list(self.foreground.parameters())},
            {"params": list(self.background.parameters())},
        ]

    def configure_optimizers(self, settings: Mapping[str, Any], total_steps: int) -> Optimization:
        """Returns one Adam over two groups.

        The foreground learns at ``learning_rate``, the background at
        ``background_learning_rate``, by default twice as fast. The published foreground is under
        RMSprop: Adam without momentum, β = (0, .99), is that with its bias corrected.
        """
        front, back = self.parameter_groups()
        own = settings.get("background_learning_rate") is not None
        back["lr"] = (
            learning_rate(settings, "background_learning_rate")
            if own
            else 2 * learning_rate(settings, "learning_rate")
        )
        if self.network == "published":
            front["betas"] = (0.0, 0.99)
        return adam([front, back], settings, total_steps)

    @torch.no_grad()
    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the published columns: frame, parts, boxes and cells."""
        return self.show(self.explain(self.images(batch["frames"]), 1.0))

    def show(self, scene: Scene) -> dict[str, Tensor]:
        """Returns the columns of a scene."""
        objects, shown = scene.objects, columns(scene.images, scene.rendering, scene.backdrop)
        shown["boxes"] = boxes_on(shown["foreground"], objects.boxes, objects.present)
        shown["cells"] = cells_on(scene.images, scene.cells.present, self.grid)
        return shown

    @torch.no_grad()
    def percepts(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the boxes found in the frames, in no order, and their presences."""
        found = self.detect(self.images(batch["frames"]))
        return {"boxes": found.boxes, "present": found.present}
