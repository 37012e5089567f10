"""Seeds and masks of resets mean the same in every kind of vector env."""

import gymnasium as gym
import numpy as np
import pytest

from objwrappers.resets import env_seeds, reset_mask

SECOND_AND_THIRD = np.array([False, True, True])


def test_an_integer_is_counted_up_whichever_envs_are_reset():
    assert env_seeds(None, None, 3) is None
    assert env_seeds(5, None, 3) == [5, 6, 7]
    assert env_seeds(np.int64(5), SECOND_AND_THIRD, 3) == [5, 6, 7]


def test_a_list_is_of_all_envs_or_of_those_that_are_reset():
    assert env_seeds([5, 6, 7], SECOND_AND_THIRD, 3) == [5, 6, 7]
    assert env_seeds(np.array([6, 7]), SECOND_AND_THIRD, 3) == [None, 6, 7]


@pytest.mark.parametrize(
    ("seed", "mask", "told"),
    [
        ([], None, "There are 0 seeds for 3 envs"),
        ([1, 2], None, r"There are 2 seeds for 3 envs: \[1, 2\]"),
        ([1], SECOND_AND_THIRD, "There are 1 seeds for 3 envs, of which 2 are reset"),
    ],
)
def test_other_numbers_of_seeds_are_refused(seed, mask, told):
    with pytest.raises(ValueError, match=told):
        env_seeds(seed, mask, 3)


def test_options_that_are_no_dict_are_refused():
    assert reset_mask({}) is None
    with pytest.raises(ValueError, match="a dict or None, got 5"):
        reset_mask(5)


VECTOR_ENVS = {
    "native": ("ObjFrames-MsPacman-v0", {"noop_max": 30, "num_threads": 1}),
    "native, bars": ("ObjFrames-MsPacman-v0", {"noise": "both"}),
    "singles": ("Control-reacher-hard-v0", {"observe": "state"}),
    "sync": ("ObjFrames-MsPacman-v0", {"noop_max": 30, "vectorization_mode": "sync"}),
    "async": (
        "Control-reacher-hard-v0",
        {"observe": "state", "vectorization_mode": "async"},
    ),
}


@pytest.mark.parametrize("kind", VECTOR_ENVS)
def test_partial_resets_seed_each_env_as_whole_ones_do(kind):
    env_id, options = VECTOR_ENVS[kind]
    envs = gym.make_vec(env_id, num_envs=3, **options)

    def played(seed, mask=None):
        envs.reset(seed=100)
        actions = np.zeros((3, *envs.single_action_space.shape), envs.single_action_space.dtype)
        for _ in range(5):
            envs.step(actions)
        extra = {} if mask is None else {"options": {"reset_mask": mask.copy()}}
        first = [np.copy(envs.reset(seed=seed, **extra)[0])]
        return np.stack([*first, *(np.copy(envs.step(actions)[0]) for _ in range(8))])

    whole = played(5)
    for seed in (5, [5, 6, 7]):
        partly = played(seed, SECOND_AND_THIRD)
        np.testing.assert_array_equal(partly[:, 1:], whole[:, 1:])
        assert (partly[:, 0] != whole[:, 0]).any()
    envs.close()


@pytest.mark.parametrize("life_loss_info", [False, True])
def test_a_seeded_reset_of_one_env_begins_its_game_anew(life_loss_info):
    envs = gym.make_vec("ObjFrames-Breakout-v0", num_envs=2, life_loss_info=life_loss_info)
    envs.reset(seed=0)
    for _ in range(40):
        envs.step(np.array([1, 1]))
    one = {"reset_mask": np.array([False, True])}
    _, info = envs.reset(seed=[7], options=one)
    assert info["episode_frame_number"][1] <= 4 < info["episode_frame_number"][0]
    envs.close()
