import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from objwrappers.sb3 import DeviceRolloutBuffer, GymVecEnv

ENV = "ObjKeypoints-MsPacman-v0"


def vector(observation, device="cpu", num_envs=3, **options):
    return gym.make_vec(
        ENV,
        num_envs=num_envs,
        observation=observation,
        device=device,
        **{"model": "motion", "runtime": "torch", **options},
    )


def trained(observation, device="cpu", **options):
    env = GymVecEnv(vector(observation, device, max_num_frames_per_episode=100))
    agent = PPO(
        "MultiInputPolicy",
        env,
        n_steps=32,
        batch_size=32,
        n_epochs=2,
        seed=1,
        device=device,
        **options,
    )
    agent.learn(192)
    env.close()
    return torch.cat([each.detach().flatten() for each in agent.policy.parameters()])


def observations(observation, device="cpu", **options):
    env = vector(observation, device, **options)
    rng = np.random.default_rng(0)
    first, _ = env.reset(seed=3)
    seen = [first]
    for _ in range(40):
        seen.append(env.step(rng.integers(9, size=3))[0])
    mask = np.array([True, False, True])
    seen.append(env.reset(options={"reset_mask": mask})[0])
    env.close()
    return seen


def compare(device, atol, **options):
    arrays, tensors = (observations(kind, device, **options) for kind in ("numpy", "device"))
    assert [*tensors[0]] == [*arrays[0]]
    for there, here in zip(arrays, tensors, strict=True):
        for key, value in there.items():
            assert here[key].device.type == device and not here[key].is_inference()
            assert here[key].dtype == torch.from_numpy(value).dtype
            np.testing.assert_allclose(here[key].cpu().numpy(), value, rtol=0, atol=atol)


KINDS = [{}, {"features": "map"}, {"model": "light", "runtime": "auto"}, {"refine": True}]


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_tensors_are_the_arrays(options):
    compare("cpu", 0, **options)


def test_tensors_can_be_learned_from():
    env = vector("device")
    observation, _ = env.reset(seed=0)
    torch.nn.Linear(2, 1)(observation["keypoints"]).sum().backward()
    observation["keypoints"] += 1
    env.close()


def test_ppo_learns_the_same_from_tensors():
    by_arrays = trained("numpy")
    by_tensors = trained("device", rollout_buffer_class=DeviceRolloutBuffer)
    assert torch.equal(by_arrays, by_tensors)


def test_the_buffer_takes_arrays_too():
    assert torch.equal(trained("numpy"), trained("numpy", rollout_buffer_class=DeviceRolloutBuffer))


def test_other_observations_are_refused():
    with pytest.raises(ValueError, match="'numpy' or 'device', got 'gpu'"):
        vector("gpu")
    with pytest.raises(ValueError, match="slots are followed in NumPy"):
        vector("device", slots=True)


@pytest.mark.gpu
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_tensors_on_cuda_are_the_arrays(options):
    compare("cuda", 0, **options)


@pytest.mark.gpu
def test_ppo_on_cuda_learns_something_finite_from_tensors():
    weights = trained("device", "cuda", rollout_buffer_class=DeviceRolloutBuffer)
    assert weights.is_cuda
    assert torch.isfinite(weights).all()
