"""Policies read without pickles act as those that Stable-Baselines3 loads."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import ARS, QRDQN, TQC, TRPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC

from objwrappers.sb3 import RecurrentDQN
from objwrappers.sb3.archive import read_policy
from objwrappers.sb3.policy_table import policy_named

AGENTS = sorted((Path(__file__).parents[2] / "zoo" / "agents").glob("*/ppo/*/*.zip"))
OURS = "objwrappers.sb3.policies."
VECTOR = gym.spaces.Box(-1, 1, (5,), np.float32)
PIXELS = gym.spaces.Box(0, 255, (36, 40, 3), np.uint8)
POOLED = gym.spaces.Dict(
    {
        "keypoints": gym.spaces.Box(-1, 1, (3, 2), np.float32),
        "present": gym.spaces.Box(0, 1, (3,), np.float32),
        "features": gym.spaces.Box(-9, 9, (3, 4), np.float32),
    }
)
MAP = gym.spaces.Dict({**POOLED.spaces, "features": gym.spaces.Box(0, 1, (4, 6, 6), np.float32)})
OFF = {"buffer_size": 100, "learning_starts": 1}


class Noise(gym.Env):
    """Random observations of a space, three actions."""

    action_space = gym.spaces.Discrete(3)

    def __init__(self, space):
        self.observation_space = space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


class Torques(Noise):
    """The same with two numbers as actions."""

    action_space = gym.spaces.Box(-1, 1, (2,), np.float32)


def save(path, algorithm, policy, env, kwargs, **options):
    """An untrained agent whose outputs are far enough apart to tell actions by."""
    kwargs = dict(kwargs)  # Stable-Baselines3 writes into it
    model = algorithm(policy, env, seed=3, device="cpu", policy_kwargs=kwargs, **options)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    model.save(path)


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_bundled_agents_act_alike(path):
    config = json.loads((path.parent / "config.json").read_text())
    envs = gym.make_vec(config["env"], num_envs=2, **config["env_kwargs"])
    policy = read_policy(
        path,
        policy_named(config["algo"], config["hyperparams"]["policy"]),
        envs.single_observation_space,
        envs.single_action_space,
        config["hyperparams"]["policy_kwargs"],
        "cpu",
    )
    model = PPO.load(path, device="cpu")
    observation, _ = envs.reset(seed=1)
    taken = []
    for _ in range(50):
        theirs, _ = model.predict(observation, deterministic=True)
        ours, state = policy.predict(observation, deterministic=True)
        np.testing.assert_array_equal(ours, theirs)
        assert state is None
        taken += theirs.tolist()
        observation, *_ = envs.step(theirs)
    envs.close()
    assert len(set(taken)) > 1


@pytest.mark.parametrize(
    ("algo", "algorithm", "name", "space", "kwargs", "options"),
    [
        ("ppo", PPO, "MlpPolicy", VECTOR, {"net_arch": [8, 4]}, {"n_steps": 8, "batch_size": 8}),
        ("a2c", A2C, "MlpPolicy", VECTOR, {"net_arch": {"pi": [4], "vf": [2]}}, {}),
        ("a2c", A2C, "CnnPolicy", PIXELS, {}, {}),
        ("a2c", A2C, f"{OURS}FLSPolicy", PIXELS, {"network": {"stem": "sparse"}}, {}),
        ("a2c", A2C, "MultiInputPolicy", POOLED, {}, {}),
        ("a2c", A2C, f"{OURS}KeypointGNNPolicy", POOLED, {}, {}),
        ("a2c", A2C, f"{OURS}KeypointCNNPolicy", MAP, {}, {}),
        ("dqn", DQN, "MlpPolicy", VECTOR, {}, OFF),
        ("dqn", DQN, f"{OURS}FLSQPolicy", PIXELS, {"network": "cnn"}, OFF),
        ("dqn", DQN, f"{OURS}KeypointGNNQPolicy", POOLED, {}, OFF),
        ("dqn", DQN, f"{OURS}KeypointCNNQPolicy", MAP, {}, OFF),
        ("qrdqn", QRDQN, "MlpPolicy", VECTOR, {"n_quantiles": 5}, OFF),
        ("qrdqn", QRDQN, f"{OURS}FLSQuantilePolicy", PIXELS, {"network": "cnn_daqn"}, OFF),
        ("qrdqn", QRDQN, f"{OURS}KeypointGNNQuantilePolicy", POOLED, {}, OFF),
        ("qrdqn", QRDQN, f"{OURS}KeypointCNNQuantilePolicy", MAP, {}, OFF),
        ("sac", SAC, "MlpPolicy", VECTOR, {"net_arch": [8, 4]}, OFF),
        ("tqc", TQC, "MlpPolicy", VECTOR, {"net_arch": {"pi": [8], "qf": [4]}}, OFF),
        ("tqc", TQC, "MultiInputPolicy", POOLED, {"n_quantiles": 5}, OFF),
        ("trpo", TRPO, "MlpPolicy", VECTOR, {}, {"n_steps": 8, "batch_size": 8}),
        ("ars", ARS, "LinearPolicy", VECTOR, {}, {}),
        ("ppo_lstm", RecurrentPPO, "MlpLstmPolicy", VECTOR, {"lstm_hidden_size": 6}, {}),
        ("rdqn", RecurrentDQN, "MlpLstmPolicy", VECTOR, {"lstm_hidden_size": 7}, OFF),
        ("rdqn", RecurrentDQN, f"{OURS}KeypointGNNLstmPolicy", POOLED, {}, OFF),
        ("rdqn", RecurrentDQN, f"{OURS}KeypointCNNLstmPolicy", MAP, {}, OFF),
    ],
)
def test_every_algorithm_acts_alike(tmp_path, algo, algorithm, name, space, kwargs, options):
    path = tmp_path / "a.zip"
    policy_class = policy_named(algo, name)
    env = (Torques if algo in ("sac", "tqc") else Noise)(space)
    save(path, algorithm, policy_class, env, kwargs, **options)
    before = torch.random.get_rng_state()
    policy = read_policy(path, policy_class, space, env.action_space, kwargs, "cpu")
    assert torch.equal(torch.random.get_rng_state(), before) and not policy.training
    model = algorithm.load(path, device="cpu")
    assert model.policy.observation_space == policy.observation_space
    space.seed(0)
    states, start = (None, None), np.ones(1, bool)
    for _ in range(50):
        observation = space.sample()
        if isinstance(space, gym.spaces.Dict):
            observation = {key: value[None] for key, value in observation.items()}
        else:
            observation = observation[None]
        theirs, one = model.predict(observation, states[0], start, True)
        ours, other = policy.predict(observation, states[1], start, True)
        np.testing.assert_array_equal(ours, theirs)
        states, start = (one, other), np.zeros(1, bool)
