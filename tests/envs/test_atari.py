"""One env and the vector env give the same frames and the same observations."""

import warnings

import cv2
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import objwrappers  # noqa: F401
from objwrappers.envs.atari import make_atari, make_atari_vec

GAMES = ["MsPacman", "Pong", "Breakout", "Seaquest", "Frostbite", "SpaceInvaders"]
EXACT = {"repeat_action_probability": 0.0}


def same(a, b, tolerance=0.0):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_allclose(a[key], b[key], rtol=tolerance, atol=tolerance, err_msg=key)
    else:
        np.testing.assert_array_equal(a, b)


def row(observation, i):
    if isinstance(observation, dict):
        return {key: value[i] for key, value in observation.items()}
    return observation[i]


def compare(single, vector, steps, tolerance=0.0, seed=3):
    """Plays the same actions in both; returns how many episodes ended on the way."""
    rng = np.random.default_rng(0)
    n = vector.num_envs
    # ALE's vector env seeds env i with seed + i, each as a single env of that seed.
    firsts = [env.reset(seed=seed + i)[0] for i, env in enumerate(single)]
    batch, _ = vector.reset(seed=seed)
    for i in range(n):
        same(firsts[i], row(batch, i), tolerance)
    done, ended = [False] * n, 0
    for _ in range(steps):
        actions = rng.integers(vector.single_action_space.n, size=n)
        batch, rewards, terminated, truncated, _ = vector.step(actions)
        for i, env in enumerate(single):
            if done[i]:
                observation, _ = env.reset()
                done[i], ended = False, ended + 1
            else:
                observation, reward, over, cut, _ = env.step(int(actions[i]))
                assert (reward, over, cut) == (rewards[i], terminated[i], truncated[i])
                done[i] = over or cut
            same(observation, row(batch, i), tolerance)
    return ended


@pytest.mark.parametrize("game", GAMES)
def test_native_frames_are_identical_in_both_paths(game):
    single = [make_atari(game, **EXACT)]
    assert single[0].observation_space.shape == (210, 160, 3)
    compare(single, make_atari_vec(game, 1, **EXACT), steps=60)


def test_frames_ids_agree_through_the_end_of_an_episode():
    options = {**EXACT, "max_num_frames_per_episode": 600}
    single = [gym.make("ObjFrames-MsPacman-v0", **options) for _ in range(2)]
    vector = gym.make_vec("ObjFrames-MsPacman-v0", num_envs=2, **options)
    assert compare(single, vector, steps=320) >= 4


@pytest.mark.parametrize("model", ["motion", "transporter"])
def test_keypoints_ids_agree_through_the_end_of_an_episode(model):
    options = {**EXACT, "max_num_frames_per_episode": 480, "model": model, "device": "cpu"}
    single = [gym.make("ObjKeypoints-MsPacman-v0", **options) for _ in range(2)]
    vector = gym.make_vec("ObjKeypoints-MsPacman-v0", num_envs=2, **options)
    assert compare(single, vector, steps=200, tolerance=1e-5) >= 2


@pytest.mark.parametrize(("model", "shape"), [("motion", (32, 42, 42)), ("light", (32, 21, 20))])
def test_feature_maps_agree_but_for_rounding(model, shape):
    options = {"model": model, "features": "map", "device": "cpu", **EXACT}
    single = gym.make("ObjKeypoints-Pong-v0", **options)
    vector = gym.make_vec("ObjKeypoints-Pong-v0", num_envs=2, **options)
    batch, _ = vector.reset(seed=3)
    observation, _ = single.reset(seed=4)
    assert observation["features"].shape == shape
    assert single.observation_space.contains(observation)
    for _ in range(20):
        batch, *_ = vector.step(np.array([2, 2]))
        observation, *_ = single.step(2)
        off = np.abs(observation["features"].astype(int) - batch["features"][1])
        assert off.max() <= 1
    with pytest.raises(ValueError, match="features must be 'pooled' or 'map', got 'all'"):
        gym.make("ObjKeypoints-Pong-v0", features="all")


@pytest.mark.parametrize("env_id", ["ObjFrames-MsPacman-v0", "ObjKeypoints-MsPacman-v0"])
def test_gymnasium_and_sb3_find_nothing_to_complain_about(env_id):
    sb3_checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gym.make(env_id, render_mode="rgb_array", disable_env_checker=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # True of every wrapped env, and of features, which have no bound.
        warnings.filterwarnings("ignore", ".*is different from the unwrapped version")
        warnings.filterwarnings("ignore", ".*maximum value is infinity")
        # (K, 2) and (K, F) are the design's; MultiInputPolicy flattens them by itself.
        warnings.filterwarnings("ignore", ".*has an unconventional shape")
        check_env(env, skip_render_check=True)
        sb3_checker.check_env(env)


def test_frames_in_colour_are_the_area_resized_native_frames():
    env = gym.make("ObjFrames-Pong-v0", grayscale=False, **EXACT)
    observation, _ = env.reset(seed=0)
    native, _ = make_atari("Pong", **EXACT).reset(seed=0)
    small = cv2.resize(native, (84, 84), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    np.testing.assert_array_equal(observation, np.concatenate([small] * 4))
    observation, *_ = env.step(0)
    np.testing.assert_array_equal(observation[:9], np.concatenate([small] * 3))


def test_pixel_options_shape_the_observation():
    env = gym.make("ObjFrames-Pong-v0", stack_num=2, img_height=50, img_width=40, grayscale=False)
    assert env.observation_space.shape == (6, 50, 40)
    assert env.reset(seed=0)[0].shape == (6, 50, 40)


def test_ale_options_are_passed_on():
    env = gym.make("ObjFrames-Pong-v0", full_action_space=True, frameskip=2, difficulty=1)
    assert env.action_space.n == 18
    env.reset(seed=0)
    assert env.step(0)[4]["episode_frame_number"] == 2
    vector = gym.make_vec("ObjFrames-Pong-v0", num_envs=2, full_action_space=True, frameskip=2)
    assert vector.single_action_space.n == 18
    vector.reset(seed=0)
    assert vector.step(np.zeros(2, int))[4]["episode_frame_number"].tolist() == [2, 2]


def test_a_lost_life_ends_the_episode_but_not_the_game():
    env = make_atari_vec("MsPacman", 1, life_loss_info=True)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    ends = []
    while len(ends) < 4:
        *_, terminated, _, info = env.step(rng.integers(9, size=1))
        if terminated[0]:
            _, fresh = env.reset(options={"reset_mask": terminated})
            ends.append(
                [int(i[key][0]) for key in ("lives", "episode_frame_number") for i in (info, fresh)]
            )
    assert [end[:2] for end in ends] == [[2, 2], [1, 1], [0, 3], [2, 2]]
    assert [end[2] == end[3] for end in ends] == [True, True, False, True]
    assert ends[2][3] == 0


def test_any_integer_is_a_seed():
    env = make_atari_vec("Pong", 2, **EXACT)
    for seed in (2**32 - 1, np.int64(7), 2**31 - 1, [3, 4]):
        assert env.reset(seed=seed)[0].shape == (2, 210, 160, 3)


def test_bad_options_are_named():
    with pytest.raises(ValueError, match="frameskip must be a positive integer, got 0"):
        make_atari("Pong", frameskip=0)
    with pytest.raises(ValueError, match="frameskip must be a positive integer, got 0"):
        make_atari_vec("Pong", 1, frameskip=0)
    with pytest.raises(ValueError, match=r"no option 'difficulty'.*async"):
        make_atari_vec("Pong", 1, difficulty=1)
    with pytest.raises(ValueError, match=r"'use_fire_reset' is an option of the vector env"):
        make_atari("Pong", use_fire_reset=True)
    with pytest.raises(ValueError, match="num_envs must be a positive integer, got 0"):
        make_atari_vec("Pong", 0)
    with pytest.raises(ValueError, match="render_mode must be None or"):
        make_frames = gym.spec("ObjFrames-Pong-v0").entry_point
        gym.envs.registration.load_env_creator(make_frames)("Pong", render_mode="ansi")


def test_no_weights_prints_the_command_that_makes_them(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = "python zoo/pretrain.py --model transporter --game Zaxxon"
    with pytest.raises(FileNotFoundError, match=command):
        gym.make("ObjKeypoints-Zaxxon-v0", model="transporter")
    with pytest.raises(ValueError, match=r"'transportr'.*Did you mean 'transporter'"):
        gym.make("ObjKeypoints-Pong-v0", model="transportr")


def test_render_shows_the_frame_enlarged_with_keypoints_on_it():
    env = gym.make("ObjKeypoints-MsPacman-v0", render_mode="rgb_array", device="cpu")
    env.reset(seed=0)
    picture = env.render()
    native = np.repeat(np.repeat(env.unwrapped.ale.getScreenRGB(), 3, 0), 3, 1)
    assert picture.shape == native.shape == (630, 480, 3)
    drawn = (picture != native).any(-1).mean()
    assert 0 < drawn < 0.05
    vector = gym.make_vec("ObjKeypoints-MsPacman-v0", num_envs=2, render_mode="rgb_array")
    vector.reset(seed=0)
    assert [frame.shape for frame in vector.render()] == [(630, 480, 3)] * 2
