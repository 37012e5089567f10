"""The last action drawn into frames, by values, in both kinds of envs."""

import gymnasium as gym
import numpy as np
import pytest

import objwrappers  # noqa: F401
from objwrappers.rendering.last_action import draw_actions

ENV = "ObjFrames-MsPacman-v0"


def strip(action):
    """Of 9 actions on 84 pixels each has 9 columns, the strip 4 rows."""
    drawn = np.zeros((4, 84), np.uint8)
    if action is not None:
        drawn[:, 9 * action : 9 * action + 9] = 255
    return drawn


def test_a_mark_is_in_the_place_of_the_action_and_nothing_else_changes():
    frames = np.full((3, 84, 84, 1), 77, np.uint8)
    drawn = draw_actions(frames, np.array([0, 8, -1]), 9)
    for frame, action in zip(drawn[..., 0], (0, 8, None), strict=True):
        np.testing.assert_array_equal(frame[:4], strip(action))
        assert (frame[4:] == 77).all()
    assert (frames == 77).all()
    with pytest.raises(ValueError, match="no room for 18 actions"):
        draw_actions(np.zeros((1, 84, 16, 1), np.uint8), np.array([0]), 18)


def test_single_and_vector_envs_show_the_same_marks_and_otherwise_the_same_frames():
    plain = gym.make(ENV)
    single = gym.make(ENV, confounded=True)
    vector = gym.make_vec(ENV, num_envs=1, confounded=True)
    seen = [env.reset(seed=5)[0] for env in (plain, single)]
    together = vector.reset(seed=5)[0][0]
    marks = [None] * 4
    for action in (3, 3, 1, 8, 0):
        np.testing.assert_array_equal(seen[1], together)
        np.testing.assert_array_equal(seen[1][:, 4:], seen[0][:, 4:])
        for frame, mark in zip(together, marks, strict=True):
            np.testing.assert_array_equal(frame[:4], strip(mark))
        seen = [env.step(action)[0] for env in (plain, single)]
        together = vector.step(np.array([action]))[0][0]
        marks = [*marks[1:], action]
    np.testing.assert_array_equal(together[-1][:4], strip(0))
    # A reset forgets what was done.
    assert not vector.reset(options={"reset_mask": np.array([True])})[0][0][:, :4].any()
    for env in (plain, single, vector):
        env.close()


def test_an_env_that_resets_itself_shows_no_action_of_the_game_before():
    env = gym.make_vec(ENV, num_envs=1, confounded=True, max_num_frames_per_episode=8)
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step(np.array([2]))
        over = bool((terminated | truncated)[0])
    observation, *_ = env.step(np.array([2]))
    assert not observation[0][:, :4].any()
    env.close()


@pytest.mark.parametrize(
    ("env_id", "options", "message"),
    [
        (ENV, {"confounded": 2}, "confounded must be True or False, got 2"),
        (ENV, {"confounded": True, "continuous": True}, "discrete actions"),
        ("ObjKeypoints-MsPacman-v0", {"confounded": True}, "option of ObjFrames"),
    ],
)
def test_what_cannot_be_confounded_is_refused(env_id, options, message):
    with pytest.raises(ValueError, match=message):
        gym.make(env_id, **options)
