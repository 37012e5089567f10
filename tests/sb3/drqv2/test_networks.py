"""Sizes of the published networks, their beginnings and what they refuse."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from objwrappers.sb3.drqv2.networks import DrQv2Policy, Encoder

ACTIONS = spaces.Box(-1, 1, (2,), np.float32)


def images(*shape, dtype=np.uint8):
    return spaces.Box(0, 255, shape, dtype)


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(scope="module")
def published():
    with torch.device("cpu"):
        return DrQv2Policy(images(9, 84, 84), ACTIONS, lambda _: 1e-4)


def test_parameters_are_as_many_as_published(published):
    assert count(published.encoder) == 30_368
    assert count(published.actor) == 3_064_024
    assert count(published.critic) == count(published.critic_target) == 4_169_944
    assert published.encoder.features_dim == 39_200
    trained = [
        parameter
        for network in (published.actor, published.critic)
        for group in network.optimizer.param_groups
        for parameter in group["params"]
    ]
    assert sum(one.numel() for one in trained) == 30_368 + 3_064_024 + 4_169_944
    assert len({id(one) for one in trained}) == len(trained)


def test_networks_begin_orthogonal_and_the_target_as_its_critic(published):
    last = published.encoder.layers[6].weight.flatten(1)
    torch.testing.assert_close(last @ last.T, 2 * torch.eye(32), rtol=0, atol=1e-4)
    hidden = published.actor.mean[2].weight
    torch.testing.assert_close(hidden @ hidden.T, torch.eye(1024), rtol=0, atol=1e-4)
    assert not any(layer.bias.any() for layer in published.critic.q1 if hasattr(layer, "bias"))
    pairs = zip(published.critic.parameters(), published.critic_target.parameters(), strict=True)
    assert all(torch.equal(one, other) and one is not other for one, other in pairs)


def test_grey_levels_are_centred():
    encoder = Encoder((3, 15, 15))
    seen = torch.full((1, 3, 15, 15), 51, dtype=torch.uint8)
    expected = encoder.layers(torch.full((1, 3, 15, 15), -0.3)).flatten(1)
    torch.testing.assert_close(encoder(seen), expected)


def test_actions_are_scaled_to_the_bounds():
    box = spaces.Box(np.array([-2, 0], np.float32), np.array([2, 8], np.float32))
    policy = DrQv2Policy(images(3, 15, 15), box, lambda _: 1e-4, feature_dim=4, hidden_dim=8)
    torch.nn.init.constant_(policy.actor.mean[4].bias, np.arctanh(0.5))
    torch.nn.init.zeros_(policy.actor.mean[4].weight)
    acted, _ = policy.predict(np.zeros((3, 15, 15), np.uint8))
    np.testing.assert_allclose(acted, [1, 6], rtol=1e-6)


@pytest.mark.parametrize(
    ("seen", "actions", "message"),
    [
        (images(9, 84, 84, dtype=np.float32), ACTIONS, "uint8 images .* observe='pixels'"),
        (spaces.Box(-1, 1, (6,)), ACTIONS, "uint8 images"),
        (spaces.Dict({"pixels": images(9, 84, 84)}), ACTIONS, "uint8 images"),
        (images(3, 14, 84), ACTIONS, r"at least 15 by 15 pixels.*got \(3, 14, 84\)"),
        (images(3, 84, 84), spaces.Discrete(3), "finite bounds.*Discrete"),
        (images(3, 84, 84), spaces.Box(-np.inf, 1, (2,)), "finite bounds"),
        (images(3, 84, 84), spaces.Box(-1, 1, (2, 2)), "one axis"),
    ],
)
def test_other_spaces_are_refused(seen, actions, message):
    with pytest.raises(ValueError, match=message):
        DrQv2Policy(seen, actions, lambda _: 1e-4)
