"""The console's memory as an observation, beside what the layers of frames keep."""

import numpy as np
import pytest

from objwrappers.envs.atari import make_atari
from objwrappers.envs.raw import raw_frames_of

EXACT = {"repeat_action_probability": 0.0}


@pytest.mark.parametrize(
    "game, options",
    [
        ("MsPacman", {"noop_max": 20, "max_num_frames_per_episode": 62}),
        ("Breakout", {"fire_each_life": True, "infinite": True}),
        ("Pong", {"frameskip": 3, "max_num_frames_per_episode": 50}),
        ("Pong", {"frameskip": 1}),
    ],
)
def test_memory_and_pictures_are_those_of_an_env_of_frames(game, options):
    frames = make_atari(game, raw_frames=True, **options, **EXACT)
    console = make_atari(game, memory=True, pictures=True, **options, **EXACT)
    bare = make_atari(game, memory=True, **options, **EXACT)
    assert console.observation_space.contains(console.reset(seed=3)[0])
    frame, _ = frames.reset(seed=3)
    bare.reset(seed=3)
    np.testing.assert_array_equal(console.get_wrapper_attr("picture"), frame)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(60):
        action = int(rng.integers(frames.action_space.n))
        frame, *expected = frames.step(action)
        memory, *given = console.step(action)
        assert given == expected
        np.testing.assert_array_equal(memory, raw_frames_of(frames).memory)
        np.testing.assert_array_equal(memory, bare.step(action)[0])
        np.testing.assert_array_equal(console.get_wrapper_attr("picture"), frame)
        if given[1] or given[2]:
            ends += 1
            frame, _ = frames.reset()
            memory, _ = console.reset()
            bare.reset()
            np.testing.assert_array_equal(memory, raw_frames_of(frames).memory)
            np.testing.assert_array_equal(console.get_wrapper_attr("picture"), frame)
    assert (ends > 1) == ("max_num_frames_per_episode" in options)
    assert bare.get_wrapper_attr("picture") is None
