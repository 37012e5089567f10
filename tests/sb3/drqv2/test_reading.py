"""Agents of DrQ-v2 read without pickles, by the programs too."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from objwrappers.sb3 import DrQv2
from objwrappers.sb3.archive import read_policy
from objwrappers.sb3.policy_table import policy_named


class Still(gym.Env):
    """A grey image for good."""

    action_space = spaces.Box(-2, 2, (3,), np.float32)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.observation_space = spaces.Box(0, 255, shape, np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.full(self.observation_space.shape, 9, np.uint8), {}

    def step(self, action: Any) -> Any:
        return self.reset()[0], 0.0, False, False, {}


@pytest.mark.parametrize("shape", [(6, 16, 17), (16, 17, 3)])
def test_policies_act_as_those_that_were_saved(tmp_path: Any, shape: tuple[int, ...]) -> None:
    kwargs = {"feature_dim": 6, "hidden_dim": 9}
    env, path = Still(shape), tmp_path / "agent.zip"
    model = DrQv2(
        "CnnPolicy",
        env,
        policy_kwargs=copy.deepcopy(kwargs),
        learning_starts=4,
        batch_size=4,
        buffer_size=50,
        device="cpu",
    )
    model.learn(10)
    assert model._n_updates == 3
    model.save(path)
    policy_class = policy_named("drqv2", "CnnPolicy")
    policy = read_policy(path, policy_class, env.observation_space, env.action_space, kwargs, "cpu")
    assert policy.state_dict().keys() == model.policy.state_dict().keys()
    seen = np.random.default_rng(0).integers(0, 256, (20, *model.observation_space.shape))
    theirs, _ = model.predict(seen.astype(np.uint8), deterministic=True)
    ours, _ = policy.predict(seen.astype(np.uint8), deterministic=True)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.std() > 0 and not policy.training
    for wrong in ({**kwargs, "hidden_dim": 8}, {**kwargs, "feature_dim": 10**9}):
        with pytest.raises(ValueError, match=r"agent\.zip"):
            read_policy(path, policy_class, env.observation_space, env.action_space, wrong, "cpu")
    torch.nn.init.constant_(model.policy.encoder.layers[0].bias, float("nan"))
    model.save(path)
    with pytest.raises(ValueError, match=r"'encoder\.layers\.0\.bias' is not finite"):
        read_policy(path, policy_class, env.observation_space, env.action_space, kwargs, "cpu")
