import math

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO

from objwrappers.sb3.free_lunch import FreeLunchExtractor
from objwrappers.sb3.free_lunch.networks import NETWORKS, Network, ReceptiveField, network_of
from objwrappers.sb3.policies import FLSPolicy, FLSQPolicy, FLSQuantilePolicy

PIXELS = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8)
# Table 2 of the paper and its like: parameters with four actions, cells of a map's side.
PUBLISHED = {
    "cnn": (1_686_693, None),
    "cnn_daqn": (130_726, 7),
    "cnn_rsppo": (1_720_999, 7),
    "cnn_rsppo_nopad": (1_720_999, 7),
    "cnn_sparse_fls": (1_836_710, 7),
    "cnn_sparse_fls_pool": (263_846, 7),
    "cnn_sparse_fls_norm": (1_836_710, 7),
    "cnn_sparse_fls_1x1": (1_703_590, 7),
    "cnn_sparse_fls_sp2": (1_836_710, 7),
    "cnn_sparse_fls_norelu": (1_836_710, 7),
    "cnn_sparse_fls_norelu_pool": (263_846, 7),
    "cnn_sparse_fls_h1": (1_762_982, 20),
    "cnn_sparse_fls_x3": (2_063_016, 20),
    "cnn_dense_fls": (280_358, 84),
    "cnn_dense_fls_norelu": (280_358, 84),
}


class Pixels(gym.Env):
    """Noise, with as many actions as asked for."""

    observation_space = PIXELS

    def __init__(self, actions=4):
        self.action_space = gym.spaces.Discrete(actions)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.integers(0, 256, PIXELS.shape, np.uint8), {}

    def step(self, action):
        return self.np_random.integers(0, 256, PIXELS.shape, np.uint8), 0.0, False, False, {}


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def images(count=2):
    return torch.rand(count, 4, 84, 84, generator=torch.Generator().manual_seed(0))


def test_there_are_fifteen_networks():
    assert set(NETWORKS) == set(PUBLISHED)


@pytest.mark.parametrize("actions", [4, 9, 18])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameter_counts(name, actions):
    model = A2C(FLSPolicy, Pixels(actions), policy_kwargs={"network": name})
    assert parameters(model.policy) == PUBLISHED[name][0] + 513 * (actions - 4)


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_of_features_and_attention(name):
    extractor = FreeLunchExtractor(PIXELS, name)
    with torch.no_grad():
        assert extractor(images()).shape == (2, 512)
    cells = PUBLISHED[name][1]
    if cells is None:
        assert extractor.attention is None
    else:
        assert extractor.attention.shape == (2, cells, cells)
        assert not extractor.attention.requires_grad and extractor.attention.min() > 0


@pytest.mark.parametrize(
    ("name", "total"), [("cnn_daqn", 1), ("cnn_rsppo", 2), ("cnn_sparse_fls_norm", 1)]
)
def test_attention_that_sums_to_a_number(name, total):
    extractor = FreeLunchExtractor(PIXELS, name)
    extractor(images(3))
    torch.testing.assert_close(extractor.attention.sum((1, 2)), torch.full((3,), float(total)))


@pytest.mark.parametrize(
    ("name", "value"),
    [("cnn_sparse_fls", math.log(2)), ("cnn_sparse_fls_sp2", 1.0), ("cnn_dense_fls", math.log(2))],
)
def test_attention_of_a_head_without_weights(name, value):
    extractor = FreeLunchExtractor(PIXELS, name)
    for parameter in extractor.attentions.parameters():
        torch.nn.init.zeros_(parameter)
    extractor(images(1))
    torch.testing.assert_close(extractor.attention, torch.full_like(extractor.attention, value))


def test_softplus_of_base_2_is_the_published_formula():
    extractor = FreeLunchExtractor(PIXELS, "cnn_sparse_fls_sp2")
    features = torch.randn(1, 64, 7, 7)
    logits = extractor.attentions["3"].layers(features)
    expected = torch.log2(1 + 2**logits)
    torch.testing.assert_close(extractor.attentions["3"](features), expected)


def test_gated_and_pooled_features_by_hand():
    for name in ("cnn_sparse_fls", "cnn_sparse_fls_pool"):
        extractor = FreeLunchExtractor(PIXELS, name)
        x = images(1)
        features = extractor(x)
        with torch.no_grad():
            for convolution in extractor.convolutions:
                x = convolution(x).relu()
            first, _, second = extractor.attentions["3"].layers
            h = torch.log(1 + torch.exp(second(first(x).relu())))
            gated = x * h
            flat = gated.sum((2, 3)) if name.endswith("pool") else gated.reshape(1, -1)
            torch.testing.assert_close(extractor.attention, h[:, 0])
            torch.testing.assert_close(features, extractor.dense(flat))


def test_three_attentions_are_summed_on_the_grid_of_the_first():
    extractor = FreeLunchExtractor(PIXELS, "cnn_sparse_fls_x3")
    for i, value in (("1", 1.0), ("2", 10.0), ("3", 100.0)):
        layers = extractor.attentions[i].layers
        torch.nn.init.zeros_(layers[2].weight)
        torch.nn.init.constant_(layers[2].bias, math.log(math.expm1(value)))
    extractor(images(1))
    # Inner cells lie under 2×2 cells of the second map and 4×4 of the third.
    assert extractor.attention[0, 10, 10].item() == pytest.approx(1 + 4 * 10 + 16 * 100, rel=1e-4)
    assert extractor.attention[0, 0, 0].item() == pytest.approx(111, rel=1e-4)


@pytest.mark.parametrize("side", [84, 88, 96, 101])
def test_attentions_are_summed_at_any_size(side):
    space = gym.spaces.Box(0, 255, (4, side, side), np.uint8)
    extractor = FreeLunchExtractor(space, "cnn_sparse_fls_x3")
    extractor(torch.rand(2, 4, side, side))
    cells = (side - 8) // 4 + 1
    assert extractor.attention.shape == (2, cells, cells)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("cnn", (36, 8, 0)),
        ("cnn_sparse_fls", (36, 8, 0)),
        ("cnn_rsppo", (36, 8, 1)),
        ("cnn_sparse_fls_h1", (8, 4, 0)),
        ("cnn_sparse_fls_x3", (8, 4, 0)),
        ("cnn_dense_fls", (13, 1, 6)),
    ],
)
def test_receptive_fields(name, field):
    assert FreeLunchExtractor(PIXELS, name).field == ReceptiveField(*field)


def test_a_cell_sees_its_receptive_field_and_nothing_else():
    extractor = FreeLunchExtractor(PIXELS, "cnn_sparse_fls")
    x = images(1).requires_grad_()
    y = x
    for convolution in extractor.convolutions:
        y = convolution(y)
    (gradient,) = torch.autograd.grad(y[0, :, 2, 3].abs().sum(), x)
    rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    assert (rows.min(), rows.max()) == (16, 51) and (columns.min(), columns.max()) == (24, 59)


def test_computing_activations_again_changes_no_gradient():
    torch.manual_seed(0)
    extractor = FreeLunchExtractor(gym.spaces.Box(0, 255, (4, 20, 20), np.uint8), "cnn_dense_fls")
    x = images(2)[:, :, :20, :20]
    extractor(x).sum().backward()
    again = [p.grad.clone() for p in extractor.parameters()]
    extractor.zero_grad()
    y = x
    for i in (1, 2, 3):
        y, _ = extractor._layer(i, y)
    extractor.dense(y.sum((2, 3))).sum().backward()
    for kept, parameter in zip(again, extractor.parameters(), strict=True):
        # Sums in another order: an error of float32 against the largest of them.
        torch.testing.assert_close(
            kept, parameter.grad, rtol=0, atol=1e-4 * kept.abs().max().item()
        )


@pytest.mark.parametrize(
    ("algorithm", "policy", "options"),
    [
        (PPO, FLSPolicy, {"n_steps": 8, "batch_size": 8}),
        (A2C, FLSPolicy, {}),
        (DQN, FLSQPolicy, {"buffer_size": 50, "learning_starts": 4}),
        (QRDQN, FLSQuantilePolicy, {"buffer_size": 50, "learning_starts": 4}),
    ],
)
def test_agents_learn_and_come_back(algorithm, policy, options, tmp_path):
    kwargs = {"network": "cnn_sparse_fls_pool"}
    model = algorithm(policy, Pixels(), policy_kwargs=kwargs, seed=0, **options).learn(16)
    model.save(tmp_path / "agent")
    again = algorithm.load(tmp_path / "agent")
    observation, _ = Pixels().reset(seed=1)
    assert (
        model.predict(observation, deterministic=True)[0]
        == again.predict(observation, deterministic=True)[0]
    )
    model.policy.save(tmp_path / "policy")
    alone = policy.load(tmp_path / "policy")
    for a, b in zip(model.policy.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a, b)


def test_networks_by_their_options():
    assert network_of({"stem": "sparse", "after": [1, 2, 3]}) == NETWORKS["cnn_sparse_fls_x3"]
    extractor = FreeLunchExtractor(PIXELS, {"attention": "fls", "after": [2], "kernel": 1})
    extractor(images(1))
    assert extractor.attention.shape == (1, 9, 9) and extractor.field == ReceptiveField(20, 8, 0)


def test_an_unknown_name_lists_the_fifteen():
    with pytest.raises(ValueError, match="Did you mean 'cnn_sparse_fls'") as error:
        network_of("cnn_sparse_fsl")
    assert all(name in str(error.value) for name in NETWORKS)


@pytest.mark.parametrize(
    "options",
    [
        {"stem": "thick"},
        {"attention": "soft"},
        {"after": [4]},
        {"after": [3, 1]},
        {"after": []},
        {"attention": "daqn", "after": [1]},
        {"kernel": 2},
        {"softplus_beta": 0},
        {"padding": -1},
        {"pooled": True, "after": [1]},
        {"pooled": True, "attention": None},
        {"normalised": True, "attention": None},
        {"after": [1], "attention": None},
        {"kernel": 1, "attention": "daqn"},
        {"softplus_beta": 2.0, "attention": "rs"},
        {"normalised": True, "attention": "rs"},
    ],
)
def test_impossible_networks_are_refused(options):
    with pytest.raises(ValueError):
        Network(**options)


def test_an_unknown_option_is_named():
    with pytest.raises(ValueError, match="A network has the options stem, attention"):
        network_of({"depth": 3})


@pytest.mark.parametrize(
    "space", [gym.spaces.Box(-1, 1, (4,)), gym.spaces.Box(0, 255, (4, 30, 84), np.uint8)]
)
def test_observations_that_are_no_images_or_too_small(space):
    with pytest.raises(ValueError, match=r"look at images|too small"):
        FreeLunchExtractor(space)
