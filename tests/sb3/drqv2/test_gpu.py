"""DrQ-v2 on a GPU."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from objwrappers.sb3 import DrQv2
from objwrappers.sb3.drqv2.augmentation import shift_images

DEVICE = "cuda"


class Flicker(gym.Env):
    """Random images, of which each step shows one more."""

    observation_space = spaces.Box(0, 255, (3, 84, 84), np.uint8)
    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.integers(0, 256, (3, 84, 84), np.uint8), {}

    def step(self, action):
        return self.reset()[0], float(action.sum()), False, False, {}


@pytest.mark.gpu
def test_an_update_on_cuda_is_that_of_the_processor(monkeypatch):
    # Convolutions of ten bits' mantissa turn more signs than rounding does.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    found = []
    for device in ("cpu", DEVICE):
        # Without chance in updates, as each device draws numbers of its own.
        model = DrQv2(
            "CnnPolicy",
            Flicker(),
            buffer_size=100,
            learning_starts=20,
            shift_px=0,
            noise_clip=0,
            seed=0,
            device="cpu",
        ).learn(20)
        model.policy.to(device)
        model.device = model.replay_buffer.device = torch.device(device)
        before = [parameter.detach().cpu().clone() for parameter in model.policy.parameters()]
        np.random.seed(0)
        model.train(1, batch_size=32)
        after = [parameter.detach().cpu() for parameter in model.policy.parameters()]
        found.append([new - old for new, old in zip(after, before, strict=True)])
    for on_processor, on_cuda in zip(*found, strict=True):
        # Adam's first step is by the gradient's sign, which rounding turns where it is near zero.
        assert (on_cuda - on_processor).norm() < 0.3 * on_processor.norm()


@pytest.mark.gpu
def test_shifts_on_cuda_are_those_of_the_processor():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (25, 9, 84, 84), generator=generator).byte()
    shifts = torch.randint(9, (25, 2), generator=generator)
    on_cuda = shift_images(images.to(DEVICE), shifts.to(DEVICE), 4).cpu()
    torch.testing.assert_close(on_cuda, shift_images(images, shifts, 4), rtol=0, atol=1e-2)
