"""What motion asks for, by hand."""

import math

import pytest
import torch

from objwrappers.perception.scenes.module import Detections
from objwrappers.perception.space.motion_supervision import (
    MotionTargets,
    alignment,
    alpha_loss,
    detection_figures,
    presence_loss,
    where_loss,
)


def targets(boxes, frames=1, visible=None):
    """Of 16 cells; boxes: cell → box."""
    batch = {
        "motion_present": torch.zeros(frames, 16),
        "motion_where": torch.zeros(frames, 16, 4),
        "motion_mask": torch.ones(frames, 32, 32),
    }
    for cell, box in boxes.items():
        batch["motion_present"][:, cell] = 1
        batch["motion_where"][:, cell] = torch.tensor(box)
    if visible is not None:
        batch["visible"] = visible
    return MotionTargets.of(batch)


def found(*boxes, present=1.0):
    return Detections(
        torch.tensor([boxes]), torch.full((1, len(boxes)), present), torch.zeros(1, len(boxes), 2)
    )


LEFT, RIGHT = (-0.5, 0.0, 0.25, 0.25), (0.5, 0.0, 0.25, 0.25)


def test_presences_are_compared_over_all_cells_and_boxes_where_there_is_one():
    asked = targets({3: LEFT})
    logit = torch.zeros(1, 16)
    assert presence_loss(logit, asked) == pytest.approx(16 * math.log(2))
    assert presence_loss(logit, asked, square=True) == pytest.approx(16 * 0.25)
    boxes = torch.zeros(1, 16, 4)
    boxes[0, 3] = torch.tensor([-0.5, 0.1, 0.25, 0.45])
    boxes[0, 7] = 5.0  # no motion there: nothing is asked of it
    assert where_loss(boxes, asked) == pytest.approx(0.01 + 0.04)
    both = targets({3: LEFT}, frames=2)
    assert where_loss(boxes.expand(2, -1, -1), both) == pytest.approx(0.05)  # per frame


def test_what_a_bar_hides_need_not_be_found_and_half_of_it_is_left_open():
    visible = torch.ones(1, 32, 32)
    visible[:, :, 16:] = 0  # the right half
    middle = (0.0, 0.6, 0.25, 0.25)
    asked = targets({3: LEFT, 5: RIGHT, 9: middle}, visible=visible)
    assert asked.present.nonzero().tolist() == [[0, 3], [0, 9]]
    assert asked.counted.sum() == 16
    visible[:, :, 15:] = 0
    asked = targets({3: LEFT, 5: RIGHT, 9: middle}, visible=visible)
    assert asked.present.nonzero().tolist() == [[0, 3]]
    assert (asked.counted == 0).nonzero().tolist() == [[0, 9]]
    assert asked.mask[0, 0, 0].tolist() == [1.0] * 15 + [0.0] * 17


def test_alpha_is_compared_with_the_mask_where_no_bar_hides_it():
    visible = torch.ones(1, 32, 32)
    visible[:, :, 16:] = 0
    alpha = torch.full((1, 1, 32, 32), 0.75)
    assert alpha_loss(alpha, targets({})) == pytest.approx(32 * 32 / 16)
    assert alpha_loss(alpha, targets({}, visible=visible)) == pytest.approx(32 * 16 / 16)


def test_a_perfect_detection_and_one_of_each_mistake():
    asked = targets({3: LEFT, 5: RIGHT})
    perfect = detection_figures(found(LEFT, RIGHT), asked)
    assert (perfect["f1"], perfect["overlap"], perfect["detection_error"]) == (1, 1, 0)
    # One hit of half the width, one false alarm, one miss; nothing below a half counts.
    half, wrong = (-0.5, 0.0, 0.125, 0.25), (0.5, 0.9, 0.25, 0.25)
    figures = detection_figures(found(half, wrong), asked)
    assert figures["f1"] == pytest.approx(0.5)
    assert figures["overlap"] == pytest.approx(0.5)
    assert figures["detection_error"] == pytest.approx(0.5 + 0.05)
    assert detection_figures(found(LEFT, RIGHT, present=0.4), asked)["f1"] == 0


def test_a_target_is_hit_once_and_only_from_near():
    asked = targets({3: LEFT})
    twice = detection_figures(found(LEFT, (-0.5, 0.02, 0.25, 0.25)), asked)
    assert twice["f1"] == pytest.approx(2 / 3)
    # Half the diagonal of a quarter is .1768 of the frame, .3536 in [-1, 1].
    for offset, hit in ((0.34, 1), (0.36, 0)):
        moved = (-0.5 + offset, 0.0, 0.25, 0.25)
        assert detection_figures(found(moved), asked)["f1"] == hit


def test_nothing_found_where_nothing_is_is_right():
    assert detection_figures(found(LEFT, present=0.1), targets({}))["detection_error"] == (
        pytest.approx(0.1)
    )


def test_alignment_is_the_mean_distance_beyond_the_offset():
    asked = targets({3: LEFT, 5: RIGHT})
    present, boxes = torch.zeros(1, 16), torch.zeros(1, 16, 4)
    assert alignment(present, boxes, asked, 0.1, 2.0) is None
    present[0, [0, 1]] = 1.0
    boxes[0, 0] = torch.tensor(LEFT)
    boxes[0, 1] = torch.tensor([0.5, 0.3, 0.25, 0.35])
    # Distances 0 and .4, mean .2.
    assert alignment(present, boxes, asked, 0.1, 2.0) == pytest.approx(0.2)
    assert alignment(present, boxes, asked, 0.3, 2.0) == 0
    assert alignment(present, boxes, targets({}), 0.1, 2.0) is None
