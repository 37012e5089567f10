import gymnasium as gym
import numpy as np
import pytest

from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.envs.distractors import SPEEDS, Distractors
from objwrappers.rendering.bars import COLOUR, POSITIONS

ALL = np.arange(3)


def follow(distractors, steps):
    tracks = []
    for _ in range(steps):
        distractors.advance(np.arange(len(distractors.positions()[0])))
        tracks.append(distractors.positions())
    return np.array(tracks)  # (steps, axis, env)


@pytest.mark.parametrize("motion", ["iid", "smooth"])
def test_bars_are_reproducible_and_alike_alone_and_among_others(motion):
    together = Distractors("both", motion, num_envs=3)
    together.seed([4, 5, 6], ALL)
    tracks = follow(together, 50)
    for env, seed in enumerate([4, 5, 6]):
        alone = Distractors("both", motion)
        alone.seed([seed], np.zeros(1, int))
        np.testing.assert_array_equal(follow(alone, 50)[..., 0], tracks[..., env])
    assert (np.abs(np.diff(tracks, axis=2)).max(0) > 0).all(), "envs differ"
    assert np.abs(tracks[:, 0] - tracks[:, 1]).max() > 0, "axes differ"


def test_iid_positions_are_uniform_over_0_to_78():
    distractors = Distractors("both", num_envs=1000)
    distractors.seed(range(1000), np.arange(1000))
    positions = follow(distractors, 100)
    counts = np.bincount(positions.astype(int).ravel(), minlength=POSITIONS)
    assert len(counts) == POSITIONS
    expected = positions.size / POSITIONS
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 130  # 78 degrees of freedom: exceeded once in 5,000
    steps = positions[:, 0]
    assert abs(np.corrcoef(steps[:-1].ravel(), steps[1:].ravel())[0, 1]) < 0.02


def test_smooth_bars_glide_and_turn_round_at_the_borders():
    distractors = Distractors("vertical", "smooth", num_envs=20)
    distractors.seed(range(20), np.arange(20))
    tracks = follow(distractors, 500)[:, 0]
    moved = np.abs(np.diff(tracks, axis=0))
    assert tracks.min() >= 0 and tracks.max() <= POSITIONS - 1
    assert tracks.min() < 2 and tracks.max() > POSITIONS - 3
    assert moved.max() <= SPEEDS[1] + 1e-9
    usual = np.median(moved, axis=0)
    assert (usual >= SPEEDS[0]).all() and usual.std() > 0.1


def bar_columns(frame):
    return np.flatnonzero((frame == COLOUR).all(-1).all(0))


@pytest.mark.parametrize("noise", ["vertical", "horizontal", "both"])
def test_one_env_equals_the_vector_env_through_an_episodes_end(noise):
    options = {"repeat_action_probability": 0.0, "max_num_frames_per_episode": 120, "noise": noise}
    single, vector = make_atari("Pong", **options), make_atari_vec("Pong", 2, **options)
    frames, _ = vector.reset(seed=7)
    frame, _ = single.reset(seed=8)
    np.testing.assert_array_equal(frame, frames[1])
    done = False
    for _ in range(70):
        frames, *_ = vector.step(np.zeros(2, int))
        if done:
            frame, _ = single.reset()
            done = False
        else:
            frame, _, terminated, truncated, _ = single.step(0)
            done = terminated or truncated
        np.testing.assert_array_equal(frame, frames[1])


def test_a_partial_reset_moves_the_bars_of_its_envs_only():
    env = make_atari_vec("Pong", 2, noise="vertical")
    first, _ = env.reset(seed=0)
    again, _ = env.reset(options={"reset_mask": np.array([True, False])})
    np.testing.assert_array_equal(bar_columns(again[1]), bar_columns(first[1]))
    assert not np.array_equal(bar_columns(again[0]), bar_columns(first[0]))
    assert len(bar_columns(again[0])) == 10


def test_a_seed_repeats_the_bars():
    env = gym.make("ObjFrames-Pong-v0", noise="both", render_mode="rgb_array")
    pictures = []
    for _ in range(2):
        env.reset(seed=3)
        env.step(0)
        pictures.append(env.render())
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("vectorised", [False, True])
def test_an_unknown_noise_or_motion_is_refused(vectorised):
    make = gym.make_vec if vectorised else gym.make
    with pytest.raises(ValueError, match=r"Unknown noise 'bth'\. Did you mean 'both'"):
        make("ObjFrames-Pong-v0", noise="bth")
    with pytest.raises(ValueError, match=r"Unknown noise_motion 'fast'\. There are iid, smooth"):
        make("ObjFrames-Pong-v0", noise="both", noise_motion="fast")
