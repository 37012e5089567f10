"""What would hang ALE, or read past its tables, is refused with one clear error."""

import gymnasium as gym
import numpy as np
import pytest

import objwrappers  # noqa: F401
from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.sb3 import GymVecEnv

MAKERS = [
    pytest.param(lambda **kw: gym.make("ObjFrames-Pong-v0", **kw), id="frames"),
    pytest.param(lambda **kw: gym.make_vec("ObjFrames-Pong-v0", num_envs=2, **kw), id="frames_vec"),
    pytest.param(lambda **kw: gym.make("ObjKeypoints-Pong-v0", **kw), id="keypoints"),
    pytest.param(
        lambda **kw: gym.make_vec("ObjKeypoints-Pong-v0", num_envs=2, **kw), id="keypoints_vec"
    ),
    pytest.param(lambda **kw: make_atari("Pong", **kw), id="atari"),
    pytest.param(lambda **kw: make_atari_vec("Pong", 2, **kw), id="atari_vec"),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"frame_skip": 4}, "Unknown option 'frame_skip'. It is called 'frameskip'"),
        ({"autoreset_mode": "SameStep"}, "Unknown option 'autoreset_mode'. It is always next-step"),
        ({"noize": "both"}, "Unknown option 'noize'. Did you mean 'noise'"),
        ({"frameskip": True}, "frameskip must be a positive integer, got True"),
        ({"repeat_action_probability": 1.5}, r"must be in \[0, 1\], got 1.5"),
        ({"repeat_action_probability": float("nan")}, r"must be in \[0, 1\], got nan"),
        ({"noop_max": -1}, "noop_max must be an integer of at least 0, got -1"),
        ({"max_num_frames_per_episode": 0}, "must be a positive integer, got 0"),
    ],
)
def test_a_wrong_option_gets_one_error_with_the_cure(make, option, message):
    with pytest.raises(ValueError, match=message):
        make(**option)


def test_flags_may_be_1_and_0_as_files_of_hyperparameters_have_them():
    options = {"full_action_space": 1, "episodic_life": 1, "reward_clipping": 0, "confounded": 1}
    given = gym.make_vec("ObjFrames-Breakout-v0", num_envs=1, **options)
    meant = gym.make_vec(
        "ObjFrames-Breakout-v0", num_envs=1, **{k: bool(v) for k, v in options.items()}
    )
    assert given.single_action_space.n == 18
    (frames, _), (expected, _) = given.reset(seed=0), meant.reset(seed=0)
    for action in range(40):
        np.testing.assert_array_equal(frames, expected)
        frames, *others, _ = given.step(np.array([action % 18]))
        expected, *also, _ = meant.step(np.array([action % 18]))
        assert others == also
    given.close()
    meant.close()


def test_an_option_of_another_kind_of_id_says_of_which():
    with pytest.raises(ValueError, match=r"'stack_num'\. It is an option of ObjFrames"):
        gym.make("ObjKeypoints-Pong-v0", stack_num=4)
    with pytest.raises(ValueError, match=r"'max_episode_steps'\. Give max_num_frames_per_episode"):
        gym.make_vec("ObjFrames-Pong-v0", num_envs=2, max_episode_steps=10)
    with pytest.raises(ValueError, match="img_width must be a positive integer, got 0"):
        gym.make("ObjFrames-Pong-v0", img_width=0)


def test_gymnasiums_own_time_limit_goes_on_working_for_one_env():
    env = gym.make("ObjFrames-Pong-v0", max_episode_steps=3)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("infinite", [False, True])
@pytest.mark.parametrize("fire", [False, True])
@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([4, 0], r"must be in Discrete\(4\), got \[4 0\]"),
        ([0, -1], r"must be in Discrete\(4\), got \[ 0 -1\]"),
        ([0.0, 1.0], "integers, got float64"),
        ([True, False], "integers, got bool"),
        ([None, 0], "integers, got object"),
        ([0], r"shape \(2,\), got \(1,\)"),
        (0, r"shape \(2,\), got \(\)"),
        ([[0], [0]], r"shape \(2,\), got \(2, 1\)"),
        (None, r"shape \(2,\), got \(\)"),
    ],
)
def test_wrong_actions_do_not_reach_the_emulators(infinite, fire, actions, message):
    env = make_atari_vec("Breakout", 2, infinite=infinite, fire_each_life=fire)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(actions)
    env.step([1, 0])
    sb3 = GymVecEnv(env)
    sb3.reset()
    with pytest.raises(ValueError, match=message):
        sb3.step(actions)


@pytest.mark.parametrize("fire", [False, True])
@pytest.mark.parametrize("action", [4, -1, 0.0, None, [0], "0", True])
def test_a_wrong_action_does_not_reach_the_emulator(fire, action):
    env = make_atari("Breakout", fire_each_life=fire)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"[Aa]ction.* got"):
        env.step(action)
    for right in (1, np.int64(1), np.array(1), np.uint8(1)):
        env.step(right)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 9.0])
def test_continuous_actions_are_finite_and_within_bounds(wrong):
    options = {"continuous": True}
    single, vector = make_atari("Pong", **options), make_atari_vec("Pong", 2, **options)
    single.reset(seed=0)
    vector.reset(seed=0)
    right = np.array([1.0, 3.1, 0.0])
    np.testing.assert_array_equal(single.step(right)[0], vector.step([right, right])[0][0])
    with pytest.raises(ValueError, match="Actions must be"):
        single.step([1.0, wrong, 0.0])
    with pytest.raises(ValueError, match="Actions must be"):
        vector.step([[1.0, 0.0, 0.0], [1.0, wrong, 0.0]])


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("seed", [-1, 1.5, "3"])
def test_a_seed_is_an_integer_of_at_least_0(make, seed):
    with pytest.raises((ValueError, gym.error.Error), match=r"[Ss]eed"):
        make().reset(seed=seed)


@pytest.mark.parametrize("make", MAKERS)
def test_a_step_needs_a_reset(make):
    env = make()
    with pytest.raises(gym.error.ResetNeeded):
        env.step([0, 0] if hasattr(env, "num_envs") else 0)
    if hasattr(env, "num_envs"):
        with pytest.raises(gym.error.ResetNeeded, match="full reset"):
            env.reset(options={"reset_mask": np.array([True, False])})


def test_a_mask_is_boolean_and_has_an_entry_for_each_env():
    env = make_atari_vec("Pong", 2, noise="both", fire_each_life=True, life_loss_info=True)
    env.reset(seed=0)
    for mask in ([1, 0], [True], np.array([0, 1])):
        with pytest.raises(ValueError, match=r"reset_mask must be bool \(2,\)"):
            env.reset(options={"reset_mask": mask})
