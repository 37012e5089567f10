"""What motion asks of SPACE's cells while SPACE-Time learns, and how well they answer.

* :class:`MotionTargets`: objects that motion shows, by cell
* :func:`presence_loss`, :func:`where_loss`, :func:`alpha_loss`: the distance from them
* :func:`alignment`: how far supervision has done its work (dynamic scheduling)
* :func:`detection_figures`: precision and recall of detections against them, free of cells
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from objwrappers.perception.scenes.module import PRESENT_THRESHOLD, Detections
from objwrappers.perception.scenes.overlaps import overlaps
from objwrappers.perception.space.spatial_transformer import glimpse

__all__ = [
    "MotionTargets",
    "alignment",
    "alpha_loss",
    "detection_figures",
    "presence_loss",
    "where_loss",
]

HIDDEN, SHOWN = 0.1, 0.5  # share of a box that bars leave: none to be found below, one above
VISIBLE_SIDE = 8  # pixels of a glimpse of what is visible
MATCHED = 0.5  # largest distance of centres, in diagonals of the target's box
FAR = 10.0  # further away than anything in a frame


@dataclass(frozen=True)
class MotionTargets:
    """Objects that motion shows in B frames.

    Attributes:
        present: (B, N) in {0, 1}.
        boxes: (B, N, 4), zeros where there is none.
        counted: (B, N) in {0, 1}; 0 where bars leave open whether there is anything to be seen.
        mask: (B, 1, h, w) in {0, 1}, what moves and no bar hides.
        visible: (B, 1, h, w) in [0, 1], 0 behind bars.
    """

    present: Tensor
    boxes: Tensor
    counted: Tensor
    mask: Tensor
    visible: Tensor

    @classmethod
    def of(cls, batch: dict[str, Tensor]) -> MotionTargets:
        """Reads a batch of the recipes for scenes; what bars hide need not be found."""
        present, boxes = batch["motion_present"], batch["motion_where"]
        counted, mask = torch.ones_like(present), batch["motion_mask"][:, None]
        visible = torch.ones_like(mask)
        if "visible" in batch:
            visible = batch["visible"][:, None]
            seen = glimpse(visible, boxes, VISIBLE_SIDE).mean((2, 3, 4))
            there = present > 0
            counted = (~there | (seen < HIDDEN) | (seen >= SHOWN)).float()
            present = (there & (seen >= SHOWN)).float()
            mask = mask * (visible > SHOWN)
        return cls(present, boxes, counted, mask, visible)


def presence_loss(logit: Tensor, targets: MotionTargets, square: bool = False) -> Tensor:
    """Sum over cells of the cross-entropy, or of the square of p's error, mean over frames.

    Args:
        logit: (B, N), of z_pres.
        targets: Of motion.
        square: As published.
    """
    if square:
        error = (logit.sigmoid() - targets.present).square()
    else:
        error = F.binary_cross_entropy_with_logits(logit, targets.present, reduction="none")
    return (error * targets.counted).sum(1).mean()


def where_loss(boxes: Tensor, targets: MotionTargets) -> Tensor:
    """Squared distance of boxes (B, N, 4) from those of motion, where it shows one.

    The published loss also draws confident cells without a target to a box of zeros at the
    frame's centre; that is left out.
    """
    return ((boxes - targets.boxes).square().sum(-1) * targets.present).sum(1).mean()


def alpha_loss(alpha: Tensor, targets: MotionTargets) -> Tensor:
    """Squared distance of the foreground's alpha (B, 1, h, w) from the mask, sum over pixels.

    Behind a bar an object may go on.
    """
    return ((alpha - targets.mask).square() * targets.visible).sum((1, 2, 3)).mean()


def alignment(
    present: Tensor, boxes: Tensor, targets: MotionTargets, offset: float, found_weight: float
) -> Tensor | None:
    """Mean distance of motion's objects from the nearest found one, beyond what is allowed.

    Args:
        present: (B, N), probabilities.
        boxes: (B, N, 4).
        targets: Of motion.
        offset: Distance allowed, the sum of the four differences.
        found_weight: Factor on the distance.

    Returns:
        A scalar; None where nothing moves or nothing is found.
    """
    there, found = targets.present > 0, present > PRESENT_THRESHOLD
    if not (there.any() and found.any()):
        return None
    distance = (targets.boxes[:, :, None] - boxes[:, None]).abs().sum(-1)
    nearest = distance.masked_fill(~found[:, None], FAR).amin(2)
    return ((nearest[there].mean() - offset) * found_weight).clamp(min=0)


def detection_figures(found: Detections, targets: MotionTargets) -> dict[str, Tensor]:
    """Returns ``f1``, ``overlap`` and ``detection_error`` of detections against motion's boxes.

    A detection is a hit where it and a target are nearest to each other and their centres are
    less than half the target's diagonal apart (x and y in shares of the frame). ``overlap`` is
    the mean intersection over union of the hits; ``detection_error``, which chooses checkpoints,
    is 1 - f1 + 0.1·(1 - overlap): objects come first, boxes that fit second.
    """
    there, present = targets.present > 0, found.present > PRESENT_THRESHOLD
    offset = (found.boxes[:, :, None, :2] - targets.boxes[:, None, :, :2]) / 2
    distance = offset.norm(dim=-1)
    pair = present[:, :, None] & there[:, None]
    distance = distance.masked_fill(~pair, FAR)
    diagonal = targets.boxes[..., 2:].norm(dim=-1)
    mutual = (distance <= distance.amin(1, keepdim=True)) & (
        distance <= distance.amin(2, keepdim=True)
    )
    hit = mutual & pair & (distance < MATCHED * diagonal[:, None])
    hits, total = hit.sum(), present.sum() + there.sum()
    f1 = torch.where(total > 0, 2 * hits / total.clamp(min=1), torch.ones_like(hits * 1.0))
    overlap = (overlaps(found.boxes, targets.boxes) * hit).sum() / hits.clamp(min=1)
    return {"f1": f1, "overlap": overlap, "detection_error": 1 - f1 + 0.1 * (1 - overlap)}
