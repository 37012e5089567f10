"""Weights of a small model on disk."""

import pytest

from objwrappers.perception.motion_keypoints import MotionKeypoints


@pytest.fixture
def folder(tmp_path):
    model = MotionKeypoints(num_keypoints=3, width=8)
    model.record = {
        "trained_on": {"task": "Pong", "noise": "none", "channels": "RGB"},
        "training": {"seed": 5},
    }
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"
