import math

import pytest
import torch

from objwrappers.perception.coverage import covers, visible_at
from objwrappers.perception.motion_keypoints import MotionKeypoints


@pytest.fixture
def model():
    torch.manual_seed(0)
    return MotionKeypoints(num_keypoints=2)


def batch(motion):
    frames = torch.zeros(len(motion), 84, 84, 3, dtype=torch.uint8)
    visible = torch.ones(len(motion), 84, 84)
    return {
        "frames": frames,
        "motion": motion,
        "weight": motion,
        "objects": motion,
        "visible": visible,
    }


@torch.no_grad()
def test_black_frames_put_keypoints_at_the_centre_and_the_loss_is_known(model):
    # Zero biases: black frames give zero logits, a flat softmax and both keypoints at (0, 0).
    motion = torch.zeros(1, 42, 42)
    motion[0, 0, 0] = 1.0
    losses = model.eval().loss(batch(motion), 1.0)
    assert losses["uncovered"] == pytest.approx(1.0, abs=1e-6)
    assert losses["repulsion"] == pytest.approx(0.5)
    everywhere = model.loss(batch(torch.ones(1, 42, 42)), 0.0)
    assert everywhere["uncovered"] < losses["uncovered"]


def test_presence_is_asked_only_where_an_object_lies_under_the_keypoint():
    objects = torch.zeros(1, 42, 42)
    objects[0, 20, 20] = 1.0  # beside the centre
    keypoints = torch.tensor([[[0.0, 0.0], [0.9, 0.9]]])
    assert covers(keypoints, objects, sigma=0.08).tolist() == [[1.0, 0.0]]


@torch.no_grad()
def test_what_a_bar_hides_need_not_be_covered(model):
    motion = torch.zeros(1, 42, 42)
    motion[0, 0, 0] = motion[0, 21, 21] = 1.0  # in a corner; under both keypoints
    hidden = batch(motion)
    hidden["visible"][0, :2] = 0
    assert model.eval().loss(batch(motion), 1.0)["uncovered"] > 0.5
    assert model.loss(hidden, 1.0)["uncovered"] < 0.2


def test_what_is_visible_at_a_keypoint_by_hand():
    visible = torch.ones(1, 84, 84)
    visible[0, :, 40:] = 0
    keypoints = torch.tensor([[[-0.5, 0.9], [0.5, 0.9], [-1, -1], [1, 1]]])
    assert visible_at(keypoints, visible).tolist() == [[1, 0, 1, 0]]


@torch.no_grad()
def test_a_keypoint_on_a_bar_is_not_present(model):
    # Black frames put both keypoints at the centre; the object shows on either side of the bar.
    model.eval().presence[-1].bias.fill_(20.0)  # sure that something is there
    shown = batch(torch.ones(1, 42, 42))
    hidden = batch(torch.ones(1, 42, 42))
    hidden["visible"][0, 40:44] = 0
    assert model.loss(shown, 1.0)["presence"] < 0.1
    assert model.loss(hidden, 1.0)["presence"] > 10


def test_presence_does_not_bend_the_features(model):
    motion = torch.zeros(1, 42, 42)
    motion[0, 3, 3] = 1.0
    model.loss(batch(motion), 1.0)["presence"].backward()
    assert all(p.grad is None for p in model.trunk.parameters())
    assert all(p.grad is not None for p in model.presence.parameters())


def test_percepts_lie_in_the_observation_space(model):
    frames = torch.randint(0, 256, (3, 210, 160, 3), dtype=torch.uint8)
    with torch.inference_mode():
        percepts = model.eval()(frames)
    for i in range(3):
        one = {key: value[i].numpy() for key, value in percepts.items()}
        assert model.observation_space.contains(one)
    assert all(math.isfinite(value.sum()) for value in percepts.values())


@pytest.mark.parametrize(
    "frames",
    [
        torch.zeros(1, 210, 160, 3),
        torch.zeros(210, 160, 3, dtype=torch.uint8),
        torch.zeros(1, 3, 210, 160, dtype=torch.uint8),
    ],
)
def test_frames_of_another_shape_or_dtype_are_named(model, frames):
    with pytest.raises(ValueError, match=r"uint8 of shape \(B, H, W, 3\), got"):
        model(frames)


def test_no_keypoints_is_refused():
    with pytest.raises(ValueError, match="num_keypoints must be an integer of at least 1, got 0"):
        MotionKeypoints(num_keypoints=0)
