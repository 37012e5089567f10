import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import VecFrameStack

import objwrappers  # noqa: F401
from objwrappers.sb3 import GymVecEnv, policies
from objwrappers.sb3.scenes import SceneRows

ENV = "ObjScene-Pong-v0"


def space(rows=2, numbers=3, velocity=True, stack=1):
    box = gym.spaces.Box
    spaces = {
        "boxes": box(-np.inf, np.inf, (rows, 4 * stack)),
        "present": box(0, 1, (rows * stack,)),
        "what": box(-np.inf, np.inf, (rows, numbers * stack)),
        "label": box(0, 1, (rows * stack,), np.uint8),
    }
    if velocity:
        spaces["velocity"] = box(-np.inf, np.inf, (rows, 2 * stack))
    return gym.spaces.Dict(spaces)


def seen():
    return {
        "boxes": torch.tensor([[[0.5, -0.5, 0.1, 0.2], [0.25, 0.5, 0.02, 0.04]]]),
        "velocity": torch.tensor([[[0.05, 0.0], [-0.1, 0.01]]]),
        "present": torch.tensor([[0.9, 0.8]]),
        "what": torch.tensor([[[1.0, 2, 3], [4, 5, 6]]]),
        "label": torch.tensor([[0.0, 1.0]]),
    }


def test_rows_by_hand():
    rows = SceneRows(space())
    assert rows.features_dim == 2 * 7
    expected = [[0.9, 0.5, -0.5, 0.5, 1.0, 1.0, 0.0], [0.8, 0.25, 0.5, 0.1, 0.2, -2.0, 0.2]]
    torch.testing.assert_close(rows(seen()).view(2, 7), torch.tensor(expected))


def test_a_row_without_an_object_is_0():
    absent = {**seen(), "present": torch.tensor([[0.9, 0.5]])}
    state = SceneRows(space())(absent).view(2, 7)
    assert not state[1].any() and state[0].all().item() is False
    torch.testing.assert_close(state[0], SceneRows(space())(seen()).view(2, 7)[0])


def test_relative_to_the_player():
    rows = SceneRows(space(), relative_to=0)
    state = rows(seen()).view(2, 7)
    torch.testing.assert_close(state[0, 1:3], torch.tensor([0.5, -0.5]))  # its own stays
    torch.testing.assert_close(state[1, 1:3], torch.tensor([-0.25, 1.0]))
    torch.testing.assert_close(state[1, 5:], torch.tensor([-3.0, 0.2]))
    # Where the player is not, others are where they are.
    state = rows({**seen(), "present": torch.tensor([[0.0, 0.8]])}).view(2, 7)
    torch.testing.assert_close(state[1, 1:3], torch.tensor([0.25, 0.5]))


def test_z_what_is_left_out_unless_wanted_and_velocity_where_there_is_none():
    full = SceneRows(space(), what=True)
    assert full.features_dim == 2 * 10
    assert full(seen()).view(2, 10)[:, 7:].tolist() == [[1, 2, 3], [4, 5, 6]]
    still = {key: value for key, value in seen().items() if key != "velocity"}
    rows = SceneRows(space(velocity=False))
    assert rows.features_dim == 2 * 5
    torch.testing.assert_close(rows(still).view(2, 5), SceneRows(space())(seen()).view(2, 7)[:, :5])


def test_stacked_frames_are_the_rows_of_each_frame():
    old, new = seen(), {key: value + 0.01 for key, value in seen().items()}
    old["present"] = torch.tensor([[0.9, 0.2]])
    stacked = {key: torch.cat([old[key], new[key]], -1) for key in old}
    rows = SceneRows(space(stack=2), what=True, relative_to=1)
    one = SceneRows(space(), what=True, relative_to=1)
    expected = torch.stack([one(old).view(2, 10), one(new).view(2, 10)], 1)
    torch.testing.assert_close(rows(stacked).view(2, 2, 10), expected)
    assert rows.features_dim == 40


@pytest.mark.parametrize(
    ("algorithm", "policy"), [(PPO, policies.ScenePolicy), (DQN, policies.SceneQPolicy)]
)
def test_policies_act_on_scenes(algorithm, policy):
    from scenes import named_blobs

    envs = gym.make_vec(ENV, num_envs=2, model=named_blobs(threshold=0.6))
    for env in (GymVecEnv(envs), VecFrameStack(GymVecEnv(envs), 2)):
        agent = algorithm(policy, env, seed=0, device="cpu")
        observation = env.reset()
        actions, _ = agent.predict(observation, deterministic=True)
        assert actions.shape == (2,)
        # What is not in a row has no part in the action.
        hidden = {key: value.copy() for key, value in observation.items()}
        hidden["what"] += 5
        hidden["label"] += 1
        np.testing.assert_array_equal(agent.predict(hidden, deterministic=True)[0], actions)


def test_other_observations_are_refused():
    with pytest.raises(ValueError, match="needs an ObjScene id, got Box"):
        SceneRows(gym.spaces.Box(0, 1, (3,)))
    with pytest.raises(ValueError, match="needs an ObjScene id"):
        SceneRows(gym.spaces.Dict({"keypoints": gym.spaces.Box(-1, 1, (3, 2))}))
    with pytest.raises(ValueError, match="relative_to must be a row from 0 to 1, got 2"):
        SceneRows(space(), relative_to=2)
