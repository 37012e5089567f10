"""The wrappers on a fake env whose frames tell which env and step they are of."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, VectorEnv

from objwrappers.perception.base import FrameFormat
from objwrappers.wrappers.base import FrameStack, VectorTransformFrames
from objwrappers.wrappers.frames import StackedPixels
from objwrappers.wrappers.perception import (
    DeviceStack,
    PerceptionObservation,
    VectorPerceptionObservation,
)


class Counter(VectorEnv):
    """Frame value = 10·env + step; env i ends after 2 + i steps; next-step autoreset."""

    def __init__(self, num_envs, mode=AutoresetMode.NEXT_STEP):
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space = gym.spaces.Box(0, 255, (6, 4, 3), np.uint8)
        self.single_action_space = gym.spaces.Discrete(2)

    def _frames(self):
        values = 10 * np.arange(self.num_envs) + self.steps
        return np.broadcast_to(values[:, None, None, None], (self.num_envs, 6, 4, 3)).astype(
            np.uint8
        )

    def reset(self, *, seed=None, options=None):
        if options and "reset_mask" in options:
            self.steps[options["reset_mask"]] = 0
            self.done &= ~options["reset_mask"]
        else:
            self.steps = np.zeros(self.num_envs, int)
            self.done = np.zeros(self.num_envs, bool)
        return self._frames(), {}

    def step(self, actions):
        self.steps = np.where(self.done, 0, self.steps + 1)
        self.done = self.steps == 2 + np.arange(self.num_envs)
        return self._frames(), np.zeros(self.num_envs), self.done, np.zeros_like(self.done), {}


class Mean(torch.nn.Module):
    """Two frames in, their means out, oldest first."""

    stack = 2
    observation_space = gym.spaces.Dict(
        {
            "means": gym.spaces.Box(0, 255, (2,), np.float32),
            "label": gym.spaces.Box(0, 255, (1,), np.uint8),
        }
    )
    calls = 0

    def forward(self, frames):
        self.calls += 1
        means = frames.float().mean((2, 3, 4))
        return {"means": means, "label": means[:, -1:].to(torch.uint8)}


def test_stack_repeats_the_first_frame_and_keeps_envs_apart():
    stack = FrameStack(3, 2)
    both = np.arange(2)
    first = stack.push(np.array([[1], [5]]), both, np.array([True, True]))
    assert first[..., 0].tolist() == [[1, 1, 1], [5, 5, 5]]
    second = stack.push(np.array([[2]]), np.array([0]), np.array([False]))
    assert second[..., 0].tolist() == [[1, 1, 2]]
    third = stack.push(np.array([[3], [6]]), both, np.array([True, False]))
    assert third[..., 0].tolist() == [[3, 3, 3], [5, 5, 6]]
    with pytest.raises(ValueError, match="got stack size 0"):
        FrameStack(0, 1)


def test_vector_stacks_begin_anew_at_autoreset():
    model = Mean()
    env = VectorPerceptionObservation(Counter(2), model)
    observation, _ = env.reset()
    assert observation["means"].tolist() == [[0, 0], [10, 10]]
    assert observation["label"].dtype == np.uint8
    seen = [env.step(np.zeros(2, int))[0]["means"].tolist() for _ in range(4)]
    assert seen == [
        [[0, 1], [10, 11]],
        [[1, 2], [11, 12]],
        [[0, 0], [12, 13]],  # env 0 ended at 2 and begins anew
        [[0, 1], [10, 10]],
    ]
    assert model.calls == 5, "one forward pass per step"


def test_partial_reset_leaves_the_other_envs_alone():
    env = VectorPerceptionObservation(Counter(2), Mean())
    env.reset()
    env.step(np.zeros(2, int))
    terminal = env.step(np.zeros(2, int))[0]
    observation, _ = env.reset(options={"reset_mask": np.array([True, False])})
    assert observation["means"].tolist() == [[0, 0], [11, 12]]
    assert terminal["means"].tolist() == [[1, 2], [11, 12]], "what was given stays as it was"
    assert env.step(np.zeros(2, int))[0]["means"].tolist() == [[0, 1], [12, 13]]


def test_partial_reset_before_a_full_one_is_refused():
    env = VectorPerceptionObservation(Counter(1), Mean())
    with pytest.raises(gym.error.ResetNeeded, match="full reset"):
        env.reset(options={"reset_mask": np.array([True])})


def test_same_step_autoreset_is_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"SAME_STEP.*NEXT_STEP"):
        VectorTransformFrames(Counter(1, AutoresetMode.SAME_STEP), StackedPixels())


def test_metadata_of_other_vector_envs_is_not_touched():
    counter = Counter(1)
    env = VectorPerceptionObservation(counter, Mean())
    assert "render_modes" in env.metadata
    assert "render_modes" not in counter.metadata


def test_single_wrapper_gives_the_model_a_batch_of_one():
    class One(gym.Env):
        observation_space = gym.spaces.Box(0, 255, (6, 4, 3), np.uint8)
        action_space = gym.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.full((6, 4, 3), 7, np.uint8), {}

        def step(self, action):
            return np.full((6, 4, 3), 9, np.uint8), 1, True, False, {}

    env = PerceptionObservation(One(), Mean())
    assert env.reset()[0]["means"].tolist() == [7, 7]
    observation, reward, terminated, truncated, _ = env.step(0)
    assert observation["means"].tolist() == [7, 9]
    assert (reward, terminated, truncated) == (1.0, True, False)


def pushed(device):
    """Pushes the same frames onto a stack of arrays and onto one of tensors."""
    rng = np.random.default_rng(0)
    arrays, tensors = FrameStack(3, 4), DeviceStack(3, 4)
    for step in range(30):
        envs = np.arange(4) if step % 3 == 0 else np.flatnonzero(rng.random(4) < 0.6)
        frames = rng.integers(256, size=(len(envs), 2, 5, 3), dtype=np.uint8)
        fresh = rng.random(len(envs)) < (1.0 if step == 0 else 0.3)
        on_device = torch.from_numpy(frames).to(device)
        yield arrays.push(frames, envs, fresh), tensors.push(on_device, envs, fresh)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_stacks_on_a_device_are_those_of_arrays(device):
    for expected, actual in pushed(device):
        assert actual.device.type == device
        np.testing.assert_array_equal(actual.cpu().numpy(), expected)


def test_a_stack_that_was_handed_out_stays_as_it_was():
    for kind in (FrameStack(2, 1), DeviceStack(2, 1)):
        given = []
        for value in (1, 2, 3):
            frame = np.full((1, 1), value, np.uint8)
            frame = torch.from_numpy(frame) if isinstance(kind, DeviceStack) else frame
            given.append(kind.push(frame, np.zeros(1, int), np.array([value == 1])))
        assert [stack[0, :, 0].tolist() for stack in given] == [[1, 1], [1, 2], [2, 3]]


class Reads(torch.nn.Module):
    """Says what frames it gets."""

    observation_space = gym.spaces.Dict({"mean": gym.spaces.Box(0, 255, (1,), np.float32)})

    def __init__(self, frame_format):
        super().__init__()
        self.frame_format = frame_format
        self.stack = frame_format.stack
        self.shapes = []

    def forward(self, frames):
        self.shapes.append(tuple(frames.shape))
        return {"mean": frames.float().flatten(1).mean(1, keepdim=True)}


@pytest.mark.parametrize(
    ("frame_format", "shape"),
    [
        (FrameFormat(), (2, 6, 4, 3)),
        (FrameFormat(3, 2), (2, 3, 2, 3)),
        (FrameFormat(3, 2, grayscale=True), (2, 3, 2, 1)),
        (FrameFormat(3, 2, stack=4), (2, 4, 3, 2, 3)),
    ],
)
def test_a_model_gets_frames_of_the_format_that_it_states(frame_format, shape):
    model = Reads(frame_format)
    observation, _ = VectorPerceptionObservation(Counter(2), model).reset()
    assert model.shapes == [shape]
    assert observation["mean"][:, 0].tolist() == [0, 10]  # even frames stay as they are
