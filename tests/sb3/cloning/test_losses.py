"""Losses against cases computed by hand."""

import math

import gymnasium as gym
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from objwrappers.sb3.cloning.losses import (
    attention_divergence,
    attention_error,
    class_weights,
    imitation_loss,
    logits_and_maps,
)
from objwrappers.sb3.policies import GazePolicy

PIXELS = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8)


def policy_of(method):
    torch.manual_seed(0)
    kwargs = {"method": method, "features_dim": 16}
    return GazePolicy(
        PIXELS, gym.spaces.Discrete(3), lambda _: 0.0, features_extractor_kwargs=kwargs
    )


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(2)
    maps = torch.rand(4, 84, 84, generator=generator)
    return {
        "observations": torch.randint(
            0, 256, (4, 4, 84, 84), dtype=torch.uint8, generator=generator
        ),
        "actions": torch.tensor([0, 1, 1, 2]),
        "map": maps / maps.sum((1, 2), keepdim=True),
        "weight": torch.tensor([1.0, 1.0, 0.0, 1.0]),
    }


def test_rare_actions_weigh_as_much_as_frequent_ones():
    actions = np.array([0, 0, 0, 2])
    weights = class_weights(actions, 4)
    np.testing.assert_allclose(weights, [2 / 3, 1, 2, 1], rtol=1e-6)
    assert weights[actions].mean() == pytest.approx(1)
    assert weights.dtype == np.float32


def test_divergence_is_that_of_two_cells_computed_by_hand():
    attention = torch.tensor([[[0.5, 0.5]], [[0.9, 0.1]]])
    people = torch.tensor([[[1.0, 0.0]], [[0.25, 0.75]]])
    second = 0.25 * math.log(0.25 / 0.9) + 0.75 * math.log(0.75 / 0.1)
    for weight, expected in (
        ([1.0, 1.0], (math.log(2) + second) / 2),
        ([1.0, 0.0], math.log(2)),
        ([0.0, 0.0], 0.0),
    ):
        found = attention_divergence(attention.log(), people, torch.tensor(weight))
        assert found.item() == pytest.approx(expected, abs=1e-6)


def test_error_is_of_maps_whose_highest_cell_is_1():
    attention = torch.tensor([[[0.4, 0.2]], [[0.1, 0.1]]])
    people = torch.tensor([[[0.3, 0.3]], [[0.0, 0.0]]])
    for weight, expected in (([1.0, 0.0], 0.25 / 2), ([1.0, 1.0], (0.25 / 2 + 1) / 2)):
        found = attention_error(attention, people, torch.tensor(weight))
        assert found.item() == pytest.approx(expected)


def test_logits_are_those_that_the_policy_acts_by(batch):
    policy = policy_of("plain")
    logits, maps = logits_and_maps(policy, batch["observations"])
    expected = policy.get_distribution(batch["observations"]).distribution.probs
    torch.testing.assert_close(logits.softmax(-1), expected)
    assert maps.shape == (4, 64, 7, 7)


def test_plain_imitation_is_cross_entropy_with_weights(batch):
    policy = policy_of("plain")
    logits, _ = logits_and_maps(policy, batch["observations"])
    assert imitation_loss(policy, batch)["loss"].item() == pytest.approx(
        F.cross_entropy(logits, batch["actions"]).item()
    )
    each = -logits.log_softmax(-1)[range(4), batch["actions"]]
    weights = torch.tensor([0.5, 1.0, 3.0])
    mine = weights[batch["actions"]]
    expected = (mine * each).sum() / mine.sum()
    found = imitation_loss(policy, batch, weights)
    torch.testing.assert_close(found["loss"], expected)
    assert found.keys() == {"loss", "cross_entropy"}


def test_cgl_and_gabril_weigh_what_gaze_teaches_as_published(batch):
    policy = policy_of("cgl")
    extractor = policy.features_extractor
    logits, maps = logits_and_maps(policy, batch["observations"])
    entropy = F.cross_entropy(logits, batch["actions"])
    kl = attention_divergence(
        extractor.log_attention(maps), extractor.to_cells(batch["map"]), batch["weight"]
    )
    found = imitation_loss(policy, batch, gaze_weight=0.1)
    torch.testing.assert_close(found["loss"], 0.9 * entropy + 0.1 * kl)
    torch.testing.assert_close(found["attention"], kl.detach())
    policy = policy_of("gabril")
    extractor = policy.features_extractor
    logits, maps = logits_and_maps(policy, batch["observations"])
    entropy = F.cross_entropy(logits, batch["actions"])
    seen = extractor.to_pixels(extractor.log_attention(maps).exp())
    error = attention_error(seen, batch["map"], batch["weight"])
    found = imitation_loss(policy, batch, gaze_weight=10.0)
    torch.testing.assert_close(found["loss"], entropy + 10 * error)


@pytest.mark.parametrize("method", ["cgl", "gabril"])
def test_a_lesson_alone_moves_attention_towards_where_people_look(method, batch):
    policy = policy_of(method)
    people = torch.zeros(4, 84, 84)
    people[:, 20, 60] = 1
    batch = {**batch, "map": people, "weight": torch.ones(4)}
    weight = 1.0 if method == "cgl" else 1000.0
    optimizer = torch.optim.Adam(policy.parameters(), 1e-3)
    errors = []
    for _ in range(15):
        losses = imitation_loss(policy, batch, gaze_weight=weight)
        errors.append(losses["attention"].item())
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    assert errors[-1] < 0.8 * errors[0]
