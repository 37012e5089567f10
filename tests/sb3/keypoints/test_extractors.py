import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import VecFrameStack

import objwrappers  # noqa: F401
from objwrappers.sb3 import GymVecEnv, policies
from objwrappers.sb3.keypoints import KeypointCNN, KeypointGNN


def space(count=7, channels=64, maps=False):
    box = gym.spaces.Box
    features = (
        box(0, 254, (channels, 42, 42), np.uint8) if maps else box(0, np.inf, (count, channels))
    )
    return gym.spaces.Dict(
        {"features": features, "keypoints": box(-1, 1, (count, 2)), "present": box(0, 1, (count,))}
    )


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_published_parameter_counts():
    assert parameters(KeypointCNN(space(maps=True))) == 1_852_928
    assert parameters(KeypointCNN(space(channels=32, maps=True))) == 1_843_712
    # Published, but not here: an encoder of edges that are all zero (a constant stands for it)
    # and a decoder of edges that nobody reads.
    edge_encoder, edge_decoder, constant = 2_240, 6_528, 32
    for count, published in ((7, 104_032), (20, 210_528)):
        graph = KeypointGNN(space(count))
        assert parameters(graph) == published - edge_encoder - edge_decoder + constant


def observations(batch=3, count=5, channels=4):
    torch.manual_seed(0)
    return {
        "keypoints": torch.rand(batch, count, 2) * 2 - 1,
        "present": torch.ones(batch, count),
        "features": torch.rand(batch, count, channels),
    }


def test_messages_equal_a_loop_over_pairs():
    graph = KeypointGNN(space(5, 4))
    seen = observations()
    seen["present"][0, 2] = 0.0
    expected = []
    for b in range(3):
        present = seen["present"][b]
        places = graph.position(seen["keypoints"][b])
        nodes = graph.encode(torch.cat([seen["features"][b] * present[:, None], places], -1))
        updated = []
        for i in range(5):
            received = sum(
                present[j] * graph.message(torch.cat([graph.edge, nodes[i], nodes[j]]))
                for j in range(5)
            )
            updated.append(graph.update(torch.cat([received, nodes[i]])))
        expected.append(graph.state[1:](graph.decode(torch.stack(updated)).flatten()))
    torch.testing.assert_close(graph(seen), torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_an_absent_keypoint_tells_others_nothing():
    graph = KeypointGNN(space(5, 4))
    nodes = []
    graph.update.register_forward_hook(lambda *values: nodes.append(values[2]))
    for feature, place in ((0.0, 0.3), (9.0, -0.8)):
        seen = observations()
        seen["present"][:, 2] = 0.0
        seen["features"][:, 2] = feature
        seen["keypoints"][:, 2] = place
        graph(seen)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(nodes[0][:, others], nodes[1][:, others])
    assert not torch.allclose(nodes[0][:, 2], nodes[1][:, 2])


def test_stacked_maps_become_channels():
    one, two = (KeypointCNN(space(channels=n, maps=True)) for n in (4, 8))
    stacked = space(channels=4, maps=True)
    stacked["features"] = gym.spaces.Box(0, 254, (4, 42, 84), np.uint8)
    count, _ = stacked["keypoints"].shape
    stacked["keypoints"] = gym.spaces.Box(-1, 1, (count, 4), np.float32)
    stacked = KeypointCNN(stacked)
    stacked.load_state_dict(two.state_dict())
    maps = torch.randint(0, 255, (2, 8, 42, 42)).float()
    beside = torch.cat([maps[:, :4], maps[:, 4:]], dim=-1)
    torch.testing.assert_close(stacked({"features": beside}), two({"features": maps}))
    assert one.stack == 1 and stacked.stack == 2


def test_the_other_kind_of_features_is_refused():
    with pytest.raises(ValueError, match='needs an ObjKeypoints id with features="map"'):
        KeypointCNN(space())
    with pytest.raises(ValueError, match='needs an ObjKeypoints id with features="pooled"'):
        KeypointGNN(space(maps=True))
    with pytest.raises(ValueError, match="needs an ObjKeypoints id"):
        KeypointGNN(gym.spaces.Box(0, 1, (3,)))


SMALL = {
    PPO: {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
    DQN: {"buffer_size": 64, "learning_starts": 8, "train_freq": 4, "batch_size": 4},
    QRDQN: {"buffer_size": 64, "learning_starts": 8, "train_freq": 4, "batch_size": 4},
}


@pytest.mark.parametrize("stack", [1, 2])
@pytest.mark.parametrize("kind", ["CNN", "GNN"])
@pytest.mark.parametrize("algorithm", [PPO, DQN, QRDQN])
@pytest.mark.filterwarnings("error:Treating image space")
def test_policies_learn_save_and_load(algorithm, kind, stack, tmp_path):
    suffix = {PPO: "Policy", DQN: "QPolicy", QRDQN: "QuantilePolicy"}[algorithm]
    policy = getattr(policies, f"Keypoint{kind}{suffix}")
    features = "map" if kind == "CNN" else "pooled"
    env = GymVecEnv(
        gym.make_vec("ObjKeypoints-Pong-v0", num_envs=2, features=features, device="cpu")
    )
    env = VecFrameStack(env, stack) if stack > 1 else env
    model = algorithm(policy, env, seed=0, device="cpu", **SMALL[algorithm])
    encoder = (
        model.policy.features_extractor
        if algorithm is PPO
        else model.q_net
        if (algorithm is DQN)
        else model.quantile_net
    )
    before = [p.clone() for p in encoder.parameters()]
    model.learn(32)
    assert any(not torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))
    model.save(tmp_path / "agent")
    loaded = algorithm.load(tmp_path / "agent", device="cpu")
    observation = env.reset()
    torch.manual_seed(0)
    expected = model.predict(observation, deterministic=True)[0]
    assert np.array_equal(loaded.predict(observation, deterministic=True)[0], expected)
