"""Checks of saliency maps, on a policy of which is known what it looks at."""

from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DQN

from objwrappers.sb3.policies import FLSPolicy
from objwrappers.sb3.saliency import saliency
from objwrappers.sb3.saliency.checks import BLUR_SIGMA, deletion, insertion, randomisation
from objwrappers.sb3.saliency.perturbation import blur

PIXELS = gym.spaces.Box(0, 255, (1, 36, 36), np.uint8)


class Pixels(gym.Env):
    observation_space = PIXELS
    action_space = gym.spaces.Discrete(3)


@pytest.fixture
def policy():
    """Linear: its action 2 is likelier the brighter rows 10-14, columns 20-24 are."""
    policy = A2C("MlpPolicy", Pixels(), seed=0, device="cpu", policy_kwargs={"net_arch": []}).policy
    torch.nn.init.zeros_(policy.action_net.weight)
    policy.action_net.weight.data[2].view(36, 36)[10:15, 20:25] = 0.2
    return policy


@pytest.fixture
def observations():
    images = np.zeros((2, *PIXELS.shape), np.uint8)
    images[0, 0, 10:15, 20:25] = 255
    images[1, 0, 10:15, 20:25] = 200
    images[1, 0, 30:, 30:] = 255
    return images


def square():
    found = torch.zeros(2, 36, 36)
    found[:, 10:15, 20:25] = 1
    return found


def sure(logit):
    """Probability of an action with this logit beside two of 0."""
    return torch.exp(logit) / (torch.exp(logit) + 2)


def test_the_best_map_deletes_at_once_and_the_worst_one_last(policy, observations):
    blurred = blur(torch.as_tensor(observations).float(), BLUR_SIGMA)[:, 0, 10:15, 20:25]
    before = sure(torch.tensor([25 * 0.2, 25 * 0.2 * 200 / 255]))
    after = sure(blurred.sum((1, 2)) * 0.2 / 255)
    best = deletion(policy, observations, square(), steps=36)
    worst = deletion(policy, observations, -square(), steps=36)
    # One step is 36 pixels, and the square has 25.
    expected = torch.stack([before, *[after] * 36], 1)
    np.testing.assert_allclose(best.probabilities, expected, rtol=1e-5)
    expected = torch.stack([*[before] * 36, after], 1)
    np.testing.assert_allclose(worst.probabilities[:, [0, 35, 36]], expected[:, [0, 1, 36]], 1e-5)
    assert best.shares[[0, 1, -1]] == pytest.approx([0, 1 / 36, 1])
    by_hand = after + (before - after) / 72
    np.testing.assert_allclose(best.area, by_hand, rtol=1e-5)


def test_insertion_is_deletion_the_other_way_round(policy, observations):
    best = insertion(policy, observations, square(), steps=36).probabilities
    deleted = deletion(policy, observations, square(), steps=36).probabilities
    np.testing.assert_allclose(best[:, 1:], deleted[:, :1].repeat(36, 1), rtol=1e-5)
    np.testing.assert_allclose(best[:, 0], deleted[:, -1], rtol=1e-5)


def test_what_shows_weights_changes_with_them_and_edges_do_not(policy, observations):
    found = randomisation(policy, observations, partial(saliency, method="gradient"))
    assert list(found) == ["outputs"], "a linear policy has no other layer"
    assert abs(found["outputs"]) < 0.2
    edges = randomisation(
        policy, observations, lambda _, images: torch.as_tensor(images)[:, 0].float()
    )
    assert edges == pytest.approx({"outputs": 1})
    flat = randomisation(policy, observations, lambda *_: torch.ones(2, 36, 36))
    assert np.isnan(list(flat.values())).all()
    assert policy.action_net.weight[2].sum().item() == pytest.approx(5), "the policy stays"


def test_only_what_acts_is_randomised(observations):
    policy = DQN("CnnPolicy", Pixels(), buffer_size=10, device="cpu").policy
    found = randomisation(policy, observations, partial(saliency, method="gradient"))
    convolutions = [f"q_net.features_extractor.cnn.{i}" for i in (4, 2, 0)]
    assert list(found) == ["outputs", "q_net.features_extractor.linear.0", *convolutions]


def test_attention_depends_on_no_output(observations):
    kwargs = {"network": "cnn_sparse_fls_h1"}
    policy = A2C(FLSPolicy, Pixels(), seed=0, device="cpu", policy_kwargs=kwargs).policy
    found = randomisation(policy, observations, partial(saliency, method="attention"))
    assert found["outputs"] == pytest.approx(1)
    assert found["features_extractor.convolutions.0"] < 0.9


def test_maps_of_another_shape_are_named(policy, observations):
    with pytest.raises(ValueError, match=r"maps must be \(2, 36, 36\).*got \(2, 7, 7\)"):
        deletion(policy, observations, torch.zeros(2, 7, 7))
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        insertion(policy, observations, torch.zeros(2, 36, 36), steps=0)
