import numpy as np
import pytest
import torch

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.motion_boxes import MotionBoxes
from objwrappers.datasets.stacks import StackBatches

STEPS, ENVS = 30, 3


def recording(envs, value):
    """Step t of env n has one box at (t, n) / 100; its mask is a column."""
    boxes = np.zeros((STEPS, envs, 2, 4), np.float32)
    t, n = np.indices((STEPS, envs))
    boxes[:, :, 0] = np.stack([t / 100, n / 100, t * 0 + value, t * 0 + 0.2], -1)
    mask = np.zeros((STEPS, envs, 20, 16), np.uint8)
    mask[..., 4:8] = 1
    return MotionBoxes(
        boxes,
        np.ones((STEPS, envs), np.int64),
        np.packbits(mask, axis=-1),
        np.zeros((20, 16, 3), np.uint8),
    )


@pytest.fixture
def frames():
    values = torch.arange(STEPS * ENVS, dtype=torch.uint8).view(STEPS, ENVS, 1, 1, 1)
    starts = torch.zeros(STEPS, ENVS, dtype=torch.bool)
    starts[0] = starts[11, 1] = True
    return Frames(values.expand(-1, -1, 10, 8, 3), starts)


def steps_of(batch):
    return divmod(batch["frames"][:, 0, 0, 0].long().numpy(), ENVS)


def test_stacks_are_consecutive_frames_of_one_episode_with_their_targets(frames):
    data = StackBatches(frames, [recording(3, 0.1)], 0, batch_size=32, length=4, grid=5)
    for step in range(10):
        batch = data[step]
        t, n = steps_of(batch)
        assert (np.diff(t.reshape(8, 4)) == 1).all()
        assert (n.reshape(8, 4) == n.reshape(8, 4)[:, :1]).all()
        crossed = (n.reshape(8, 4)[:, 0] == 1) & (t[::4] < 11) & (t[3::4] >= 11)
        assert not crossed.any()
        there = batch["motion_present"].nonzero()
        assert there[:, 0].tolist() == list(range(32)), "one box a frame"
        where = batch["motion_where"][there[:, 0], there[:, 1]].numpy()
        np.testing.assert_allclose(where[:, 0], t / 100, atol=1e-6)
        np.testing.assert_allclose(where[:, 1], n / 100, atol=1e-6)
        assert batch["motion_mask"].shape == (32, 10, 8)
        assert (batch["motion_mask"] == torch.tensor([0, 0, 1, 1, 0, 0, 0, 0.0])).all()
        assert batch["clean"] is batch["frames"]


def test_envs_belong_to_their_recordings_and_steps_are_shifted(frames):
    motion = [recording(1, 0.1), recording(2, 0.3)]
    later = Frames(frames.frames[20:], frames.starts[20:])
    data = StackBatches(later, motion, 20, batch_size=64, length=1, grid=5)
    batch = data[0]
    t, n = steps_of(batch)
    assert t.min() >= 20
    there = batch["motion_present"].nonzero()
    where = batch["motion_where"][there[:, 0], there[:, 1]].numpy()
    np.testing.assert_allclose(where[:, 0], t / 100, atol=1e-6)
    np.testing.assert_allclose(where[:, 1], np.where(n == 0, 0, n - 1) / 100, atol=1e-6)
    np.testing.assert_allclose(where[:, 2], np.where(n == 0, 0.1, 0.3), atol=1e-6)


def test_batches_repeat_by_step_and_differ_by_rank(frames):
    first, again, other = (
        StackBatches(frames, [], 0, 16, 4, 5, seed=3, rank=rank)[7]["frames"] for rank in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert "motion_present" not in StackBatches(frames, [], 0, 16, 4, 5)[0]


def test_what_does_not_fit_is_said(frames):
    with pytest.raises(ValueError, match="multiple of 4, got 18"):
        StackBatches(frames, [], 0, 18, 4, 5)
    with pytest.raises(ValueError, match="envs are others than the 3"):
        StackBatches(frames, [recording(2, 0.1)], 0, 16, 4, 5)
    with pytest.raises(ValueError, match="steps 5 to 35"):
        StackBatches(frames, [recording(3, 0.1)], 5, 16, 4, 5)
