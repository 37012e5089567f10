import os
import time

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO

from objwrappers.sb3.free_lunch.networks import NETWORKS
from objwrappers.sb3.free_lunch.painting import enlarge
from objwrappers.sb3.policies import FLSPolicy
from objwrappers.sb3.saliency import METHODS, attention, saliency
from objwrappers.sb3.saliency.perturbation import _spots, blur, perturbation
from objwrappers.sb3.saliency.policy_outputs import Outputs

PIXELS = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8)


class Pixels(gym.Env):
    observation_space = PIXELS
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        return np.zeros(PIXELS.shape, np.uint8), {}

    def step(self, action):
        return np.zeros(PIXELS.shape, np.uint8), 0.0, False, False, {}


def make(algorithm=A2C, policy="CnnPolicy", **options):
    small = {"buffer_size": 10} if algorithm in (DQN, QRDQN) else {}
    return algorithm(policy, Pixels(), seed=0, device="cpu", **small, **options).policy


@pytest.fixture(scope="module")
def observations():
    return np.random.default_rng(0).integers(0, 256, (3, *PIXELS.shape), np.uint8)


@pytest.fixture(scope="module")
def policy():
    """Free-lunch saliency with random weights."""
    return make(policy=FLSPolicy, policy_kwargs={"network": "cnn_sparse_fls"})


@pytest.fixture
def looks_at_a_square():
    """A linear policy whose action 2 depends on rows 20-29, columns 50-59 of the newest frame."""
    policy = make(policy="MlpPolicy", policy_kwargs={"net_arch": []})
    for layer in (policy.action_net, policy.value_net):
        torch.nn.init.zeros_(layer.weight)
    weight = policy.action_net.weight.data[2].view(*PIXELS.shape)
    weight[3, 20:30, 50:60] = 1
    policy.action_net.bias.data = torch.tensor([0.0, 0.0, 1e4])
    return policy


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", ["action", "value"])
def test_every_method_gives_one_map_an_observation(policy, observations, method, target):
    maps = saliency(policy, observations, method, target)
    assert maps.shape == (3, 84, 84) and maps.dtype == torch.float32
    assert torch.isfinite(maps).all() and maps.min() >= 0
    if method != "grad_cam":  # may be negative everywhere, which is 0
        assert maps.amax((1, 2)).min() > 0


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_its_observations_one_by_one(policy, observations, method):
    if method in ("smooth_grad", "var_grad"):
        pytest.skip("other noise for another batch")
    together = saliency(policy, observations, method)
    alone = torch.cat([saliency(policy, one[None], method) for one in observations])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("algorithm", [PPO, A2C, DQN, QRDQN])
@pytest.mark.parametrize("method", [name for name in METHODS if name != "attention"])
def test_any_policy_on_images(algorithm, method, observations):
    options = {"samples": 2} if method in ("smooth_grad", "var_grad") else {}
    maps = saliency(make(algorithm), observations[:1], method, **options)
    assert maps.shape == (1, 84, 84) and torch.isfinite(maps).all()


def test_separate_extractors_of_actor_and_critic(observations):
    policy = make(policy_kwargs={"share_features_extractor": False})
    outputs = Outputs(policy)
    images = torch.as_tensor(observations).float()
    expected = policy.get_distribution(torch.as_tensor(observations)).distribution.logits
    found = outputs(images)
    torch.testing.assert_close(found[:, :3].log_softmax(1), expected)
    torch.testing.assert_close(found[:, 3:], policy.predict_values(torch.as_tensor(observations)))


def test_actor_and_critic_with_networks_of_their_own(observations):
    kwargs = {"share_features_extractor": False, "network": "cnn_sparse_fls"}
    policy = make(policy=FLSPolicy, policy_kwargs=kwargs)
    with torch.no_grad():
        policy.vf_features_extractor.attentions["3"].layers[-1].bias += 1
    assert saliency(policy, observations, "grad_cam", "value").max() > 0
    actor, critic = (saliency(policy, observations, "attention", of) for of in ("action", "value"))
    assert (critic - actor).mean() > 0.5


def test_grad_cam_by_hand(observations):
    """Of one convolution: its map, weighed, cut off at zero, and drawn where its cells see."""
    policy = make(policy=FLSPolicy, policy_kwargs={"network": "cnn"})
    images = torch.as_tensor(observations).float()
    extractor = policy.features_extractor
    first, second, last = extractor.convolutions
    maps = last(second(first(images / 255).relu()).relu()).detach().requires_grad_()
    value = policy.value_net(extractor.dense(maps.relu().flatten(1)))
    (gradients,) = torch.autograd.grad(value.sum(), maps)
    expected = (gradients.mean((2, 3), keepdim=True) * maps).sum(1).relu().detach()
    found = saliency(policy, observations, "grad_cam", "value")
    # A cell of the last map sees 36 pixels, and the next one those 8 further on.
    torch.testing.assert_close(found, enlarge(expected, 84, 84, 17.5, 8))
    assert found.max() > 0


@pytest.mark.parametrize(
    "method", ["gradient", "smooth_grad", "integrated_gradients", "perturbation"]
)
def test_maps_of_a_linear_policy_show_its_square(looks_at_a_square, observations, method):
    maps = saliency(looks_at_a_square, observations, method)
    inside = maps[:, 20:30, 50:60]
    # Blurred spots reach out by their σ.
    reach = 15 if method == "perturbation" else 0
    outside = maps.clone()
    outside[:, 20 - reach : 30 + reach, 50 - reach : 60 + reach] = 0
    assert inside.mean() > 20 * outside.max()


def test_the_gradient_of_a_linear_policy_is_its_weights(looks_at_a_square, observations):
    expected = torch.zeros(84, 84)
    expected[20:30, 50:60] = 1 / 255
    torch.testing.assert_close(
        saliency(looks_at_a_square, observations, "gradient"), expected.expand(3, -1, -1)
    )
    older = torch.full((3,), 0)
    assert saliency(looks_at_a_square, observations, "gradient", older).max() == 0
    assert saliency(looks_at_a_square, observations, "gradient", "value").max() == 0


def test_integrated_gradients_add_up_to_the_output(looks_at_a_square, observations):
    maps = saliency(looks_at_a_square, observations, "integrated_gradients")
    square = torch.as_tensor(observations)[:, 3, 20:30, 50:60].float().sum((1, 2)) / 255
    torch.testing.assert_close(maps.sum((1, 2)), square, rtol=1e-3, atol=1e-3)


def test_only_the_last_channels(looks_at_a_square, observations):
    weight = looks_at_a_square.action_net.weight.data[2].view(*PIXELS.shape)
    weight[0, 60:70, 10:20] = 1
    for method in ("gradient", "perturbation"):
        every = saliency(looks_at_a_square, observations, method)
        newest = saliency(looks_at_a_square, observations, method, channels=1)
        assert every[:, 65, 15].min() > 0
        assert newest[:, 65, 15].max() < 1e-3 * newest.max() and newest[:, 25, 55].min() > 0


@torch.no_grad()
def test_perturbation_by_hand(policy, observations):
    """One spot of one observation, computed as the paper has it."""
    image = torch.as_tensor(observations[1]).float()
    y, x = torch.meshgrid(torch.arange(84), torch.arange(84), indexing="ij")
    mask = torch.exp(-((y - 30) ** 2 + (x - 45) ** 2) / (2 * 25))
    perturbed = image * (1 - mask) + blur(image[None], 3.0)[0] * mask
    outputs = Outputs(policy)
    before, after = outputs(torch.stack([image, perturbed]))
    expected = ((before - after)[:3] ** 2).sum() / 2
    height = perturbation(policy, observations[1][None], distance=5)
    assert height[0, 30, 45].item() == pytest.approx(expected.item(), rel=1e-3)
    # Between two spots it is their mean; an action alone counts alone.
    between = (height[0, 30, 45] + height[0, 30, 50]) / 2
    assert ((height[0, 30, 47] + height[0, 30, 48]) / 2).item() == pytest.approx(between.item())
    only = perturbation(policy, observations[1][None], [2], distance=5)[0, 30, 45].item()
    assert only == pytest.approx(((before - after)[2] ** 2 / 2).item(), rel=1e-3)


@pytest.mark.slow
def test_batches_of_masks_are_four_times_as_fast_as_one_forward_pass_a_mask(policy, observations):
    """On all cores, two at least, that have nothing else to do; the best of three timings."""
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    many = np.concatenate([observations] * 6)[:16]
    masks, *_ = _spots(84, 84, 5, torch.device("cpu"))
    outputs = Outputs(policy)

    @torch.no_grad()
    def one_by_one():
        """One of the sixteen, as the paper's own loop has it."""
        image = torch.as_tensor(many[:1]).float()
        change = blur(image, 3.0) - image
        for mask in masks:
            outputs(image + mask * change)

    def seconds(function):
        timings = []
        for _ in range(3):
            start = time.perf_counter()
            function()
            timings.append(time.perf_counter() - start)
        return min(timings)

    batched, single = seconds(lambda: perturbation(policy, many)), 16 * seconds(one_by_one)
    torch.set_num_threads(threads)
    print(f"batched {batched:.2f} s, one by one {single:.2f} s: {single / batched:.1f} times")
    assert single >= 4 * batched


def test_blur_keeps_a_constant_and_spreads_a_point():
    torch.testing.assert_close(
        blur(torch.full((1, 2, 84, 84), 7.0), 3.0), torch.full((1, 2, 84, 84), 7.0)
    )
    point = torch.zeros(1, 1, 84, 84)
    point[0, 0, 40, 40] = 1
    spread = blur(point, 3.0)[0, 0]
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    assert (spread[40, 43] / spread[40, 40]).item() == pytest.approx(np.exp(-0.5), abs=1e-4)


@pytest.mark.parametrize("network", [n for n in NETWORKS if n != "cnn"])
def test_constant_attention_is_flat_whatever_the_network(observations, network):
    policy = make(policy=FLSPolicy, policy_kwargs={"network": network})
    for head in policy.features_extractor.attentions.values():
        torch.nn.init.zeros_(head.layers[-1].weight)
    covered = attention(policy, observations[:1])
    if network == "cnn_rsppo":
        # The zeros around its image take the place of the last row and column, which it never sees.
        assert (covered[:, -1] == 0).all() and (covered[..., -1] == 0).all()
        covered = covered[:, :-1, :-1]
    assert covered.max() / covered.min() < 1.01


def test_three_constant_attentions_are_centred_as_published_and_flat_if_covered(observations):
    policy = make(policy=FLSPolicy, policy_kwargs={"network": "cnn_sparse_fls_x3"})
    for head in policy.features_extractor.attentions.values():
        torch.nn.init.zeros_(head.layers[-1].weight)
    published = attention(policy, observations[:1], painting="published")
    # ln 2 everywhere. A cell of the first map counts once, lies under 2×2 cells of the second map
    # and 4×4 of the third, and a pixel lies under 2×2 cells of the first; in a corner under one.
    assert published.max().item() == pytest.approx(4 * 21 * np.log(2), rel=1e-5)
    assert published[0, 0, 0].item() == pytest.approx(3 * np.log(2), rel=1e-5)
    covered = attention(policy, observations[:1])
    torch.testing.assert_close(covered, torch.full_like(covered, 3 * float(np.log(2))))


def test_channels_last_and_the_callers_tensor(policy, observations):
    expected = saliency(policy, observations, "gradient")
    last = np.moveaxis(observations, 1, -1)
    assert torch.equal(saliency(policy, last, "gradient"), expected)
    tensor = torch.as_tensor(observations).float()
    before = tensor.clone()
    assert torch.equal(saliency(policy, tensor, "gradient"), expected)
    assert not tensor.requires_grad and torch.equal(tensor, before)


def test_a_policy_without_attention_is_told_what_works(observations):
    for policy in (make(), make(policy=FLSPolicy, policy_kwargs={"network": "cnn"})):
        with pytest.raises(ValueError, match=r"no attention of its own\. What works is gradient"):
            attention(policy, observations)


def test_what_is_not_possible_is_named(policy, observations):
    with pytest.raises(ValueError, match="Did you mean 'grad_cam'"):
        saliency(policy, observations, "gradcam")
    with pytest.raises(ValueError, match="target must be one of action, value"):
        saliency(policy, observations, "gradient", "reward")
    with pytest.raises(ValueError, match="3 actions from 0 to 2"):
        saliency(policy, observations, "gradient", [0, 1, 3])
    for method in METHODS:
        with pytest.raises(ValueError, match="target must be one of action, value"):
            saliency(policy, observations, method, "reward")
    for method in ("gradient", "perturbation", "smooth_grad"):
        for channels in (-1, 0, 5):
            with pytest.raises(ValueError, match=f"channels must be from 1 to 4, got {channels}"):
                saliency(policy, observations, method, channels=channels)
    with pytest.raises(ValueError, match="grad_cam has no option 'channels'; it has none"):
        saliency(policy, observations, "grad_cam", channels=1)
    with pytest.raises(ValueError, match="attention has no option 'colour'; it has painting"):
        saliency(policy, observations, "attention", colour=1)
    with pytest.raises(ValueError, match="Observations must be"):
        saliency(policy, observations[:0], "gradient")
    with pytest.raises(ValueError, match="distance must be at least 1"):
        saliency(policy, observations, "perturbation", distance=0)
    with pytest.raises(ValueError, match=r"Observations must be \(N, 4, 84, 84\)"):
        saliency(policy, observations[:, :2], "gradient")
    with pytest.raises(ValueError, match="painting must be one of"):
        attention(policy, observations, painting="oil")
    for method in METHODS:
        with pytest.raises(ValueError, match="policies on images"):
            saliency(A2C("MlpPolicy", "CartPole-v1").policy, {"keypoints": np.ones(4)}, method)
    with pytest.raises(TypeError, match="not of RecurrentActorCriticCnnPolicy"):
        Outputs(RecurrentPPO("CnnLstmPolicy", Pixels(), device="cpu").policy)


def test_a_look_leaves_the_policy_as_it_was(policy, observations):
    policy.set_training_mode(True)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    for method in METHODS:
        saliency(policy, observations[:1], method)
    assert policy.training
    assert all(torch.equal(before[name], value) for name, value in policy.state_dict().items())
    assert all(parameter.grad is None for parameter in policy.parameters())
    policy.set_training_mode(False)
