"""What a policy sees of objects: the numbers of the observation, and a small network of the map."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from stable_baselines3 import DQN, PPO
from torch import nn

from objwrappers.sb3.objects import ObjectView
from objwrappers.sb3.policy_table import policy_named
from objwrappers.sb3.recurrent_dqn import RecurrentDQN
from objwrappers.sb3.scenes import SceneRows

ROWS = 3


def space(relations=True, map=True) -> gym.spaces.Dict:
    box = gym.spaces.Box
    parts = {
        "boxes": box(-np.inf, np.inf, (ROWS, 4), np.float32),
        "velocity": box(-np.inf, np.inf, (ROWS, 2), np.float32),
        "present": box(0, 1, (ROWS,), np.float32),
        "what": box(-np.inf, np.inf, (ROWS, 5), np.float32),
        "label": box(0, 2, (ROWS,), np.uint8),
    }
    if relations:
        parts["relative"] = box(-np.inf, np.inf, (ROWS, 4), np.float32)
    if map:
        parts["map"] = box(0, 255, (4, 21, 21), np.uint8)
    return gym.spaces.Dict(parts)


def observations(batch=2, seed=0):
    rng = torch.Generator().manual_seed(seed)
    shapes = {key: part.shape for key, part in space().items()}
    made = {key: torch.rand(batch, *shape, generator=rng) for key, shape in shapes.items()}
    return {**made, "present": torch.ones(batch, ROWS)}


def test_sizes_and_parameters():
    view = ObjectView(space())
    assert view.features_dim == ROWS * (1 + 2 + 2 + 2) + ROWS * 4 + 128
    # Conv 4→16 and 16→32 of 3×3 with stride 2: 21 → 10 → 4 cells; dense 512 → 128.
    counts = [4 * 9 * 16 + 16, 16 * 9 * 32 + 32, 512 * 128 + 128]
    assert sum(p.numel() for p in view.parameters()) == sum(counts)
    assert view(observations()).shape == (2, view.features_dim)


def test_relations_are_flat_and_velocities_scaled():
    view = ObjectView(space(map=False))
    seen = observations()
    start = SceneRows(space(map=False)).features_dim
    flat = view(seen)
    torch.testing.assert_close(flat[:, :start], SceneRows(space(map=False))(seen))
    places, velocities = seen["relative"][..., :2], seen["relative"][..., 2:]
    expected = torch.cat([places.flatten(1), 20 * velocities.flatten(1)], 1)
    torch.testing.assert_close(flat[:, start:], expected)


def test_without_relations_and_map_it_is_the_rows():
    view = ObjectView(space(relations=False, map=False))
    seen = observations()
    torch.testing.assert_close(view(seen), SceneRows(space(False, False))(seen))
    assert not [*view.parameters()]


def test_stacked_frames_and_other_observations_are_refused():
    stacked = space()
    stacked.spaces["relative"] = gym.spaces.Box(-1, 1, (ROWS, 16), np.float32)
    with pytest.raises(ValueError, match="takes no stacked frames"):
        ObjectView(stacked)
    with pytest.raises(ValueError, match="needs an ObjScene id"):
        ObjectView(gym.spaces.Box(0, 1, (4,), np.float32))


class Told(gym.Env):
    """Pays for the action that the map's first cell and the second object's place tell."""

    observation_space = space()
    action_space = gym.spaces.Discrete(4)

    def _observe(self):
        self._wanted = self.np_random.integers(4)
        observation = {key: np.zeros(part.shape, part.dtype) for key, part in space().items()}
        observation["present"][:] = 1
        observation["map"][0, :10, :10] = 255 * (self._wanted // 2)
        observation["relative"][1, 0] = self._wanted % 2
        return observation

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._left = 8
        return self._observe(), {}

    def step(self, action):
        reward = float(action == self._wanted)
        self._left -= 1
        return self._observe(), reward, self._left == 0, False, {}


def test_ppo_learns_from_map_and_relations():
    policy = policy_named("ppo", "objwrappers.sb3.policies.ObjectPolicy")
    agent = PPO(
        policy,
        Told(),
        n_steps=256,
        batch_size=64,
        learning_rate=2e-3,
        seed=0,
        device="cpu",
        policy_kwargs={"net_arch": [32], "activation_fn": nn.Tanh},
    )
    agent.learn(3000)
    env, right = Told(), 0
    seen, _ = env.reset(seed=1)
    for _ in range(80):
        action, _ = agent.predict(seen, deterministic=True)
        seen, reward, over, _, _ = env.step(action)
        right += reward
        if over:
            seen, _ = env.reset()
    assert right > 70, "by chance 20; without the map, or without relations, 40"


@pytest.mark.parametrize(
    ("algo", "algorithm", "policy"),
    [
        ("dqn", DQN, "ObjectQPolicy"),
        ("qrdqn", QRDQN, "ObjectQuantilePolicy"),
        ("rdqn", RecurrentDQN, "ObjectLstmPolicy"),
    ],
)
def test_other_algorithms_take_it_by_name(algo, algorithm, policy):
    named = policy_named(algo, f"objwrappers.sb3.policies.{policy}")
    agent = algorithm(named, Told(), buffer_size=500, learning_starts=64, seed=0, device="cpu")
    agent.learn(128)
    extractors = [m for m in agent.policy.modules() if isinstance(m, ObjectView)]
    assert len(extractors) >= 2  # online and target network
    action, _ = agent.predict(Told().reset(seed=0)[0])
    assert action in range(4)
