"""SPACE-Time: SPACE that learns from motion and from time (Delfosse et al. 2023).

While training, motion tells which cells hold an object and where, and an object is asked to look
the same in the next frame and unlike its neighbours. At run time it is SPACE: one frame is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from objwrappers.perception.scenes.module import PRESENT_THRESHOLD
from objwrappers.perception.space.checks import check_space_time
from objwrappers.perception.space.motion_supervision import (
    MotionTargets,
    alignment,
    alpha_loss,
    detection_figures,
    presence_loss,
    where_loss,
)
from objwrappers.perception.space.objectives import anneal, object_continuity
from objwrappers.perception.space.pictures import cells_on
from objwrappers.perception.space.presets import SPACE_TIME_PRESETS
from objwrappers.perception.space.scene import Blend, Scene
from objwrappers.perception.space.space import Network, Space

__all__ = ["PRESETS", "SpaceTime"]

REMEMBERED = 20  # steps over whose presences the variance is taken
CELLS_SCALE = 256  # of the exponent of the dynamic schedule

PRESETS = SPACE_TIME_PRESETS


class SpaceTime(Space):
    """Finds objects; motion shows it which while it learns.

    Args:
        network: See :class:`Space`, as for all arguments down to ``repetition``.
        grid: G.
        components: K.
        max_objects: M.
        what_size: D.
        sigma_foreground: Of the pixels.
        sigma_background: The same.
        presence_prior: Schedule.
        scale_prior: Schedule.
        scale_std: Of that prior.
        temperature: Schedule.
        fixed_alpha: (share of the training, value).
        boundary_until: Share of the training.
        repetition: Of detections.
        stack_length: T, consecutive frames in a stack.
        motion_weight: Factor on the three terms of motion; 0 is SPACE.
        presence_weight: Of z_pres' distance from motion, sum over cells, mean over frames.
        where_weight: Of the boxes' squared distance from those of motion, the same.
        alpha_weight: Of the foreground's squared distance from the motion mask, the same.
        continuity_weight: Of object continuity, per frame.
        match_weight: Of the best match in it, β + 1.
        agree: Count only matches that are the nearest box, too.
        cosine: Likeness is the cosine; otherwise 1 / (1 + mean squared difference).
        square: Presences are compared by squares, as published, not by cross-entropy.
        scheduling: λ, which takes over from motion for object continuity: ``"fixed"`` follows
            ``motion_schedule``; ``"dynamic"`` hangs on how well motion's objects are found.
        motion_schedule: Schedule of 1 - λ. Near 0 the bound is alone, and makes objects of all
            that the background cannot explain: scores, power pills.
        where_floor: Least factor on ``where_weight``: boxes grow once nothing holds them.
        offset: Of the dynamic schedule: distance allowed between boxes.
        found_weight: Of that distance.
        underestimating: How many more objects than motion shows are allowed.
        steepness: Base of the exponential.
        cooling: Share of the training over which motion's own answers are blended into the
            forward pass, ever less; 0 does not.
        labels: Names of the classes.
        rows: Rows of each in the observation.

    Raises:
        ValueError: An argument that cannot be.
    """

    name = "space_time"
    monitor = "detection_error"
    settled = 0.8
    recent: Tensor
    steps_seen: Tensor

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
        stack_length: int = 4,
        motion_weight: float = 1.0,
        presence_weight: float = 1000.0,
        where_weight: float = 2_000_000.0,
        alpha_weight: float = 10.0,
        continuity_weight: float = 10.0,
        match_weight: float = 5.0,
        agree: bool = False,
        cosine: bool = True,
        square: bool = False,
        scheduling: Literal["fixed", "dynamic"] = "fixed",
        motion_schedule: Sequence[float] = (1.0, 0.5, 0.0, 0.8),
        where_floor: float = 1.0,
        offset: float = 0.1,
        found_weight: float = 0.025,
        underestimating: float = 1.25,
        steepness: float = 2.0,
        cooling: float = 0.0,
        labels: Sequence[str] = ("object",),
        rows: Sequence[int] = (16,),
    ) -> None:
        weights = {
            "motion_weight": motion_weight,
            "presence_weight": presence_weight,
            "where_weight": where_weight,
            "alpha_weight": alpha_weight,
            "continuity_weight": continuity_weight,
            "match_weight": match_weight,
            "where_floor": where_floor,
            "offset": offset,
            "found_weight": found_weight,
            "underestimating": underestimating,
            "cooling": cooling,
        }
        check_space_time(stack_length, weights, motion_schedule, scheduling, steepness)
        super().__init__(
            network,
            grid,
            components,
            max_objects,
            what_size,
            sigma_foreground,
            sigma_background,
            presence_prior,
            scale_prior,
            scale_std,
            temperature,
            fixed_alpha,
            boundary_until,
            repetition,
            labels,
            rows,
        )
        self.stack_length = stack_length
        self.motion_weight, self.continuity_weight = motion_weight, continuity_weight
        self.presence_weight, self.where_weight = presence_weight, where_weight
        self.alpha_weight, self.match_weight = alpha_weight, match_weight
        self.agree, self.cosine = agree, cosine
        self.square, self.scheduling = square, scheduling
        self.motion_schedule, self.where_floor = motion_schedule, where_floor
        self.offset, self.found_weight = offset, found_weight
        self.underestimating, self.steepness, self.cooling = underestimating, steepness, cooling
        self.register_buffer("recent", torch.zeros(REMEMBERED), persistent=True)
        self.register_buffer("steps_seen", torch.zeros(()))

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """The negative bound of SPACE, motion and object continuity, nats per frame.

        Args:
            batch: Of stacks, flattened: ``frames`` uint8 (S·T, h, w, 3), ``motion_present``
                (S·T, G²), ``motion_where`` (S·T, G², 4), ``motion_mask`` (S·T, h, w), and, under
                bars, ``visible`` (S·T, h, w).
            progress: Schedules hang on it.
        """
        targets = self.targets(batch)
        blend = self.blend(targets, progress)
        images, visible = self.images(batch["frames"]), batch.get("visible")
        scene = self.explain(images, progress, blend, visible)
        terms = self.bound(scene, batch, progress)
        motion = self._motion_terms(scene, targets)
        terms |= motion
        terms["object_continuity"] = self._continuity(scene)
        align = self.take_over(scene, targets, progress)
        terms["lambda_align"] = terms["loss"].new_tensor(align)
        where = max(1 - align, self.where_floor) * self.where_weight * motion["motion_where"]
        others = (
            self.presence_weight * motion["motion_pres"]
            + self.alpha_weight * motion["motion_alpha"]
        )
        terms["loss"] = (
            terms["loss"]
            + self.motion_weight * ((1 - align) * others + where)
            + align * self.continuity_weight * terms["object_continuity"]
        )
        if not self.training:
            terms |= detection_figures(self.detect(scene.images), targets)
        return terms

    def targets(self, batch: dict[str, Tensor]) -> MotionTargets:
        """Returns what motion shows in a batch.

        Raises:
            ValueError: It comes without motion, as images that are no recording do.
        """
        if "motion_present" not in batch:
            raise ValueError(
                "SPACE-Time learns from what moves, but these frames come without motion: "
                "train 'space' on them."
            )
        return MotionTargets.of(batch)

    def blend(self, targets: MotionTargets, progress: float) -> Blend | None:
        """Returns what motion tells the forward pass; None for SPACE alone."""
        if not self.motion_weight:
            return None
        share = max(0.0, 1 - progress / self.cooling) if self.cooling and self.training else 0.0
        wanted = targets.present if self.training else torch.zeros_like(targets.present)
        return Blend(wanted, share, targets.boxes, targets.mask)

    def _motion_terms(self, scene: Scene, targets: MotionTargets) -> dict[str, Tensor]:
        boxes = self._all_boxes(scene)
        return {
            "motion_pres": presence_loss(scene.cells.logit, targets, self.square),
            "motion_where": where_loss(boxes, targets),
            "motion_alpha": alpha_loss(scene.pure_alpha, targets),
        }

    def _all_boxes(self, scene: Scene) -> Tensor:
        """The boxes of all cells, (B, N, 4): means, which is what is found at run time."""
        cells = scene.cells
        every = self.foreground.choose(cells.present, self.grid**2)
        return self.foreground.boxes(every, cells.scale_mean, cells.shift_mean)

    def _continuity(self, scene: Scene) -> Tensor:
        stacks = (-1, self.stack_length)
        objects = scene.objects
        total = object_continuity(
            objects.what.unflatten(0, stacks),
            (scene.chosen.present > PRESENT_THRESHOLD).unflatten(0, stacks),
            objects.cells.unflatten(0, stacks),
            objects.boxes.unflatten(0, stacks),
            self.grid,
            match_weight=self.match_weight,
            agree=self.agree,
            cosine=self.cosine,
        )
        return total / len(scene.images)

    @torch.no_grad()
    def take_over(self, scene: Scene, targets: MotionTargets, progress: float) -> float:
        """Returns λ, the share of object continuity; motion has the rest."""
        if self.scheduling == "fixed":
            return 1 - anneal(self.motion_schedule, progress)
        present = scene.cells.present
        difference = present.mean() - targets.present.mean()
        if self.training:
            self.recent.copy_(torch.cat([self.recent[1:], difference[None]]))
            self.steps_seen += 1
        seen = min(int(self.steps_seen), REMEMBERED)
        spread = float(self.recent[-seen:].var()) if seen > 1 else 0.0
        apart = alignment(present, self._all_boxes(scene), targets, self.offset, self.found_weight)
        if apart is None:
            return 0.0
        allowed = self.underestimating * targets.present.mean()
        too_many = (present.mean() - allowed).clamp(min=0)
        return self.steepness ** -(CELLS_SCALE * (float(apart) + float(too_many) + spread))

    @torch.no_grad()
    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the published columns, and motion's cells and mask beside them."""
        shown = super().pictures(batch)
        if "motion_present" in batch:
            targets = self.targets(batch)
            shown["motion cells"] = cells_on(shown["input"], targets.present, self.grid)
            shown["motion mask"] = targets.mask.expand(-1, 3, -1, -1)
        return shown
