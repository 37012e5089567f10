"""Frames at a size, in grey, with bars, with pictures: by ALE or by OpenCV, to the same bit."""

import cv2
import gymnasium as gym
import numpy as np
import pytest
from ale_py.env import AtariEnv
from ale_py.vector_env import AtariVectorEnv
from gymnasium.wrappers import AtariPreprocessing

import objwrappers  # noqa: F401
from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.envs.native import Lockstep
from objwrappers.envs.raw import raw_frames_of
from objwrappers.games import GAMES, rom_name
from objwrappers.rendering.bars import COLOUR, GREY
from objwrappers.wrappers.base import pictures_of

EXACT = {"repeat_action_probability": 0.0}


def by_area(frames, height, width):
    small = [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames]
    return np.stack(small).reshape(len(frames), height, width, -1)


def luma(frames):
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])[..., None]


def assert_pixels_are_gymnasiums(game, steps):
    raw = AtariEnv(rom_name(game), frameskip=1, repeat_action_probability=0.0)
    theirs = AtariPreprocessing(raw, noop_max=0, screen_size=(84, 84), grayscale_obs=True)
    single = gym.make(f"ObjFrames-{game}-v0", **EXACT)
    vector = gym.make_vec(f"ObjFrames-{game}-v0", num_envs=2, **EXACT)
    expected, _ = theirs.reset(seed=1)
    one, both = single.reset(seed=1)[0], vector.reset(seed=0)[0]
    rng = np.random.default_rng(0)
    done = False
    for _ in range(steps):
        np.testing.assert_array_equal(one[-1], expected)
        np.testing.assert_array_equal(both[:, -1], [expected] * 2)
        action = int(rng.integers(single.action_space.n))
        both = vector.step([action] * 2)[0]
        if done:
            expected, one, done = theirs.reset()[0], single.reset()[0], False
        else:
            expected, _, terminated, truncated, _ = theirs.step(action)
            one = single.step(action)[0]
            done = terminated or truncated


@pytest.mark.parametrize("game", ["MsPacman", "AirRaid", "Pong"])
def test_pixels_are_those_of_gymnasiums_atari_preprocessing(game):
    assert_pixels_are_gymnasiums(game, 40)


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
def test_pixels_are_those_of_gymnasiums_atari_preprocessing_in_every_game(game):
    assert_pixels_are_gymnasiums(game, 400)


@pytest.mark.parametrize("game", ["MsPacman", "AirRaid"])
@pytest.mark.parametrize("grayscale", [False, True])
@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("noise", ["none", "both"])
def test_small_frames_are_native_ones_resized_by_area(game, grayscale, pictures, noise):
    options = dict(grayscale=grayscale, noise=noise, **EXACT)
    native = make_atari_vec(game, 2, **options)
    for height, width in ((84, 84), (105, 80)):
        small = dict(options, frame_size=(height, width), pictures=pictures)
        single, vector = make_atari(game, **small), make_atari_vec(game, 2, **small)
        frames = native.reset(seed=3)[0]
        assert frames.shape == (2, *native.single_observation_space.shape)
        one, both = single.reset(seed=4)[0], vector.reset(seed=3)[0]
        rng = np.random.default_rng(1)
        for _ in range(25):
            assert both.shape[1:] == single.observation_space.shape == one.shape
            np.testing.assert_array_equal(both, by_area(frames, height, width))
            np.testing.assert_array_equal(one, both[1])
            actions = np.full(2, rng.integers(single.action_space.n))
            frames, both = native.step(actions)[0], vector.step(actions)[0]
            one = single.step(actions[0])[0]


@pytest.mark.parametrize("grayscale", [False, True])
@pytest.mark.parametrize("size", [None, (84, 84)])
@pytest.mark.parametrize("noise", ["none", "both"])
def test_pictures_are_native_frames_in_colour(grayscale, size, noise):
    """With sticky actions: a grey game is played twice, and both games must stay the same."""
    native = make_atari_vec("Breakout", 2, noise=noise, max_num_frames_per_episode=90)
    options = dict(frame_size=size, grayscale=grayscale, pictures=True, noise=noise)
    env = make_atari_vec("Breakout", 2, max_num_frames_per_episode=90, **options)

    def picture():
        kept = pictures_of(env)
        return frames if kept is None else kept

    expected, _ = native.reset(seed=3)
    frames, _ = env.reset(seed=3)
    rng = np.random.default_rng(0)
    for step in range(60):
        np.testing.assert_array_equal(picture(), expected)
        if step % 7 == 5:
            options = {"reset_mask": np.arange(2) == step % 2}
            expected, frames = native.reset(options=options)[0], env.reset(options=options)[0]
        else:
            actions = rng.integers(4, size=2)
            expected, frames = native.step(actions)[0], env.step(actions)[0]


def test_games_played_twice_stay_the_same_without_a_seed():
    sticky = dict(img_height=210, img_width=160, grayscale=False, stack_num=1, noop_max=30)
    sticky |= dict(repeat_action_probability=0.25, use_fire_reset=False)
    env = Lockstep(*(AtariVectorEnv("ms_pacman", 2, **sticky) for _ in range(2)))
    firsts = []
    for _ in range(2):
        frames, info = env.reset()
        firsts.append(info["episode_frame_number"].tolist())
        for step in range(80):
            np.testing.assert_array_equal(env.pictures, frames[:, 0])
            frames, *_ = env.step(np.array([1, 2 + step % 3]))
            if step == 40:
                frames, _ = env.reset(options={"reset_mask": np.array([True, False])})
    assert firsts[0] != firsts[1]


@pytest.mark.parametrize("frameskip", [1, 2, 4, 5])
def test_one_grey_env_keeps_its_picture_through_episodes_ends(frameskip):
    options = dict(frameskip=frameskip, max_num_frames_per_episode=99, **EXACT)
    native = make_atari("Breakout", **options)
    grey = make_atari("Breakout", grayscale=True, pictures=True, frame_size=(84, 84), **options)
    plain = make_atari("Breakout", grayscale=True, frame_size=(84, 84), **options)
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(3):
        frame, small, expected = (env.reset(seed=2)[0] for env in (native, grey, plain))
        done = False
        while not done:
            np.testing.assert_array_equal(pictures_of(grey), frame)
            np.testing.assert_array_equal(small, expected)
            action = rng.integers(4)
            frame, _, terminated, truncated, _ = native.step(action)
            small, expected = grey.step(action)[0], plain.step(action)[0]
            done = terminated or truncated
        np.testing.assert_array_equal(pictures_of(grey), frame)
        ends += 1
    assert ends == 3


def test_bars_on_grey_frames_have_the_luma_of_their_colour():
    assert luma(np.broadcast_to(COLOUR, (1, 2, 2, 3)).copy())[0, 0, 0] == GREY
    colour = make_atari_vec("Pong", 1, noise="both", pictures=True).reset(seed=3)[0][0]
    grey = make_atari_vec("Pong", 1, noise="both", grayscale=True).reset(seed=3)[0][0]
    covered = (colour == COLOUR).all(-1)
    assert 0.1 < covered.mean() < 0.2
    assert (grey[covered] == GREY).all()


def test_raw_frames_and_memory_are_those_of_the_console():
    env = make_atari("MsPacman", raw_frames=True, **EXACT)
    raw = AtariEnv("ms_pacman", frameskip=1, repeat_action_probability=0.0)
    kept = raw_frames_of(env)
    env.reset(seed=5)
    raw.reset(seed=5)
    rng = np.random.default_rng(0)
    for _ in range(30):
        action = int(rng.integers(9))
        frame, *_ = env.step(action)
        played = []
        for _ in range(4):
            played.append((raw.step(action)[0], raw.ale.getRAM().copy()))
        np.testing.assert_array_equal(kept.pair, [played[2][0], played[3][0]])
        np.testing.assert_array_equal(kept.memory, [played[2][1], played[3][1]])
        np.testing.assert_array_equal(frame, kept.pair.max(0))
        np.testing.assert_array_equal(frame, kept.picture)
    with pytest.raises(ValueError, match=r"raw_frames=True"):
        raw_frames_of(make_atari("Pong"))


def test_endless_breakout_has_the_same_frames_and_pictures():
    options = dict(frame_size=(84, 84), grayscale=True, pictures=True, **EXACT)
    plain = make_atari_vec("Breakout", 2, **options)
    endless = make_atari_vec("Breakout", 2, infinite=True, **options)
    a, b = plain.reset(seed=0)[0], endless.reset(seed=0)[0]
    for action in (1, 2, 2, 3, 0):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(pictures_of(plain), pictures_of(endless))
        a, b = plain.step([action] * 2)[0], endless.step([action] * 2)[0]
